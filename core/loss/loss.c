/* loss.c: tiles of probabilities, weights of pixels, the store of gradients and the checks that losses share. */
#include "loss.h"

#include <math.h>

/* ---- functions of a tile ---- */

#ifdef RA_DOUBLE
/* The gradient check needs full precision: libm. */
void ra_tile_exp(int32_t n, ra_real *x) {
  for (int32_t i = 0; i < n; i++) x[i] = exp(x[i]);
}
void ra_tile_log(int32_t n, ra_real *x) {
  for (int32_t i = 0; i < n; i++) x[i] = log(x[i]);
}
void ra_tile_pow(int32_t n, const ra_real *x, ra_real power, ra_real *y) {
  for (int32_t i = 0; i < n; i++) y[i] = pow(x[i], power);
}
void ra_tile_sigmoid(int32_t n, const ra_real *x, ra_real *y) {
  for (int32_t i = 0; i < n; i++) y[i] = 1 / (1 + exp(-x[i]));
}
static inline ra_real log1p_unit(ra_real e) { return log1p(e); }
#else
void ra_tile_exp(int32_t n, ra_real *x) { ra_kernel()->unary(RA_UNARY_EXP, 0, 0, n, x, x); }
void ra_tile_log(int32_t n, ra_real *x) { ra_kernel()->unary(RA_UNARY_LOG, 0, 0, n, x, x); }
void ra_tile_pow(int32_t n, const ra_real *x, ra_real power, ra_real *y) {
  if (power == 2) { /* the usual gamma of focal */
    RA_SIMD
    for (int32_t i = 0; i < n; i++) y[i] = x[i] * x[i];
    return;
  }
  ra_kernel()->unary(RA_UNARY_LOG, 0, 0, n, x, y);
  RA_SIMD
  for (int32_t i = 0; i < n; i++) y[i] *= power;
  ra_tile_exp(n, y);
}
void ra_tile_sigmoid(int32_t n, const ra_real *x, ra_real *y) { ra_kernel()->unary(RA_UNARY_SIGMOID, 0, 0, n, x, y); }

/* log(1 + e) for e in [0,1], relative error 1e-7 down to the smallest e: with
 * s = e/(2+e) it is 2 atanh(s) = 2 (s + s^3/3 + s^5/5 + ...), s <= 1/3. */
static inline ra_real log1p_unit(ra_real e) {
  ra_real s = e / (2 + e), t = s * s;
  ra_real series = 1.f / 3 + t * (1.f / 5 + t * (1.f / 7 + t * (1.f / 9 + t * (1.f / 11 + t * (1.f / 13)))));
  return 2 * s + 2 * s * t * series;
}
#endif

static inline ra_real below(ra_real a, ra_real b) { return a < b ? a : b; }
static inline ra_real above(ra_real a, ra_real b) { return a > b ? a : b; }

void ra_bernoulli_logit(int32_t n, const ra_real *z, ra_real scale, bool logs, ra_bernoulli *b) {
  ra_real u[RA_TILE], e[RA_TILE]; /* e = exp(-|u|), in (0,1]: never overflows */
  RA_SIMD
  for (int32_t i = 0; i < n; i++) {
    u[i] = scale * z[i];
    e[i] = below(u[i], -u[i]);
  }
  ra_tile_exp(n, e);
  RA_SIMD
  for (int32_t i = 0; i < n; i++) {
    ra_real large = 1 / (1 + e[i]), small = e[i] * large;
    b->p[i] = u[i] >= 0 ? large : small;
    b->q[i] = u[i] >= 0 ? small : large;
  }
  if (!logs) return;
  RA_SIMD
  for (int32_t i = 0; i < n; i++) {
    ra_real l = log1p_unit(e[i]);
    b->lp[i] = below(u[i], 0) - l;
    b->lq[i] = below(-u[i], 0) - l;
  }
}

void ra_bernoulli_prob(int32_t n, const ra_real *x, bool logs, ra_bernoulli *b) {
  const ra_real tiny = (ra_real)1e-37;
  RA_SIMD
  for (int32_t i = 0; i < n; i++) {
    b->p[i] = x[i];
    b->q[i] = 1 - x[i];
    b->lp[i] = above(b->p[i], tiny);
    b->lq[i] = above(b->q[i], tiny);
  }
  if (!logs) return;
  ra_tile_log(n, b->lp);
  ra_tile_log(n, b->lq);
  RA_SIMD
  for (int32_t i = 0; i < n; i++) {
    b->lp[i] = b->p[i] > tiny ? b->lp[i] : -100;
    b->lq[i] = b->q[i] > tiny ? b->lq[i] : -100;
  }
}

