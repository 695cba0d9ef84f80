/* softmax.c: over n of x [outer,n,inner],
 *   y = exp(x - m) / sum exp(x - m),  or its logarithm x - m - log sum exp(x - m);  m the maximum over n.
 *   dx = y (dy - sum dy y),  or dy - exp(y) sum dy
 * inner = 1: a row at a time. Otherwise WIDE neighbouring columns at a time. */
#include "../base/math.h"
#include "kernel.h"

#include "../base/thread.h"
#include "vmath.h"

enum { WIDE = 256 };

typedef struct {
  bool log, add;
  int64_t outer, inner;
  int32_t n, rows; /* rows of an item where inner = 1 */
  const ra_real *x, *dy;
  ra_real *y;
} job;

#define EACH_COLUMN V_LOOP for (int32_t i = 0; i < w; i++)

static void columns(const job *j, const ra_real *x, ra_real *y, int32_t w) {
  ra_real top[WIDE], sum[WIDE];
  int64_t step = j->inner;
  EACH_COLUMN { top[i] = x[i]; sum[i] = 0; }
  for (int32_t k = 1; k < j->n; k++) {
    const ra_real *p = x + k * step;
    EACH_COLUMN top[i] = p[i] > top[i] ? p[i] : top[i];
  }
  for (int32_t k = 0; k < j->n; k++) {
    const ra_real *p = x + k * step;
    ra_real *q = y + k * step;
    if (j->log) EACH_COLUMN { ra_real d = p[i] - top[i]; q[i] = d; sum[i] += v_exp(d); }
    else EACH_COLUMN { ra_real e = v_exp(p[i] - top[i]); q[i] = e; sum[i] += e; }
  }
  if (j->log) EACH_COLUMN sum[i] = v_log(sum[i]);
  else EACH_COLUMN sum[i] = 1 / sum[i];
  for (int32_t k = 0; k < j->n; k++) {
    ra_real *q = y + k * step;
    if (j->log) EACH_COLUMN q[i] -= sum[i];
    else EACH_COLUMN q[i] *= sum[i];
  }
}

static void columns_grad(const job *j, const ra_real *y, const ra_real *dy, ra_real *dx, int32_t w) {
  ra_real sum[WIDE];
  int64_t step = j->inner;
  EACH_COLUMN sum[i] = 0;
  for (int32_t k = 0; k < j->n; k++) {
    const ra_real *p = y + k * step, *q = dy + k * step;
    if (j->log) EACH_COLUMN sum[i] += q[i];
    else EACH_COLUMN sum[i] += q[i] * p[i];
  }
  for (int32_t k = 0; k < j->n; k++) {
    const ra_real *p = y + k * step, *q = dy + k * step;
    ra_real *o = dx + k * step;
    if (j->log && j->add) EACH_COLUMN o[i] += q[i] - v_exp(p[i]) * sum[i];
    else if (j->log) EACH_COLUMN o[i] = q[i] - v_exp(p[i]) * sum[i];
    else if (j->add) EACH_COLUMN o[i] += p[i] * (q[i] - sum[i]);
    else EACH_COLUMN o[i] = p[i] * (q[i] - sum[i]);
  }
}

static ra_real greatest(const ra_real *x, int32_t n) {
  ra_real lane[16], top;
  int32_t i = 0;
  for (int32_t k = 0; k < 16; k++) lane[k] = x[0];
  for (; i + 16 <= n; i += 16)
    for (int32_t k = 0; k < 16; k++) lane[k] = x[i + k] > lane[k] ? x[i + k] : lane[k];
  top = lane[0];
  for (int32_t k = 1; k < 16; k++) top = lane[k] > top ? lane[k] : top;
  for (; i < n; i++) top = x[i] > top ? x[i] : top;
  return top;
}

static void row(const job *j, const ra_real *x, ra_real *y) {
  int32_t w = j->n;
  ra_real top = greatest(x, w);
  if (j->log) EACH_COLUMN y[i] = x[i] - top;
  else EACH_COLUMN y[i] = v_exp(x[i] - top);
  double sum = 0;
  if (j->log) {
#pragma omp simd reduction(+ : sum)
    for (int32_t i = 0; i < w; i++) sum += (double)v_exp(y[i]);
  } else {
#pragma omp simd reduction(+ : sum)
    for (int32_t i = 0; i < w; i++) sum += (double)y[i];
  }
  ra_real s = (ra_real)(j->log ? log(sum) : 1 / sum);
  if (j->log) EACH_COLUMN y[i] -= s;
  else EACH_COLUMN y[i] *= s;
}

static void row_grad(const job *j, const ra_real *y, const ra_real *dy, ra_real *dx) {
  int32_t w = j->n;
  double total = 0;
  if (j->log) {
#pragma omp simd reduction(+ : total)
    for (int32_t i = 0; i < w; i++) total += (double)dy[i];
  } else {
#pragma omp simd reduction(+ : total)
    for (int32_t i = 0; i < w; i++) total += (double)dy[i] * (double)y[i];
  }
  ra_real sum = (ra_real)total;
  if (j->log && j->add) EACH_COLUMN dx[i] += dy[i] - v_exp(y[i]) * sum;
  else if (j->log) EACH_COLUMN dx[i] = dy[i] - v_exp(y[i]) * sum;
  else if (j->add) EACH_COLUMN dx[i] += y[i] * (dy[i] - sum);
  else EACH_COLUMN dx[i] = y[i] * (dy[i] - sum);
}

/* Item: some rows, or one strip of columns of one outer index. */
static void item(void *context, int32_t number) {
  const job *j = context;
  if (j->inner == 1) {
    int64_t from = (int64_t)number * j->rows, to = ra_min(from + j->rows, j->outer);
    for (int64_t r = from; r < to; r++) {
      int64_t at = r * j->n;
      if (j->dy) row_grad(j, j->x + at, j->dy + at, j->y + at);
      else row(j, j->x + at, j->y + at);
    }
    return;
  }
  int64_t strips = ra_ceil_div(j->inner, WIDE), first = number % strips * WIDE;
  int64_t at = number / strips * j->n * j->inner + first;
  int32_t w = (int32_t)ra_min(j->inner - first, WIDE);
  if (j->dy) columns_grad(j, j->x + at, j->dy + at, j->y + at, w);
  else columns(j, j->x + at, j->y + at, w);
}

static void run(job j) {
  if (j.outer <= 0 || j.n <= 0 || j.inner <= 0) return;
  j.rows = ra_max(RA_CHUNK / 4 / j.n, 1);
  int64_t items = j.inner == 1 ? ra_ceil_div(j.outer, j.rows) : j.outer * ra_ceil_div(j.inner, WIDE);
  ra_parallel((int32_t)items, item, &j);
}

void K(softmax)(bool log, int64_t outer, int32_t n, int64_t inner, const ra_real *x, ra_real *y) {
  run((job){.log = log, .outer = outer, .n = n, .inner = inner, .x = x, .y = y});
}

void K(softmax_grad)(bool log, int64_t outer, int32_t n, int64_t inner, const ra_real *y, const ra_real *dy, bool add,
                     ra_real *dx) {
  run((job){.log = log, .add = add, .outer = outer, .n = n, .inner = inner, .x = y, .dy = dy, .y = dx});
}
