/* winograd_weight: weight gradient of a 3x3 convolution with stride 1, by the adjoint of F(4x4,3x3).
 *
 *   dU [36][C][O] = sum over tiles t of (B' x B) [36][C][t] * (A dy A') [36][t][O];   dw = G' dU G
 *
 * dy is transposed on its way, so that the lanes of its side are outputs and the products are those of a matrix
 * product. Blocks of T tiles are summed in registers from zero and added to dU afterwards: a running sum over all
 * tiles would lose a digit. The tiles are cut into PARTS parts by shape, each with a dU of its own; the parts are
 * added in order at the end. */
#ifndef RA_DOUBLE

#include "../base/thread.h"
#include "winograd.h"

enum { PARTS = 8, ROWS1 = 2 * MO }; /* ROWS1: channels of the kernel for one vector of outputs */

typedef struct job {
  const ra_conv *s;
  tiling in, out;
  int32_t C, O, T, blocks, parts; /* C, O rounded up to whole kernels */
  const ra_real *x, *dy;
  bool add;
  ra_real *dw, *sums;
  char *scratch;
  size_t v_plane, y_plane, u_plane;
  size_t shared, slot;
} job;

/* c [rows][one vector] += a [rows][k] times b [k]; a row by row with stride lda, as winograd_input leaves it */
#define ONE_DECLARE(r) vec s##r = vec_zero();
#define ONE_FMA(r) s##r += vec_splat(a[r * lda + k]) * bk;
#define ONE_STORE(r) vec_store(c + r * ldc, add ? vec_load(c + r * ldc) + s##r : s##r);
#if defined(__AVX512F__)
#define ONE_EACH(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11) f(12) f(13) f(14) f(15)
#else
#define ONE_EACH(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7)
#endif
static inline void micro_one(int32_t depth, const ra_real *a, ptrdiff_t lda, const ra_real *b, ptrdiff_t ldb, bool add,
                             ra_real *c, ptrdiff_t ldc) {
  ONE_EACH(ONE_DECLARE)
  for (int32_t k = 0; k < depth; k++, b += ldb) {
    const vec bk = vec_load(b);
    ONE_EACH(ONE_FMA)
  }
  ONE_EACH(ONE_STORE)
}

/* the same for MO rows and MV vectors */
#define WIDE_FMA(r) { const vec a##r = vec_splat(a[r * lda + k]); MICRO_EACH_VEC(MICRO_FMA_1, r) }
static inline void micro_wide(int32_t depth, const ra_real *a, ptrdiff_t lda, const ra_real *b, ptrdiff_t ldb, bool add,
                              ra_real *c, ptrdiff_t ldc) {
  MICRO_EACH_ROW(MICRO_DECLARE)
  for (int32_t k = 0; k < depth; k++, b += ldb) {
    MICRO_EACH_VEC(MICRO_LOAD_B, 0)
    MICRO_EACH_ROW(WIDE_FMA)
  }
  if (add) { MICRO_EACH_ROW(MICRO_ADD) }
  MICRO_EACH_ROW(MICRO_STORE)
}

static job plan(const ra_conv *s) {
  job k = {.s = s, .C = round_up(s->C, ROWS1), .O = round_up(s->O, VL)};
  k.in = (tiling){.B = s->B, .H = s->H, .W = s->W, .pad_h = s->pad_h, .pad_w = s->pad_w, .rows = (s->Ho + 3) / 4,
                  .cols = (s->Wo + 3) / 4, .batch = s->x_batch};
  k.in.count = s->B * k.in.rows * k.in.cols;
  k.out = k.in;
  k.out.H = s->Ho, k.out.W = s->Wo, k.out.batch = s->y_batch;
  k.T = k.C + k.O <= 64 ? 64 : 32;
  k.blocks = (k.in.count + k.T - 1) / k.T;
  k.parts = k.blocks < PARTS ? k.blocks : PARTS;
  k.v_plane = (size_t)k.C * (size_t)k.T + PLANE_PAD;
  k.y_plane = (size_t)k.O * (size_t)k.T + PLANE_PAD;
  k.u_plane = (size_t)k.O * (size_t)k.C + PLANE_PAD;
  k.shared = conv_align((size_t)k.parts * FREQ * k.u_plane * sizeof(ra_real));
  k.slot = conv_align(FREQ * (k.v_plane + k.y_plane) * sizeof(ra_real)) + conv_align(winograd_lines(k.T) * sizeof(ra_real));
  return k;
}

