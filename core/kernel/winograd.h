/* winograd.h: the transforms of F(4x4,3x3), VL tiles (or channels) at a time.
 *
 * A 4x4 tile of the output comes from a 6x6 tile of the input with 36 products instead of 144
 * (Lavin, Gray, "Fast algorithms for convolutional neural networks", CVPR 2016; points 0, 1, -1, 2, -2, infinity):
 *
 *   Y = A' [ (G w G') . (B' d B) ] A        d 6x6 tiles, 4 apart;  w 3x3;  Y 4x4
 *
 * and its adjoint in w is the weight gradient:  dw = G' [ sum over tiles of (B' d B) . (A dY A') ] G. */
#ifndef RA_KERNEL_WINOGRAD_H
#define RA_KERNEL_WINOGRAD_H

#include "../base/math.h"
#include "conv.h"
#include "micro.h"

enum { FREQ = 36, PLANE_PAD = 16 }; /* the planes of the 36 frequencies are padded against cache aliasing */

/* Tiles of a plane [H,W] read with padding; tile t = (b, i, j) covers pixels 4i - pad_h .. +5, 4j - pad_w .. +5. */
typedef struct tiling {
  int32_t B, H, W, pad_h, pad_w, rows, cols, count;
} tiling;

/* A run of tiles in one tile row. */
typedef struct tile_run {
  int32_t b, i, j, n;
} tile_run;

static inline tile_run tile_run_at(const tiling *g, int32_t t, int32_t end) {
  int32_t area = g->rows * g->cols, r = t % area;
  tile_run run = {t / area, r / g->cols, r % g->cols, 0};
  run.n = ra_min(g->cols - run.j, end - t);
  return run;
}

/* Cold strided planes cost more than the arithmetic, so while a block multiplies, the pixels that the next one needs
 * and this one did not are prefetched, one row of a plane at a time, spread evenly over the products. */
typedef struct lookahead {
  int32_t t0, n;                /* tiles of the next block */
  int32_t first;                /* first row of a tile that is new */
  int32_t rows, next;           /* rows to prefetch, 4 of each plane; the next one */
  int32_t steps, due;           /* each step issues rows/steps of a row's prefetch */
} lookahead;

static inline lookahead look_ahead(const tiling *g, int32_t first, int32_t planes, int32_t t0, int32_t n, int32_t steps) {
  lookahead a = {.t0 = t0, .n = ra_min(g->count - t0, n), .first = first, .rows = 4 * planes, .steps = steps};
  if (a.n <= 0) a.rows = 0;
  return a;
}

/* Row r of the 4 new ones of all tiles ahead. */
static inline void prefetch_row(const tiling *g, const lookahead *a, const ra_real *x, int64_t batch, int32_t r) {
  for (int32_t t = a->t0; t < a->t0 + a->n;) {
    tile_run run = tile_run_at(g, t, a->t0 + a->n);
    int32_t row = 4 * run.i - g->pad_h + a->first + r, q = 4 * run.j - g->pad_w, last = q + 4 * run.n + 2;
    t += run.n;
    if (row < 0 || row >= g->H) continue;
    q = ra_max(q, 0), last = ra_min(last, g->W);
    const char *at = (const char *)(x + run.b * batch + (int64_t)row * g->W + q);
    for (int32_t k = 0; k < (last - q) * (int32_t)sizeof(ra_real); k += 64) __builtin_prefetch(at + k, 0, 2);
  }
}

/* -- 4*VL neighbouring pixels <-> the four columns of VL tiles -- */

/* c[j] = pixels j, j + 4, j + 8, ... of the 4*VL at p */
static inline void columns_of(const ra_real *p, vec c[4]) {
  const vec a = vec_load(p), b = vec_load(p + VL), d = vec_load(p + 2 * VL), e = vec_load(p + 3 * VL);
  const vec ab0 = EVEN_ODD(a, b, 0), de0 = EVEN_ODD(d, e, 0), ab2 = EVEN_ODD(a, b, 2), de2 = EVEN_ODD(d, e, 2);
  c[0] = LOW_HALVES(ab0, de0), c[1] = HIGH_HALVES(ab0, de0);
  c[2] = LOW_HALVES(ab2, de2), c[3] = HIGH_HALVES(ab2, de2);
}
/* the way back: q[0..3] are 4*VL neighbouring pixels */
static inline void pixels_of(const vec c[4], vec q[4]) {
  const vec a0 = ZIP(c[0], c[1], 0), a1 = ZIP(c[0], c[1], VL / 2), b0 = ZIP(c[2], c[3], 0), b1 = ZIP(c[2], c[3], VL / 2);
  q[0] = ZIP_PAIRS(a0, b0, 0), q[1] = ZIP_PAIRS(a0, b0, VL / 2);
  q[2] = ZIP_PAIRS(a1, b1, 0), q[3] = ZIP_PAIRS(a1, b1, VL / 2);
}

