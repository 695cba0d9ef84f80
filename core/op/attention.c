/* attention: scaled dot products (Vaswani et al. 2017, eq. 1), softmax(scale q k^T + bias) v, in one op.
 *   q [..,N,D], k [..,M,D], v [..,M,E], bias [..,N,M] -> [..,N,E]; the leading dimensions of bias broadcast.
 *   heads = h: the last dimension of q, k, v is cut into h parts, one a head, as linear layers leave them; the heads are then the
 *   last of the leading dimensions of bias: bias [h,N,M], or [..,h,N,M].
 *   P = softmax(scale q k^T + bias):  dv = P^T dy,  dS = P (dy v^T - sum(P dy v^T)),  dq = scale dS k,  dk = scale dS^T q,  dbias = dS
 * No N x M array is kept: a block of rows of P lives at a time, and backward computes it again. Blocks are cut by shape. */
#include <math.h>

#include "../base/math.h"
#include "../base/thread.h"
#include "product.h"

enum { Q, KEY, V, BIAS };
enum { HEADS, SCALE }; /* slots */
enum { ROWS_LEAST = 32, ROWS_MOST = 96, BLOCK = 96 * 1024 }; /* rows of a block; elements of P in it */

static const ra_param params[] = {
  {.name = "heads", .kind = RA_PARAM_INT, .default_value = NAN, .low = 1, .high = 65536,
   .help = "cuts the last dimension of q, k, v into so many heads; else heads are a leading dimension, as in [B,heads,N,D]"},
  {.name = "scale", .kind = RA_PARAM_NUMBER, .default_value = NAN, .low = -1e6, .high = 1e6, .help = "of q k^T; 1 / sqrt(D) unless given"},
  {0}};

typedef struct {
  int32_t N, M, D, E, heads, count; /* count: products, the heads among them */
  int32_t rank, dim[RA_MAX_RANK];   /* leading dimensions, with the heads last where they are given */
  int64_t step[RA_MAX_RANK];        /* of bias along them, in matrices; 0: stretched */
  int32_t matrices;                 /* of bias */
  int32_t rows, blocks;             /* of a block; blocks of a product */
  ra_real scale;
} shape;

/* How the matrices of bias lie in the products; false where they do not fit. */
static bool bias_of(const ra_array *b, shape *s) {
  int32_t lead = b->rank - 2;
  if (lead < 0 || lead > s->rank || b->dim[lead] != s->N || b->dim[lead + 1] != s->M) return false;
  for (int32_t i = s->rank - 1, j = lead - 1; j >= 0; i--, j--) {
    if (b->dim[j] != 1 && b->dim[j] != s->dim[i]) return false;
    s->step[i] = b->dim[j] == 1 ? 0 : s->matrices;
    s->matrices *= b->dim[j];
  }
  return true;
}

/* Fills s; false where shapes do not fit. */
static bool shape_of(const ra_call *c, shape *s) {
  const ra_array *q = &c->in[Q], *k = &c->in[KEY], *v = &c->in[V];
  bool given = !isnan(c->param[HEADS]);
  memset(s, 0, sizeof *s);
  if (q->rank < 2 || k->rank != q->rank || v->rank != q->rank) return false;
  s->rank = q->rank - 2;
  s->heads = given ? (int32_t)c->param[HEADS] : 1;
  s->N = q->dim[s->rank], s->M = k->dim[s->rank];
  s->D = q->dim[s->rank + 1] / s->heads, s->E = v->dim[s->rank + 1] / s->heads;
  if (q->dim[s->rank + 1] % s->heads || v->dim[s->rank + 1] % s->heads || k->dim[s->rank + 1] != q->dim[s->rank + 1]) return false;
  if (s->N < 1 || s->M < 1 || s->D < 1 || s->E < 1 || v->dim[s->rank] != s->M) return false;
  int64_t count = s->heads;
  for (int32_t i = 0; i < s->rank; i++) {
    if (k->dim[i] != q->dim[i] || v->dim[i] != q->dim[i]) return false;
    count *= s->dim[i] = q->dim[i];
  }
  if (given) s->dim[s->rank++] = s->heads;
  s->rows = ra_min(ra_min(ra_max(BLOCK / s->M, ROWS_LEAST), ROWS_MOST), s->N);
  s->blocks = ra_ceil_div(s->N, s->rows);
  if (count * s->blocks > 2147483647) return false;
  s->count = (int32_t)count;
  s->scale = isnan(c->param[SCALE]) ? (ra_real)(1 / sqrt(s->D)) : (ra_real)c->param[SCALE];
  s->matrices = 1;
  return !ra_has(c, BIAS) || bias_of(&c->in[BIAS], s);
}

/* A thread's scratch: matrices of one product, and a block of rows of P and of dP. */
typedef struct {
  ra_real *q, *k, *v, *y, *p, *dp, *dk, *dv, *row;
} scratch;