/* VL rows of VL numbers become columns: log2(VL) rounds of pairs. */
static inline void transpose(vec r[VL]) {
  vec t[VL];
  for (int32_t half = VL / 2; half > 0; half /= 2) {
    for (int32_t i = 0; i < VL / 2; i++) {
      t[2 * i] = ZIP(r[i], r[i + VL / 2], 0);
      t[2 * i + 1] = ZIP(r[i], r[i + VL / 2], VL / 2);
    }
    for (int32_t i = 0; i < VL; i++) r[i] = t[i];
  }
}

/* A dy A' of tiles t0..t0+n for VL outputs from o0: frequency f of tile t goes to y[f*plane + (t - t0)*O]. */
static void transform_dy(const job *k, int32_t o0, int32_t t0, int32_t n, ra_real *y, size_t plane) {
  const tiling *g = &k->out;
  int64_t area = (int64_t)g->H * g->W;
  int32_t outputs = k->s->O - o0 < VL ? k->s->O - o0 : VL;
  for (int32_t t = t0; t < t0 + n;) {
    tile_run run = tile_run_at(g, t, t0 + n);
    for (int32_t q = 0; q < run.n; q += VL / 4, y += VL / 4 * k->O) {
      vec px[4][VL]; /* rows of the tiles, VL pixels each, lanes are outputs */
      int32_t p = 4 * (run.j + q), tiles = run.n - q < VL / 4 ? run.n - q : VL / 4;
      for (int32_t r = 0; r < 4; r++) {
        const ra_real *row = k->dy + o0 * area + run.b * g->batch + (int64_t)(4 * run.i + r) * g->W + p;
        if (4 * run.i + r >= g->H) {
          for (int32_t o = 0; o < VL; o++) px[r][o] = vec_zero();
          continue;
        }
        if (outputs == VL && p + VL <= g->W)
          for (int32_t o = 0; o < VL; o++) px[r][o] = vec_load(row + o * area);
        else
          for (int32_t o = 0; o < VL; o++) px[r][o] = o < outputs ? load_range(row + o * area, 0, g->W - p) : vec_zero();
        transpose(px[r]);
      }
      for (int32_t i = 0; i < tiles; i++) {
        vec half[6][4], e[6];
        for (int32_t c = 0; c < 4; c++) {
          transform_at(px[0][4 * i + c], px[1][4 * i + c], px[2][4 * i + c], px[3][4 * i + c], e);
          for (int32_t r = 0; r < 6; r++) half[r][c] = e[r];
        }
        for (int32_t r = 0; r < 6; r++) {
          transform_at(half[r][0], half[r][1], half[r][2], half[r][3], e);
          for (int32_t c = 0; c < 6; c++) vec_store(y + i * k->O + (size_t)(6 * r + c) * plane, e[c]);
        }
      }
      if (tiles < VL / 4) y -= (VL / 4 - tiles) * k->O;
    }
    t += run.n;
  }
}

