/* conv.h: what the convolution files share. Every algorithm has the same
 * functions; conv.c dispatches to them. x [B,C,H,W], w [O,C/groups,kh,kw],
 * y [B,O,Ho,Wo]; see kernel.h. */
#ifndef RA_KERNEL_CONV_H
#define RA_KERNEL_CONV_H

#include "kernel.h"
#include "affine_act.h"

/* Each algorithm: whether it can, its scratch in bytes, its chunks of partial moments, and the three directions. */
#define RA_CONV_ALGO(NAME, prefix, text)                                                                               \
  bool K(prefix##_can)(const ra_conv *s, ra_conv_kind kind);                                                           \
  size_t K(prefix##_work)(const ra_conv *s, ra_conv_kind kind);                                                        \
  int32_t K(prefix##_moment_chunks)(const ra_conv *s);                                                                 \
  void K(prefix##_forward)(const ra_conv *s, const ra_input *x, const ra_real *w, const ra_epilogue *e, ra_real *y,    \
                           void *work);                                                                                \
  void K(prefix##_backward_data)(const ra_conv *s, const ra_real *dy, const ra_real *w, const ra_target *dx, void *work); \
  void K(prefix##_backward_weight)(const ra_conv *s, const ra_input *x, const ra_real *dy, bool add, ra_real *dw, void *work);
#ifdef RA_DOUBLE
#define RA_CONV_FLOAT_ALGO(NAME, prefix, text)
#endif
#include "algos.def"
#undef RA_CONV_ALGO

/* Scratch sizes are multiples of this, so that every array in it starts on a cache line. */
static inline size_t conv_align(size_t bytes) { return (bytes + 63) / 64 * 64; }

/* -- channels of an input or a target, in whichever segment; planes have `area` numbers -- */

typedef struct source {
  const ra_real *data; /* the plane of the first image */
  int64_t batch;       /* from an image's plane to the next image's */
  affine prologue;
} source;
static inline source source_of(const ra_input *x, int32_t c, int64_t area) {
  int32_t p = 0;
  while (c >= x->segment[p].channels) c -= x->segment[p++].channels;
  return (source){x->segment[p].data + c * area, x->segment[p].channels * area, affine_of(&x->segment[p].prologue, c)};
}

typedef struct sink {
  ra_real *data; /* NULL: not wanted */
  int64_t batch;
  bool add;
  const ra_real *residual; /* laid out as data; NULL: none */
} sink;
static inline sink sink_of(const ra_target *t, int32_t c, int64_t area) {
  int32_t p = 0;
  while (c >= t->segment[p].channels) c -= t->segment[p++].channels;
  const ra_real *residual = t->segment[p].residual ? t->segment[p].residual + c * area : NULL;
  return (sink){t->segment[p].data ? t->segment[p].data + c * area : NULL, t->segment[p].channels * area, t->segment[p].add, residual};
}
/* The residual of the numbers at `at`, which are numbers of y. */
static inline const ra_real *residual_of(const sink *y, const ra_real *at) {
  return y->residual ? y->residual + (at - y->data) : NULL;
}

/* Planes [H,W] that no cache holds until they are read are written past it, which saves reading them first: whole vectors on
 * their own cache lines. */
static inline bool streams(int32_t H, int32_t W, const sink *y) {
  enum { LARGE = 128 * 128 };
  return !y->add && H * W >= LARGE && W % VL == 0 && (uintptr_t)y->data % sizeof(vec) == 0;
}

/* One array of `channels`. */
static inline ra_input whole_input(const ra_real *data, int32_t channels) {
  return (ra_input){.count = 1, .segment = {{.data = data, .channels = channels}}};
}

/* y of a forward convolution with `channels`. */
static inline ra_target output_target(ra_real *y, int32_t channels, const ra_epilogue *f) {
  return (ra_target){.count = 1, .segment = {{.data = y, .channels = channels, .residual = f->residual}}};
}

/* From the sums of n numbers' distances to `around` and of their squares. */
static inline ra_moments moments_around(double around, int32_t n, double sum, double squares) {
  double m2 = squares - sum * sum / n;
  return (ra_moments){n, around + sum / n, m2 < 0 ? 0 : m2}; /* NaN stays */
}
/* Mean and deviations of n numbers, in lanes around the mean of the first 4*VL. */
static inline ra_moments moments_of(int32_t n, const ra_real *x) {
  if (n < 1) return (ra_moments){0, 0, 0};
  vec around = vec_splat(x[0]);
  if (n >= 4 * VL)
    around = vec_splat(vec_sum((vec_load(x) + vec_load(x + VL)) + (vec_load(x + 2 * VL) + vec_load(x + 3 * VL))) / (4 * VL));
  vec s1 = vec_zero(), s2 = vec_zero();
  int32_t i = 0;
  for (; i + VL <= n; i += VL) {
    const vec d = vec_load(x + i) - around;
    s1 += d, s2 += d * d;
  }
  double sum = (double)vec_sum(s1), squares = (double)vec_sum(s2);
  for (; i < n; i++) {
    double d = (double)x[i] - (double)around[0];
    sum += d, squares += d * d;
  }
  return moments_around((double)around[0], n, sum, squares);
}

#endif
