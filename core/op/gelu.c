/* gelu: y = x Phi(x), Phi the normal distribution function (exact, by erfc). Any shape. */
#include "pointwise.h"

RA_POINTWISE(RA_UNARY_GELU)

const ra_op ra_op_gelu = {
  .name = "gelu",
  .help = "Gaussian error linear unit: x Phi(x), exact (Hendrycks and Gimpel 2016)\nx of any shape -> same shape",
  .inputs = "x",
  .flags = RA_OP_INPLACE | RA_OP_INPLACE_GRAD,
  .reads = RA_READS_IN0,
  .infer = ra_pointwise_infer,
  .sees = ra_sees_pixel,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4,5\n7",
};
