/* tanh: y = tanh(x), any shape; dx = dy (1 - y^2). */
#include "pointwise.h"

RA_POINTWISE(RA_UNARY_TANH)

const ra_op ra_op_tanh = {
  .name = "tanh",
  .help = "hyperbolic tangent\nx of any shape -> same shape",
  .inputs = "x",
  .flags = RA_OP_INPLACE | RA_OP_INPLACE_GRAD,
  .reads = RA_READS_OUT,
  .infer = ra_pointwise_infer,
  .sees = ra_sees_pixel,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4,5\n7",
};
