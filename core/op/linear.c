/* linear: y[..,o] = bias[o] + sum over k of x[..,k] weight[o,k] (as PyTorch).
 *   x [...,K], weight [O,K], bias [O] -> [...,O]
 *   dx = dy weight, dweight = dy^T x, dbias = the sum of dy over all rows */
#include "../base/math.h"
#include "product.h"

enum { X, WEIGHT, BIAS };

/* The number of rows of x. */
static int32_t rows(const ra_call *c) { return c->in[WEIGHT].dim[0] > 0 ? c->out.size / c->in[WEIGHT].dim[0] : 0; }

/* Bytes of as many ones as x has rows: the gradient of the bias is their product with dy. */
static size_t ones_of(const ra_call *c) { return ra_round_up((size_t)rows(c) * sizeof(ra_real), (size_t)64); }

static int32_t infer(ra_call *c) {
  char a[80], b[80];
  const ra_array *x = &c->in[X], *w = &c->in[WEIGHT];
  int32_t dim[RA_MAX_RANK];
  if (x->rank < 1 || w->rank != 2 || x->dim[x->rank - 1] != w->dim[1])
    return ra_fail(RA_ERR_SHAPE, "linear: x %s and weight %s do not fit: wanted [..,K] and [O,K]", ra_in_text(c, X, a),
                   ra_in_text(c, WEIGHT, b));
  RA_TRY(ra_want_vector(c, BIAS, w->dim[0], "one an output"));
  memcpy(dim, x->dim, sizeof dim);
  dim[x->rank - 1] = w->dim[0];
  RA_TRY(ra_out(c, x->rank, dim));
  size_t weight = ra_product_work(w->dim[0], w->dim[1], rows(c)), bias = ones_of(c) + ra_product_work(1, w->dim[0], rows(c));
  c->work_weights = ra_max(weight, bias);
  return RA_OK;
}

static void forward(ra_call *c) {
  int32_t O = c->in[WEIGHT].dim[0], K = c->in[WEIGHT].dim[1], R = rows(c);
  bool bias = ra_has(c, BIAS);
  for (int32_t r = 0; bias && r < R; r++) memcpy(c->out.data + (int64_t)r * O, c->in[BIAS].data, (size_t)O * sizeof(ra_real));
  ra_product(false, true, R, O, K, c->in[X].data, c->in[WEIGHT].data, bias, c->out.data, NULL);
}

static void bias_grad(ra_call *c) {
  int32_t R = rows(c);
  ra_real *ones = c->work;
  for (int32_t r = 0; r < R; r++) ones[r] = 1;
  ra_product(true, false, 1, c->in[WEIGHT].dim[0], R, ones, c->dout.data, c->add[BIAS], c->din[BIAS].data, (char *)c->work + ones_of(c));
}

static void backward_weights(ra_call *c) {
  int32_t O = c->in[WEIGHT].dim[0], K = c->in[WEIGHT].dim[1];
  const ra_real *dy = c->dout.data;
  if (c->din[WEIGHT].data) ra_product(true, false, O, K, rows(c), dy, c->in[X].data, c->add[WEIGHT], c->din[WEIGHT].data, c->work);
  if (ra_has(c, BIAS) && c->din[BIAS].data) bias_grad(c);
}

static void backward(ra_call *c) {
  int32_t O = c->in[WEIGHT].dim[0], K = c->in[WEIGHT].dim[1];
  ra_product(false, false, rows(c), K, O, c->dout.data, c->in[WEIGHT].data, c->add[X], c->din[X].data, NULL);
}

static double flops(const ra_call *c) { return 2.0 * c->out.size * c->in[WEIGHT].dim[1]; }

const ra_op ra_op_linear = {
  .name = "linear",
  .help = "a linear layer: y = x weight^T + bias (as PyTorch)\nx [...,K], weight [O,K], bias [O] -> [...,O]",
  .inputs = "x,weight,bias?",
  .flags = RA_OP_PRODUCT,
  .reads = RA_READS_IN1,
  .reads_weights = RA_READS_IN0,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .backward_weights = backward_weights,
  .flops = flops,
  .samples = "3,4 5,4 5\n2,3,4 6,4 -\n7 2,7 2\n2,2,3,5 1,5 1\n2,1,3,2,3 4,3 4",
};
