/* micro.h: the two innermost loops that nearly all arithmetic passes through.
 *
 * outer product: a tile of MO rows x MT columns of C lives in registers while k runs
 *
 *            b[k] -> | MV vectors of columns |          avx512  8 rows x 2 vectors (16 of 32 registers)
 *     a[k][0]        | c00  c01              |          avx2    4 rows x 3 vectors (12 of 16)
 *     a[k][1]        | c10  c11              |          neon    4 rows x 5 vectors (20 of 32)
 *        :           |  :    :               |          generic 4 rows x 2 vectors ( 8 of 16)
 *
 *   a is packed [K][MO], so a step reads one short run of it; b is any matrix with row stride ldb.
 *
 * dot product: four rows times four rows along contiguous numbers; lanes are partial sums. */
#ifndef RA_KERNEL_MICRO_H
#define RA_KERNEL_MICRO_H

#include "../base/math.h"
#include <stddef.h>

#include "vec.h"

#if defined(__AVX512F__) && !defined(RA_DOUBLE)
enum { MO = 8, MV = 2 };
#define MICRO_EACH_VEC(f, r) f(r, 0) f(r, 1)
#define MICRO_EACH_ROW(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7)
#elif defined(__AVX2__) && !defined(RA_DOUBLE)
enum { MO = 4, MV = 3 };
#define MICRO_EACH_VEC(f, r) f(r, 0) f(r, 1) f(r, 2)
#define MICRO_EACH_ROW(f) f(0) f(1) f(2) f(3)
#elif defined(RA_NEON)
enum { MO = 4, MV = 5 };
#define MICRO_EACH_VEC(f, r) f(r, 0) f(r, 1) f(r, 2) f(r, 3) f(r, 4)
#define MICRO_EACH_ROW(f) f(0) f(1) f(2) f(3)
#else
enum { MO = 4, MV = 2 };
#define MICRO_EACH_VEC(f, r) f(r, 0) f(r, 1)
#define MICRO_EACH_ROW(f) f(0) f(1) f(2) f(3)
#endif
enum { MT = MV * VL };

/* Named accumulators rather than an array: they must be registers with every compiler. */
#define MICRO_DECLARE_1(r, v) vec c##r##_##v = vec_zero();
#define MICRO_DECLARE(r) MICRO_EACH_VEC(MICRO_DECLARE_1, r)
#define MICRO_LOAD_B(r, v) vec b##v = vec_load(b + v * VL);
#define MICRO_FMA_1(r, v) c##r##_##v += a##r * b##v;
#define MICRO_FMA(r) { const vec a##r = vec_splat(a[r]); MICRO_EACH_VEC(MICRO_FMA_1, r) }
#define MICRO_ADD_1(r, v) c##r##_##v += vec_load(c + r * ldc + v * VL);
#define MICRO_ADD(r) MICRO_EACH_VEC(MICRO_ADD_1, r)
#define MICRO_STORE_1(r, v) vec_store(c + r * ldc + v * VL, c##r##_##v);
#define MICRO_STORE(r) MICRO_EACH_VEC(MICRO_STORE_1, r)

/* A function of its own has all registers to itself, which no inlined loop has. */
#define KERNEL_ALONE __attribute__((noinline, unused))

/* c [MO,MT] (+)= a [K][MO] transposed times b [K][MT] */
static KERNEL_ALONE void micro(int32_t depth, const ra_real *a, const ra_real *b, ptrdiff_t ldb, bool add, ra_real *c,
                         ptrdiff_t ldc) {
  MICRO_EACH_ROW(MICRO_DECLARE)
  for (int32_t k = 0; k < depth; k++, a += MO, b += ldb) {
    MICRO_EACH_VEC(MICRO_LOAD_B, 0)
    MICRO_EACH_ROW(MICRO_FMA) /* NOLINT: all of a is packed before */
  }
  if (add) { MICRO_EACH_ROW(MICRO_ADD) }
  MICRO_EACH_ROW(MICRO_STORE)
}

