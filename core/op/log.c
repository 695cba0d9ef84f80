/* log: y = ln(x), any shape; dx = dy / x. */
#include "pointwise.h"

RA_POINTWISE(RA_UNARY_LOG)

const ra_op ra_op_log = {
  .name = "log",
  .help = "natural logarithm\nx of any shape -> same shape; -inf at 0, NaN below",
  .inputs = "x",
  .flags = RA_OP_INPLACE | RA_OP_INPLACE_GRAD,
  .reads = RA_READS_IN0,
  .infer = ra_pointwise_infer,
  .sees = ra_sees_pixel,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4,5:pos\n7:pos",
};
