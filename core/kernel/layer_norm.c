/* layer_norm.c: what group, instance and layer normalisation want of rows of N
 * consecutive elements (a row is a plane, or the last dimensions of a token).
 * Sums of a row run in double lanes; rows are independent. Gradients of weight
 * and bias of layer normalisation are summed over PARTS ranges of rows, fixed
 * by shape, then over the parts in order. */
#include "../base/math.h"
#include "kernel.h"

#include <string.h>

#include "../base/thread.h"

enum { LANES = 16, PARTS = 16 };

typedef struct {
  int32_t rows, N, group; /* rows of an item */
  const ra_real *x, *dy, *mean, *rstd, *w, *a, *b, *c;
  double *sums, *part; /* part: [PARTS][2][N] */
  bool add;
  ra_real *y;
} job;

typedef struct { int32_t from, to; } range;

static range rows_of(const job *j, int32_t item) {
  int32_t to = (item + 1) * j->group;
  return (range){item * j->group, to < j->rows ? to : j->rows};
}

static void run(job *j, ra_chunk_fn *fn) {
  if (j->rows <= 0 || j->N <= 0) return;
  j->group = j->N < RA_CHUNK ? RA_CHUNK / j->N : 1;
  ra_parallel(ra_ceil_div(j->rows, j->group), fn, j);
}

/* s[0] = sum d w, s[1] = sum d w (x - mean); w NULL: 1 */
static void sums_of(const ra_real *x, const ra_real *dy, const ra_real *w, ra_real mean, int32_t n, double s[2]) {
  double lane[2][LANES] = {{0}};
  s[0] = s[1] = 0;
  int32_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int32_t k = 0; k < LANES; k++) {
      double d = (double)dy[i + k] * (w ? (double)w[i + k] : 1);
      lane[0][k] += d;
      lane[1][k] += d * (double)(x[i + k] - mean);
    }
  for (; i < n; i++) {
    double d = (double)dy[i] * (w ? (double)w[i] : 1);
    s[0] += d;
    s[1] += d * (double)(x[i] - mean);
  }
  for (int32_t k = 0; k < LANES; k++) {
    s[0] += lane[0][k];
    s[1] += lane[1][k];
  }
}

static void sums_item(void *context, int32_t item) {
  const job *j = context;
  range r = rows_of(j, item);
  for (int32_t i = r.from; i < r.to; i++) {
    int64_t at = (int64_t)i * j->N;
    sums_of(j->x + at, j->dy + at, NULL, j->mean[i], j->N, j->sums + 2 * (int64_t)i);
  }
}

void K(row_sums)(int32_t rows, int32_t N, const ra_real *x, const ra_real *dy, const ra_real *mean, double *sums) {
  job j = {.rows = rows, .N = N, .x = x, .dy = dy, .mean = mean, .sums = sums};
  run(&j, sums_item);
}

static void combine_item(void *context, int32_t item) {
  const job *j = context;
  range r = rows_of(j, item);
  for (int32_t i = r.from; i < r.to; i++) {
    const ra_real *x = j->x + (int64_t)i * j->N, *dy = j->dy + (int64_t)i * j->N;
    ra_real *dx = j->y + (int64_t)i * j->N;
    ra_real a = j->a[i], b = j->b[i], c = j->c[i], mean = j->mean[i];
    if (j->add) {
#pragma omp simd
      for (int32_t k = 0; k < j->N; k++) dx[k] += a * dy[k] + (b * (x[k] - mean) + c);
    } else {
#pragma omp simd
      for (int32_t k = 0; k < j->N; k++) dx[k] = a * dy[k] + (b * (x[k] - mean) + c);
    }
  }
}

void K(row_combine)(int32_t rows, int32_t N, const ra_real *x, const ra_real *dy, const ra_real *mean, const ra_real *a,
                    const ra_real *b, const ra_real *c, bool add, ra_real *dx) {
  job j = {.rows = rows, .N = N, .x = x, .dy = dy, .mean = mean, .a = a, .b = b, .c = c, .add = add, .y = dx};
  run(&j, combine_item);
}

