/* affine: y = scale * x + shift with two numbers that schedules may move. Any shape. */
#include <math.h>

#include "pointwise.h"

static const ra_param params[] = {
  {.name = "scale", .kind = RA_PARAM_NUMBER, .default_value = 1, .low = -INFINITY, .high = INFINITY, .help = "factor", .live = true},
  {.name = "shift", .kind = RA_PARAM_NUMBER, .default_value = 0, .low = -INFINITY, .high = INFINITY, .help = "summand", .live = true},
  {0}};

RA_POINTWISE(RA_UNARY_AFFINE)

const ra_op ra_op_affine = {
  .name = "affine",
  .help = "scale * x + shift\nx of any shape -> same shape; scale and shift may change between runs of a plan",
  .inputs = "x",
  .params = params,
  .flags = RA_OP_INPLACE | RA_OP_INPLACE_GRAD,
  .reads = 0,
  .infer = ra_pointwise_infer,
  .sees = ra_sees_pixel,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4,5 | scale=-1.5 shift=0.25\n7",
};
