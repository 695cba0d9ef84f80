/* ne: 1 where a != b, else 0; NaN differs from everything. Shapes broadcast as in add. No gradient. */
#include "compare.h"

RA_COMPARE_FORWARD(!=)

const ra_op ra_op_ne = {
  .name = "ne",
  .help = "1 where a is not equal to b, else 0; no gradient\n"
          "a, b broadcast; NaN differs from everything. ne(label, 0) is the mask of all classes but the first",
  .inputs = "a,b",
  .infer = ra_arith_infer,
  .sees = ra_sees_pixel,
  .forward = forward,
  .samples = "2,3,4 2,3,4\n2,3,4 3,1\n4:label 4:label",
};
