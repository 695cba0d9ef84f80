/* max_pool2d: y[b,c,i,j] = max over the window of x[b,c,i*stride - pad + u, ..]
 *   x [B,C,H,W] -> [B,C,Ho,Wo], Ho = floor((H + 2 pad - k) / stride) + 1
 * Forward keeps the place of each maximum, one byte (four where a window has
 * more than 256 elements); backward needs nothing else. Of equal ones the first counts. */
#include "pool.h"

static const ra_param params[] = {RA_POOL_PARAMS, {0}};

static int32_t infer(ra_call *c) {
  RA_TRY(ra_pool_infer(c));
  ra_pool s = ra_pool_of(c);
  c->accepts = RA_ACCEPTS_DEFERRED;
  int64_t bytes = (int64_t)c->out.size * (s.kh * s.kw <= 256 ? 1 : (int64_t)sizeof(int32_t));
  int32_t size = (int32_t)((bytes + (int64_t)sizeof(ra_real) - 1) / (int64_t)sizeof(ra_real));
  return ra_save(c, 1, &size);
}

static void forward(ra_call *c) {
  ra_pool s = ra_pool_of(c);
  const ra_real *x;
  const ra_affine_act *deferred = ra_deferred(c, &x);
  ra_kernel()->max_pool(&s, x, c->out.dim[1], deferred, c->out.data, c->saved[0].data);
}

static void backward(ra_call *c) {
  ra_pool s = ra_pool_of(c);
  ra_kernel()->max_pool_grad(&s, c->dout.data, c->saved[0].data, c->add[0], c->din[0].data);
}

const ra_op ra_op_max_pool2d = {
  .name = "max_pool2d",
  .help = "the greatest value of each window\n"
          "x [B,C,H,W] -> [B,C,Ho,Wo], Ho = floor((H + 2 pad - k) / stride) + 1",
  .inputs = "x",
  .params = params,
  .infer = infer,
  .sees = ra_sees_pool,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4,6\n1,2,5,7\n1,2,7,6 | k=3 stride=2 pad=1\n1,1,5,5 | k={3,2} stride=1",
};
