/* exp: y = exp(x), any shape; dx = dy y. */
#include "pointwise.h"

RA_POINTWISE(RA_UNARY_EXP)

const ra_op ra_op_exp = {
  .name = "exp",
  .help = "e to the power of x\nx of any shape -> same shape",
  .inputs = "x",
  .flags = RA_OP_INPLACE | RA_OP_INPLACE_GRAD,
  .reads = RA_READS_OUT,
  .infer = ra_pointwise_infer,
  .sees = ra_sees_pixel,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4,5\n7",
};
