/* mul: y = a * b with broadcasting. da = dy b, db = dy a, summed over the stretched dimensions. */
#include "broadcast.h"

RA_ARITH(RA_BINARY_MUL)

const ra_op ra_op_mul = {
  .name = "mul",
  .help = "a * b, element by element\n"
          "shapes broadcast: aligned at the last dimension, sizes agree or are 1",
  .inputs = "a,b",
  .flags = RA_OP_INPLACE,
  .reads = RA_READS_IN0 | RA_READS_IN1,
  .infer = ra_arith_infer,
  .sees = ra_sees_pixel,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4 2,3,4\n2,3,4,5 2,1,4,5\n3,4 1\n2,1,3 4,1\n2,3,4 4",
};
