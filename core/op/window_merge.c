/* window_merge: windows joined to a map of the height and width of ref; see window.h. Only the shape of ref matters.
 *   x [B,h,w,s*s,C], ref [B',H,W,C'] -> [B,H,W,C]; h = ceil(H/s), w = ceil(W/s); what was padding is left out.
 *   With window = 2 and no shift it brings four vectors a place to twice the size. */
#include "window.h"

static const ra_param params[] = {RA_WINDOW_PARAMS(256), {0}};

static ra_windows windows_of(const ra_call *c) { return ra_windows_of(c, c->in[1].dim[1], c->in[1].dim[2]); }

static int32_t infer(ra_call *c) {
  char a[80], b[80];
  const int32_t *x = c->in[0].dim;
  RA_TRY(ra_want_rank(c, 0, 5));
  RA_TRY(ra_want_rank(c, 1, 4));
  ra_windows w = windows_of(c);
  if (x[1] != w.rows || x[2] != w.columns || x[3] != w.size * w.size)
    return ra_fail(RA_ERR_SHAPE, "window_merge: x %s does not make a map like ref %s; wanted [B,%d,%d,%d,C]", ra_in_text(c, 0, a),
                   ra_in_text(c, 1, b), w.rows, w.columns, w.size * w.size);
  return ra_out(c, 4, (int32_t[]){x[0], w.H, w.W, x[4]});
}

static void forward(ra_call *c) {
  ra_windows w = windows_of(c);
  ra_windows_join(&w, c->out.dim[0], c->out.dim[3], c->in[0].data, false, c->out.data);
}

static void backward(ra_call *c) {
  ra_windows w = windows_of(c);
  ra_windows_cut(&w, c->out.dim[0], c->out.dim[3], c->dout.data, c->add[0], c->din[0].data);
}

const ra_op ra_op_window_merge = {
  .name = "window_merge",
  .help = "windows joined to a map of the height and width of ref; undoes window_partition with the same window and shift\n"
          "x [B,h,w,s s,C], ref [B',H,W,C'] -> [B,H,W,C]; h = ceil(H/s), w = ceil(W/s)\n"
          "window = 2 brings [B,h,w,4,C] to twice the size",
  .inputs = "x,ref",
  .params = params,
  .no_grad = 1 << 1,
  .check = ra_windows_check,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,2,3,4,3 1,4,6,1 | window=2\n1,2,3,9,2 1,5,7,2 | window=3 shift=1\n1,1,2,16,2 1,3,8,2 | window=4 shift=2",
};
