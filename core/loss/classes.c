/* classes.c: tiles of K exclusive classes: labels and weights, probabilities, the store of gradients. */
#include "classes.h"

#include "../base/math.h"

enum { TILE = RA_CLASSES_TILE };

/* ---- shapes ---- */

int32_t ra_loss_classes(const ra_call *c) {
  const ra_array *x = &c->in[RA_PREDICTION], *y = &c->in[RA_MASK];
  bool labels = ra_has(c, RA_MASK) && x->rank == 4 && y->rank == 4 && x->dim[1] > 1 && y->dim[1] == 1;
  return labels ? x->dim[1] : 0;
}

int32_t ra_classes_infer(ra_call *c) {
  char text[80], want[80], name[32];
  const ra_array *x = &c->in[RA_PREDICTION];
  int32_t K = x->dim[1];
  if (K > RA_CLASSES_MAX)
    return ra_fail(RA_ERR_SHAPE, "%s: prediction %s has %d classes, at most %d are possible", c->op->name,
                   ra_in_text(c, RA_PREDICTION, text), K, RA_CLASSES_MAX);
  for (int32_t k = RA_MASK; k <= RA_WEIGHT; k++) {
    const ra_array *a = &c->in[k];
    if (k == RA_TEACHER || !ra_has(c, k)) continue;
    if (a->rank != 4 || a->dim[0] != x->dim[0] || a->dim[1] != 1 || a->dim[2] != x->dim[2] || a->dim[3] != x->dim[3])
      return ra_fail(RA_ERR_SHAPE, "%s: %s has shape %s, wants [%d,1,%d,%d], as prediction %s with one channel", c->op->name,
                     ra_input_name(c->op, k, name), ra_in_text(c, k, text), x->dim[0], x->dim[2], x->dim[3],
                     ra_in_text(c, RA_PREDICTION, want));
  }
  if (ra_has(c, RA_TEACHER)) RA_TRY(ra_want_same(c, RA_TEACHER, RA_PREDICTION));
  if (x->size < 1)
    return ra_fail(RA_ERR_SHAPE, "%s: prediction %s has no pixels", c->op->name, ra_in_text(c, RA_PREDICTION, text));
  return ra_out(c, 0, NULL);
}

/* ---- chunks ---- */

static int64_t area_of(const ra_call *c) { return (int64_t)c->in[RA_PREDICTION].dim[2] * c->in[RA_PREDICTION].dim[3]; }

static int32_t chunks_of_image(const ra_call *c) { return (int32_t)ra_ceil_div(area_of(c), (int64_t)RA_CLASSES_CHUNK); }

int32_t ra_classes_chunks(const ra_call *c) { return c->in[RA_PREDICTION].dim[0] * chunks_of_image(c); }

void ra_class_tile_at(const ra_call *c, int32_t b, int64_t at, int32_t n, ra_class_tile *t) {
  t->classes = c->in[RA_PREDICTION].dim[1];
  t->n = n;
  t->stride = area_of(c);
  t->pixel = b * t->stride + at;
  t->first = (int64_t)b * t->classes * t->stride + at;
  const ra_real *y = c->in[RA_MASK].data + t->pixel;
  const ra_real *w = ra_loss_weights(c, t->pixel, n, t->weight);
  for (int32_t i = 0; i < n; i++) {
    bool known = y[i] >= 0 && y[i] < (ra_real)t->classes;
    if (!known || !w) t->weight[i] = known ? 1 : 0;
    t->label[i] = known && t->weight[i] != 0 ? (int32_t)y[i] : 0;
  }
}

void ra_classes_each_tile(const ra_call *c, int32_t chunk, ra_class_visit *visit, void *context) {
  int32_t chunks = chunks_of_image(c), b = chunk / chunks;
  int64_t at = (int64_t)(chunk % chunks) * RA_CLASSES_CHUNK, end = ra_min(at + (int64_t)RA_CLASSES_CHUNK, area_of(c));
  for (; at < end; at += TILE) {
    ra_class_tile t;
    ra_class_tile_at(c, b, at, (int32_t)ra_min(end - at, (int64_t)TILE), &t);
    visit(context, c, &t);
  }
}

/* ---- probabilities ---- */

#define EACH_PIXEL RA_SIMD for (int32_t i = 0; i < TILE; i++) /* all of a tile, so that the length is known: n is less only at an end */

/* The K rows of input k; what a short tile lacks is 0. */
static void gather(const ra_call *c, const ra_class_tile *t, int32_t k, ra_real *u) {
  for (int32_t j = 0; j < t->classes; j++) {
    const ra_real *x = c->in[k].data + t->first + j * t->stride;
    ra_real *row = u + j * TILE;
    memcpy(row, x, (size_t)t->n * sizeof *x);
    for (int32_t i = t->n; i < TILE; i++) row[i] = 0;
  }
}

