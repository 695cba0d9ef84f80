#include "softmax_common.h"

const ra_param ra_softmax_common_params[] = {
  {.name = "dim", .kind = RA_PARAM_DIM, .default_value = 1, .low = 0, .high = RA_MAX_RANK - 1, .help = "along which dimension"},
  {0}};

int32_t ra_softmax_common_infer(ra_call *c) {
  char text[80];
  if ((int32_t)c->param[0] >= c->in[0].rank)
    return ra_fail(RA_ERR_SHAPE, "%s: dim = %d, but x is %s", c->op->name, (int32_t)c->param[0] + 1, ra_in_text(c, 0, text));
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

void ra_softmax_common_forward(ra_call *c, bool logarithm) {
  int64_t outer;
  int32_t n;
  int64_t inner = cut(c, &outer, &n);
  ra_kernel()->softmax(logarithm, outer, n, inner, c->in[0].data, c->out.data);
}

void ra_softmax_common_backward(ra_call *c, bool logarithm) {
  int64_t outer;
  int32_t n;
  int64_t inner = cut(c, &outer, &n);
  ra_kernel()->softmax_grad(logarithm, outer, n, inner, c->out.data, c->dout.data, c->add[0], c->din[0].data);
}
