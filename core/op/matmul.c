/* matmul: products of matrices, y[..,m,n] = sum over k of a[..,m,k] b[..,k,n].
 *   a [..,M,K], b [..,K,N] -> [..,M,N]; dimensions before the last two broadcast.
 *   a [K] counts as [1,K] and b [K] as [K,1]; that dimension is left out of y.
 *   da = dy b^T, db = a^T dy, summed over the stretched dimensions. */
#include <string.h>

#include "../base/math.h"
#include "../base/thread.h"
#include "product.h"

typedef struct {
  int32_t M, N, K, rank; /* rank: of the batch dimensions */
  int32_t batch[RA_MAX_RANK], count;
  int64_t step[2][RA_MAX_RANK]; /* of a and b, in matrices; 0: stretched */
} shape;

/* Fills s; false where shapes do not fit. */
static bool shape_of(const ra_call *c, shape *s) {
  const ra_array *a = &c->in[0], *b = &c->in[1];
  if (a->rank < 1 || b->rank < 1) return false;
  memset(s, 0, sizeof *s);
  s->M = a->rank > 1 ? a->dim[a->rank - 2] : 1;
  s->K = a->dim[a->rank - 1];
  s->N = b->rank > 1 ? b->dim[b->rank - 1] : 1;
  if ((b->rank > 1 ? b->dim[b->rank - 2] : b->dim[0]) != s->K) return false;
  int32_t ra = a->rank > 2 ? a->rank - 2 : 0, rb = b->rank > 2 ? b->rank - 2 : 0;
  s->rank = ra > rb ? ra : rb;
  int64_t step_a = 1, step_b = 1, count = 1;
  for (int32_t i = s->rank - 1; i >= 0; i--) {
    int32_t p = i < s->rank - ra ? 1 : a->dim[i - (s->rank - ra)], q = i < s->rank - rb ? 1 : b->dim[i - (s->rank - rb)];
    if (p != q && p != 1 && q != 1) return false;
    s->batch[i] = p == 1 ? q : p;
    s->step[0][i] = p == 1 ? 0 : step_a;
    s->step[1][i] = q == 1 ? 0 : step_b;
    step_a *= p;
    step_b *= q;
    count *= s->batch[i];
    if (count > 2147483647) return false;
  }
  s->count = (int32_t)count;
  return true;
}

static int32_t infer(ra_call *c) {
  char a[80], b[80];
  shape s;
  if (!shape_of(c, &s))
    return ra_fail(RA_ERR_SHAPE, "matmul: a %s and b %s do not fit: wanted [..,M,K] and [..,K,N]", ra_in_text(c, 0, a),
                   ra_in_text(c, 1, b));
  int32_t dim[RA_MAX_RANK], rank = s.rank;
  memcpy(dim, s.batch, sizeof dim);
  if (c->in[0].rank > 1) dim[rank++] = s.M;
  if (c->in[1].rank > 1) dim[rank++] = s.N;
  size_t work_a = ra_product_work(s.M, s.K, s.N), work_b = ra_product_work(s.K, s.N, s.M);
  c->work_backward = ra_max(work_a, work_b);
  return ra_out(c, rank, dim);
}

/* Which matrix of input k (0: a, 1: b) product i reads. */
static int64_t matrix_of(const shape *s, int32_t k, int32_t i) {
  int64_t at = 0;
  for (int32_t d = s->rank - 1; d >= 0; d--) {
    at += i % s->batch[d] * s->step[k][d];
    i /= s->batch[d];
  }
  return at;
}

typedef struct {
  ra_call *c;
  shape s;
  int32_t towards; /* -1: forward; 0, 1: gradient of a, b */
  void *work;      /* of one product; NULL where they run beside each other */
} job;

static void product(const job *j, int32_t i, bool add) {
  const shape *s = &j->s;
  ra_call *c = j->c;
  int64_t at_a = matrix_of(s, 0, i) * s->M * s->K, at_b = matrix_of(s, 1, i) * s->K * s->N, at_y = (int64_t)i * s->M * s->N;
  if (j->towards < 0)
    ra_product(false, false, s->M, s->N, s->K, c->in[0].data + at_a, c->in[1].data + at_b, false, c->out.data + at_y, NULL);
  else if (j->towards == 0)
    ra_product(false, true, s->M, s->K, s->N, c->dout.data + at_y, c->in[1].data + at_b, add, c->din[0].data + at_a, j->work);
  else
    ra_product(true, false, s->K, s->N, s->M, c->in[0].data + at_a, c->dout.data + at_y, add, c->din[1].data + at_b, j->work);
}

static void forward_item(void *context, int32_t i) { product(context, i, false); }

/* Every product whose matrix of the target is `matrix`, in order. */
static void gradient_item(void *context, int32_t matrix) {
  const job *j = context;
  bool add = j->c->add[j->towards];
  for (int32_t i = 0; i < j->s.count; i++) {
    if (matrix_of(&j->s, j->towards, i) != matrix) continue;
    product(j, i, add);
    add = true;
  }
  if (add) return;
  int64_t n = j->towards == 0 ? (int64_t)j->s.M * j->s.K : (int64_t)j->s.K * j->s.N; /* no product: an empty batch */
  memset(j->c->din[j->towards].data + matrix * n, 0, (size_t)n * sizeof(ra_real));
}

/* Many small products run beside each other, few large ones are cut inside. */
static void run(job *j, int32_t items, ra_chunk_fn *fn) {
  int64_t work = (int64_t)j->s.M * j->s.N * j->s.K;
  bool beside = items > 1 && work < 1 << 21;
  j->work = beside ? NULL : j->c->work;
  if (beside) ra_parallel(items, fn, j);
  else
    for (int32_t i = 0; i < items; i++) fn(j, i);
}

static void forward(ra_call *c) {
  job j = {.c = c, .towards = -1};
  if (shape_of(c, &j.s)) run(&j, j.s.count, forward_item);
}

static void backward(ra_call *c) {
  job j = {.c = c};
  if (!shape_of(c, &j.s)) return;
  for (j.towards = 0; j.towards < 2; j.towards++) {
    if (!c->din[j.towards].data) continue;
    int64_t matrix = j.towards == 0 ? (int64_t)j.s.M * j.s.K : (int64_t)j.s.K * j.s.N;
    if (matrix > 0) run(&j, (int32_t)(c->in[j.towards].size / matrix), gradient_item);
  }
}

static double flops(const ra_call *c) { return 2.0 * c->out.size * c->in[0].dim[c->in[0].rank - 1]; }

const ra_op ra_op_matmul = {
  .name = "matmul",
  .help = "products of matrices; dimensions before the last two broadcast (as PyTorch)\n"
          "a [..,M,K], b [..,K,N] -> [..,M,N]; a [K] counts as [1,K] and b [K] as [K,1], left out of the result",
  .inputs = "a,b",
  .flags = RA_OP_PRODUCT,
  .reads = RA_READS_IN0 | RA_READS_IN1,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .flops = flops,
  .samples = "3,4 4,5\n2,3,4 2,4,5\n2,3,3,4 4,2\n3,4 2,4,2\n2,1,3,4 3,4,2\n4 4\n4 2,4,3\n2,3,4 4",
};
