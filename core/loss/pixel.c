/* pixel.c: losses that are a mean over pixels,
 *   L = 1/n sum_i f(x_i, y_i, t_i)          x, y, t: prediction, mask, teacher, any one shape
 * A loss gives f and its derivative for a tile; this file walks the tiles. */
#include "loss.h"

#include "../base/thread.h"

typedef struct {
  ra_call *c;
  ra_pixel_fn *fn;
  double *part; /* [chunks] */
} job;

static int32_t chunks_of(const ra_call *c) {
  return (int32_t)(((int64_t)c->in[RA_PREDICTION].size + RA_LOSS_CHUNK - 1) / RA_LOSS_CHUNK);
}

void ra_pixel_work(ra_call *c) {
  c->work_forward = c->work_backward = (size_t)chunks_of(c) * sizeof(double);
}

static const ra_real *at(const ra_call *c, int32_t k, int64_t i) { return ra_has(c, k) ? c->in[k].data + i : NULL; }

/* First pixel behind the chunk. */
static int64_t chunk_end(const ra_call *c, int32_t chunk) {
  int64_t end = (int64_t)(chunk + 1) * RA_LOSS_CHUNK, size = c->in[RA_PREDICTION].size;
  return end < size ? end : size;
}

static double total(const double *part, int32_t n) {
  double sum = 0;
  for (int32_t i = 0; i < n; i++) sum += part[i];
  return sum;
}

static void forward_chunk(void *context, int32_t chunk) {
  const job *j = context;
  const ra_call *c = j->c;
  int64_t end = chunk_end(c, chunk);
  double sum = 0;
  for (int64_t i = (int64_t)chunk * RA_LOSS_CHUNK; i < end; i += RA_TILE) {
    ra_real value[RA_TILE];
    int32_t n = end - i < RA_TILE ? (int32_t)(end - i) : RA_TILE;
    j->fn(c, n, at(c, RA_PREDICTION, i), at(c, RA_MASK, i), at(c, RA_TEACHER, i), value, NULL);
    double s = 0;
    RA_SIMD_SUM(s)
    for (int32_t k = 0; k < n; k++) s += (double)value[k];
    sum += s;
  }
  j->part[chunk] = sum;
}

void ra_pixel_forward(ra_call *c, ra_pixel_fn *fn) {
  job j = {c, fn, c->work};
  ra_parallel(chunks_of(c), forward_chunk, &j);
  c->out.data[0] = (ra_real)(total(j.part, chunks_of(c)) / c->in[RA_PREDICTION].size);
}

static void backward_chunk(void *context, int32_t chunk) {
  const job *j = context;
  const ra_call *c = j->c;
  ra_real *dx = c->din[RA_PREDICTION].data;
  ra_real scale = (ra_real)((double)c->dout.data[0] / c->in[RA_PREDICTION].size);
  int64_t end = chunk_end(c, chunk);
  double sum = 0;
  for (int64_t i = (int64_t)chunk * RA_LOSS_CHUNK; i < end; i += RA_TILE) {
    ra_real grad[RA_TILE];
    int32_t n = end - i < RA_TILE ? (int32_t)(end - i) : RA_TILE;
    j->fn(c, n, at(c, RA_PREDICTION, i), at(c, RA_MASK, i), at(c, RA_TEACHER, i), NULL, grad);
    sum += ra_loss_store(c->add[RA_PREDICTION], n, scale, grad, dx ? dx + i : NULL);
  }
  j->part[chunk] = sum;
}

void ra_pixel_backward(ra_call *c, ra_pixel_fn *fn) {
  job j = {c, fn, c->work};
  ra_parallel(chunks_of(c), backward_chunk, &j);
  if (c->norm2) *c->norm2 = total(j.part, chunks_of(c));
}
