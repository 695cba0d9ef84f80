/* pixel.c: losses that are a mean over pixels,
 *   L = sum_i w_i f(x_i, y_i, t_i) / sum_i w_i          x, y, t: prediction, mask, teacher, any one shape
 * w is 1, or as inside and weight say (loss.h); L is 0 where no pixel has a weight.
 * A loss gives f and its derivative for a tile; this file walks the tiles. Forward keeps the sum of weights, [1]. */
#include "loss.h"

#include "../base/math.h"
#include "../base/thread.h"

typedef struct {
  ra_call *c;
  ra_pixel_fn *fn;
  ra_real scale;    /* backward: of every pixel's gradient */
  double (*part)[2]; /* [chunks]: sum of w f, or of squares of the gradient; sum of w */
} job;

static int32_t chunks_of(const ra_call *c) {
  return (int32_t)ra_ceil_div((int64_t)c->in[RA_PREDICTION].size, (int64_t)RA_LOSS_CHUNK);
}

int32_t ra_pixel_infer(ra_call *c, int32_t k) {
  RA_TRY(ra_loss_want(c, k));
  c->work_forward = c->work_backward = (size_t)chunks_of(c) * sizeof(double[2]);
  if (ra_loss_weighted(c)) RA_TRY(ra_save(c, 1, (int32_t[]){1}));
  return ra_loss_infer(c);
}

static const ra_real *at(const ra_call *c, int32_t k, int64_t i) { return ra_has(c, k) ? c->in[k].data + i : NULL; }

/* First pixel behind the chunk. */
static int64_t chunk_end(const ra_call *c, int32_t chunk) {
  return ra_min((int64_t)(chunk + 1) * RA_LOSS_CHUNK, (int64_t)c->in[RA_PREDICTION].size);
}

static double total(const job *j, int32_t which) {
  double sum = 0;
  for (int32_t i = 0; i < chunks_of(j->c); i++) sum += j->part[i][which];
  return sum;
}

static double sum_of(int32_t n, const ra_real *v) {
  double s = 0;
  RA_SIMD_SUM(s)
  for (int32_t k = 0; k < n; k++) s += (double)v[k];
  return s;
}

static void forward_chunk(void *context, int32_t chunk) {
  const job *j = context;
  const ra_call *c = j->c;
  int64_t end = chunk_end(c, chunk);
  double sum = 0, weights = 0;
  for (int64_t i = (int64_t)chunk * RA_LOSS_CHUNK; i < end; i += RA_TILE) {
    ra_real value[RA_TILE], memory[RA_TILE];
    int32_t n = (int32_t)ra_min(end - i, (int64_t)RA_TILE);
    j->fn(c, n, at(c, RA_PREDICTION, i), at(c, RA_MASK, i), at(c, RA_TEACHER, i), value, NULL);
    const ra_real *w = ra_loss_weights(c, i, n, memory);
    ra_loss_weigh(n, w, value);
    sum += sum_of(n, value);
    weights += w ? sum_of(n, w) : n;
  }
  j->part[chunk][0] = sum;
  j->part[chunk][1] = weights;
}

void ra_pixel_forward(ra_call *c, ra_pixel_fn *fn) {
  job j = {.c = c, .fn = fn, .part = c->work};
  ra_parallel(chunks_of(c), forward_chunk, &j);
  double weights = total(&j, 1);
  c->out.data[0] = weights > 0 ? (ra_real)(total(&j, 0) / weights) : 0;
  if (ra_loss_weighted(c)) c->saved[0].data[0] = (ra_real)weights;
}

static void backward_chunk(void *context, int32_t chunk) {
  const job *j = context;
  const ra_call *c = j->c;
  ra_real *dx = c->din[RA_PREDICTION].data;
  int64_t end = chunk_end(c, chunk);
  double sum = 0;
  for (int64_t i = (int64_t)chunk * RA_LOSS_CHUNK; i < end; i += RA_TILE) {
    ra_real grad[RA_TILE], memory[RA_TILE];
    int32_t n = (int32_t)ra_min(end - i, (int64_t)RA_TILE);
    j->fn(c, n, at(c, RA_PREDICTION, i), at(c, RA_MASK, i), at(c, RA_TEACHER, i), NULL, grad);
    ra_loss_weigh(n, ra_loss_weights(c, i, n, memory), grad);
    sum += ra_loss_store(c->add[RA_PREDICTION], n, j->scale, grad, dx ? dx + i : NULL);
  }
  j->part[chunk][0] = sum;
}

void ra_pixel_backward(ra_call *c, ra_pixel_fn *fn) {
  job j = {.c = c, .fn = fn, .part = c->work};
  double weights = ra_loss_weighted(c) ? (double)c->saved[0].data[0] : c->in[RA_PREDICTION].size;
  j.scale = weights > 0 ? (ra_real)((double)c->dout.data[0] / weights) : 0;
  ra_parallel(chunks_of(c), backward_chunk, &j);
  if (c->norm2) *c->norm2 = total(&j, 0);
}

const ra_real *ra_loss_smooth(int32_t n, ra_real s, const ra_real *y, ra_real *h) {
  if (s == 0) return y;
  RA_SIMD
  for (int32_t i = 0; i < n; i++) h[i] = (1 - s) * y[i] + (ra_real)0.5 * s;
  return h;
}

void ra_cross_entropy(const ra_call *c, int32_t n, const ra_bernoulli *s, const ra_real *h, ra_real front, ra_real *value,
                      ra_real *grad) {
  if (value) {
    RA_SIMD
    for (int32_t i = 0; i < n; i++) value[i] = -front * h[i] * s->lp[i] - (1 - h[i]) * s->lq[i];
    return;
  }
  RA_SIMD
  for (int32_t i = 0; i < n; i++) grad[i] = (1 - h[i]) * s->p[i] - front * h[i] * s->q[i];
  ra_from_logit(c, n, s, grad);
}
