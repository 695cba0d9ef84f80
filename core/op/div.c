/* div: y = a / b with broadcasting. da = dy / b, db = -dy a / b^2, summed over the stretched dimensions. */
#include "broadcast.h"

RA_ARITH(RA_BINARY_DIV)

const ra_op ra_op_div = {
  .name = "div",
  .help = "a / b, element by element\n"
          "shapes broadcast: aligned at the last dimension, sizes agree or are 1",
  .inputs = "a,b",
  .flags = RA_OP_INPLACE,
  .reads = RA_READS_IN0 | RA_READS_IN1,
  .infer = ra_arith_infer,
  .sees = ra_sees_pixel,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4 2,3,4:pos\n2,3,4,5 1,3,1,1:pos\n1 3,4:pos\n2,1,3 4,1:pos",
};
