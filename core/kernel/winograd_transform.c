/* winograd_transform: input, output and weight transforms between NCHW and the 36 frequency planes. */
#ifndef RA_DOUBLE

#include "../base/math.h"
#include "winograd.h"

/* The vertical half for a run of tiles: 6 rows of x become 6 lines of 4*n + 2 pixels, 0 outside the image. */
static inline void vertical(const tiling *g, const ra_real *x, const affine *prologue, bool as_is, const tile_run *run,
                            ra_real *lines, int32_t width) {
  int32_t top = 4 * run->i - g->pad_h, p = 4 * run->j - g->pad_w, count = 4 * run->n + 2;
  const ra_real *row = x + (int64_t)top * g->W + p;
  int32_t first = -top, last = g->H - top; /* of the six, the rows inside the image */
  bool inside = first <= 0 && last >= 6;
  for (int32_t q = 0; q < count; q += VL, row += VL, lines += VL, p += VL) {
    vec d[6], t[6];
    if (inside && p >= 0 && p + VL <= g->W) {
      for (int32_t r = 0; r < 6; r++) d[r] = vec_load(row + (int64_t)r * g->W);
      if (!as_is)
        for (int32_t r = 0; r < 6; r++) d[r] = affine_vec(prologue, d[r]);
    } else {
      for (int32_t r = 0; r < 6; r++) { /* lanes outside are neither read nor counted */
        vec_mask lanes = vec_lanes(-p, r >= first && r < last ? g->W - p : -p);
        d[r] = vec_load_lanes(row + (int64_t)r * g->W, lanes);
        if (!as_is) d[r] = vec_keep_lanes(affine_vec(prologue, d[r]), lanes);
      }
    }
    transform_b(d[0], d[1], d[2], d[3], d[4], d[5], t);
    for (int32_t r = 0; r < 6; r++) vec_store(lines + r * width, t[r]);
  }
}

/* The horizontal half for VL tiles; n of them may be stored. */
static inline void horizontal(const ra_real *lines, int32_t width, int32_t n, ra_real *v, size_t plane) {
  for (int32_t r = 0; r < 6; r++, lines += width) {
    vec c[4], t[6];
    columns_of(lines, c);
    transform_b(c[0], c[1], c[2], c[3], SHIFT_IN(c[0], lines[4 * VL]), SHIFT_IN(c[1], lines[4 * VL + 1]), t);
    if (n >= VL)
      for (int32_t q = 0; q < 6; q++) vec_store(v + (size_t)(6 * r + q) * plane, t[q]);
    else
      for (int32_t q = 0; q < 6; q++) vec_store_n(v + (size_t)(6 * r + q) * plane, t[q], n);
  }
}

void K(winograd_input)(const tiling *g, const source *x, int32_t t0, int32_t n, int32_t T, ra_real *v, size_t plane,
                       ra_real *lines) {
  int32_t width = 4 * T + 6 * VL;
  for (int32_t t = t0; t < t0 + n;) {
    tile_run run = tile_run_at(g, t, t0 + n);
    if (x->prologue.as_is) vertical(g, x->data + run.b * x->batch, &x->prologue, true, &run, lines, width);
    else vertical(g, x->data + run.b * x->batch, &x->prologue, false, &run, lines, width);
    for (int32_t q = 0; q < run.n; q += VL)
      horizontal(lines + 4 * q, width, T - (t - t0) - q, v + (t - t0) + q, plane);
    t += run.n;
  }
}

/* Sums of distances to `around`, the mean of the first row, and of their squares, in lanes. */
typedef struct running_moments {
  vec around, sum, squares;
  int32_t n;
} running_moments;

static inline void accumulate(running_moments *s, vec v, int32_t lanes) {
  vec d = v - s->around;
  if (lanes < VL) d = vec_keep_lanes(d, vec_lanes(0, lanes));
  s->sum += d, s->squares += d * d;
  s->n += lanes;
}

/* The epilogues that output_run is compiled for: none; `out`; `out` and a residual. */
typedef enum { AS_IS, AFFINE, RESIDUAL } epilogue_kind;

