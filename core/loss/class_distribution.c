/* class_distribution.c: deep_distribution for K exclusive classes. The paper's formula knows two; this is the same for K:
 * for a cell of `area` pixels, with n_k = sum of p_k in it, p the softmax over classes,
 *   P = softmax(n / tau)           scale = "count"
 *   P = softmax(n / (area tau))    scale = "fraction"
 *   L = mean over images and cells of D(P_S, P_T)
 * For K = 2 that is the one-channel form of the difference of the two logits. T is the teacher where one is given, else the
 * label map. Void pixels, inside and weight: sums of weights, as there. Forward keeps dL/dn_k of every cell, [B,rows,cols,K]. */
#include <math.h>

#include "../base/thread.h"
#include "distribution.h"

enum { TILE = RA_CLASSES_TILE };

typedef struct {
  ra_call *c;
  ra_grid g;           /* planes: the images */
  int32_t classes;
  double *part;        /* [images * rows] */
  double *counts[2];   /* student, teacher: [images * rows, cols, classes] */
  double *area;        /* [images * rows, cols] */
  double cells;        /* that count */
} job;

static job job_of(ra_call *c) {
  job j = {.c = c, .g = ra_grid_of(c, c->in[RA_PREDICTION].dim[0]), .classes = c->in[RA_PREDICTION].dim[1], .part = c->work};
  size_t rows = (size_t)j.g.planes * (size_t)j.g.rows, cells = rows * (size_t)j.g.cols;
  j.counts[0] = j.part + rows;
  j.counts[1] = j.counts[0] + cells * (size_t)j.classes;
  j.area = j.counts[1] + cells * (size_t)j.classes;
  return j;
}

int32_t ra_class_distribution_infer(ra_call *c) {
  RA_TRY(ra_classes_infer(c));
  ra_grid g = ra_grid_of(c, c->in[RA_PREDICTION].dim[0]);
  int32_t K = c->in[RA_PREDICTION].dim[1];
  RA_TRY(ra_save(c, 4, (int32_t[]){g.planes, g.rows, g.cols, K}));
  size_t rows = (size_t)g.planes * (size_t)g.rows, cells = rows * (size_t)g.cols;
  c->work_forward = (rows + cells * (2 * (size_t)K + 1)) * sizeof(double);
  c->work_backward = rows * sizeof(double);
  return RA_OK;
}

/* ---- counts of a row of cells ---- */

/* The rows of pixels of one strip of columns, summed. */
typedef struct {
  double area[TILE], count[RA_CLASSES_MAX * TILE];
} strip;

/* p becomes 1 for the first of the greatest, 0 for the others. */
static void harden(const ra_class_tile *t, ra_real *p) {
  for (int32_t i = 0; i < t->n; i++) {
    int32_t best = 0;
    for (int32_t k = 1; k < t->classes; k++)
      if (p[k * TILE + i] > p[best * TILE + i]) best = k;
    for (int32_t k = 0; k < t->classes; k++) p[k * TILE + i] = k == best ? 1 : 0;
  }
}

static void add_tile(const ra_call *c, const ra_class_tile *t, int32_t from, strip *s) {
  if (from == RA_MASK) {
    for (int32_t i = 0; i < t->n; i++) s->count[t->label[i] * TILE + i] += (double)t->weight[i];
    return;
  }
  ra_class_values p;
  ra_class_probabilities(c, t, from, p, NULL);
  if (c->param[RA_GRID_COUNT] == RA_COUNT_HARD) harden(t, p);
  for (int32_t k = 0; k < t->classes; k++) {
    ra_loss_weigh(t->n, t->weight, p + k * TILE);
    for (int32_t i = 0; i < t->n; i++) s->count[k * TILE + i] += (double)p[k * TILE + i];
  }
}