static void affine_item(void *context, int32_t item) {
  const job *j = context;
  range r = rows_of(j, item);
  const ra_real *w = j->w, *b = j->b;
  for (int32_t i = r.from; i < r.to; i++) {
    const ra_real *x = j->x + (int64_t)i * j->N;
    ra_real *y = j->y + (int64_t)i * j->N;
    ra_real mean = j->mean[i], rstd = j->rstd[i];
    if (w && b) {
#pragma omp simd
      for (int32_t k = 0; k < j->N; k++) y[k] = (x[k] - mean) * rstd * w[k] + b[k];
    } else {
      for (int32_t k = 0; k < j->N; k++) y[k] = (x[k] - mean) * rstd * (w ? w[k] : 1) + (b ? b[k] : 0);
    }
  }
}

void K(layer_affine)(int32_t rows, int32_t N, const ra_real *x, const ra_real *mean, const ra_real *rstd,
                     const ra_real *w, const ra_real *b, ra_real *y) {
  job j = {.rows = rows, .N = N, .x = x, .mean = mean, .rstd = rstd, .w = w, .b = b, .y = y};
  run(&j, affine_item);
}

/* One range of rows: its partial sums of dw and db, and dx = rstd (d w - mean(d w) - xhat mean(d w xhat)). */
static void layer_part(void *context, int32_t part) {
  const job *j = context;
  int32_t N = j->N;
  double *dw = j->part + (int64_t)part * 2 * N, *db = dw + N;
  memset(dw, 0, 2 * (size_t)N * sizeof *dw);
  int32_t from = (int32_t)((int64_t)j->rows * part / PARTS), to = (int32_t)((int64_t)j->rows * (part + 1) / PARTS);
  for (int32_t i = from; i < to; i++) {
    const ra_real *x = j->x + (int64_t)i * N, *dy = j->dy + (int64_t)i * N, *w = j->w;
    ra_real mean = j->mean[i], rstd = j->rstd[i];
#pragma omp simd
    for (int32_t k = 0; k < N; k++) {
      dw[k] += (double)(dy[k] * (x[k] - mean) * rstd);
      db[k] += (double)dy[k];
    }
    if (!j->y) continue;
    ra_real *dx = j->y + (int64_t)i * N;
    double s[2];
    sums_of(x, dy, w, mean, N, s);
    ra_real c = (ra_real)(-(double)rstd * s[0] / N), b = (ra_real)(-(double)rstd * (double)rstd * (double)rstd * s[1] / N);
    if (j->add) {
#pragma omp simd
      for (int32_t k = 0; k < N; k++) dx[k] += rstd * dy[k] * (w ? w[k] : 1) + (b * (x[k] - mean) + c);
    } else {
#pragma omp simd
      for (int32_t k = 0; k < N; k++) dx[k] = rstd * dy[k] * (w ? w[k] : 1) + (b * (x[k] - mean) + c);
    }
  }
}

size_t K(layer_grad_work)(int32_t rows, int32_t N) {
  (void)rows;
  return (size_t)PARTS * 2 * (size_t)N * sizeof(double);
}

void K(layer_grad)(int32_t rows, int32_t N, const ra_real *x, const ra_real *dy, const ra_real *mean, const ra_real *rstd,
                   const ra_real *w, bool add_dx, ra_real *dx, bool add_dw, ra_real *dw, bool add_db, ra_real *db, void *work) {
  job j = {.rows = rows, .N = N, .x = x, .dy = dy, .mean = mean, .rstd = rstd, .w = w, .add = add_dx, .y = dx, .part = work};
  if (N <= 0) return;
  ra_parallel(PARTS, layer_part, &j);
  for (int32_t which = 0; which < 2; which++) {
    ra_real *to = which ? db : dw;
    if (!to) continue;
    for (int32_t k = 0; k < N; k++) {
      double s = (which ? add_db : add_dw) ? (double)to[k] : 0;
      for (int32_t p = 0; p < PARTS; p++) s += j.part[((int64_t)p * 2 + which) * N + k];
      to[k] = (ra_real)s;
    }
  }
}