void ra_bernoulli_input(const ra_call *c, int32_t n, const ra_real *x, bool logs, ra_bernoulli *b) {
  if (c->param[RA_LOSS_INPUT] == RA_INPUT_PROB) ra_bernoulli_prob(n, x, logs, b);
  else ra_bernoulli_logit(n, x, 1, logs, b);
}

void ra_from_logit(const ra_call *c, int32_t n, const ra_bernoulli *b, ra_real *g) {
  if (c->param[RA_LOSS_INPUT] != RA_INPUT_PROB) return;
  RA_SIMD
  for (int32_t i = 0; i < n; i++) g[i] /= above(b->p[i] * b->q[i], (ra_real)1e-12);
}

void ra_from_prob(const ra_call *c, int32_t n, const ra_bernoulli *b, ra_real *g) {
  if (c->param[RA_LOSS_INPUT] == RA_INPUT_PROB) return;
  RA_SIMD
  for (int32_t i = 0; i < n; i++) g[i] *= b->p[i] * b->q[i];
}

double ra_loss_store(bool add, int32_t n, ra_real scale, const ra_real *g, ra_real *dx) {
  double sum = 0;
  RA_SIMD_SUM(sum)
  for (int32_t i = 0; i < n; i++) sum += (double)(scale * g[i]) * (double)(scale * g[i]);
  if (dx && add) {
    RA_SIMD
    for (int32_t i = 0; i < n; i++) dx[i] += scale * g[i];
  } else if (dx) {
    RA_SIMD
    for (int32_t i = 0; i < n; i++) dx[i] = scale * g[i];
  }
  return sum;
}

/* ---- weights of pixels ---- */

bool ra_loss_weighted(const ra_call *c) { return ra_has(c, RA_INSIDE) || ra_has(c, RA_WEIGHT); }

const ra_real *ra_loss_weights(const ra_call *c, int64_t first, int32_t n, ra_real *w) {
  if (!ra_loss_weighted(c)) return NULL;
  const ra_real *inside = ra_has(c, RA_INSIDE) ? c->in[RA_INSIDE].data + first : NULL;
  const ra_real *weight = ra_has(c, RA_WEIGHT) ? c->in[RA_WEIGHT].data + first : NULL;
  const ra_real half = (ra_real)0.5;
  for (int32_t i = 0; i < n; i++) w[i] = inside && inside[i] < half ? 0 : weight ? weight[i] : 1;
  return w;
}

void ra_loss_weigh(int32_t n, const ra_real *w, ra_real *v) {
  if (!w) return;
  RA_SIMD
  for (int32_t i = 0; i < n; i++) v[i] = w[i] != 0 ? w[i] * v[i] : 0;
}

/* ---- infer ---- */

int32_t ra_loss_target(const ra_call *c) { return ra_has(c, RA_TEACHER) ? RA_TEACHER : RA_MASK; }

ra_loss_planes ra_loss_planes_of(const ra_call *c, bool by_image) {
  const ra_array *x = &c->in[RA_PREDICTION];
  int32_t images = x->rank > 0 ? x->dim[0] : 1, channels = x->rank == 4 ? x->dim[1] : 1;
  ra_loss_planes p = {.units = x->rank == 4 || by_image ? images * channels : 1, .groups = (by_image ? images : 1) * channels};
  p.size = x->size / p.units;
  return p;
}

int32_t ra_loss_infer(ra_call *c) {
  char text[80];
  for (int32_t k = RA_INSIDE; k <= RA_WEIGHT; k++)
    if (ra_has(c, k)) RA_TRY(ra_want_same(c, k, RA_PREDICTION));
  if (c->in[RA_PREDICTION].size < 1)
    return ra_fail(RA_ERR_SHAPE, "%s: prediction %s has no pixels", c->op->name, ra_in_text(c, RA_PREDICTION, text));
  return ra_out(c, 0, NULL);
}

int32_t ra_loss_want(const ra_call *c, int32_t k) {
  char name[32];
  if (!ra_has(c, k))
    return ra_fail(RA_ERR_ARG, "%s: a %s is needed; call loss(prediction, mask, teacher)", c->op->name,
                   ra_input_name(c->op, k, name));
  const ra_array *x = &c->in[RA_PREDICTION], *y = &c->in[k];
  if (k == RA_MASK && x->rank == 4 && y->rank == 4 && x->dim[1] > 1 && y->dim[1] == 1) /* the other losses know classes (classes.h) */
    return ra_fail(RA_ERR_SHAPE, "%s: wants a mask of the shape of the prediction; for a label map use cross_entropy", c->op->name);
  return ra_want_same(c, k, RA_PREDICTION);
}