static int64_t lay(const shape *s, ra_real *at, scratch *t) {
  ra_real **const part[] = {&t->q, &t->k, &t->v, &t->y, &t->p, &t->dp, &t->dk, &t->dv, &t->row};
  int64_t M = s->M, R = s->rows, D = s->D, E = s->E;
  const int64_t size[] = {R * D, M * D, M * E, R * E, R * M, R * M, M * D, M * E, R * D};
  int64_t sum = 0;
  for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
    *part[i] = at ? at + sum : NULL;
    sum += ra_round_up(size[i], (int64_t)16);
  }
  return sum;
}

static int32_t infer(ra_call *c) {
  char q[80], k[80], v[80], b[80];
  shape s;
  scratch t;
  if (!shape_of(c, &s))
    return ra_fail(RA_ERR_SHAPE, "attention: q %s, k %s, v %s%s%s do not fit: wanted [..,N,D], [..,M,D], [..,M,E] and a bias [..,N,M], "
                   "D and E multiples of heads = %d", ra_in_text(c, Q, q), ra_in_text(c, KEY, k), ra_in_text(c, V, v),
                   ra_has(c, BIAS) ? ", bias " : "", ra_has(c, BIAS) ? ra_in_text(c, BIAS, b) : "", s.heads);
  int32_t dim[RA_MAX_RANK];
  memcpy(dim, c->in[Q].dim, sizeof dim);
  dim[c->in[Q].rank - 1] = c->in[V].dim[c->in[V].rank - 1];
  RA_TRY(ra_out(c, c->in[Q].rank, dim));
  c->work_forward = c->work_backward = (size_t)ra_thread_slots() * (size_t)lay(&s, NULL, &t) * sizeof(ra_real);
  return RA_OK;
}

/* ---- one product ---- */

typedef struct {
  ra_call *c;
  shape s;
  int64_t per_thread; /* elements of scratch */
} job;

static scratch scratch_of(const job *j) {
  scratch t;
  lay(&j->s, (ra_real *)j->c->work + ra_thread_index() * j->per_thread, &t);
  return t;
}

/* Row `row` of product i in an array of `rows` rows a product with n elements a head; *step from row to row. */
static int64_t place(const shape *s, int32_t i, int32_t rows, int32_t n, int64_t row, int64_t *step) {
  *step = (int64_t)n * s->heads;
  return ((int64_t)(i / s->heads) * rows + row) * *step + i % s->heads * (int64_t)n;
}

static void gather(const ra_real *from, int64_t step, int32_t rows, int32_t n, ra_real *to) {
  for (int32_t r = 0; r < rows; r++) memcpy(to + (int64_t)r * n, from + r * step, (size_t)n * sizeof *to);
}

static void scatter(const ra_real *from, int32_t rows, int32_t n, bool add, int64_t step, ra_real *to) {
  for (int32_t r = 0; r < rows; r++) ra_store(add, n, from + (int64_t)r * n, to + r * step);
}

static void scale_by(ra_real scale, int64_t n, ra_real *x) { ra_kernel()->axpy(n, scale, x, false, x); }

/* k and v of product i. */
static void gather_keys(const job *j, int32_t i, const scratch *t) {
  const shape *s = &j->s;
  int64_t step, at = place(s, i, s->M, s->D, 0, &step);
  gather(j->c->in[KEY].data + at, step, s->M, s->D, t->k);
  at = place(s, i, s->M, s->E, 0, &step);
  gather(j->c->in[V].data + at, step, s->M, s->E, t->v);
}

/* Which matrix of bias product i reads. */
static int64_t matrix_of(const shape *s, int32_t i) {
  int64_t at = 0;
  for (int32_t d = s->rank - 1; d >= 0; d--) {
    at += i % s->dim[d] * s->step[d];
    i /= s->dim[d];
  }
  return at;
}

/* t->q = scale q and t->p = P, of R rows from `first` on. */
static void block_of_p(const job *j, int32_t i, int32_t first, int32_t R, const scratch *t) {
  const shape *s = &j->s;
  const ra_kernels *k = ra_kernel();
  int64_t step, at = place(s, i, s->N, s->D, first, &step);
  gather(j->c->in[Q].data + at, step, R, s->D, t->q);
  scale_by(s->scale, (int64_t)R * s->D, t->q);
  ra_product(false, true, R, s->M, s->D, t->q, t->k, false, t->p, NULL);
  if (ra_has(j->c, BIAS))
    k->axpy((int64_t)R * s->M, 1, j->c->in[BIAS].data + (matrix_of(s, i) * s->N + first) * s->M, true, t->p);
  k->softmax(false, R, s->M, 1, t->p, t->p);
}

static void forward_item(void *context, int32_t item) {
  const job *j = context;
  const shape *s = &j->s;
  scratch t = scratch_of(j);
  int32_t i = item / s->blocks, first = item % s->blocks * s->rows, R = ra_min(s->rows, s->N - first);
  int64_t step, at = place(s, i, s->N, s->E, first, &step);
  gather_keys(j, i, &t);
  block_of_p(j, i, first, R, &t);
  ra_product(false, false, R, s->E, s->M, t.p, t.v, false, t.y, NULL);
  scatter(t.y, R, s->E, false, step, j->c->out.data + at);
}

/* ---- backward ---- */

