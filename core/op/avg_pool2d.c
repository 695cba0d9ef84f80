/* avg_pool2d: y[b,c,i,j] = mean over the window of x[b,c,i*stride - pad + u, ..]
 *   x [B,C,H,W] -> [B,C,Ho,Wo], Ho = floor((H + 2 pad - k) / stride) + 1
 * Zeros of the border count in the mean unless count_pad = false. */
#include "pool.h"

enum { COUNT_PAD = 6 }; /* slot */

static const ra_param params[] = {
  RA_POOL_PARAMS,
  {.name = "count_pad", .kind = RA_PARAM_BOOL, .default_value = 1, .low = 0, .high = 1, .help = "zeros of the border count in the mean"},
  {0}};

static ra_pool shape_of(const ra_call *c) {
  ra_pool s = ra_pool_of(c);
  s.count_pad = c->param[COUNT_PAD] != 0;
  return s;
}

static void forward(ra_call *c) {
  ra_pool s = shape_of(c);
  ra_kernel()->avg_pool(&s, c->in[0].data, c->out.data);
}

static void backward(ra_call *c) {
  ra_pool s = shape_of(c);
  ra_kernel()->avg_pool_grad(&s, c->dout.data, c->add[0], c->din[0].data);
}

const ra_op ra_op_avg_pool2d = {
  .name = "avg_pool2d",
  .help = "the mean of each window\nx [B,C,H,W] -> [B,C,Ho,Wo], Ho = floor((H + 2 pad - k) / stride) + 1",
  .inputs = "x",
  .params = params,
  .infer = ra_pool_infer,
  .sees = ra_sees_pool,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4,6\n1,2,5,7 | k=3 stride=2 pad=1\n1,2,7,6 | k={3,2} stride={2,1} pad={1,0} count_pad=false",
};
