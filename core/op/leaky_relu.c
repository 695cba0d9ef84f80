/* leaky_relu: y = x where x > 0, slope * x elsewhere, any shape. slope >= 0, so that backward can tell the two cases by the sign of y. */
#include "pointwise.h"

static const ra_param params[] = {
  {.name = "slope", .kind = RA_PARAM_NUMBER, .default_value = 0.01, .low = 0, .high = 1e6, .help = "factor for negative x"},
  {0}};

RA_POINTWISE(RA_UNARY_LEAKY_RELU)

const ra_op ra_op_leaky_relu = {
  .name = "leaky_relu",
  .help = "leaky rectified linear unit: x where x > 0, slope x elsewhere\nx of any shape -> same shape; the gradient at 0 is slope",
  .inputs = "x",
  .params = params,
  .flags = RA_OP_INPLACE | RA_OP_INPLACE_GRAD,
  .role = RA_ROLE_ACT,
  .act = RA_ACT_LEAKY_RELU,
  .reads = RA_READS_OUT,
  .infer = ra_pointwise_infer,
  .sees = ra_sees_pixel,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4,5\n7 | slope=0.3",
};
