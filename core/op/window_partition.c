/* window_partition: a map cut into windows, for attention inside them; see window.h.
 *   x [B,H,W,C] -> [B,ceil(H/w),ceil(W/w),w*w,C]; the padding is 0. window_merge undoes it. */
#include "window.h"

static const ra_param params[] = {RA_WINDOW_PARAMS(256), {0}};

static ra_windows windows_of(const ra_call *c) { return ra_windows_of(c, c->in[0].dim[1], c->in[0].dim[2]); }

static int32_t infer(ra_call *c) {
  RA_TRY(ra_want_rank(c, 0, 4));
  ra_windows w = windows_of(c);
  return ra_out(c, 5, (int32_t[]){c->in[0].dim[0], w.rows, w.columns, w.size * w.size, c->in[0].dim[3]});
}

static void forward(ra_call *c) {
  ra_windows w = windows_of(c);
  ra_windows_cut(&w, c->in[0].dim[0], c->in[0].dim[3], c->in[0].data, false, c->out.data);
}

static void backward(ra_call *c) {
  ra_windows w = windows_of(c);
  ra_windows_join(&w, c->in[0].dim[0], c->in[0].dim[3], c->dout.data, c->add[0], c->din[0].data);
}

const ra_op ra_op_window_partition = {
  .name = "window_partition",
  .help = "a map cut into windows, for attention inside them (Liu et al. 2021, 3.2); window_merge undoes it\n"
          "x [B,H,W,C] -> [B,ceil(H/w),ceil(W/w),w w,C]: padded with 0 at the bottom and right, moved by -shift cyclically, cut\n"
          "a height or width that fits one window is not moved",
  .inputs = "x",
  .params = params,
  .check = ra_windows_check,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,4,6,3 | window=2\n1,5,7,2 | window=3 shift=1\n1,3,8,2 | window=4 shift=2",
};
