/* min: over all elements (a result of rank 0) or over the dimensions `dim`. The gradient goes to the least element, of equal
 * ones to the first. NaN wins. */
#include "extreme.h"
#include "reduce.h"

static const ra_param params[] = {RA_REDUCE_PARAMS, {0}};

static void forward(ra_call *c) { ra_extreme_forward(c, true); }

const ra_op ra_op_min = {
  .name = "min",
  .help = "least of all elements, or over some dimensions; the gradient goes to the first of equal ones\n"
          "x of any shape -> rank 0, or x without the dimensions dim (with size 1: keepdim = true)",
  .inputs = "x",
  .params = params,
  .infer = ra_extreme_infer,
  .sees = ra_sees_reduce,
  .forward = forward,
  .backward = ra_extreme_backward,
  .samples = "2,3,4\n2,3,4 | dim=2\n2,3,4,5 | dim={1,3} keepdim=true\n2,3,4 | dim=3",
};