static void part(void *context, int32_t chunk) {
  const job *k = context;
  ra_real *v = (ra_real *)(void *)(k->scratch + (size_t)ra_thread_index() * k->slot), *y = v + FREQ * k->v_plane;
  ra_real *lines = v + conv_align(FREQ * (k->v_plane + k->y_plane) * sizeof(ra_real)) / sizeof(ra_real);
  ra_real *sums = k->sums + (size_t)chunk * FREQ * k->u_plane;
  int32_t first = (int32_t)((int64_t)k->blocks * chunk / k->parts),
          last = (int32_t)((int64_t)k->blocks * (chunk + 1) / k->parts);
  int64_t area = (int64_t)k->in.H * k->in.W;
  for (int32_t b = first; b < last; b++) {
    int32_t t0 = b * k->T, n = k->in.count - t0 < k->T ? k->in.count - t0 : k->T;
    for (int32_t c = 0; c < k->s->C; c++)
      K(winograd_input)(&k->in, k->x + c * area, t0, n, k->T, v + (size_t)c * (size_t)k->T, k->v_plane, lines);
    for (int32_t o = 0; o < k->O; o += VL) transform_dy(k, o, t0, n, y + o, k->y_plane);
    for (int32_t f = 0; f < FREQ; f++) {
      const ra_real *vf = v + (size_t)f * k->v_plane, *yf = y + (size_t)f * k->y_plane;
      ra_real *u = sums + (size_t)f * k->u_plane;
      int32_t o = 0;
      for (; o + MT <= k->O; o += MT)
        for (int32_t c = 0; c < k->C; c += MO)
          micro_wide(n, vf + c * k->T, k->T, yf + o, k->O, b > first, u + (size_t)c * (size_t)k->O + o, k->O);
      for (; o < k->O; o += VL)
        for (int32_t c = 0; c < k->C; c += ROWS1)
          micro_one(n, vf + c * k->T, k->T, yf + o, k->O, b > first, u + (size_t)c * (size_t)k->O + o, k->O);
    }
  }
}

/* The parts in order, then G' dU G, of one channel. */
static void finish(void *context, int32_t c) {
  const job *k = context;
  for (int32_t o = 0; o < k->O; o += VL) {
    vec half[3][6], g[3];
    _Alignas(64) ra_real taps[9][VL];
    for (int32_t q = 0; q < 6; q++) {
      vec m[6];
      for (int32_t r = 0; r < 6; r++) {
        const ra_real *u = k->sums + (size_t)(6 * r + q) * k->u_plane + (size_t)c * (size_t)k->O + o;
        m[r] = vec_load(u);
        for (int32_t p = 1; p < k->parts; p++) m[r] += vec_load(u + (size_t)p * FREQ * k->u_plane);
      }
      transform_gt(m[0], m[1], m[2], m[3], m[4], m[5], g);
      for (int32_t r = 0; r < 3; r++) half[r][q] = g[r];
    }
    for (int32_t r = 0; r < 3; r++) {
      transform_gt(half[r][0], half[r][1], half[r][2], half[r][3], half[r][4], half[r][5], g);
      for (int32_t q = 0; q < 3; q++) vec_store(taps[3 * r + q], g[q]);
    }
    for (int32_t l = 0; l < VL && o + l < k->s->O; l++) {
      ra_real *to = k->dw + ((int64_t)(o + l) * k->s->C + c) * 9;
      for (int32_t q = 0; q < 9; q++) to[q] = k->add ? to[q] + taps[q][l] : taps[q][l];
    }
  }
}

void K(winograd_backward_weight)(const ra_conv *s, const ra_real *x, const ra_real *dy, bool add, ra_real *dw,
                                 void *work) {
  job k = plan(s);
  k.x = x, k.dy = dy, k.add = add, k.dw = dw, k.sums = work, k.scratch = (char *)work + k.shared;
  ra_parallel(k.parts, part, &k);
  ra_parallel(s->C, finish, &k);
}

size_t K(winograd_weight_work)(const ra_conv *s);
size_t K(winograd_weight_work)(const ra_conv *s) {
  job k = plan(s);
  return k.shared + (size_t)ra_threads() * k.slot;
}

#else
typedef int winograd_weight_unused;
#endif
