/* arith.c: what add, sub, mul and div share: y = f(a, b) with broadcasting.
 * A gradient towards a stretched input is summed over the stretched dimensions. */
#include <string.h>

#include "../base/math.h"
#include "../base/thread.h"
#include "broadcast.h"

int32_t ra_arith_infer(ra_call *c) {
  int32_t dim[RA_MAX_RANK], rank = ra_broadcast_shape(c, 0, 1, dim);
  return rank < 0 ? rank : ra_out(c, rank, dim);
}

/* ---- forward: rows of y, in each, a and b advance with y or are constant (stretched) ---- */

typedef struct {
  ra_space s; /* of a, b */
  ra_binary f;
  const ra_real *a, *b;
  ra_real *y;
  int64_t group, chunks, chunk; /* rows of an item; or items of a row, and their length */
} forward_job;

static void forward_item(void *context, int32_t item) {
  const forward_job *j = context;
  int32_t last = j->s.rank - 1;
  int64_t n = j->s.dim[last], first = item / j->chunks * j->group, from = item % j->chunks * j->chunk;
  int64_t length = n - from < j->chunk ? n - from : j->chunk;
  bool a_one = j->s.stride[0][last] == 0, b_one = j->s.stride[1][last] == 0;
  for (int64_t row = first; row < first + j->group && row < j->s.rows; row++) {
    const ra_real *a = j->a + ra_space_at(&j->s, 0, row) + (a_one ? 0 : from);
    const ra_real *b = j->b + ra_space_at(&j->s, 1, row) + (b_one ? 0 : from);
    ra_kernel()->binary_row(j->f, length, a, a_one, b, b_one, j->y + row * n + from);
  }
}

void ra_arith_forward(ra_call *c, ra_binary f) {
  const ra_array *a = &c->in[0], *b = &c->in[1];
  if (ra_same_shape(a, b)) {
    ra_kernel()->binary(f, c->out.size, a->data, b->data, c->out.data);
    return;
  }
  forward_job j = {.s = ra_space_of(c->out.rank, c->out.dim, 2, (const ra_array *const[]){a, b}), .f = f, .a = a->data,
                   .b = b->data, .y = c->out.data, .group = 1, .chunks = 1};
  int64_t n = j.s.dim[j.s.rank - 1];
  j.chunk = n;
  if (n <= 0 || j.s.rows <= 0) return;
  if (n > RA_CHUNK) {
    j.chunk = RA_CHUNK;
    j.chunks = ra_ceil_div(n, (int64_t)RA_CHUNK);
  } else j.group = RA_CHUNK / n;
  ra_parallel((int32_t)((j.s.rows + j.group - 1) / j.group * j.chunks), forward_item, &j);
}

/* ---- backward ----
 * towards a: dy, dy, dy * b, dy / b; towards b: dy, -dy, dy * a, -dy * a / b^2 */

typedef struct {
  ra_space s; /* of the target, and of a, b */
  ra_binary f;
  int which; /* 0: towards a, 1: towards b */
  const ra_real *a, *b, *dy;
} grad_context;

static void grad_row(const void *context, int64_t row, int64_t from, int32_t n, ra_real *out) {
  const grad_context *g = context;
  const ra_kernels *k = ra_kernel();
  int32_t last = g->s.rank - 1;
  const ra_real *dy = g->dy + row * g->s.dim[last] + from;
  if (g->f == RA_BINARY_ADD || g->f == RA_BINARY_SUB) {
    memcpy(out, dy, (size_t)n * sizeof *out);
    return;
  }
  bool a_one = g->s.stride[1][last] == 0, b_one = g->s.stride[2][last] == 0;
  const ra_real *a = g->a + ra_space_at(&g->s, 1, row) + (a_one ? 0 : from);
  const ra_real *b = g->b + ra_space_at(&g->s, 2, row) + (b_one ? 0 : from);
  if (g->f == RA_BINARY_MUL) {
    k->binary_row(RA_BINARY_MUL, n, dy, false, g->which ? a : b, g->which ? a_one : b_one, out);
    return;
  }
  k->binary_row(RA_BINARY_DIV, n, dy, false, b, b_one, out);
  if (!g->which) return;
  k->binary_row(RA_BINARY_MUL, n, out, false, a, a_one, out);
  k->binary_row(RA_BINARY_DIV, n, out, false, b, b_one, out);
}

/* Target of the full shape: no sum. */
typedef struct {
  grad_context g;
  ra_real sign;
  bool add;
  ra_real *to;
  int64_t size;
} map_job;

static void map_item(void *context, int32_t item) {
  const map_job *j = context;
  int64_t n = j->g.s.dim[j->g.s.rank - 1], from = (int64_t)item * RA_CHUNK;
  int64_t to = from + RA_CHUNK < j->size ? from + RA_CHUNK : j->size;
  ra_real values[RA_ROW];
  while (from < to) {
    int64_t row = from / n, at = from % n, length = n - at;
    if (length > RA_ROW) length = RA_ROW;
    if (length > to - from) length = to - from;
    grad_row(&j->g, row, at, (int32_t)length, values);
    ra_kernel()->axpy(length, j->sign, values, j->add, j->to + from);
    from += length;
  }
}

static void grad_towards(ra_call *c, ra_binary f, int which) {
  const ra_array *target = &c->in[which];
  bool negative = which == 1 && (f == RA_BINARY_SUB || f == RA_BINARY_DIV), add = c->add[which];
  ra_real *to = c->din[which].data;
  double sign = negative ? -1 : 1;
  bool plain = f == RA_BINARY_ADD || f == RA_BINARY_SUB;
  if (ra_same_shape(target, &c->out) && plain) {
    if (negative) ra_kernel()->axpy(c->out.size, -1, c->dout.data, add, to);
    else ra_store(add, c->out.size, c->dout.data, to);
    return;
  }
  grad_context g = {.f = f, .which = which, .a = c->in[0].data, .b = c->in[1].data, .dy = c->dout.data};
  g.s = ra_space_of(c->out.rank, c->out.dim, 3, (const ra_array *const[]){target, &c->in[0], &c->in[1]});
  if (target->size == c->out.size) {
    map_job j = {.g = g, .sign = (ra_real)sign, .add = add, .to = to, .size = c->out.size};
    ra_parallel((int32_t)(ra_ceil_div((int64_t)c->out.size, (int64_t)RA_CHUNK)), map_item, &j);
  } else ra_space_sum(&g.s, grad_row, &g, sign, add, to);
}

/* a first: where a and b are one node, b adds to what a wrote. */
void ra_arith_backward(ra_call *c, ra_binary f) {
  for (int which = 0; which < 2; which++)
    if (c->din[which].data) grad_towards(c, f, which);
}
