/* log_softmax: y = x - log sum exp(x) along dim; dx = dy - exp(y) sum(dy).
 * Any shape of rank 1 or more; the maximum along dim is taken off first. */
#include "op.h"

static const ra_param params[] = {
  {.name = "dim", .kind = RA_PARAM_DIM, .standard = 1, .low = 0, .high = RA_MAX_RANK - 1, .help = "along which dimension"},
  {0}};

static int32_t infer(ra_call *c) {
  char text[80];
  if ((int32_t)c->param[0] >= c->in[0].rank)
    return ra_fail(RA_ERR_SHAPE, "log_softmax: dim = %d, but x is %s", (int32_t)c->param[0] + 1, ra_in_text(c, 0, text));
  return ra_out_like(c, 0);
}

/* The shape as [outer, dim, inner]; returns inner. */
static int64_t cut(const ra_call *c, int64_t *outer, int32_t *n) {
  int32_t dim = (int32_t)c->param[0];
  int64_t inner = 1;
  *outer = 1;
  *n = c->out.dim[dim];
  for (int32_t i = 0; i < dim; i++) *outer *= c->out.dim[i];
  for (int32_t i = dim + 1; i < c->out.rank; i++) inner *= c->out.dim[i];
  return inner;
}

static void forward(ra_call *c) {
  int64_t outer;
  int32_t n;
  int64_t inner = cut(c, &outer, &n);
  ra_kernel()->softmax(true, outer, n, inner, c->in[0].data, c->out.data);
}

static void backward(ra_call *c) {
  int64_t outer;
  int32_t n;
  int64_t inner = cut(c, &outer, &n);
  ra_kernel()->softmax_grad(true, outer, n, inner, c->out.data, c->dout.data, c->add[0], c->din[0].data);
}

const ra_op ra_op_log_softmax = {
  .name = "log_softmax",
  .help = "logarithm of softmax along dim: x - log sum exp(x)\nx of any shape of rank 1 or more -> same shape; dim = 2: channels",
  .inputs = "x",
  .params = params,
  .flags = RA_OP_INPLACE | RA_OP_INPLACE_GRAD,
  .reads = RA_READS_OUT,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4,5\n4,7\n6 | dim=1\n2,3,4 | dim=3",
};
