/* deep_distribution: the Deep Distribution Loss of one level (Lin 2025,
 * equations 2 to 4 of docs/explanation/method.md). The sum over levels comes from the
 * rows of `supervise`.
 *
 *   prediction, mask or teacher [B,C,H,W] -> rank 0
 * Every plane is cut into cells. For a cell of `area` pixels, with fg = sum of
 * probabilities in it,
 *   u = (2 fg - area) / tau       scale = "count": softmax of (fg, area - fg) / tau is sigmoid(u)
 *   u = (2 fg / area - 1) / tau   scale = "fraction"
 *   L = mean over planes and cells of D(sigmoid(u_S), sigmoid(u_T))
 * T is the teacher where one is given, else the mask. With inside or weight (loss.h) fg and area are sums of weights,
 * and cells of area 0 are left out of the mean.
 *
 * Forward keeps dL/d(fg) of every cell, so backward needs the prediction only
 * and the memory of a teacher's output is free once its loss is computed. */
#include <math.h>
#include <string.h>

#include "../base/math.h"
#include "../base/thread.h"
#include "distribution.h"

static const ra_param params[] = {
  RA_PARAM_INPUT,
  {.name = "patches", .kind = RA_PARAM_INT, .default_value = NAN, .low = 1, .high = 1e8,
   .help = "number of cells in an image, a square number; 16 unless this or patch is given"},
  {.name = "patch", .kind = RA_PARAM_INT, .default_value = NAN, .low = 1, .high = 65536,
   .help = "side of a cell in pixels, instead of patches"},
  {.name = "tau", .kind = RA_PARAM_NUMBER, .default_value = 3, .low = 1e-3, .high = 1e6, .live = true,
   .help = "temperature of the softmax; in pixels for scale = \"count\""},
  {.name = "scale", .kind = RA_PARAM_CHOICE, .default_value = RA_SCALE_COUNT, .choices = "count|fraction",
   .help = "softmax of pixel counts, or of fractions of the cell"},
  {.name = "count", .kind = RA_PARAM_CHOICE, .default_value = RA_COUNT_SOFT, .choices = "soft|hard",
   .help = "sum of probabilities, or pixels over 0.5 (gradient straight through, as if soft)"},
  {.name = "direction", .kind = RA_PARAM_CHOICE, .default_value = RA_STUDENT_TEACHER,
   .choices = "student_teacher|teacher_student|js", .help = "KL(student || teacher), the reverse, or Jensen-Shannon"},
  {.name = "edge", .kind = RA_PARAM_CHOICE, .default_value = RA_EDGE_PARTIAL, .choices = "partial|drop",
   .help = "cells cut by the border: count with their own area, or are left out"},
  {0}};

static int32_t infer(ra_call *c) {
  RA_TRY(ra_want_rank(c, RA_PREDICTION, 4));
  RA_TRY(ra_grid_check_size(c));
  if (ra_loss_classes(c)) return ra_class_distribution_infer(c);
  RA_TRY(ra_loss_want(c, ra_has(c, RA_TEACHER) ? RA_TEACHER : RA_MASK));
  RA_TRY(ra_loss_infer(c));
  ra_grid g = ra_grid_of(c, c->in[RA_PREDICTION].dim[0] * c->in[RA_PREDICTION].dim[1]);
  RA_TRY(ra_save(c, 3, (int32_t[]){g.planes, g.rows, g.cols}));
  size_t rows = (size_t)g.planes * (size_t)g.rows;
  c->work_forward = rows * (1 + 3 * (size_t)g.cols) * sizeof(double);
  c->work_backward = rows * sizeof(double);
  return RA_OK;
}

/* ---- one cell: everything in double ---- */

/* sigmoid(u), 1 - sigmoid(u) and log(1 + exp(-|u|)), one exp and one log1p */
typedef struct {
  double u, p, q, tail;
} probability;

static probability probability_of(double u) {
  double e = exp(-fabs(u)), large = 1 / (1 + e), small = e * large;
  return (probability){u, u >= 0 ? large : small, u >= 0 ? small : large, log1p(e)};
}

static double softplus(double u, double tail) { return (u > 0 ? u : 0) + tail; }

