/* eq: 1 where a and b are equal, else 0; NaN equals nothing. Shapes broadcast as in add. No gradient. */
#include "compare.h"

RA_COMPARE_FORWARD(==)

const ra_op ra_op_eq = {
  .name = "eq",
  .help = "1 where a and b are equal, else 0; no gradient\n"
          "a, b broadcast; NaN equals nothing. With a map of class numbers, eq(label, 3) is the mask of class 3",
  .inputs = "a,b",
  .infer = ra_arith_infer,
  .sees = ra_sees_pixel,
  .forward = forward,
  .samples = "2,3,4 2,3,4\n2,3,4 3,1\n4:label 4:label",
};
