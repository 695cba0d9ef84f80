/* gt: 1 where a > b, else 0; NaN is related to nothing. Shapes broadcast as in add. No gradient. */
#include "compare.h"

RA_COMPARE_FORWARD(>)

const ra_op ra_op_gt = {
  .name = "gt",
  .help = "1 where a is greater than b, else 0; no gradient\n"
          "a, b broadcast; NaN is related to nothing. gt(p, 0.5) is the mask of probabilities above one half",
  .inputs = "a,b",
  .infer = ra_arith_infer,
  .sees = ra_sees_pixel,
  .forward = forward,
  .samples = "2,3,4 2,3,4\n2,3,4 3,1\n4:label 4:label",
};