static void backward_block(const job *j, int32_t i, int32_t first, bool add_bias, const scratch *t) {
  const shape *s = &j->s;
  const ra_kernels *k = ra_kernel();
  ra_call *c = j->c;
  int32_t R = ra_min(s->rows, s->N - first);
  int64_t step, at = place(s, i, s->N, s->E, first, &step);
  block_of_p(j, i, first, R, t);
  gather(c->dout.data + at, step, R, s->E, t->y);
  ra_product(false, true, R, s->M, s->E, t->y, t->v, false, t->dp, NULL);
  if (c->din[V].data) ra_product(true, false, s->M, s->E, R, t->p, t->y, first > 0, t->dv, NULL);
  k->softmax_grad(false, R, s->M, 1, t->p, t->dp, false, t->dp);
  if (ra_has(c, BIAS) && c->din[BIAS].data)
    ra_store(add_bias, (int64_t)R * s->M, t->dp, c->din[BIAS].data + (matrix_of(s, i) * s->N + first) * s->M);
  if (c->din[KEY].data) ra_product(true, false, s->M, s->D, R, t->dp, t->q, first > 0, t->dk, NULL);
  if (!c->din[Q].data) return;
  ra_product(false, false, R, s->D, s->M, t->dp, t->k, false, t->row, NULL);
  at = place(s, i, s->N, s->D, first, &step);
  scale_by(s->scale, (int64_t)R * s->D, t->row);
  scatter(t->row, R, s->D, c->add[Q], step, c->din[Q].data + at);
}

/* Product i; k and v after q: where they are one node, each adds to what was written before. */
static void backward_product(const job *j, int32_t i, bool add_bias, const scratch *t) {
  const shape *s = &j->s;
  ra_call *c = j->c;
  int64_t step;
  gather_keys(j, i, t);
  for (int32_t b = 0; b < s->blocks; b++) backward_block(j, i, b * s->rows, add_bias, t);
  if (c->din[KEY].data) {
    int64_t at = place(s, i, s->M, s->D, 0, &step);
    scatter(t->dk, s->M, s->D, c->add[KEY], step, c->din[KEY].data + at);
  }
  if (!c->din[V].data) return;
  int64_t at = place(s, i, s->M, s->E, 0, &step);
  scatter(t->dv, s->M, s->E, c->add[V], step, c->din[V].data + at);
}

static void backward_item(void *context, int32_t i) {
  scratch t = scratch_of(context);
  backward_product(context, i, false, &t);
}

/* Every product that reads this matrix of bias, in order. */
static void matrix_item(void *context, int32_t matrix) {
  const job *j = context;
  scratch t = scratch_of(j);
  bool add = j->c->add[BIAS];
  for (int32_t i = 0; i < j->s.count; i++) {
    if (matrix_of(&j->s, i) != matrix) continue;
    backward_product(j, i, add, &t);
    add = true;
  }
}

static bool prepare(ra_call *c, job *j) {
  scratch t;
  *j = (job){.c = c};
  if (!shape_of(c, &j->s)) return false;
  j->per_thread = lay(&j->s, NULL, &t);
  return true;
}

static void forward(ra_call *c) {
  job j;
  if (prepare(c, &j)) ra_parallel(j.s.count * j.s.blocks, forward_item, &j);
}

static void backward(ra_call *c) {
  job j;
  if (!prepare(c, &j)) return;
  if (ra_has(c, BIAS) && c->din[BIAS].data) {
    if (j.s.count == 0 && !c->add[BIAS]) memset(c->din[BIAS].data, 0, (size_t)c->in[BIAS].size * sizeof(ra_real));
    ra_parallel(j.s.matrices, matrix_item, &j);
  } else ra_parallel(j.s.count, backward_item, &j);
}

static double flops(const ra_call *c) {
  shape s;
  return shape_of(c, &s) ? 2.0 * s.count * s.N * s.M * (s.D + s.E) : 0;
}

const ra_op ra_op_attention = {
  .name = "attention",
  .help = "attention by scaled dot products, softmax(scale q k^T + bias) v (Vaswani et al. 2017, eq. 1)\n"
          "q [..,N,D], k [..,M,D], v [..,M,E], bias [..,N,M] -> [..,N,E]; leading dimensions of q, k, v agree, those of bias broadcast\n"
          "q [B,h,N,D], bias [h,N,M]: h heads; or heads = h and q [B,N,h D], as linear layers leave it\n"
          "no array of N x M is kept for the backward pass, which computes it again in blocks of rows",
  .inputs = "q,k,v,bias?",
  .params = params,
  .flags = RA_OP_PRODUCT,
  .reads = RA_READS_IN0 | RA_READS_IN1 | RA_READS_IN2 | RA_READS_IN3,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .flops = flops,
  .samples = "2,3,5,4 2,3,6,4 2,3,6,2\n5,4 3,4 3,4 5,3\n2,2,3,4 2,2,5,4 2,2,5,4 2,3,5\n2,4,6 2,5,6 2,5,6 3,4,5 | heads=3\n"
             "1,2,3,2,4 1,2,3,3,4 1,2,3,3,2 2,1,2,2,3 | heads=2 scale=0.5\n100,2 3,2 3,2",
};
