/* sum: over all elements (a result of rank 0) or over the dimensions `dim`, in
 * double, in an order fixed by shape. x of any shape. dx is dy, stretched. */
#include "reduce.h"

static const ra_param params[] = {RA_REDUCE_PARAMS, {0}};

static void forward(ra_call *c) { ra_reduce_sum(c, 1); }
static void backward(ra_call *c) { ra_reduce_spread(c, 1); }

const ra_op ra_op_sum = {
  .name = "sum",
  .help = "sum over all elements, or over some dimensions\n"
          "x of any shape -> rank 0, or x without the dimensions dim (with size 1: keepdim = true)",
  .inputs = "x",
  .params = params,
  .infer = ra_reduce_infer,
  .sees = ra_sees_reduce,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4\n2,3,4 | dim=2\n2,3,4,5 | dim={1,3} keepdim=true\n2,3,4 | dim=3\n5 | dim=1",
};
