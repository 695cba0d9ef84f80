/* sqrt: y = sqrt(x), any shape; dx = dy / (2 y). */
#include "pointwise.h"

RA_POINTWISE(RA_UNARY_SQRT)

const ra_op ra_op_sqrt = {
  .name = "sqrt",
  .help = "square root\nx of any shape -> same shape; NaN below 0",
  .inputs = "x",
  .flags = RA_OP_INPLACE | RA_OP_INPLACE_GRAD,
  .reads = RA_READS_OUT,
  .infer = ra_pointwise_infer,
  .sees = ra_sees_pixel,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4,5:pos\n7:pos",
};
