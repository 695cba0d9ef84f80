/* silu: y = x / (1 + exp(-x)), any shape. */
#include "pointwise.h"

RA_POINTWISE(RA_UNARY_SILU)

const ra_op ra_op_silu = {
  .name = "silu",
  .help = "sigmoid linear unit: x sigmoid(x)\nx of any shape -> same shape",
  .inputs = "x",
  .flags = RA_OP_INPLACE | RA_OP_INPLACE_GRAD,
  .reads = RA_READS_IN0,
  .infer = ra_pointwise_infer,
  .sees = ra_sees_pixel,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4,5\n7",
};
