/* sigmoid: y = 1 / (1 + exp(-x)), any shape; dx = dy y (1 - y). */
#include "pointwise.h"

RA_POINTWISE(RA_UNARY_SIGMOID)

const ra_op ra_op_sigmoid = {
  .name = "sigmoid",
  .help = "logistic function: 1 / (1 + exp(-x))\nx of any shape -> same shape",
  .inputs = "x",
  .flags = RA_OP_INPLACE | RA_OP_INPLACE_GRAD,
  .reads = RA_READS_OUT,
  .infer = ra_pointwise_infer,
  .sees = ra_sees_pixel,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4,5\n7",
};