/* -- the one-dimensional transforms -- */
static inline void transform_b(vec d0, vec d1, vec d2, vec d3, vec d4, vec d5, vec t[6]) {
  const vec a = d4 - 4 * d2, b = d3 - 4 * d1, c = d4 - d2, e = 2 * (d3 - d1);
  t[0] = 4 * d0 - 5 * d2 + d4;
  t[1] = a + b, t[2] = a - b, t[3] = c + e, t[4] = c - e;
  t[5] = 4 * d1 - 5 * d3 + d5;
}
static inline void transform_a(vec m0, vec m1, vec m2, vec m3, vec m4, vec m5, vec y[4]) {
  const vec s = m1 + m2, d = m1 - m2, u = m3 + m4, e = m3 - m4;
  y[0] = m0 + s + u, y[1] = d + 2 * e, y[2] = s + 4 * u, y[3] = d + 8 * e + m5;
}
static inline void transform_at(vec y0, vec y1, vec y2, vec y3, vec e[6]) { /* 4 -> 6 */
  const vec s = y0 + y2, q = y1 + y3, u = y0 + 4 * y2, r = 2 * y1 + 8 * y3;
  e[0] = y0, e[1] = s + q, e[2] = s - q, e[3] = u + r, e[4] = u - r, e[5] = y3;
}
static inline void transform_g(vec w0, vec w1, vec w2, vec g[6]) { /* 3 -> 6 */
  const ra_real sixth = (ra_real)(1.0 / 6), twelfth = (ra_real)(1.0 / 12), twenty_fourth = (ra_real)(1.0 / 24);
  const vec s = -sixth * (w0 + w2), d = sixth * w1, u = twenty_fourth * w0 + sixth * w2, e = twelfth * w1;
  g[0] = (ra_real)0.25 * w0, g[1] = s - d, g[2] = s + d, g[3] = u + e, g[4] = u - e, g[5] = w2;
}
static inline void transform_gt(vec m0, vec m1, vec m2, vec m3, vec m4, vec m5, vec g[3]) { /* 6 -> 3 */
  const ra_real sixth = (ra_real)(1.0 / 6), twelfth = (ra_real)(1.0 / 12), twenty_fourth = (ra_real)(1.0 / 24);
  const vec s = sixth * (m1 + m2), u = m3 + m4;
  g[0] = (ra_real)0.25 * m0 - s + twenty_fourth * u;
  g[1] = sixth * (m2 - m1) + twelfth * (m3 - m4);
  g[2] = sixth * u - s + m5;
}

/* VL rows of VL numbers become columns: log2(VL) rounds of zipped pairs, written out so that they stay in registers. */
#define ROUND_1(to, from, i) to[2 * (i)] = ZIP(from[i], from[(i) + VL / 2], 0), to[2 * (i) + 1] = ZIP(from[i], from[(i) + VL / 2], VL / 2);
#define ROUND_2(to, from, i) ROUND_1(to, from, i) ROUND_1(to, from, i + 1)
#define ROUND_4(to, from, i) ROUND_2(to, from, i) ROUND_2(to, from, i + 2)
#define ROUND_8(to, from, i) ROUND_4(to, from, i) ROUND_4(to, from, i + 4)
static inline void transpose(vec r[VL]) {
  vec t[VL];
#if defined(__AVX512F__)
  ROUND_8(t, r, 0) ROUND_8(r, t, 0) ROUND_8(t, r, 0) ROUND_8(r, t, 0)
#elif defined(__AVX2__)
  vec u[VL];
  ROUND_4(t, r, 0) ROUND_4(u, t, 0) ROUND_4(r, u, 0)
#else
  ROUND_2(t, r, 0) ROUND_2(r, t, 0)
#endif
}

/* Floats of the buffer that winograd_input needs for blocks of T tiles. */
static inline size_t winograd_lines(int32_t T) { return 6 * ((size_t)T * 4 + 6 * VL); }

/* B' d B of tiles t0..t0+n of one channel: frequency f of tile t goes to v[f*plane + t - t0]; up to T, a multiple of
 * VL and >= n, lanes may be written. `lines` is a buffer (winograd_lines). Defined in winograd_transform.c. */
void K(winograd_input)(const tiling *g, const source *x, int32_t t0, int32_t n, int32_t T, ra_real *v, size_t plane,
                       ra_real *lines);
/* A' m A of tiles t0..t0+n of one output m[f*plane + t - t0] into y [rows of g: H, W are those of y] through `out`;
 * moments [opt] gets those of the numbers written. */
void K(winograd_output)(const tiling *g, const ra_real *m, size_t plane, int32_t t0, int32_t n, const affine *out,
                        const sink *y, ra_moments *moments);
/* G w G' of MO outputs from o0 and C inputs into u[f*plane + c*MO + r]; w of (o,c) is at w + o*out + c*in, flipped or
 * not; outputs from O on give 0. */
void K(winograd_weights)(const ra_real *w, int64_t out, int64_t in, bool flip, int32_t o0, int32_t O, int32_t C,
                         ra_real *u, size_t plane);

#endif
