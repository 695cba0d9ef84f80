/* vmath.h: exp, log, tanh and the normal distribution as branch-free inline
 * functions of one number, so that a loop over them vectorises.
 *
 * float: at most about 2 units in the last place; infinities, NaN, 0 and
 * subnormal results as libm. The polynomials are weighted minimax fits made
 * for this file (Lawson's iteration on Chebyshev nodes). double: libm. */
#ifndef RA_KERNEL_VMATH_H
#define RA_KERNEL_VMATH_H

#include <math.h>
#include <stdint.h>

#include "kernel.h"

/* Before a loop over elements that depend on no other, even where arrays are one. (libm's calls do not vectorise.) */
#ifdef RA_DOUBLE
#define V_LOOP
#else
#define V_LOOP _Pragma("omp simd")
#endif

#ifdef RA_DOUBLE

static inline ra_real v_exp(ra_real x) { return exp(x); }
static inline ra_real v_log(ra_real x) { return log(x); }
static inline ra_real v_log1p_exp_neg(ra_real x) { return log1p(exp(-x)); }
static inline ra_real v_tanh(ra_real x) { return tanh(x); }
static inline ra_real v_sqrt(ra_real x) { return sqrt(x); }
static inline ra_real v_phi(ra_real x) { return 0.5 * erfc(-x * 0.70710678118654752440); }
static inline ra_real v_abs(ra_real x) { return fabs(x); }

#else

typedef union { float f; int32_t i; uint32_t u; } v_bits;
static inline int32_t v_int(float f) { return (v_bits){.f = f}.i; }
static inline float v_float(int32_t i) { return (v_bits){.i = i}.f; }

static inline float v_abs(float x) { return v_float(v_int(x) & 0x7fffffff); }
static inline float v_sqrt(float x) { return sqrtf(x); }

/* exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln 2 / 2. */
static inline float v_exp(float x) {
  const float round = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer in the low bits */
  x = x < -105.0f ? -105.0f : x;
  x = x > 89.0f ? 89.0f : x;
  float t = x * 1.44269504f + round;
  int32_t n = (int32_t)((uint32_t)v_int(t) - (uint32_t)0x4b400000);
  float k = t - round;
  float r = (x - k * 0.693145752f) - k * 1.42860677e-6f;
  float p = 1.99178307e-4f;
  p = p * r + 1.39460864e-3f;
  p = p * r + 8.33326578e-3f;
  p = p * r + 4.16662693e-2f;
  p = p * r + 1.66666672e-1f;
  p = p * r + 0.5f;
  p = p * r * r + r + 1.0f;
  /* 2^n in two factors: n alone may leave the exponent's range. NaN: n is noise, but p is NaN. */
  int32_t half = n >> 1;
  return p * v_float((int32_t)((uint32_t)(half + 127) << 23)) * v_float((int32_t)((uint32_t)(n - half + 127) << 23));
}

/* log(x) = e ln 2 + log(1 + f), 1 + f in [sqrt 1/2, sqrt 2). */
static inline float v_log(float x) {
  float scaled = x < 1.17549435e-38f ? x * 8388608.0f : x;
  float e = x < 1.17549435e-38f ? -23.0f : 0.0f;
  int32_t i = (int32_t)((uint32_t)v_int(scaled) - 0x3f3504f3u);
  e += (float)(i >> 23);
  float f = v_float((i & 0x7fffff) + 0x3f3504f3) - 1.0f;
  float p = 6.91536814e-2f;
  p = p * f - 1.17898077e-1f;
  p = p * f + 1.18729763e-1f;
  p = p * f - 1.23843484e-1f;
  p = p * f + 1.42186582e-1f;
  p = p * f - 1.66692510e-1f;
  p = p * f + 2.00022265e-1f;
  p = p * f - 2.49999866e-1f;
  p = p * f + 3.33333105e-1f;
  float s = f * f;
  float y = f * s * p + e * 1.42860677e-6f - 0.5f * s + f + e * 0.693145752f;
  y = x == 0.0f ? -INFINITY : y;
  y = x < 0.0f ? NAN : y;
  return x < INFINITY ? y : x; /* infinity and NaN as they are */
}

/* log(1 + exp(-x)) for x >= 0; the quotient repairs the rounding of 1 + t. */
static inline float v_log1p_exp_neg(float x) {
  float t = v_exp(-x), u = 1.0f + t, d = u - 1.0f;
  float q = t / (d > 0.0f ? d : 1.0f);
  return d > 0.0f ? v_log(u) * q : t;
}

static inline float v_tanh(float x) {
  float a = v_abs(x), s = x * x;
  float p = 2.14753696e-3f;
  p = p * s - 8.18267372e-3f;
  p = p * s + 2.17029676e-2f;
  p = p * s - 5.39472029e-2f;
  p = p * s + 1.33332103e-1f;
  p = p * s - 3.33333313e-1f;
  float small = x * s * p + x;
  float big = 1.0f - 2.0f / (v_exp(2.0f * a) + 1.0f);
  float sign = v_float((v_int(x) & (int32_t)0x80000000) | 0x3f800000);
  return a < 0.625f ? small : big * sign;
}

/* The normal distribution function: 0.5 erfc(-x / sqrt 2), accurate in the
 * left tail. erfc(z) = exp(-z^2) erfcx(z); erfcx as a polynomial of 1 / (1 + 0.4 z), z in 0..10. */
static inline float v_phi(float x) {
  float z = v_abs(x) * 0.707106781f;
  float t = 1.0f / (1.0f + 0.4f * z);
  float p = 2.86957454e-2f;
  p = p * t - 7.47488737e-2f;
  p = p * t - 6.36867136e-2f;
  p = p * t + 2.75788993e-1f;
  p = p * t - 6.85675144e-2f;
  p = p * t + 2.68638045e-1f;
  p = p * t + 1.77416191e-1f;
  p = p * t + 2.31355175e-1f;
  p = p * t + 2.25082576e-1f;
  p = p * t + 2.64053124e-5f;
  float tail = 0.5f * v_exp(-0.5f * x * x) * p;
  return x < 0.0f ? tail : 1.0f - tail;
}

#endif

/* 1 / (1 + exp(-x)) */
static inline ra_real v_sigmoid(ra_real x) { return 1 / (1 + v_exp(-x)); }

/* log(1 + exp(x)) */
static inline ra_real v_softplus(ra_real x) { return (x > 0 ? x : 0) + v_log1p_exp_neg(v_abs(x)); }

#endif
