/* where: a where cond is not 0, else b; all three broadcast (as PyTorch).
 *   da = dy where cond is not 0, db = dy elsewhere, summed over stretched dimensions; cond has no gradient. */
#include "broadcast.h"

enum { COND, A, B };

static int32_t infer(ra_call *c) {
  int32_t dim[RA_MAX_RANK], rank = ra_broadcast_shape(c, A, B, dim);
  if (rank < 0) return rank;
  ra_call pair = {.op = c->op, .n_in = 2, .in = {c->in[COND], {.rank = rank}}};
  memcpy(pair.in[1].dim, dim, sizeof dim);
  rank = ra_broadcast_shape(&pair, 0, 1, dim);
  return rank < 0 ? rank : ra_out(c, rank, dim);
}

static void forward(ra_call *c) {
  const ra_array *const array[] = {&c->in[COND], &c->in[A], &c->in[B]};
  ra_space s = ra_space_of(c->out.rank, c->out.dim, 3, array);
  int32_t last = s.rank - 1, n = s.dim[last];
  ra_real *y = c->out.data;
  for (int64_t row = 0; row < s.rows; row++, y += n) {
    const ra_real *p[3];
    for (int32_t k = 0; k < 3; k++) p[k] = array[k]->data + ra_space_at(&s, k, row);
    for (int32_t i = 0; i < n; i++)
      y[i] = p[COND][i * s.stride[COND][last]] != 0 ? p[A][i * s.stride[A][last]] : p[B][i * s.stride[B][last]];
  }
}

typedef struct {
  ra_space s; /* of the target and cond */
  bool towards_a;
  const ra_real *cond, *dy;
} grad_context;

static void grad_row(const void *context, int64_t row, int64_t from, int32_t n, ra_real *out) {
  const grad_context *g = context;
  int32_t last = g->s.rank - 1;
  int64_t step = g->s.stride[1][last];
  const ra_real *dy = g->dy + row * g->s.dim[last] + from, *cond = g->cond + ra_space_at(&g->s, 1, row) + from * step;
  for (int32_t i = 0; i < n; i++) out[i] = (cond[i * step] != 0) == g->towards_a ? dy[i] : 0;
}

static void backward(ra_call *c) {
  for (int32_t k = A; k <= B; k++) {
    if (!c->din[k].data) continue;
    grad_context g = {.towards_a = k == A, .cond = c->in[COND].data, .dy = c->dout.data};
    g.s = ra_space_of(c->out.rank, c->out.dim, 2, (const ra_array *const[]){&c->in[k], &c->in[COND]});
    ra_space_sum(&g.s, grad_row, &g, 1, c->add[k], c->din[k].data);
  }
}

const ra_op ra_op_where = {
  .name = "where",
  .help = "a where cond is not 0, else b (as PyTorch)\ncond, a, b broadcast; cond has no gradient",
  .inputs = "cond,a,b",
  .reads = RA_READS_IN0,
  .no_grad = 1 << COND,
  .infer = infer,
  .sees = ra_sees_pixel,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4:mask 2,3,4 2,3,4\n2,1,4:mask 3,1 2,3,4\n2,3,4,5:mask 1 4,1\n3:mask 2,3 1,1,3",
};
