/* pointwise.h: scale, shift and activation of one channel, VL numbers at a time. */
#ifndef RA_KERNEL_POINTWISE_H
#define RA_KERNEL_POINTWISE_H

#include "vec.h"

/* A channel's share of a ra_pointwise. */
typedef struct point {
  bool as_is; /* nothing is done */
  ra_act act;
  vec scale, shift, slope;
} point;

/* Channel c of p; p NULL: nothing is done. */
static inline point point_of(const ra_pointwise *p, int32_t c) {
  point q = {.as_is = !p || (!p->scale && !p->shift && p->act == RA_ACT_NONE), .act = p ? p->act : RA_ACT_NONE};
  q.scale = vec_splat(p && p->scale ? p->scale[c] : 1);
  q.shift = vec_splat(p && p->shift ? p->shift[c] : 0);
  q.slope = vec_splat(p ? p->slope : 0);
  return q;
}

/* NaN stays NaN. */
static inline vec point_act(const point *q, vec v) {
  if (q->act == RA_ACT_RELU) return vec_max(vec_zero(), v);
  if (q->act == RA_ACT_LEAKY_RELU) return vec_select((veci)(v < vec_zero()), v * q->slope, v);
  return v;
}

static inline vec point_vec(const point *q, vec v) { return point_act(q, v * q->scale + q->shift); }

/* With a residual, that is added before the activation. */
static inline vec point_sum(const point *q, vec v, vec residual) { return point_act(q, v * q->scale + q->shift + residual); }

static inline ra_real point_one(const point *q, ra_real v) { return point_vec(q, vec_splat(v))[0]; }

/* n numbers; `from` may be `to`. */
static inline void point_row(const point *q, int32_t n, const ra_real *from, ra_real *to) {
  if (q->as_is) {
    if (from != to) memcpy(to, from, (size_t)n * sizeof *to);
    return;
  }
  int32_t i = 0;
  for (; i + VL <= n; i += VL) vec_store(to + i, point_vec(q, vec_load(from + i)));
  if (i < n) vec_store_n(to + i, point_vec(q, vec_load_n(from + i, n - i)), n - i);
}

/* The same with residuals; NULL: none. */
static inline void point_row_sum(const point *q, int32_t n, const ra_real *from, const ra_real *residual, ra_real *to) {
  if (!residual) {
    point_row(q, n, from, to);
    return;
  }
  int32_t i = 0;
  for (; i + VL <= n; i += VL) vec_store(to + i, point_sum(q, vec_load(from + i), vec_load(residual + i)));
  if (i < n) vec_store_n(to + i, point_sum(q, vec_load_n(from + i, n - i), vec_load_n(residual + i, n - i)), n - i);
}

#endif