/* Tiles q..q+VL of a run: A' m A, through `out`, to y. */
static inline void output_tiles(const tiling *g, const ra_real *from, size_t plane, const tile_run *run, int32_t q,
                                const affine *out, epilogue_kind how, const sink *y, running_moments *s) {
  vec z[4][6];
  for (int32_t c = 0; c < 6; c++, from += plane) {
    vec t[4];
    transform_a(vec_load(from), vec_load(from + 6 * plane), vec_load(from + 12 * plane), vec_load(from + 18 * plane),
                vec_load(from + 24 * plane), vec_load(from + 30 * plane), t);
    for (int32_t r = 0; r < 4; r++) z[r][c] = t[r];
  }
  int32_t p = 4 * (run->j + q), width = 4 * (run->n - q) < g->W - p ? 4 * (run->n - q) : g->W - p;
  ra_real *to = y->data + run->b * y->batch + (int64_t)(4 * run->i) * g->W + p;
  bool stream = streams(g->H, g->W, y);
  for (int32_t r = 0; r < 4 && 4 * run->i + r < g->H; r++, to += g->W) {
    vec t[4], px[4];
    transform_a(z[r][0], z[r][1], z[r][2], z[r][3], z[r][4], z[r][5], t);
    pixels_of(t, px);
    if (s && s->n == 0)
      s->around = how == AS_IS && width >= 4 * VL ? vec_splat(vec_sum((px[0] + px[1]) + (px[2] + px[3])) / (4 * VL))
                                           : vec_splat(how == AS_IS ? px[0][0] : affine_one(out, px[0][0]));
    for (int32_t k = 0; k < 4; k++) {
      int32_t left = width - k * VL;
      if (left <= 0) break;
      if (left > VL) left = VL;
      vec v = px[k];
      if (how == AFFINE) v = affine_vec(out, v);
      if (how == RESIDUAL) v = affine_sum(out, v, vec_load_n(residual_of(y, to) + k * VL, left));
      if (left == VL && stream) vec_stream(to + k * VL, v);
      else if (left == VL) vec_store(to + k * VL, y->add ? v + vec_load(to + k * VL) : v);
      else vec_store_n(to + k * VL, y->add ? v + vec_load_n(to + k * VL, left) : v, left);
      if (s) accumulate(s, v, left);
    }
  }
}

static inline void output_run(const tiling *g, const ra_real *m, size_t plane, int32_t t0, int32_t n, const affine *out,
                              epilogue_kind how, const sink *y, running_moments *s) {
  for (int32_t t = t0; t < t0 + n;) {
    tile_run run = tile_run_at(g, t, t0 + n);
    for (int32_t q = 0; q < run.n; q += VL) output_tiles(g, m + (t - t0) + q, plane, &run, q, out, how, y, s);
    t += run.n;
  }
}

void K(winograd_output)(const tiling *g, const ra_real *m, size_t plane, int32_t t0, int32_t n, const affine *out,
                        const sink *y, ra_moments *moments) {
  if (moments) {
    running_moments s = {.n = 0, .sum = vec_zero(), .squares = vec_zero(), .around = vec_zero()};
    output_run(g, m, plane, t0, n, out, out->as_is ? AS_IS : AFFINE, y, &s);
    *moments = moments_around((double)s.around[0], s.n, (double)vec_sum(s.sum), (double)vec_sum(s.squares));
  } else if (y->residual) {
    output_run(g, m, plane, t0, n, out, RESIDUAL, y, NULL);
  } else if (out->as_is) {
    output_run(g, m, plane, t0, n, out, AS_IS, y, NULL);
  } else {
    output_run(g, m, plane, t0, n, out, AFFINE, y, NULL);
  }
}

void K(winograd_weights)(const ra_real *w, int64_t out, int64_t in, bool flip, int32_t o0, int32_t O, int32_t C,
                         ra_real *u, size_t plane) {
  enum { STEP = VL / MO }; /* channels in a vector */
  int32_t outputs = ra_min(O - o0, MO);
  w += o0 * out;
  for (int32_t c = 0; c < C; c += STEP) {
    int32_t channels = ra_min(C - c, STEP);
#if defined(__AVX512F__)
    vec taps[VL];
    for (int32_t q = 0; q < STEP; q++)
      for (int32_t r = 0; r < MO; r++)
        taps[q * MO + r] = r < outputs && q < channels ? vec_load_n(w + r * out + (c + q) * in, 9) : vec_zero();
    transpose(taps);
#else
    vec taps[9];
    for (int32_t k = 0; k < 9; k++) {
      taps[k] = vec_zero();
      for (int32_t q = 0; q < channels; q++)
        for (int32_t r = 0; r < outputs; r++) taps[k][q * MO + r] = w[r * out + (c + q) * in + k];
    }
#endif
    vec half[6][3], g[6];
    for (int32_t v = 0; v < 3; v++) { /* the transform of flipped taps is that of taps read backwards */
      int32_t k = flip ? 8 - v : v, d = flip ? -3 : 3;
      transform_g(taps[k], taps[k + d], taps[k + 2 * d], g);
      for (int32_t r = 0; r < 6; r++) half[r][v] = g[r];
    }
    for (int32_t r = 0; r < 6; r++) {
      transform_g(half[r][0], half[r][1], half[r][2], g);
      for (int32_t q = 0; q < 6; q++)
        vec_store_n(u + (size_t)(6 * r + q) * plane + c * MO, g[q], channels * MO);
    }
  }
}

#else
typedef int winograd_transform_unused;
#endif