/* KL(s || t) = p_s (u_s - u_t) + softplus(u_t) - softplus(u_s). Swapping the
 * classes (u to -u, p to q) changes nothing, so u_s <= 0 may be assumed: then
 * nothing large cancels. */
static double kl(probability s, probability t) {
  double sign = s.u > 0 ? -1 : 1, small = s.u > 0 ? s.q : s.p;
  return small * sign * (s.u - t.u) + softplus(sign * t.u, t.tail) - softplus(sign * s.u, s.tail);
}

static double log_ratio(double weight, double a, double b) { return weight > 0 && b > 0 ? weight * log(a / b) : 0; }

/* Divergence of student u and teacher v, *d its derivative with respect to u. */
static double divergence(int direction, double u, double v, double *d) {
  probability s = probability_of(u), t = probability_of(v);
  if (direction == RA_STUDENT_TEACHER) {
    *d = s.p * s.q * (u - v);
    return kl(s, t);
  }
  if (direction == RA_TEACHER_STUDENT) {
    *d = s.p * t.q - s.q * t.p;
    return kl(t, s);
  }
  double p = (s.p + t.p) / 2, q = (s.q + t.q) / 2; /* the mean of both */
  *d = s.p > 0 && s.q > 0 && p > 0 && q > 0 ? s.p * s.q * (u + log(q) - log(p)) / 2 : 0;
  return (log_ratio(s.p, s.p, p) + log_ratio(s.q, s.q, q) + log_ratio(t.p, t.p, p) + log_ratio(t.q, t.q, q)) / 2;
}

/* ---- forward ---- */

typedef struct {
  ra_call *c;
  ra_grid g;
  double *part;      /* [planes * rows] */
  double *fg[2];     /* student, teacher: [planes * rows, cols] */
  double *area;      /* of each cell: [planes * rows, cols] */
  double cells;      /* that count */
} job;

/* The area of each cell of a row of cells: its pixels, or the sum of their weights. */
static void measure_row(void *context, int32_t row) {
  const job *j = context;
  const ra_grid *g = &j->g;
  int32_t plane = row / g->rows, r = row % g->rows, y1 = ra_grid_row_end(g, r);
  double *area = j->area + (int64_t)row * g->cols, height = y1 - r * g->height;
  for (int32_t k = 0; k < g->cols; k++) {
    int32_t width = ra_min(g->width, g->W - k * g->width);
    area[k] = ra_loss_weighted(j->c) ? 0 : height * width;
  }
  if (!ra_loss_weighted(j->c)) return;
  for (int32_t x0 = 0; x0 < g->W; x0 += RA_TILE) {
    int32_t n = ra_min(g->W - x0, (int32_t)RA_TILE);
    double column[RA_TILE] = {0};
    for (int32_t y = r * g->height; y < y1; y++) {
      ra_real w[RA_TILE];
      ra_loss_weights(j->c, ((int64_t)plane * g->H + y) * g->W + x0, n, w);
      for (int32_t x = 0; x < n; x++) column[x] += (double)w[x];
    }
    ra_grid_add_columns(g, x0, n, column, area, 1);
  }
}

/* Cells that count: not dropped at an edge, and with an area above 0. */
static double count_used(const job *j) {
  const ra_grid *g = &j->g;
  int64_t n = 0;
  for (int32_t row = 0; row < g->planes * g->rows; row++)
    for (int32_t k = 0; row % g->rows < g->used_rows && k < g->used_cols; k++) n += j->area[(int64_t)row * g->cols + k] > 0;
  return (double)n;
}

