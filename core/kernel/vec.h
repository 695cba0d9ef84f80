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

/* Some lanes of a vector: those that low <= l < high names, which may reach past it on both sides or name none. */
#if defined(__AVX512F__) && !defined(RA_DOUBLE)
typedef __mmask16 vec_mask;
static inline vec_mask vec_lanes(int32_t low, int32_t high) {
  __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  return _mm512_cmpge_epi32_mask(lane, _mm512_set1_epi32(low)) & _mm512_cmplt_epi32_mask(lane, _mm512_set1_epi32(high));
}
#else
typedef veci vec_mask; /* 0 or -1 */
static inline vec_mask vec_lanes(int32_t low, int32_t high) {
  veci lane = {0};
  for (int i = 1; i < VL; i++) lane[i] = i;
  return (lane >= low) & (lane < high);
}
#endif

/* Those lanes of the vector at p, 0 elsewhere; touches nothing else. */
static inline vec vec_load_lanes(const ra_real *p, vec_mask lanes) {
#if defined(__AVX512F__) && !defined(RA_DOUBLE)
  return (vec)_mm512_maskz_loadu_ps(lanes, p);
#elif defined(__AVX2__) && !defined(RA_DOUBLE)
  return (vec)_mm256_maskload_ps(p, (__m256i)lanes);
#else
  ra_real t[VL] = {0};
  for (int i = 0; i < VL; i++)
    if (lanes[i]) t[i] = p[i];
  return vec_load(t);
#endif
}

/* v with 0 in the other lanes */
static inline vec vec_keep_lanes(vec v, vec_mask lanes) {
#if defined(__AVX512F__) && !defined(RA_DOUBLE)
  return (vec)_mm512_maskz_mov_ps(lanes, (__m512)v);
#else
  return (vec)((veci)v & lanes);
#endif
}

static inline void vec_store_lanes(ra_real *p, vec v, vec_mask lanes) {
#if defined(__AVX512F__) && !defined(RA_DOUBLE)
  _mm512_mask_storeu_ps(p, lanes, (__m512)v);
#elif defined(__AVX2__) && !defined(RA_DOUBLE)
  _mm256_maskstore_ps(p, (__m256i)lanes, (__m256)v);
#else
  for (int i = 0; i < VL; i++)
    if (lanes[i]) p[i] = v[i];
#endif
}

/* The first n numbers; the other lanes are 0. */
static inline vec vec_load_n(const ra_real *p, int n) { return vec_load_lanes(p, vec_lanes(0, n)); }
static inline void vec_store_n(ra_real *p, vec v, int n) { vec_store_lanes(p, v, vec_lanes(0, n)); }

/* To memory past the caches, at a multiple of sizeof(vec); vec_stream_end before another thread may read it. */
static inline void vec_stream(ra_real *p, vec v) {
#if defined(__AVX512F__) && !defined(RA_DOUBLE)
  _mm512_stream_ps(p, (__m512)v);
#elif defined(__AVX2__) && !defined(RA_DOUBLE)
  _mm256_stream_ps(p, (__m256)v);
#else
  *(vec *)(void *)p = v;
#endif
}
static inline void vec_stream_end(void) {
#if defined(__AVX512F__) || defined(__AVX2__)
  _mm_sfence();
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

/* -- shuffles of two vectors a, b, seen as one of 2*VL lanes; k is a constant --
 *   EVERY_2ND  lanes k, k+2, k+4, ...
 *   EVEN_ODD   lanes k, k+4, k+8, ... then k+1, k+5, ...  (a step of the way from pixels to columns of 4)
 *   LOW_HALVES, HIGH_HALVES  the first, the second half of a, then that of b
 *   ZIP        a[k], b[k], a[k+1], b[k+1], ...;   ZIP_PAIRS the same with pairs
 *   SHIFT_IN   a[1], a[2], ..., then the number s */
#if defined(RA_DOUBLE)
/* the double build has no kernel that shuffles */
#elif defined(__AVX512F__)
#define EVERY_2ND(a, b, k) \
  __builtin_shufflevector(a, b, k, k + 2, k + 4, k + 6, k + 8, k + 10, k + 12, k + 14, \
                          k + 16, k + 18, k + 20, k + 22, k + 24, k + 26, k + 28, k + 30)
#define EVEN_ODD(a, b, k) \
  __builtin_shufflevector(a, b, k, k + 4, k + 8, k + 12, k + 16, k + 20, k + 24, k + 28, \
                          k + 1, k + 5, k + 9, k + 13, k + 17, k + 21, k + 25, k + 29)
#define LOW_HALVES(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
#define HIGH_HALVES(a, b) __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31)
#define ZIP(a, b, k) \
  __builtin_shufflevector(a, b, k, k + 16, k + 1, k + 17, k + 2, k + 18, k + 3, k + 19, \
                          k + 4, k + 20, k + 5, k + 21, k + 6, k + 22, k + 7, k + 23)
#define ZIP_PAIRS(a, b, k) \
  __builtin_shufflevector(a, b, k, k + 1, k + 16, k + 17, k + 2, k + 3, k + 18, k + 19, \
                          k + 4, k + 5, k + 20, k + 21, k + 6, k + 7, k + 22, k + 23)
#define SHIFT_IN(a, s) __builtin_shufflevector(a, vec_splat(s), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
#elif defined(__AVX2__)
#define EVERY_2ND(a, b, k) __builtin_shufflevector(a, b, k, k + 2, k + 4, k + 6, k + 8, k + 10, k + 12, k + 14)
#define EVEN_ODD(a, b, k) __builtin_shufflevector(a, b, k, k + 4, k + 8, k + 12, k + 1, k + 5, k + 9, k + 13)
#define LOW_HALVES(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define HIGH_HALVES(a, b) __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15)
#define ZIP(a, b, k) __builtin_shufflevector(a, b, k, k + 8, k + 1, k + 9, k + 2, k + 10, k + 3, k + 11)
#define ZIP_PAIRS(a, b, k) __builtin_shufflevector(a, b, k, k + 1, k + 8, k + 9, k + 2, k + 3, k + 10, k + 11)
#define SHIFT_IN(a, s) __builtin_shufflevector(a, vec_splat(s), 1, 2, 3, 4, 5, 6, 7, 8)
#else
#define EVERY_2ND(a, b, k) __builtin_shufflevector(a, b, k, k + 2, k + 4, k + 6)
#define EVEN_ODD(a, b, k) __builtin_shufflevector(a, b, k, k + 4, k + 1, k + 5)
#define LOW_HALVES(a, b) __builtin_shufflevector(a, b, 0, 1, 4, 5)
#define HIGH_HALVES(a, b) __builtin_shufflevector(a, b, 2, 3, 6, 7)
#define ZIP(a, b, k) __builtin_shufflevector(a, b, k, k + 4, k + 1, k + 5)
#define ZIP_PAIRS(a, b, k) __builtin_shufflevector(a, b, k, k + 1, k + 4, k + 5)
#define SHIFT_IN(a, s) __builtin_shufflevector(a, vec_splat(s), 1, 2, 3, 4)
#endif

#ifndef RA_DOUBLE
/* Lane i of the result is the sum of the lanes of r[i]; r is used up. */
static inline vec vec_sums(vec r[VL]) {
  for (int half = VL / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) r[i] = ZIP(r[i], r[i + half], 0) + ZIP(r[i], r[i + half], VL / 2);
  return r[0];
}
#endif

#endif
