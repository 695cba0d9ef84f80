/* softmax: y = exp(x) / sum exp(x) along dim; dx = y (dy - sum(dy y)).
 * Any shape of rank 1 or more; the maximum along dim is subtracted first. */
#include "softmax_common.h"

static void forward(ra_call *c) { ra_softmax_common_forward(c, false); }
static void backward(ra_call *c) { ra_softmax_common_backward(c, false); }

const ra_op ra_op_softmax = {
  .name = "softmax",
  .help = "exp(x) / sum exp(x) along dim\nx of any shape of rank 1 or more -> same shape; dim = 2: channels",
  .inputs = "x",
  .params = ra_softmax_common_params,
  .flags = RA_OP_INPLACE | RA_OP_INPLACE_GRAD,
  .reads = RA_READS_OUT,
  .infer = ra_softmax_common_infer,
  .sees = ra_sees_along,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4,5\n4,7\n6 | dim=1\n2,3,4 | dim=3",
};