/* c [MO,VL]: the same with one vector of columns, for what is left over */
#define NARROW_DECLARE(r) vec s##r = vec_zero();
#define NARROW_FMA(r) s##r += vec_splat(a[r]) * bk;
#define NARROW_STORE(r) vec_store(c + r * ldc, add ? vec_load(c + r * ldc) + s##r : s##r);
static KERNEL_ALONE void micro_narrow(int32_t depth, const ra_real *a, const ra_real *b, ptrdiff_t ldb, bool add, ra_real *c,
                                      ptrdiff_t ldc) {
  MICRO_EACH_ROW(NARROW_DECLARE)
  for (int32_t k = 0; k < depth; k++, a += MO, b += ldb) {
    const vec bk = vec_load(b);
    MICRO_EACH_ROW(NARROW_FMA)
  }
  MICRO_EACH_ROW(NARROW_STORE)
}

/* Rows of a that lie lda apart are reached from every third one, as base, base + lda and base + 2*lda: more bases than
 * these would not fit the registers. f(row, base, steps) */
#if defined(__AVX512F__) && !defined(RA_DOUBLE)
#define WIDE_ROWS(f) f(0, p0, 0) f(1, p0, 1) f(2, p0, 2) f(3, p3, 0) f(4, p3, 1) f(5, p3, 2) f(6, p6, 0) f(7, p6, 1)
#define WIDE_BASES(f) f(0) f(3) f(6)
#define ONE_ROWS(f)                                                                                                  \
  WIDE_ROWS(f) f(8, p6, 2) f(9, p9, 0) f(10, p9, 1) f(11, p9, 2) f(12, p12, 0) f(13, p12, 1) f(14, p12, 2) f(15, p15, 0)
#define ONE_BASES(f) WIDE_BASES(f) f(9) f(12) f(15)
#else
#define WIDE_ROWS(f) f(0, p0, 0) f(1, p0, 1) f(2, p0, 2) f(3, p3, 0)
#define WIDE_BASES(f) f(0) f(3)
#define ONE_ROWS(f) WIDE_ROWS(f) f(4, p3, 1) f(5, p3, 2) f(6, p6, 0) f(7, p6, 1)
#define ONE_BASES(f) WIDE_BASES(f) f(6)
#endif
#define BASE_DECLARE(r) const ra_real *p##r = a + r * lda;
#define BASE_NEXT(r) p##r++;

/* c [ROWS1][one vector] (+)= a [ROWS1][k] times b [k][VL]; a row by row with stride lda */
enum { ROWS1 = 2 * MO };
#define ONE_DECLARE(r, p, j) vec s##r = vec_zero();
#define ONE_FMA(r, p, j) s##r += vec_splat(p[j * lda]) * bk;
#define ONE_STORE(r, p, j) vec_store(c + r * ldc, add ? vec_load(c + r * ldc) + s##r : s##r);
static KERNEL_ALONE void micro_one(int32_t depth, const ra_real *a, ptrdiff_t lda, const ra_real *b, bool add, ra_real *c,
                             ptrdiff_t ldc) {
  ONE_ROWS(ONE_DECLARE)
  ONE_BASES(BASE_DECLARE)
  for (int32_t k = 0; k < depth; k++, b += VL) {
    const vec bk = vec_load(b);
    ONE_ROWS(ONE_FMA)
    ONE_BASES(BASE_NEXT)
  }
  ONE_ROWS(ONE_STORE)
}

/* the same for MO rows and MV vectors, `next` apart */
#define WIDE_LOAD(r, v) const vec b##v = vec_load(b + v * next);
#define WIDE_FMA(r, p, j) { const vec a##r = vec_splat(p[j * lda]); MICRO_EACH_VEC(MICRO_FMA_1, r) }
static KERNEL_ALONE void micro_wide(int32_t depth, const ra_real *a, ptrdiff_t lda, const ra_real *b, ptrdiff_t next, bool add,
                              ra_real *c, ptrdiff_t ldc) {
  MICRO_EACH_ROW(MICRO_DECLARE)
  WIDE_BASES(BASE_DECLARE)
  for (int32_t k = 0; k < depth; k++, b += VL) {
    MICRO_EACH_VEC(WIDE_LOAD, 0)
    WIDE_ROWS(WIDE_FMA)
    WIDE_BASES(BASE_NEXT)
  }
  if (add) { MICRO_EACH_ROW(MICRO_ADD) }
  MICRO_EACH_ROW(MICRO_STORE)
}

