/* crop_like: x cut at the bottom and right to H and W of ref; only the shape of ref matters.
 *   x [..,H,W], ref [..,h,w] -> [..,h,w], h <= H, w <= W */
#include <string.h>

#include "../base/thread.h"
#include "op.h"

static int32_t infer(ra_call *c) {
  char a[80], b[80];
  const ra_array *x = &c->in[0], *ref = &c->in[1];
  int32_t dim[RA_MAX_RANK];
  if (x->rank < 2 || ref->rank < 2 || ref->dim[ref->rank - 2] > x->dim[x->rank - 2] ||
      ref->dim[ref->rank - 1] > x->dim[x->rank - 1])
    return ra_fail(RA_ERR_SHAPE, "crop_like: x %s cannot be cut to the height and width of ref %s", ra_in_text(c, 0, a),
                   ra_in_text(c, 1, b));
  memcpy(dim, x->dim, sizeof dim);
  dim[x->rank - 2] = ref->dim[ref->rank - 2];
  dim[x->rank - 1] = ref->dim[ref->rank - 1];
  return ra_out(c, x->rank, dim);
}

typedef struct {
  ra_call *c;
  int32_t H, W, h, w;
} job;

static void forward_plane(void *context, int32_t plane) {
  const job *j = context;
  for (int32_t i = 0; i < j->h; i++)
    memcpy(j->c->out.data + ((int64_t)plane * j->h + i) * j->w, j->c->in[0].data + ((int64_t)plane * j->H + i) * j->W,
           (size_t)j->w * sizeof(ra_real));
}

static void backward_plane(void *context, int32_t plane) {
  const job *j = context;
  ra_real *dx = j->c->din[0].data + (int64_t)plane * j->H * j->W;
  const ra_real *dy = j->c->dout.data + (int64_t)plane * j->h * j->w;
  bool add = j->c->add[0];
  for (int32_t i = 0; i < j->H; i++, dx += j->W) {
    int32_t n = i < j->h ? j->w : 0;
    if (n > 0) ra_store(add, n, dy + (int64_t)i * j->w, dx);
    if (!add) memset(dx + n, 0, (size_t)(j->W - n) * sizeof *dx);
  }
}

static void run(ra_call *c, ra_chunk_fn *plane) {
  int32_t rank = c->in[0].rank;
  job j = {c, c->in[0].dim[rank - 2], c->in[0].dim[rank - 1], c->out.dim[rank - 2], c->out.dim[rank - 1]};
  int64_t planes = 1;
  for (int32_t i = 0; i < rank - 2; i++) planes *= c->in[0].dim[i];
  ra_parallel((int32_t)planes, plane, &j);
}

static void forward(ra_call *c) { run(c, forward_plane); }
static void backward(ra_call *c) { run(c, backward_plane); }

static ra_sees sees(const ra_call *c, int32_t k, int32_t axis, ra_sight *s) {
  (void)c;
  (void)axis;
  (void)s;
  return k == 0 ? RA_SEES_NEAR : RA_SEES_SHAPE;
}

const ra_op ra_op_crop_like = {
  .name = "crop_like",
  .help = "x cut at the bottom and right to the height and width of ref\nx [..,H,W], ref [..,h,w] -> [..,h,w]",
  .inputs = "x,ref",
  .no_grad = 1 << 1,
  .infer = infer,
  .sees = sees,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,5,6 2,1,4,5\n2,3,4 3,4\n1,1,4,4 1,1,2,4",
};
