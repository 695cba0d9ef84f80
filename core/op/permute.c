/* permute: dimensions in another order; y[i at dims] = x[i]: dimension k of y is
 * dimension dims[k] of x. A copy, in tiles where the last dimension moves. */
#include "../base/thread.h"
#include "../tensor/tensor.h"
#include "op.h"

static const ra_param params[] = {
  {.name = "dims", .kind = RA_PARAM_DIMS, .default_value = 0, .low = 0, .high = RA_MAX_RANK - 1,
   .help = "which dimension of x comes first, second, ...", .required = true},
  {0}};

static int32_t infer(ra_call *c) {
  char text[80];
  int32_t order[RA_MAX_LIST], dim[RA_MAX_RANK], n = ra_list(c, 0, order), seen = 0;
  if (n != c->in[0].rank)
    return ra_fail(RA_ERR_SHAPE, "permute: %d dimensions are given, x %s has %d", n, ra_in_text(c, 0, text), c->in[0].rank);
  for (int32_t i = 0; i < n; i++) {
    if (order[i] >= n || seen >> order[i] & 1)
      return ra_fail(RA_ERR_ARG, "permute: every dimension from 1 to %d must be named once", n);
    seen |= 1 << order[i];
    dim[i] = c->in[0].dim[order[i]];
  }
  return ra_out(c, n, dim);
}

/* to[...] (+)= from[...], both walked by the index of `to`, which is contiguous. */
typedef struct {
  int32_t rank, dim[RA_MAX_RANK];
  int64_t stride[RA_MAX_RANK]; /* of from */
  const ra_real *from;
  ra_real *to;
  bool add;
  int64_t planes;
} job;

enum { TILE = 16 };

/* The last two dimensions of `to`, R x C, from an array with strides r, c. */
static void copy_plane(const job *j, int64_t plane) {
  int32_t R = j->dim[j->rank - 2], C = j->dim[j->rank - 1];
  int64_t r = j->stride[j->rank - 2], c = j->stride[j->rank - 1], at = 0, rest = plane;
  for (int32_t i = j->rank - 3; i >= 0; i--) {
    at += rest % j->dim[i] * j->stride[i];
    rest /= j->dim[i];
  }
  const ra_real *from = j->from + at;
  ra_real *to = j->to + plane * R * C;
  for (int32_t i0 = 0; i0 < R; i0 += TILE)
    for (int32_t k0 = 0; k0 < C; k0 += TILE)
      for (int32_t i = i0; i < i0 + TILE && i < R; i++)
        for (int32_t k = k0; k < k0 + TILE && k < C; k++) {
          ra_real v = from[i * r + k * c], *t = to + (int64_t)i * C + k;
          *t = j->add ? *t + v : v;
        }
}

static void item(void *context, int32_t plane) { copy_plane(context, plane); }

/* Walks `to` of shape dim; stride as `from` has it. */
static void copy(int32_t rank, const int32_t *dim, const int64_t *stride, const ra_real *from, bool add, ra_real *to) {
  job j = {.rank = rank + 2, .dim = {1, 1}, .from = from, .to = to, .add = add, .planes = 1};
  if (rank > 3) { /* 5 at most: the two leading ones only if the rank has them */
    j.rank = rank;
    for (int32_t i = 0; i < rank; i++) j.dim[i] = dim[i], j.stride[i] = stride[i];
  } else
    for (int32_t i = 0; i < rank; i++) j.dim[i + 2] = dim[i], j.stride[i + 2] = stride[i];
  for (int32_t i = 0; i < j.rank - 2; i++) j.planes *= j.dim[i];
  ra_parallel((int32_t)j.planes, item, &j);
}

static void strides_of(const ra_array *a, int64_t stride[RA_MAX_RANK]) {
  int64_t step = 1;
  for (int32_t i = a->rank - 1; i >= 0; i--) {
    stride[i] = step;
    step *= a->dim[i];
  }
}

static void forward(ra_call *c) {
  int32_t order[RA_MAX_LIST], n = ra_list(c, 0, order);
  int64_t own[RA_MAX_RANK] = {0}, stride[RA_MAX_RANK] = {0};
  strides_of(&c->in[0], own);
  for (int32_t i = 0; i < n; i++) stride[i] = own[order[i]];
  copy(n, c->out.dim, stride, c->in[0].data, false, c->out.data);
}

static void backward(ra_call *c) {
  int32_t order[RA_MAX_LIST], n = ra_list(c, 0, order);
  int64_t own[RA_MAX_RANK] = {0}, stride[RA_MAX_RANK] = {0};
  strides_of(&c->out, own);
  for (int32_t i = 0; i < n; i++) stride[order[i]] = own[i];
  copy(n, c->in[0].dim, stride, c->dout.data, c->add[0], c->din[0].data);
}

const ra_op ra_op_permute = {
  .name = "permute",
  .help = "dimensions in another order: dimension k of the result is dimension dims[k] of x\n"
          "permute(x, {1,3,4,2}): [B,C,H,W] -> [B,H,W,C]",
  .inputs = "x",
  .params = params,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4,5 | dims={1,3,4,2}\n3,4 | dims={2,1}\n2,3,4 | dims={3,1,2}\n2,1,3,2,2 | dims={5,4,3,2,1}",
};
