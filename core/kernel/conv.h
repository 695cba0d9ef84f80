/* conv.h: what the convolution files share. Every algorithm has the same
 * functions; conv.c dispatches to them. x [B,C,H,W], w [O,C/groups,kh,kw],
 * y [B,O,Ho,Wo]; see kernel.h. */
#ifndef RA_KERNEL_CONV_H
#define RA_KERNEL_CONV_H

#include "kernel.h"
#include "pointwise.h"

bool K(conv_can)(const ra_conv *s, ra_conv_kind kind, ra_conv_algo algo);
ra_conv_choice K(conv_choose)(const ra_conv *s, ra_conv_kind kind, int32_t numerics);
size_t K(conv_work)(const ra_conv *s, ra_conv_kind kind, ra_conv_algo algo);
int32_t K(conv_pieces)(const ra_conv *s, ra_conv_algo algo);
void K(conv_forward)(const ra_conv *s, ra_conv_algo algo, const ra_input *x, const ra_real *w, const ra_finish *f,
                     ra_real *y, void *work);
void K(conv_backward_data)(const ra_conv *s, ra_conv_algo algo, const ra_real *dy, const ra_real *w, const ra_target *dx,
                           void *work);
void K(conv_backward_weight)(const ra_conv *s, ra_conv_algo algo, const ra_input *x, const ra_real *dy, bool add,
                             ra_real *dw, void *work);
void K(gemm)(bool at, bool bt, int32_t M, int32_t N, int32_t K_, const ra_real *A, const ra_real *B, bool add, ra_real *C);

/* Each algorithm: whether it can, its scratch in bytes, and the three directions. */
#define RA_CONV_DECLARE(name)                                                                                         \
  bool K(name##_can)(const ra_conv *s, ra_conv_kind kind);                                                            \
  size_t K(name##_work)(const ra_conv *s, ra_conv_kind kind);                                                         \
  int32_t K(name##_pieces)(const ra_conv *s);                                                                         \
  void K(name##_forward)(const ra_conv *s, const ra_input *x, const ra_real *w, const ra_finish *f, ra_real *y,       \
                         void *work);                                                                                 \
  void K(name##_backward_data)(const ra_conv *s, const ra_real *dy, const ra_real *w, const ra_target *dx, void *work); \
  void K(name##_backward_weight)(const ra_conv *s, const ra_input *x, const ra_real *dy, bool add, ra_real *dw, void *work);
RA_CONV_DECLARE(conv_plain)
#ifndef RA_DOUBLE
RA_CONV_DECLARE(conv_direct)
RA_CONV_DECLARE(conv_gemm)
RA_CONV_DECLARE(winograd)
#endif

/* Scratch sizes are multiples of this, so that every part starts on a cache line. */
static inline size_t conv_align(size_t bytes) { return (bytes + 63) / 64 * 64; }

/* -- channels of an input or a target, wherever its part lies; planes have `area` numbers -- */

typedef struct channel {
  const ra_real *data; /* the plane of the first picture */
  int64_t batch;       /* from a picture's plane to the next one's */
  point with;
} channel;
static inline channel channel_of(const ra_input *x, int32_t c, int64_t area) {
  int32_t p = 0;
  while (c >= x->part[p].channels) c -= x->part[p++].channels;
  return (channel){x->part[p].data + c * area, x->part[p].channels * area, point_of(&x->part[p].with, c)};
}

typedef struct sink {
  ra_real *data; /* NULL: not wanted */
  int64_t batch;
  bool add;
  const ra_real *residual; /* laid out as data; NULL: none */
} sink;
static inline sink sink_of(const ra_target *t, int32_t c, int64_t area) {
  int32_t p = 0;
  while (c >= t->part[p].channels) c -= t->part[p++].channels;
  const ra_real *residual = t->part[p].residual ? t->part[p].residual + c * area : NULL;
  return (sink){t->part[p].data ? t->part[p].data + c * area : NULL, t->part[p].channels * area, t->part[p].add, residual};
}
/* The residual of the numbers at `at`, which are numbers of y. */
static inline const ra_real *residual_of(const sink *y, const ra_real *at) {
  return y->residual ? y->residual + (at - y->data) : NULL;
}

/* One array of `channels`. */
static inline ra_input whole_input(const ra_real *data, int32_t channels) {
  return (ra_input){.count = 1, .part = {{.data = data, .channels = channels}}};
}

/* y of a forward convolution with `channels`. */
static inline ra_target output_target(ra_real *y, int32_t channels, const ra_finish *f) {
  return (ra_target){.count = 1, .part = {{.data = y, .channels = channels, .residual = f->residual}}};
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