/* fg[k] = foreground of cell k in the cell row r of a plane of input `from`, logits or probabilities. */
static void count_cells(const ra_call *c, const ra_grid *g, int32_t from, int32_t plane, bool logits, int32_t r, double *fg) {
  bool hard = c->param[RA_GRID_COUNT] == RA_COUNT_HARD;
  ra_real middle = logits ? 0 : (ra_real)0.5;
  int32_t y1 = ra_grid_row_end(g, r);
  for (int32_t k = 0; k < g->cols; k++) fg[k] = 0;
  for (int32_t x0 = 0; x0 < g->W; x0 += RA_TILE) {
    int32_t n = ra_min(g->W - x0, (int32_t)RA_TILE);
    double column[RA_TILE] = {0};
    ra_real tile[RA_TILE], memory[RA_TILE];
    for (int32_t y = r * g->height; y < y1; y++) {
      int64_t at = ((int64_t)plane * g->H + y) * g->W + x0;
      const ra_real *p = c->in[from].data + at, *w = ra_loss_weights(c, at, n, memory);
      if (hard) {
        RA_SIMD
        for (int32_t x = 0; x < n; x++) tile[x] = p[x] > middle ? 1 : 0;
      } else if (logits) {
        ra_tile_sigmoid(n, p, tile);
      } else {
        memcpy(tile, p, (size_t)n * sizeof *p);
      }
      ra_loss_weigh(n, w, tile);
      RA_SIMD
      for (int32_t x = 0; x < n; x++) column[x] += (double)tile[x];
    }
    ra_grid_add_columns(g, x0, n, column, fg, 1);
  }
}

static void forward_row(void *context, int32_t row) {
  const job *j = context;
  const ra_grid *g = &j->g;
  const ra_call *c = j->c;
  int32_t plane = row / g->rows, r = row % g->rows, target = ra_loss_target(c);
  bool logits = c->param[RA_LOSS_INPUT] == RA_INPUT_LOGITS;
  double *s = j->fg[0] + (int64_t)row * g->cols, *t = j->fg[1] + (int64_t)row * g->cols, sum = 0;
  const double *area = j->area + (int64_t)row * g->cols, tau = c->param[RA_GRID_TAU];
  ra_real *slope = c->saved[0].data + (int64_t)row * g->cols;
  for (int32_t k = 0; k < g->cols; k++) slope[k] = 0;
  j->part[row] = 0;
  if (r >= g->used_rows) return;
  count_cells(c, g, RA_PREDICTION, plane, logits, r, s);
  count_cells(c, g, target, plane, logits && target == RA_TEACHER, r, t);
  for (int32_t k = 0; k < g->used_cols; k++) {
    if (!(area[k] > 0)) continue;
    double unit = c->param[RA_GRID_SCALE] == RA_SCALE_COUNT ? tau : area[k] * tau, d;
    sum += divergence((int)c->param[RA_GRID_DIRECTION], (2 * s[k] - area[k]) / unit, (2 * t[k] - area[k]) / unit, &d);
    slope[k] = (ra_real)(d * 2 / unit / j->cells);
  }
  j->part[row] = j->cells > 0 ? sum / j->cells : 0;
}

static job job_of(ra_call *c) {
  job j = {.c = c, .g = ra_grid_of(c, c->in[RA_PREDICTION].dim[0] * c->in[RA_PREDICTION].dim[1]), .part = c->work};
  size_t rows = (size_t)j.g.planes * (size_t)j.g.rows;
  j.fg[0] = j.part + rows;
  j.fg[1] = j.fg[0] + rows * (size_t)j.g.cols;
  j.area = j.fg[1] + rows * (size_t)j.g.cols;
  return j;
}

static double total(const job *j) {
  double sum = 0;
  for (int32_t i = 0; i < j->g.planes * j->g.rows; i++) sum += j->part[i];
  return sum;
}

static void forward(ra_call *c) {
  if (ra_loss_classes(c)) {
    ra_class_distribution_forward(c);
    return;
  }
  job j = job_of(c);
  ra_parallel(j.g.planes * j.g.rows, measure_row, &j);
  j.cells = count_used(&j);
  ra_parallel(j.g.planes * j.g.rows, forward_row, &j);
  c->out.data[0] = (ra_real)total(&j);
}

/* ---- backward: dL/dp of a pixel is its weight times dL/d(fg) of its cell ---- */

