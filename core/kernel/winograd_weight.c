/* winograd_weight: weight gradient of a 3x3 convolution with stride 1, by the adjoint of F(4x4,3x3).
 *
 *   dU [36][C][O] = sum over tiles t of V [36][C][t] * Y [36][O/VL][t][VL],  V = B' x B, Y = A dy A';  dw = G' dU G
 *
 * dy is transposed on its way, so that the lanes of Y are outputs and the products are those of a matrix product.
 * Blocks of T tiles are summed in registers from zero and added to dU afterwards: a running sum over all tiles would
 * lose a digit.
 *
 * Many tiles: they are cut into PARTS parts by shape, each with a dU of its own; the parts are added in order at the
 * end. Few tiles (deep), where dU outweighs the pictures: V and Y are made once for all tiles and shared; each chunk
 * of work owns DEEP_C channels x DEEP_O outputs of dU, which never leave its cache. */
#ifndef RA_DOUBLE

#include "../base/math.h"
#include "../base/thread.h"
#include "winograd.h"

enum { PARTS = 8, DEEP_TILES = 256, DEEP_C = 64, DEEP_O = 2 * 16 };

typedef struct job {
  const ra_conv *s;
  tiling in, out;
  int32_t C, O, T, blocks, parts; /* C, O rounded up to whole kernels; T: tiles in V and Y */
  bool deep;
  const ra_input *x;
  const ra_real *dy;
  bool add;
  ra_real *dw, *sums, *v, *y;
  char *scratch;
  size_t v_plane, y_plane, u_plane;
  size_t shared, slot;
} job;

static job plan(const ra_conv *s) {
  job k = {.s = s, .C = ra_round_up(s->C, ROWS1), .O = ra_round_up(s->O, VL)};
  k.in = (tiling){.B = s->B, .H = s->H, .W = s->W, .pad_h = s->pad_h, .pad_w = s->pad_w, .rows = (s->Ho + 3) / 4,
                  .cols = (s->Wo + 3) / 4};
  k.in.count = s->B * k.in.rows * k.in.cols;
  k.out = k.in;
  k.out.H = s->Ho, k.out.W = s->Wo, k.out.pad_h = k.out.pad_w = 0;
  k.deep = k.in.count <= DEEP_TILES && (int64_t)s->C * s->O > 64 * 64;
  k.T = k.deep ? ra_round_up(k.in.count, VL) : 64;
  k.blocks = ra_ceil_div(k.in.count, k.T);
  k.parts = ra_min(k.blocks, PARTS);
  k.v_plane = (size_t)k.C * (size_t)k.T + PLANE_PAD;
  k.y_plane = (size_t)k.O * (size_t)k.T + PLANE_PAD;
  k.u_plane = (k.deep ? (size_t)DEEP_C * DEEP_O : (size_t)k.O * (size_t)k.C) + PLANE_PAD;
  size_t vy = conv_align(FREQ * (k.v_plane + k.y_plane) * sizeof(ra_real));
  size_t lines = conv_align(winograd_lines(k.T) * sizeof(ra_real)), u = conv_align(FREQ * k.u_plane * sizeof(ra_real));
  k.shared = k.deep ? vy : (size_t)k.parts * u;
  k.slot = k.deep ? ra_max(u, lines) : vy + lines;
  return k;
}

/* A dy A' of tiles t0..t0+n for VL outputs from o0: frequency f of tile t goes to y[f*plane + (t - t0)*VL]. */
static void transform_dy(const job *k, int32_t o0, int32_t t0, int32_t n, ra_real *y, size_t plane) {
  const tiling *g = &k->out;
  int64_t area = (int64_t)g->H * g->W;
  int32_t outputs = ra_min(k->s->O - o0, VL);
  for (int32_t t = t0; t < t0 + n;) {
    tile_run run = tile_run_at(g, t, t0 + n);
    for (int32_t q = 0; q < run.n; q += VL / 4, y += VL / 4 * VL) {
      vec px[4][VL]; /* rows of the tiles, VL pixels each, lanes are outputs */
      int32_t p = 4 * (run.j + q), tiles = ra_min(run.n - q, VL / 4);
      for (int32_t r = 0; r < 4; r++) {
        const ra_real *row = k->dy + ((int64_t)run.b * k->s->O + o0) * area + (int64_t)(4 * run.i + r) * g->W + p;
        if (4 * run.i + r >= g->H) {
          for (int32_t o = 0; o < VL; o++) px[r][o] = vec_zero();
          continue;
        }
        if (outputs == VL && p + VL <= g->W)
          for (int32_t o = 0; o < VL; o++) px[r][o] = vec_load(row + o * area);
        else
          for (int32_t o = 0; o < VL; o++) px[r][o] = o < outputs ? vec_load_n(row + o * area, g->W - p) : vec_zero();
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
          for (int32_t c = 0; c < 6; c++) vec_store(y + i * VL + (size_t)(6 * r + c) * plane, e[c]);
        }
      }
      if (tiles < VL / 4) y -= (VL / 4 - tiles) * VL;
    }
    t += run.n;
  }
}