/* Counts of input `from` in the cell row r of image b, and the areas. */
static void count_cells(const job *j, int32_t from, int32_t b, int32_t r, double *counts, double *area) {
  const ra_grid *g = &j->g;
  int32_t end = ra_grid_row_end(g, r), K = j->classes;
  for (int32_t k = 0; k < g->cols * K; k++) counts[k] = 0;
  for (int32_t k = 0; k < g->cols; k++) area[k] = 0;
  for (int32_t x0 = 0; x0 < g->W; x0 += TILE) {
    int32_t n = g->W - x0 < TILE ? g->W - x0 : TILE;
    strip s;
    memset(s.area, 0, sizeof s.area);
    memset(s.count, 0, (size_t)(K * TILE) * sizeof *s.count);
    for (int32_t y = r * g->height; y < end; y++) {
      ra_class_tile t;
      ra_class_tile_at(j->c, b, (int64_t)y * g->W + x0, n, &t);
      add_tile(j->c, &t, from, &s);
      for (int32_t i = 0; i < n; i++) s.area[i] += (double)t.weight[i];
    }
    ra_grid_add_columns(g, x0, n, s.area, area, 1);
    for (int32_t k = 0; k < K; k++) ra_grid_add_columns(g, x0, n, s.count + k * TILE, counts + k, K);
  }
}

static void count_row(void *context, int32_t row) {
  const job *j = context;
  const ra_grid *g = &j->g;
  int64_t at = (int64_t)row * g->cols;
  for (int32_t side = 0; side < 2; side++)
    count_cells(j, side == 0 ? RA_PREDICTION : ra_loss_target(j->c), row / g->rows, row % g->rows, j->counts[side] + at * j->classes,
                j->area + at);
}

/* ---- one cell, in double ---- */

typedef struct {
  double p[RA_CLASSES_MAX], log[RA_CLASSES_MAX];
} distribution;

static void softmax(const double *n, int32_t K, double unit, distribution *d) {
  double top = n[0], sum = 0;
  for (int32_t k = 1; k < K; k++) top = fmax(top, n[k]);
  for (int32_t k = 0; k < K; k++) {
    d->log[k] = (n[k] - top) / unit;
    sum += d->p[k] = exp(d->log[k]);
  }
  for (int32_t k = 0; k < K; k++) {
    d->p[k] /= sum;
    d->log[k] -= log(sum);
  }
}

/* KL(s || t) as the sum of s (exp(d) - 1 - d), d = log t - log s: no term is negative, so nothing cancels. */
static double kl(const distribution *s, const distribution *t, int32_t K) {
  double sum = 0;
  for (int32_t k = 0; k < K; k++) {
    double d = t->log[k] - s->log[k];
    if (fabs(d) < 1e-2) sum += s->p[k] * d * d * (0.5 + d * (1.0 / 6 + d * (1.0 / 24 + d / 120)));
    else sum += t->p[k] - s->p[k] - s->p[k] * d;
  }
  return sum;
}

/* The logarithm of the mean of two, each a logarithm. */
static double log_mean(double a, double b) { return fmax(a, b) + log1p(exp(-fabs(a - b))) - log(2); }

/* D of student and teacher, and slope[K], its derivative with respect to the counts over unit. */
static double divergence(int direction, const distribution *s, const distribution *t, int32_t K, double *slope) {
  if (direction == RA_TEACHER_STUDENT) {
    for (int32_t k = 0; k < K; k++) slope[k] = s->p[k] - t->p[k];
    return kl(t, s, K);
  }
  double sum = 0, other = 0;
  for (int32_t k = 0; k < K; k++) {
    double m = log_mean(s->log[k], t->log[k]);
    slope[k] = direction == RA_JS ? s->p[k] * (s->log[k] - m) / 2 : s->p[k] * (s->log[k] - t->log[k]);
    sum += slope[k];
    other += t->p[k] * (t->log[k] - m) / 2;
  }
  for (int32_t k = 0; k < K; k++) slope[k] -= s->p[k] * sum;
  return direction == RA_JS ? fmax(sum + other, 0) : kl(s, t, K);
}

/* ---- forward ---- */