/* micro with row k of b at b + offset[k]: a convolution reads its taps in place. */
static KERNEL_ALONE void micro_offset(int32_t depth, const ra_real *a, const ra_real *base, const int32_t *offset, bool add,
                                ra_real *c, ptrdiff_t ldc) {
  MICRO_EACH_ROW(MICRO_DECLARE)
  for (int32_t k = 0; k < depth; k++, a += MO) {
    const ra_real *b = base + offset[k];
    MICRO_EACH_VEC(MICRO_LOAD_B, 0)
    MICRO_EACH_ROW(MICRO_FMA)
  }
  if (add) { MICRO_EACH_ROW(MICRO_ADD) }
  MICRO_EACH_ROW(MICRO_STORE)
}

#ifndef RA_DOUBLE
/* c[i * ldc + j] += sum over n of a[i][n] * b_j[n], i, j < 4; n is a multiple of VL. Two halves of the b where 16
 * registers must do. */
static inline void micro_dot4(int32_t n, const ra_real *a, ptrdiff_t lda, const ra_real *x0, const ra_real *x1,
                              const ra_real *x2, const ra_real *x3, ra_real *c, ptrdiff_t ldc) {
#if defined(__AVX512F__) || defined(RA_NEON)
  vec s00 = vec_zero(), s01 = s00, s02 = s00, s03 = s00, s10 = s00, s11 = s00, s12 = s00, s13 = s00;
  vec s20 = s00, s21 = s00, s22 = s00, s23 = s00, s30 = s00, s31 = s00, s32 = s00, s33 = s00;
  for (int32_t k = 0; k < n; k += VL) {
    const vec b0 = vec_load(x0 + k), b1 = vec_load(x1 + k), b2 = vec_load(x2 + k), b3 = vec_load(x3 + k);
    vec t = vec_load(a + k);
    s00 += t * b0; s01 += t * b1; s02 += t * b2; s03 += t * b3;
    t = vec_load(a + lda + k);
    s10 += t * b0; s11 += t * b1; s12 += t * b2; s13 += t * b3;
    t = vec_load(a + 2 * lda + k);
    s20 += t * b0; s21 += t * b1; s22 += t * b2; s23 += t * b3;
    t = vec_load(a + 3 * lda + k);
    s30 += t * b0; s31 += t * b1; s32 += t * b2; s33 += t * b3;
  }
  ra_real sum[16];
  vec s[16] = {s00, s01, s02, s03, s10, s11, s12, s13, s20, s21, s22, s23, s30, s31, s32, s33};
  for (int i = 0; i < 16; i += VL) vec_store(sum + i, vec_sums(s + i));
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 4; j++) c[i * ldc + j] += sum[4 * i + j];
#else
  for (int half = 0; half < 4; half += 2, x0 = x2, x1 = x3) {
    vec s00 = vec_zero(), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00, s31 = s00;
    for (int32_t k = 0; k < n; k += VL) {
      const vec b0 = vec_load(x0 + k), b1 = vec_load(x1 + k);
      vec t = vec_load(a + k);
      s00 += t * b0; s01 += t * b1;
      t = vec_load(a + lda + k);
      s10 += t * b0; s11 += t * b1;
      t = vec_load(a + 2 * lda + k);
      s20 += t * b0; s21 += t * b1;
      t = vec_load(a + 3 * lda + k);
      s30 += t * b0; s31 += t * b1;
    }
    ra_real sum[8];
    vec s[8] = {s00, s01, s10, s11, s20, s21, s30, s31};
    for (int i = 0; i < 8; i += VL) vec_store(sum + i, vec_sums(s + i));
    for (int i = 0; i < 4; i++)
      for (int j = 0; j < 2; j++) c[i * ldc + half + j] += sum[2 * i + j];
  }
#endif
}
static inline void micro_dot(int32_t n, const ra_real *a, ptrdiff_t lda, const ra_real *b, ptrdiff_t ldb, ra_real *c,
                             ptrdiff_t ldc) {
  micro_dot4(n, a, lda, b, b + ldb, b + 2 * ldb, b + 3 * ldb, c, ldc);
}
static inline void micro_dot_offset(int32_t n, const ra_real *a, ptrdiff_t lda, const ra_real *base,
                                    const int32_t *offset, ra_real *c, ptrdiff_t ldc) {
  micro_dot4(n, a, lda, base + offset[0], base + offset[1], base + offset[2], base + offset[3], c, ldc);
}

#endif

/* Blocks of the matrix products: KC rows of b, NC columns of them (panels of MT), kept in the second-level cache.
 * Their row stride is an odd number of cache lines, so that rows spread over all sets of the first level. */
enum { KC = 256, NC = (128 / MT) * MT, LDB = NC + 16 };


#endif