/* Issues the prefetches of one step of the products. */
static inline void prefetch_step(const job *k, lookahead *x, lookahead *dy) {
  for (x->due += x->rows; x->due >= x->steps && x->next < x->rows; x->due -= x->steps, x->next++) {
    source from = source_of(k->x, x->next / 4, (int64_t)k->in.H * k->in.W);
    prefetch_row(&k->in, x, from.data, from.batch, x->next % 4);
  }
  int64_t area = (int64_t)k->out.H * k->out.W;
  for (dy->due += dy->rows; dy->due >= dy->steps && dy->next < dy->rows; dy->due -= dy->steps, dy->next++)
    prefetch_row(&k->out, dy, k->dy + dy->next / 4 * area, k->s->O * area, dy->next % 4);
}

/* u [C][O] of one frequency (+)= tiles first..first+n of v [C][T] times y [O/VL][T][VL]; C and O whole kernels */
static inline void products(const job *k, const ra_real *v, const ra_real *y, int32_t C, int32_t O, int32_t first,
                            int32_t n, bool add, ra_real *u, lookahead *x_ahead, lookahead *dy_ahead) {
  ptrdiff_t block = (ptrdiff_t)k->T * VL;
  int32_t o = 0;
  v += first, y += first * VL;
  for (; o + MT <= O; o += MT, y += MV * block)
    for (int32_t c = 0; c < C; c += MO) {
      if (x_ahead) prefetch_step(k, x_ahead, dy_ahead);
      micro_wide(n, v + c * k->T, k->T, y, block, add, u + c * O + o, O);
    }
  for (; o < O; o += VL, y += block)
    for (int32_t c = 0; c < C; c += ROWS1) {
      if (x_ahead) prefetch_step(k, x_ahead, dy_ahead);
      micro_one(n, v + c * k->T, k->T, y, add, u + c * O + o, O);
    }
}

/* G' dU G of VL outputs from o on of channel c; frequency f of dU is at u[f*plane] */
static void transform_out(const job *k, const ra_real *u, size_t plane, int32_t c, int32_t o) {
  vec half[3][6], g[3], taps[VL < 9 ? 9 : VL];
  for (int32_t q = 0; q < 6; q++) {
    vec m[6];
    for (int32_t r = 0; r < 6; r++) m[r] = vec_load(u + (size_t)(6 * r + q) * plane);
    transform_gt(m[0], m[1], m[2], m[3], m[4], m[5], g);
    for (int32_t r = 0; r < 3; r++) half[r][q] = g[r];
  }
  for (int32_t r = 0; r < 3; r++) {
    transform_gt(half[r][0], half[r][1], half[r][2], half[r][3], half[r][4], half[r][5], g);
    for (int32_t q = 0; q < 3; q++) taps[3 * r + q] = g[q];
  }
  ra_real *to = k->dw + ((int64_t)o * k->s->C + c) * 9;
  int32_t outputs = ra_min(k->s->O - o, VL);
#if defined(__AVX512F__)
  for (int32_t q = 9; q < VL; q++) taps[q] = vec_zero();
  transpose(taps);
  for (int32_t l = 0; l < outputs; l++, to += k->s->C * 9)
    vec_store_n(to, k->add ? vec_load_n(to, 9) + taps[l] : taps[l], 9);
#else
  for (int32_t l = 0; l < outputs; l++, to += k->s->C * 9)
    for (int32_t q = 0; q < 9; q++) to[q] = k->add ? to[q] + taps[q][l] : taps[q][l];
#endif
}

static ra_real *slot_of(const job *k) { return (ra_real *)(void *)(k->scratch + (size_t)ra_thread_index() * k->slot); }