static bool used(const ra_grid *g, int32_t row, int32_t col, const double *area) {
  return row % g->rows < g->used_rows && col < g->used_cols && area[col] > 0;
}

static double count_used(const job *j) {
  int64_t n = 0;
  for (int32_t row = 0; row < j->g.planes * j->g.rows; row++)
    for (int32_t k = 0; k < j->g.cols; k++) n += used(&j->g, row, k, j->area + (int64_t)row * j->g.cols);
  return (double)n;
}

static void compare_row(void *context, int32_t row) {
  const job *j = context;
  const ra_call *c = j->c;
  int32_t K = j->classes;
  double sum = 0;
  for (int32_t col = 0; col < j->g.cols; col++) {
    int64_t cell = (int64_t)row * j->g.cols + col;
    ra_real *kept = c->saved[0].data + cell * K;
    for (int32_t k = 0; k < K; k++) kept[k] = 0;
    if (!used(&j->g, row, col, j->area + (int64_t)row * j->g.cols)) continue;
    double unit = c->param[RA_GRID_TAU] * (c->param[RA_GRID_SCALE] == RA_SCALE_COUNT ? 1 : j->area[cell]), slope[RA_CLASSES_MAX];
    distribution s, t;
    softmax(j->counts[0] + cell * K, K, unit, &s);
    softmax(j->counts[1] + cell * K, K, unit, &t);
    sum += divergence((int)c->param[RA_GRID_DIRECTION], &s, &t, K, slope);
    for (int32_t k = 0; k < K; k++) kept[k] = (ra_real)(slope[k] / unit / j->cells);
  }
  j->part[row] = j->cells > 0 ? sum / j->cells : 0;
}

static double total(const job *j) {
  double sum = 0;
  for (int32_t i = 0; i < j->g.planes * j->g.rows; i++) sum += j->part[i];
  return sum;
}

void ra_class_distribution_forward(ra_call *c) {
  job j = job_of(c);
  ra_parallel(j.g.planes * j.g.rows, count_row, &j);
  j.cells = count_used(&j);
  ra_parallel(j.g.planes * j.g.rows, compare_row, &j);
  c->out.data[0] = (ra_real)total(&j);
}

/* ---- backward: dL/dp_k of a pixel is its weight times dL/dn_k of its cell ---- */

static double backward_tile(const job *j, const ra_class_tile *t, const ra_real *slope, int32_t x0) {
  ra_class_values p, a;
  int32_t K = j->classes;
  ra_class_probabilities(j->c, t, RA_PREDICTION, p, NULL);
  memset(a, 0, (size_t)(K * TILE) * sizeof *a);
  for (int32_t i = 0; i < t->n; i++) {
    const ra_real *own = slope + (int64_t)((x0 + i) / j->g.width) * K;
    for (int32_t k = 0; k < K; k++) a[k * TILE + i] = p[k * TILE + i] * own[k];
  }
  ra_class_from_log_input(j->c, t, p, a);
  return ra_class_store(j->c, t, j->c->dout.data[0], a);
}

static void backward_row(void *context, int32_t row) {
  const job *j = context;
  const ra_grid *g = &j->g;
  int32_t b = row / g->rows, r = row % g->rows, end = ra_grid_row_end(g, r);
  const ra_real *slope = j->c->saved[0].data + (int64_t)row * g->cols * j->classes;
  j->part[row] = 0;
  for (int32_t y = r * g->height; y < end; y++)
    for (int32_t x0 = 0; x0 < g->W; x0 += TILE) {
      ra_class_tile t;
      ra_class_tile_at(j->c, b, (int64_t)y * g->W + x0, g->W - x0 < TILE ? g->W - x0 : TILE, &t);
      j->part[row] += backward_tile(j, &t, slope, x0);
    }
}

void ra_class_distribution_backward(ra_call *c) {
  job j = job_of(c);
  ra_parallel(j.g.planes * j.g.rows, backward_row, &j);
  if (c->norm2) *c->norm2 = total(&j);
}
