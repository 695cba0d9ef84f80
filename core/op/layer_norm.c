/* layer_norm (Ba et al. 2016): over the last `dims` dimensions,
 *   y = weight * (x - mean) / sqrt(var + eps) + bias, biased variance
 *   x [..., n], weight, bias [n] (the shape of those dimensions) -> same shape
 * saved: mean, rstd of each row. */
#include "op.h"

enum { DIMS, EPS };
enum { X, WEIGHT, BIAS };
enum { MEAN, RSTD }; /* saved */

static const ra_param params[] = {
  {.name = "dims", .kind = RA_PARAM_INT, .default_value = 1, .low = 1, .high = RA_MAX_RANK, .help = "how many of the last dimensions"},
  {.name = "eps", .kind = RA_PARAM_NUMBER, .default_value = 1e-5, .low = 0, .high = 1, .help = "added to the variance"},
  {0}};

/* Elements of a row; *rows how many. */
static int32_t cut(const ra_call *c, int32_t *rows) {
  const ra_array *x = &c->in[X];
  int32_t N = 1;
  for (int32_t i = x->rank - (int32_t)c->param[DIMS]; i < x->rank; i++) N *= x->dim[i];
  *rows = N > 0 ? x->size / N : 0;
  return N;
}

static int32_t infer(ra_call *c) {
  char a[80], b[80], name[32];
  const ra_array *x = &c->in[X];
  int32_t dims = (int32_t)c->param[DIMS], rows;
  if (x->rank < dims)
    return ra_fail(RA_ERR_SHAPE, "layer_norm: x %s has fewer than dims = %d dimensions", ra_in_text(c, X, a), dims);
  for (int32_t k = WEIGHT; k <= BIAS; k++) {
    bool fits = !ra_has(c, k) || c->in[k].rank == dims;
    for (int32_t i = 0; fits && ra_has(c, k) && i < dims; i++) fits = c->in[k].dim[i] == x->dim[x->rank - dims + i];
    if (!fits)
      return ra_fail(RA_ERR_SHAPE, "layer_norm: %s is %s, wanted the last %d dimensions of x %s",
                     ra_input_name(c->op, k, name), ra_in_text(c, k, b), dims, ra_in_text(c, X, a));
  }
  RA_TRY(ra_out_like(c, X));
  if (x->size == 0) return RA_OK;
  int32_t N = cut(c, &rows);
  for (int32_t k = MEAN; k <= RSTD; k++) RA_TRY(ra_save(c, 1, &rows));
  c->work_forward = (size_t)rows * sizeof(ra_real); /* variances */
  c->work_backward = ra_kernel()->layer_grad_work(rows, N);
  return RA_OK;
}

static const ra_real *data_or_null(const ra_call *c, int32_t k) { return ra_has(c, k) ? c->in[k].data : NULL; }

static void forward(ra_call *c) {
  int32_t rows, N = cut(c, &rows);
  ra_real *mean = c->saved[MEAN].data, *rstd = c->saved[RSTD].data;
  ra_kernel()->channel_stats(1, rows, N, c->in[X].data, c->param[EPS], mean, c->work, rstd);
  ra_kernel()->layer_affine(rows, N, c->in[X].data, mean, rstd, data_or_null(c, WEIGHT), data_or_null(c, BIAS), c->out.data);
}

static void backward(ra_call *c) {
  int32_t rows, N = cut(c, &rows);
  ra_kernel()->layer_grad(rows, N, c->in[X].data, c->dout.data, c->saved[MEAN].data, c->saved[RSTD].data,
                          data_or_null(c, WEIGHT), c->add[X], c->din[X].data, c->add[WEIGHT], c->din[WEIGHT].data,
                          c->add[BIAS], c->din[BIAS].data, c->work);
}

const ra_op ra_op_layer_norm = {
  .name = "layer_norm",
  .help = "layer normalisation (Ba et al. 2016) over the last `dims` dimensions\n"
          "x [...,n], weight, bias [n] (the shape of those dimensions) -> same shape as x",
  .inputs = "x,weight?,bias?",
  .params = params,
  .flags = RA_OP_INPLACE_GRAD,
  .reads = RA_READS_IN0 | RA_READS_IN1,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "3,4,6 6 6\n2,3,2,5 2,5 2,5 | dims=2\n5,7 - -\n2,9 9 -",
};