static void part(void *context, int32_t chunk) {
  const job *k = context;
  ra_real *v = slot_of(k), *y = v + FREQ * k->v_plane;
  ra_real *lines = v + conv_align(FREQ * (k->v_plane + k->y_plane) * sizeof(ra_real)) / sizeof(ra_real);
  ra_real *sums = k->sums + (size_t)chunk * FREQ * k->u_plane;
  int32_t first = (int32_t)((int64_t)k->blocks * chunk / k->parts),
          last = (int32_t)((int64_t)k->blocks * (chunk + 1) / k->parts);
  int64_t area = (int64_t)k->in.H * k->in.W;
  for (int32_t b = first; b < last; b++) {
    int32_t t0 = b * k->T, n = ra_min(k->in.count - t0, k->T);
    for (int32_t c = 0; c < k->s->C; c++) {
      source x = source_of(k->x, c, area);
      K(winograd_input)(&k->in, &x, t0, n, k->T, v + (size_t)c * (size_t)k->T, k->v_plane, lines);
    }
    for (int32_t o = 0; o < k->O; o += VL) transform_dy(k, o, t0, n, y + o * k->T, k->y_plane);
    int32_t steps = FREQ * (k->O / MT * (k->C / MO) + (k->O % MT ? k->C / ROWS1 : 0)), next = b + 1 == last ? k->in.count : t0 + n;
    lookahead x_ahead = look_ahead(&k->in, 2, k->s->C, next, k->T, steps), dy_ahead = look_ahead(&k->out, 0, k->s->O, next, k->T, steps);
    for (int32_t f = 0; f < FREQ; f++) {
      products(k, v + (size_t)f * k->v_plane, y + (size_t)f * k->y_plane, k->C, k->O, 0, n, b > first,
               sums + (size_t)f * k->u_plane, &x_ahead, &dy_ahead);
    }
  }
}

/* One channel: the parts are added in order, then transformed. */
static void channel_out(void *context, int32_t c) {
  const job *k = context;
  ra_real *sum = slot_of(k);
  for (int32_t f = 0; f < FREQ; f++) {
    const ra_real *from = k->sums + (size_t)f * k->u_plane + (size_t)c * (size_t)k->O;
    for (int32_t o = 0; o < k->O; o += VL) {
      vec s = vec_load(from + o);
      for (int32_t p = 1; p < k->parts; p++) s += vec_load(from + (size_t)p * FREQ * k->u_plane + o);
      vec_store(sum + f * k->O + o, s);
    }
  }
  for (int32_t o = 0; o < k->O; o += VL) transform_out(k, sum + o, (size_t)k->O, c, o);
}

static void deep_input(void *context, int32_t c) {
  const job *k = context;
  source x = source_of(k->x, c, (int64_t)k->in.H * k->in.W);
  K(winograd_input)(&k->in, &x, 0, k->in.count, k->T, k->v + (size_t)c * (size_t)k->T, k->v_plane, slot_of(k));
}

static void deep_dy(void *context, int32_t block) {
  const job *k = context;
  transform_dy(k, block * VL, 0, k->in.count, k->y + (size_t)block * VL * (size_t)k->T, k->y_plane);
}

static void deep_products(void *context, int32_t chunk) {
  const job *k = context;
  ra_real *u = slot_of(k);
  int32_t across = ra_ceil_div(k->O, DEEP_O), c0 = chunk / across * DEEP_C, o0 = chunk % across * DEEP_O;
  int32_t C = ra_min(k->C - c0, DEEP_C), O = ra_min(k->O - o0, DEEP_O);
  for (int32_t f = 0; f < FREQ; f++)
    for (int32_t t = 0; t < k->in.count; t += 64)
      products(k, k->v + (size_t)f * k->v_plane + (size_t)c0 * (size_t)k->T,
               k->y + (size_t)f * k->y_plane + (size_t)o0 * (size_t)k->T, C, O, t,
               k->in.count - t < 64 ? k->in.count - t : 64, t > 0, u + (size_t)f * k->u_plane, NULL, NULL);
  for (int32_t c = 0; c < C && c0 + c < k->s->C; c++)
    for (int32_t o = 0; o < O; o += VL) transform_out(k, u + c * O + o, k->u_plane, c0 + c, o0 + o);
}

void K(winograd_backward_weight)(const ra_conv *s, const ra_input *x, const ra_real *dy, bool add, ra_real *dw,
                                 void *work) {
  job k = plan(s);
  k.x = x, k.dy = dy, k.add = add, k.dw = dw, k.sums = k.v = work, k.scratch = (char *)work + k.shared;
  k.y = k.v + FREQ * k.v_plane;
  if (k.deep) {
    ra_parallel(s->C, deep_input, &k);
    ra_parallel(k.O / VL, deep_dy, &k);
    ra_parallel(ra_ceil_div(k.C, DEEP_C) * ra_ceil_div(k.O, DEEP_O), deep_products, &k);
  } else {
    ra_parallel(k.parts, part, &k);
    ra_parallel(s->C, channel_out, &k);
  }
}

size_t K(winograd_weight_work)(const ra_conv *s);
size_t K(winograd_weight_work)(const ra_conv *s) {
  job k = plan(s);
  return k.shared + (size_t)ra_thread_slots() * k.slot;
}

#else
typedef int winograd_weight_unused;
#endif