static void backward_row(void *context, int32_t row) {
  const job *j = context;
  const ra_grid *g = &j->g;
  const ra_call *c = j->c;
  int32_t plane = row / g->rows, r = row % g->rows;
  int32_t y1 = ra_grid_row_end(g, r);
  const ra_real *slope = c->saved[0].data + (int64_t)row * g->cols;
  ra_real *dx = c->din[RA_PREDICTION].data;
  double sum = 0;
  for (int32_t x0 = 0; x0 < g->W; x0 += RA_TILE) {
    int32_t n = ra_min(g->W - x0, (int32_t)RA_TILE);
    ra_real column[RA_TILE], grad[RA_TILE];
    for (int32_t x = 0, k = x0 / g->width, left = (k + 1) * g->width - x0; x < n; x++, left--) {
      if (left == 0) {
        k++;
        left = g->width;
      }
      column[x] = slope[k];
    }
    for (int32_t y = r * g->height; y < y1; y++) {
      ra_bernoulli s;
      ra_real memory[RA_TILE];
      int64_t at = ((int64_t)plane * g->H + y) * g->W + x0;
      ra_bernoulli_input(c, n, c->in[RA_PREDICTION].data + at, false, &s);
      RA_SIMD
      for (int32_t x = 0; x < n; x++) grad[x] = column[x];
      ra_from_prob(c, n, &s, grad);
      ra_loss_weigh(n, ra_loss_weights(c, at, n, memory), grad);
      sum += ra_loss_store(c->add[RA_PREDICTION], n, c->dout.data[0], grad, dx ? dx + at : NULL);
    }
  }
  j->part[row] = sum;
}

static void backward(ra_call *c) {
  if (ra_loss_classes(c)) {
    ra_class_distribution_backward(c);
    return;
  }
  job j = job_of(c);
  ra_parallel(j.g.planes * j.g.rows, backward_row, &j);
  if (c->norm2) *c->norm2 = total(&j);
}

const ra_op ra_op_deep_distribution = {
  .name = "deep_distribution",
  .help = "Deep Distribution Loss of one level: divergence between the patch distributions of student and teacher\n"
          "prediction, mask or teacher [B,C,H,W]; each plane is cut into cells; fg = sum of probabilities in a cell,\n"
          "P = softmax((fg, area - fg) / tau), or of their fractions; mean over planes and cells of KL(P_S || P_T)\n"
          "K logits [B,K,H,W] with a label map [B,1,H,W]: softmax of K counts / tau, p the softmax over K exclusive classes\n"
          "T is the teacher where one is given, else the mask. Lin 2025, arXiv 2509.03173",
  RA_LOSS_TABLE,
  .params = params,
  .reads = RA_READS_IN0 | RA_READS_WEIGHTS,
  .check = ra_grid_check,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,1,8,8 - 2,1,8,8\n"
             "1,1,7,9 1,1,7,9:mask 1,1,7,9 | patches=9 tau=0.5 scale=\"fraction\"\n"
             "2,1,5,6 2,1,5,6:mask | patch=2 tau=1\n"
             "2,1,5,7 - 2,1,5,7 | patch=3 tau=2 direction=\"teacher_student\"\n"
             "1,2,5,7 - 1,2,5,7 | patch=2 edge=\"drop\" direction=\"js\"\n"
             "1,1,6,6 1,1,6,6:mask | patches=4 direction=\"js\" scale=\"fraction\" tau=0.3\n"
             "1,1,6,5:prob - 1,1,6,5:prob | input=\"prob\" patches=4 tau=1.5\n"
             "1,1,7,9 - 1,1,7,9 1,1,7,9:mask | patch=3 tau=1\n"
             "2,1,5,6 2,1,5,6:mask - - 2,1,5,6:var | patch=2 scale=\"fraction\" tau=0.4 direction=\"js\"\n"
             "1,1,6,6 - 1,1,6,6 1,1,6,6:mask 1,1,6,6:var | patch=1 tau=1 direction=\"teacher_student\"\n"
             "2,3,7,9 2,1,7,9:label 2,3,7,9 | patch=4 tau=2\n2,3,5,6 2,1,5,6:label | patch=2 tau=1 direction=\"js\"\n"
             "1,3,7,5 1,1,7,5:label 1,3,7,5 1,1,7,5:mask 1,1,7,5:var | patch=3 edge=\"drop\" direction=\"teacher_student\"\n"
             "1,3,6,5:prob 1,1,6,5:label 1,3,6,5:prob | input=\"prob\" patches=4 tau=0.3 scale=\"fraction\"",
};
