/* vec.h: VL numbers at a time, one source for every instruction set.
 *
 *   avx512 VL = 16, avx2 VL = 8, generic VL = 4 (SSE2 or NEON); double build: VL = 2
 *
 * Vectors are those of the GCC/clang extension, so + - * work on them and a
 * product plus a sum becomes one fused multiply-add (-ffp-contract=fast).
 * Loads and stores need no alignment; the _n forms touch only n < VL numbers. */
#ifndef RA_KERNEL_VEC_H
#define RA_KERNEL_VEC_H

#include <stdint.h>
#include <string.h>

#include "kernel.h"

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

#if defined(RA_DOUBLE)
enum { VL = 2 };
typedef int64_t ra_lane_int;
#elif defined(__AVX512F__)
enum { VL = 16 };
typedef int32_t ra_lane_int;
#elif defined(__AVX2__)
enum { VL = 8 };
typedef int32_t ra_lane_int;
#else
enum { VL = 4 };
typedef int32_t ra_lane_int;
#endif

/* vector_size wants a constant expression in bytes */
typedef ra_real vec __attribute__((vector_size(VL * sizeof(ra_real))));
typedef ra_real vec_unaligned __attribute__((vector_size(VL * sizeof(ra_real)), aligned(sizeof(ra_real)), may_alias));
typedef ra_lane_int veci __attribute__((vector_size(VL * sizeof(ra_lane_int))));

static inline vec vec_load(const ra_real *p) { return *(const vec_unaligned *)p; }
static inline void vec_store(ra_real *p, vec v) { *(vec_unaligned *)p = v; }
static inline vec vec_splat(ra_real s) { return s - (vec){0}; }
static inline vec vec_zero(void) { return (vec){0}; }

/* The first n numbers; the other lanes are 0. */
static inline vec vec_load_n(const ra_real *p, int n) {
#if defined(__AVX512F__) && !defined(RA_DOUBLE)
  return (vec)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#else
  ra_real t[VL] = {0};
  for (int i = 0; i < n; i++) t[i] = p[i];
  return vec_load(t);
#endif
}
static inline void vec_store_n(ra_real *p, vec v, int n) {
#if defined(__AVX512F__) && !defined(RA_DOUBLE)
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#else
  ra_real t[VL];
  vec_store(t, v);
  for (int i = 0; i < n; i++) p[i] = t[i];
#endif
}

/* mask lanes are 0 or -1, as comparisons of vectors give them */
static inline vec vec_select(veci mask, vec yes, vec no) { return (vec)((mask & (veci)yes) | (~mask & (veci)no)); }

static inline vec vec_max(vec a, vec b) {
#if defined(__AVX512F__) && !defined(RA_DOUBLE)
  return (vec)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__) && !defined(RA_DOUBLE)
  return (vec)_mm256_max_ps((__m256)a, (__m256)b);
#else
  return vec_select((veci)(a > b), a, b);
#endif
}
static inline vec vec_min(vec a, vec b) {
#if defined(__AVX512F__) && !defined(RA_DOUBLE)
  return (vec)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__) && !defined(RA_DOUBLE)
  return (vec)_mm256_min_ps((__m256)a, (__m256)b);
#else
  return vec_select((veci)(a < b), a, b);
#endif
}

/* Sum of the lanes, halves on halves. */
static inline ra_real vec_sum(vec v) {
#if defined(__AVX512F__) && !defined(RA_DOUBLE)
  return _mm512_reduce_add_ps((__m512)v);
#elif defined(__AVX2__) && !defined(RA_DOUBLE)
  __m128 t = _mm_add_ps(_mm256_castps256_ps128((__m256)v), _mm256_extractf128_ps((__m256)v, 1));
  t = _mm_add_ps(t, _mm_movehl_ps(t, t));
  return _mm_cvtss_f32(_mm_add_ss(t, _mm_movehdup_ps(t)));
#else
  ra_real t[VL];
  vec_store(t, v);
  for (int half = VL / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) t[i] += t[i + half];
  return t[0];
#endif
}

#endif
