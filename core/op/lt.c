/* lt: 1 where a < b, else 0; NaN is related to nothing. Shapes broadcast as in add. No gradient. */
#include "compare.h"

RA_COMPARE_FORWARD(<)

const ra_op ra_op_lt = {
  .name = "lt",
  .help = "1 where a is less than b, else 0; no gradient\n"
          "a, b broadcast; NaN is related to nothing. Lua's own < compares no elements",
  .inputs = "a,b",
  .infer = ra_arith_infer,
  .sees = ra_sees_pixel,
  .forward = forward,
  .samples = "2,3,4 2,3,4\n2,3,4 3,1\n4:label 4:label",
};
