/* add: y = a + b with broadcasting. da and db are dy, summed over the stretched dimensions. */
#include "broadcast.h"

RA_ARITH(RA_BINARY_ADD)

const ra_op ra_op_add = {
  .name = "add",
  .help = "a + b, element by element\n"
          "shapes broadcast: aligned at the last dimension, sizes agree or are 1",
  .inputs = "a,b",
  .flags = RA_OP_INPLACE | RA_OP_INPLACE_GRAD,
  .role = RA_ROLE_ADD,
  .reads = 0,
  .infer = ra_arith_infer,
  .sees = ra_sees_pixel,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4 2,3,4\n2,3,4,5 1,3,1,1\n3,4 1\n2,1,3 4,1\n4 2,3,4",
};
