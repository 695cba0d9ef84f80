/* detach: y = x, a value that gets no gradient. Any shape. */
#include "op.h"

static int32_t infer(ra_call *c) { return ra_out_like(c, 0); }

static void forward(ra_call *c) { ra_store(false, c->out.size, c->in[0].data, c->out.data); }

const ra_op ra_op_detach = {
  .name = "detach",
  .help = "x, through which no gradient flows: a target that the net makes itself\nx of any shape -> same shape",
  .inputs = "x",
  .flags = RA_OP_INPLACE,
  .infer = infer,
  .sees = ra_sees_pixel,
  .forward = forward,
  .samples = "2,3,4\n7",
};
