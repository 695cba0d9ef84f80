/* relu: y = max(x, 0), any shape. The gradient at 0 is 0. */
#include "pointwise.h"

RA_POINTWISE(RA_UNARY_RELU)

const ra_op ra_op_relu = {
  .name = "relu",
  .help = "rectified linear unit: max(x, 0)\nx of any shape -> same shape; the gradient at 0 is 0",
  .inputs = "x",
  .flags = RA_OP_INPLACE | RA_OP_INPLACE_GRAD,
  .role = RA_ROLE_ACT,
  .act = RA_ACT_RELU,
  .reads = RA_READS_OUT,
  .infer = ra_pointwise_infer,
  .sees = ra_sees_pixel,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4,5\n7",
};