/* p = softmax(u) and its logarithm; u may be p. */
static void softmax(const ra_class_tile *t, const ra_real *u, ra_real *p, ra_real *lp) {
  ra_real top[TILE], sum[TILE];
  int32_t K = t->classes;
  memcpy(top, u, sizeof top);
  for (int32_t k = 1; k < K; k++) {
    const ra_real *x = u + k * TILE;
    EACH_PIXEL top[i] = x[i] > top[i] ? x[i] : top[i];
  }
  for (int32_t k = 0; k < K; k++) {
    const ra_real *x = u + k * TILE;
    ra_real *y = p + k * TILE;
    EACH_PIXEL y[i] = x[i] - top[i];
  }
  if (lp) memcpy(lp, p, (size_t)(K * TILE) * sizeof *p);
  ra_tile_exp(K * TILE, p);
  memset(sum, 0, sizeof sum);
  for (int32_t k = 0; k < K; k++) EACH_PIXEL sum[i] += p[k * TILE + i];
  for (int32_t k = 0; k < K; k++) EACH_PIXEL p[k * TILE + i] /= sum[i];
  if (!lp) return;
  ra_tile_log(TILE, sum);
  for (int32_t k = 0; k < K; k++) EACH_PIXEL lp[k * TILE + i] -= sum[i];
}

/* The logarithm of probabilities, into another array; that of 0 is -100. */
static void logarithm(const ra_class_tile *t, const ra_real *p, ra_real *lp) {
  const ra_real tiny = (ra_real)1e-37;
  int32_t size = t->classes * TILE;
  RA_SIMD
  for (int32_t i = 0; i < size; i++) lp[i] = p[i] > tiny ? p[i] : tiny;
  ra_tile_log(size, lp);
  RA_SIMD
  for (int32_t i = 0; i < size; i++) lp[i] = p[i] > tiny ? lp[i] : -100;
}

void ra_class_probabilities(const ra_call *c, const ra_class_tile *t, int32_t k, ra_real *p, ra_real *lp) {
  gather(c, t, k, p);
  if (c->param[RA_LOSS_INPUT] != RA_INPUT_PROB) softmax(t, p, p, lp);
  else if (lp) logarithm(t, p, lp);
}

void ra_class_soften(const ra_call *c, const ra_class_tile *t, int32_t k, ra_real scale, ra_real *p, ra_real *lp) {
  ra_class_values u;
  int32_t size = t->classes * TILE;
  gather(c, t, k, p);
  if (c->param[RA_LOSS_INPUT] == RA_INPUT_PROB) logarithm(t, p, u);
  else memcpy(u, p, (size_t)size * sizeof *u);
  RA_SIMD
  for (int32_t i = 0; i < size; i++) u[i] *= scale;
  softmax(t, u, p, lp);
}

void ra_class_others(const ra_class_tile *t, const ra_real *p, ra_real *others) {
  for (int32_t i = 0; i < t->n; i++) others[i] = 0;
  for (int32_t k = 0; k < t->classes; k++)
    for (int32_t i = 0; i < t->n; i++) others[i] += t->label[i] == k ? 0 : p[k * TILE + i];
}

/* ---- gradients ---- */

void ra_class_from_log(const ra_class_tile *t, const ra_real *p, ra_real *a) {
  ra_real sum[TILE] = {0};
  for (int32_t k = 0; k < t->classes; k++) EACH_PIXEL sum[i] += a[k * TILE + i];
  for (int32_t k = 0; k < t->classes; k++) EACH_PIXEL a[k * TILE + i] -= p[k * TILE + i] * sum[i];
}

static void divide(const ra_class_tile *t, const ra_real *p, ra_real *g) {
  const ra_real least = (ra_real)1e-12;
  int32_t size = t->classes * TILE;
  RA_SIMD
  for (int32_t i = 0; i < size; i++) g[i] /= p[i] > least ? p[i] : least; /* NOLINT: gather filled as many */
}

void ra_class_from_log_input(const ra_call *c, const ra_class_tile *t, const ra_real *p, ra_real *a) {
  if (c->param[RA_LOSS_INPUT] != RA_INPUT_PROB) ra_class_from_log(t, p, a);
  else divide(t, p, a);
}

void ra_class_per_probability(const ra_call *c, const ra_class_tile *t, ra_real *g) {
  ra_class_values p;
  gather(c, t, RA_PREDICTION, p);
  divide(t, p, g);
}

double ra_class_store(const ra_call *c, const ra_class_tile *t, ra_real scale, ra_real *g) {
  ra_real *dx = c->din[RA_PREDICTION].data;
  double sum = 0;
  for (int32_t k = 0; k < t->classes; k++) {
    ra_loss_weigh(t->n, t->weight, g + k * TILE);
    sum += ra_loss_store(c->add[RA_PREDICTION], t->n, scale, g + k * TILE, dx ? dx + t->first + k * t->stride : NULL);
  }
  return sum;
}

int64_t ra_loss_set(const ra_call *c, int64_t first, int64_t n, int32_t low, int32_t high, uint8_t *set) {
  bool labels = ra_loss_classes(c) != 0;
  const ra_real *y = c->in[RA_MASK].data + first, from = (ra_real)low, to = (ra_real)high, half = (ra_real)0.5;
  int64_t count = 0;
  for (int64_t i = 0; i < n; i += RA_TILE) {
    int32_t m = (int32_t)ra_min(n - i, (int64_t)RA_TILE);
    ra_real memory[RA_TILE];
    const ra_real *w = ra_loss_weights(c, first + i, m, memory);
    for (int32_t k = 0; k < m; k++) {
      ra_real v = y[i + k];
      set[i + k] = (labels ? v >= from && v < to : v >= half) && (!w || w[k] != 0);
      count += set[i + k];
    }
  }
  return count;
}
