/* abs: y = |x|, any shape; the gradient at 0 is 0. */
#include "pointwise.h"

RA_POINTWISE(RA_UNARY_ABS)

const ra_op ra_op_abs = {
  .name = "abs",
  .help = "absolute value\nx of any shape -> same shape; the gradient at 0 is 0",
  .inputs = "x",
  .flags = RA_OP_INPLACE | RA_OP_INPLACE_GRAD,
  .reads = RA_READS_IN0,
  .infer = ra_pointwise_infer,
  .sees = ra_sees_pixel,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4,5\n7",
};
