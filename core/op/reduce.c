/* reduce.c: sums over dimensions, and their gradient. */
#include "reduce.h"

#include <string.h>

#include "../base/thread.h"

/* Bit i: dimension i is reduced; or a code < 0. */
static int32_t reduced(const ra_call *c) {
  char text[80];
  int32_t list[RA_MAX_LIST], n = ra_list(c, RA_REDUCE_DIM, list), bits = 0;
  for (int32_t i = 0; i < n; i++) {
    if (list[i] >= c->in[0].rank)
      return ra_fail(RA_ERR_SHAPE, "%s: dim = %d, but x is %s", c->op->name, list[i] + 1, ra_in_text(c, 0, text));
    if (bits >> list[i] & 1) return ra_fail(RA_ERR_ARG, "%s: dim = %d is given twice", c->op->name, list[i] + 1);
    bits |= 1 << list[i];
  }
  return n == 0 ? (1 << c->in[0].rank) - 1 : bits;
}

int32_t ra_reduce_infer(ra_call *c) {
  int32_t bits = reduced(c), dim[RA_MAX_RANK], rank = 0;
  if (bits < 0) return bits;
  for (int32_t i = 0; i < c->in[0].rank; i++) {
    if (!(bits >> i & 1)) dim[rank++] = c->in[0].dim[i];
    else if (c->param[RA_REDUCE_KEEPDIM] != 0) dim[rank++] = 1;
  }
  return ra_out(c, rank, dim);
}

ra_sees ra_sees_reduce(const ra_call *c, int32_t k, int32_t axis, ra_sight *s) {
  (void)k;
  (void)axis;
  (void)s;
  return c->in[0].rank < 3 || reduced(c) >> (c->in[0].rank - 2) ? RA_SEES_ALL : RA_SEES_NEAR;
}

ra_space ra_reduce_space(const ra_call *c) {
  ra_array y = {.rank = c->in[0].rank};
  int32_t bits = reduced(c);
  for (int32_t i = 0; i < y.rank; i++) y.dim[i] = bits >> i & 1 ? 1 : c->in[0].dim[i];
  return ra_space_of(y.rank, c->in[0].dim, 1, (const ra_array *const[]){&y});
}

int64_t ra_reduce_count(const ra_call *c) {
  int32_t bits = reduced(c);
  int64_t n = 1;
  for (int32_t i = 0; i < c->in[0].rank; i++)
    if (bits >> i & 1) n *= c->in[0].dim[i];
  return n;
}

typedef struct {
  const ra_real *x;
  int64_t length;
} copy_context;

static void copy_row(const void *context, int64_t row, int64_t from, int32_t n, ra_real *out) {
  const copy_context *k = context;
  memcpy(out, k->x + row * k->length + from, (size_t)n * sizeof *out);
}

void ra_reduce_sum(ra_call *c, double scale) {
  ra_space s = ra_reduce_space(c);
  copy_context k = {c->in[0].data, s.dim[s.rank - 1]};
  ra_space_sum(&s, copy_row, &k, scale, false, c->out.data);
}

typedef struct {
  ra_space s;
  const ra_real *dy;
  ra_real *dx, scale;
  bool add;
  int64_t group;
} spread_job;

static void spread_item(void *context, int32_t item) {
  const spread_job *j = context;
  int64_t n = j->s.dim[j->s.rank - 1];
  bool one = j->s.stride[0][j->s.rank - 1] == 0;
  for (int64_t row = item * j->group; row < (item + 1) * j->group && row < j->s.rows; row++) {
    const ra_real *dy = j->dy + ra_space_at(&j->s, 0, row);
    ra_real *dx = j->dx + row * n;
    if (!one) ra_kernel()->axpy(n, j->scale, dy, j->add, dx);
    else if (j->add) ra_kernel()->unary(RA_UNARY_AFFINE, 1, j->scale * dy[0], n, dx, dx);
    else
      for (int64_t i = 0; i < n; i++) dx[i] = j->scale * dy[0];
  }
}

void ra_reduce_spread(ra_call *c, double scale) {
  spread_job j = {.s = ra_reduce_space(c), .dy = c->dout.data, .dx = c->din[0].data, .scale = (ra_real)scale, .add = c->add[0],
                  .group = 1};
  int64_t n = j.s.dim[j.s.rank - 1];
  if (n <= 0 || j.s.rows <= 0) return;
  if (n < RA_CHUNK) j.group = RA_CHUNK / n;
  ra_parallel((int32_t)((j.s.rows + j.group - 1) / j.group), spread_item, &j);
}
