/* affine_act.h: scale, shift and activation of one channel, VL numbers at a time. */
#ifndef RA_KERNEL_AFFINE_ACT_H
#define RA_KERNEL_AFFINE_ACT_H

#include "vec.h"

/* One channel of a ra_affine_act. */
typedef struct affine {
  bool as_is; /* nothing is done */
  ra_act act;
  vec scale, shift, slope;
} affine;

/* Channel c of p; p NULL: nothing is done. */
static inline affine affine_of(const ra_affine_act *p, int32_t c) {
  affine q = {.as_is = !p || (!p->scale && !p->shift && p->act == RA_ACT_NONE), .act = p ? p->act : RA_ACT_NONE};
  q.scale = vec_splat(p && p->scale ? p->scale[c] : 1);
  q.shift = vec_splat(p && p->shift ? p->shift[c] : 0);
  q.slope = vec_splat(p ? p->slope : 0);
  return q;
}

/* NaN stays NaN. */
static inline vec affine_act(const affine *q, vec v) {
  if (q->act == RA_ACT_RELU) return vec_max(vec_zero(), v);
  if (q->act == RA_ACT_LEAKY_RELU) return vec_select((veci)(v < vec_zero()), v * q->slope, v);
  return v;
}

static inline vec affine_vec(const affine *q, vec v) { return affine_act(q, v * q->scale + q->shift); }

/* Unchanged where nothing is done: with a scale of 1 and a shift of 0 a -0 would become 0. */
static inline vec affine_as(const affine *q, vec v) { return q->as_is ? v : affine_vec(q, v); }

/* With a residual, that is added before the activation. */
static inline vec affine_sum(const affine *q, vec v, vec residual) { return affine_act(q, v * q->scale + q->shift + residual); }

static inline ra_real affine_one(const affine *q, ra_real v) { return affine_vec(q, vec_splat(v))[0]; }

/* n numbers; `from` may be `to`. */
static inline void affine_row(const affine *q, int32_t n, const ra_real *from, ra_real *to) {
  if (q->as_is) {
    if (from != to) memcpy(to, from, (size_t)n * sizeof *to);
    return;
  }
  int32_t i = 0;
  for (; i + VL <= n; i += VL) vec_store(to + i, affine_vec(q, vec_load(from + i)));
  if (i < n) vec_store_n(to + i, affine_vec(q, vec_load_n(from + i, n - i)), n - i);
}

/* The same with residuals; NULL: none. */
static inline void affine_row_sum(const affine *q, int32_t n, const ra_real *from, const ra_real *residual, ra_real *to) {
  if (!residual) {
    affine_row(q, n, from, to);
    return;
  }
  int32_t i = 0;
  for (; i + VL <= n; i += VL) vec_store(to + i, affine_sum(q, vec_load(from + i), vec_load(residual + i)));
  if (i < n) vec_store_n(to + i, affine_sum(q, vec_load_n(from + i, n - i), vec_load_n(residual + i, n - i)), n - i);
}

#endif
