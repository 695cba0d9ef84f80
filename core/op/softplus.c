/* softplus: y = log(1 + exp(x)), any shape; dx = dy sigmoid(x). */
#include "pointwise.h"

RA_POINTWISE(RA_UNARY_SOFTPLUS)

const ra_op ra_op_softplus = {
  .name = "softplus",
  .help = "log(1 + exp(x)), a smooth max(x, 0)\nx of any shape -> same shape; accurate for any x",
  .inputs = "x",
  .flags = RA_OP_INPLACE | RA_OP_INPLACE_GRAD,
  .reads = RA_READS_IN0,
  .infer = ra_pointwise_infer,
  .sees = ra_sees_pixel,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4,5\n7",
};
