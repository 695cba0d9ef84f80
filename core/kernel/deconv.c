/* deconv.c: transposed convolution whose stride is its window, so that outputs
 * do not overlap (the 2x2 up-convolution of a U-Net). Each output pixel belongs
 * to one tap; with rows m = (o,u,v), M = O*kh*kw, and the P = H*W pixels of x:
 *
 *   forward        Y  [M,P] = W' [M,C] X [C,P]      y[o, i*kh+u, j*kw+v] = Y[m, i*W+j] + bias[o]
 *   data gradient  dX [C,P] = W [C,M] T [M,P]       T is dy, deinterleaved like Y
 *   weight grad.   dW [C,M] = X [C,P] T' [P,M]
 *
 * A chunk of work is a block of NC pixels of one image: its X and T are packed
 * once, rows are interleaved and deinterleaved in registers, and strided data is
 * prefetched while other rows are multiplied.
 *
 * dW: the blocks are cut into PARTS runs with a sum each, added in order. Where
 * dW is larger than the images (deep), X and T' of all blocks are kept and every
 * chunk owns DEEP_C rows of dW. */
#include "../base/math.h"
#include "kernel.h"

#include <string.h>

#include "../base/thread.h"
#include "conv.h"
#include "micro.h"
#ifndef RA_DOUBLE
#include "winograd.h" /* transpose */
#endif

enum { MB = 32, PARTS = 8, DEEP_C = 128, DEEP_SIZE = 1 << 18 };

typedef struct job {
  const ra_deconv *s;
  int32_t P, M, Cr, Mr, per_image, blocks, parts; /* Cr, Mr: rounded up to whole kernels */
  int32_t group;      /* rows of Y at a time: whole (o,u), about MB */
  bool deep, add, add_dx, add_dw;
  const ra_real *x, *w, *bias, *dy;
  const ra_affine_act *prologue;
  ra_real *y, *dx, *dw;
  ra_real *packed, *sums, *all_x, *all_t; /* shared scratch */
  char *scratch;
  size_t x_size, t_size, slot;            /* numbers; numbers; bytes */
} job;

/* Lays out the scratch behind `work`; `bytes` of it in all. */
static job plan(const ra_deconv *s, void *work, size_t *bytes) {
  job k = {.s = s, .P = s->H * s->W, .M = s->O * s->kh * s->kw};
  k.Cr = ra_round_up(s->C, 2 * MO), k.Mr = ra_round_up(k.M, VL);
  k.group = s->kw > MB ? s->kw : MB / s->kw * s->kw;
  k.per_image = ra_ceil_div(k.P, NC);
  k.blocks = s->B * k.per_image;
  k.deep = (int64_t)s->C * k.M > DEEP_SIZE;
  k.parts = k.deep ? 1 : ra_min(k.blocks, PARTS);
  k.x_size = (size_t)k.Cr * LDB, k.t_size = (size_t)k.Mr * NC;
  int32_t rows = ra_ceil_div(k.M, k.group) * ra_round_up(k.group, MO), deepest = ra_max(k.group, s->C);
  size_t packed = conv_align((size_t)ra_round_up(s->C, MO) * (size_t)rows * sizeof(ra_real));
  size_t sums = conv_align((size_t)k.parts * (size_t)k.Cr * (size_t)k.Mr * sizeof(ra_real));
  size_t kept = k.deep ? conv_align((size_t)k.blocks * (k.x_size + k.t_size) * sizeof(ra_real)) : 0;
  k.slot = conv_align((k.x_size + k.t_size + (size_t)(k.M + ra_round_up(deepest, MO)) * LDB) * sizeof(ra_real));
  k.packed = work;
  k.sums = (ra_real *)(void *)((uintptr_t)work + packed);
  k.all_x = (ra_real *)(void *)((uintptr_t)work + packed + sums);
  k.all_t = k.all_x + (k.deep ? (size_t)k.blocks * k.x_size : 0);
  k.scratch = (char *)((uintptr_t)work + packed + sums + kept);
  *bytes = packed + sums + kept + (size_t)ra_thread_slots() * k.slot;
  return k;
}

size_t K(deconv_work)(const ra_deconv *s) {
  size_t bytes;
  plan(s, NULL, &bytes);
  return bytes;
}

/* ---- rows of a block and the image ---- */

/* Pixels p0..p0+n of image b. */
typedef struct block {
  int32_t b, p0, n, width; /* width: n up to whole kernels */
} block;

static block block_of(const job *k, int32_t index) {
  block r = {.b = index / k->per_image, .p0 = index % k->per_image * NC};
  r.n = ra_min(k->P - r.p0, NC);
  r.width = ra_round_up(r.n, MT);
  return r;
}

/* to[j*kw + v] (+)= from[v][j] + bias, v < kw */
static void interleave(const ra_real *from, ptrdiff_t ld, int32_t n, int32_t kw, ra_real bias, bool add, ra_real *to) {
  int32_t j = 0;
#ifndef RA_DOUBLE
  for (; kw == 2 && j + VL <= n; j += VL) {
    const vec p = vec_load(from + j) + bias, q = vec_load(from + ld + j) + bias;
    const vec low = ZIP(p, q, 0), high = ZIP(p, q, VL / 2);
    vec_store(to + 2 * j, add ? low + vec_load(to + 2 * j) : low);
    vec_store(to + 2 * j + VL, add ? high + vec_load(to + 2 * j + VL) : high);
  }
#endif
  for (; j < n; j++)
    for (int32_t v = 0; v < kw; v++) to[j * kw + v] = (add ? to[j * kw + v] : 0) + from[v * ld + j] + bias;
}

/* The inverse: to[v][j] = from[j*kw + v] */
static void deinterleave(const ra_real *from, int32_t n, int32_t kw, ra_real *to, ptrdiff_t ld) {
  int32_t j = 0;
#ifndef RA_DOUBLE
  for (; kw == 2 && j + VL <= n; j += VL) {
    const vec a = vec_load(from + 2 * j), b = vec_load(from + 2 * j + VL);
    vec_store(to + j, EVERY_2ND(a, b, 0));
    vec_store(to + ld + j, EVERY_2ND(a, b, 1));
  }
#endif
  for (; j < n; j++)
    for (int32_t v = 0; v < kw; v++) to[v * ld + j] = from[j * kw + v];
}

/* Where pixels from `done` of row group (o,u) = `row` of a block lie in y and dy, up to the end of their image row. */
typedef struct {
  int64_t at;
  int32_t n; /* columns of x; kw times as many of y */
} span;

static span span_of(const job *k, const block *r, int32_t row, int32_t done) {
  const ra_deconv *s = k->s;
  int32_t o = row / s->kh, u = row % s->kh, i = (r->p0 + done) / s->W, j = (r->p0 + done) % s->W;
  int64_t plane = ((int64_t)r->b * s->O + o) * s->kh * s->kw * k->P;
  return (span){plane + (((int64_t)i * s->kh + u) * s->W + j) * s->kw, s->W - j < r->n - done ? s->W - j : r->n - done};
}

/* Prefetches the pixels of a row group in y or dy. */
static void prefetch(const job *k, const block *r, int32_t row, const ra_real *y, bool write) {
  span p;
  for (int32_t done = 0; done < r->n; done += p.n) {
    p = span_of(k, r, row, done);
    const char *at = (const char *)(y + p.at);
    for (int32_t q = 0; q < p.n * k->s->kw * (int32_t)sizeof(ra_real); q += 64) {
      if (write) __builtin_prefetch(at + q, 1, 2);
      else __builtin_prefetch(at + q, 0, 2);
    }
  }
}

/* Writes the kw rows of a row group to y. */
static void write_rows(const job *k, const block *r, int32_t row, const ra_real *rows) {
  span p;
  for (int32_t done = 0; done < r->n; done += p.n) {
    p = span_of(k, r, row, done);
    interleave(rows + done, LDB, p.n, k->s->kw, k->bias ? k->bias[row / k->s->kh] : 0, k->add, k->y + p.at);
  }
}

/* Reads the kw rows of a row group from dy; zeros up to the block's width. */
static void read_rows(const job *k, const block *r, int32_t row, ra_real *rows) {
  span p;
  for (int32_t done = 0; done < r->n; done += p.n) {
    p = span_of(k, r, row, done);
    deinterleave(k->dy + p.at, p.n, k->s->kw, rows + done, LDB);
  }
  for (int32_t v = 0; v < k->s->kw; v++)
    for (int32_t q = r->n; q < r->width; q++) rows[v * LDB + q] = 0;
}

/* X of a block, [C][LDB]; rows up to Cr are 0. */
static void pack_x(const job *k, const block *r, ra_real *to) {
  for (int32_t c = 0; c < k->Cr; c++, to += LDB) {
    int32_t n = c < k->s->C ? r->n : 0;
    affine prologue = affine_of(k->prologue, n > 0 ? c : 0);
    affine_row(&prologue, n, k->x + ((int64_t)r->b * k->s->C + (n > 0 ? c : 0)) * k->P + r->p0, to);
    for (int32_t q = n; q < r->width; q++) to[q] = 0;
  }
}

static ra_real *slot_of(const job *k) { return (ra_real *)(void *)(k->scratch + (size_t)ra_thread_index() * k->slot); }

/* ---- forward ---- */

/* W' of one group of rows: [rows/MO][C][MO] */
static void pack_group(void *context, int32_t index) {
  const job *k = context;
  int32_t m0 = index * k->group, rows = ra_min(k->M - m0, k->group);
  ra_real *to = k->packed + (size_t)index * (size_t)ra_round_up(k->group, MO) * (size_t)k->s->C;
  for (int32_t m = 0; m < rows; m += MO)
    for (int32_t c = 0; c < k->s->C; c++)
      for (int32_t q = 0; q < MO; q++) *to++ = m + q < rows ? k->w[(int64_t)c * k->M + m0 + m + q] : 0;
}

static void forward_block(void *context, int32_t index) {
  const job *k = context;
  const block r = block_of(k, index);
  ra_real *x = slot_of(k), *tile = x + k->x_size;
  int32_t kw = k->s->kw, group = k->group;
  pack_x(k, &r, x);
  for (int32_t m0 = 0; m0 < k->M; m0 += group) {
    int32_t rows = ra_min(k->M - m0, group);
    for (int32_t m = 0; m < rows; m += kw) prefetch(k, &r, (m0 + m) / kw, k->y, true);
    for (int32_t c0 = 0; c0 < k->s->C; c0 += KC) {
      int32_t kc = ra_min(k->s->C - c0, KC);
      for (int32_t q = 0; q < r.width; q += MT)
        for (int32_t m = 0; m < rows; m += MO)
          micro(kc, k->packed + ((size_t)(m0 / group * ra_round_up(group, MO) + m) * (size_t)k->s->C + (size_t)c0 * MO),
                x + c0 * LDB + q, LDB, c0 > 0, tile + m * LDB + q, LDB);
    }
    for (int32_t m = 0; m < rows; m += kw) write_rows(k, &r, (m0 + m) / kw, tile + m * LDB);
  }
}

void K(deconv_forward)(const ra_deconv *s, const ra_real *x, const ra_affine_act *prologue, const ra_real *w, const ra_real *bias,
                       bool add, ra_real *y, void *work) {
  size_t bytes;
  job k = plan(s, work, &bytes);
  k.x = x, k.prologue = prologue, k.w = w, k.bias = bias, k.add = add, k.y = y;
  ra_parallel(ra_ceil_div(k.M, k.group), pack_group, &k);
  ra_parallel(k.blocks, forward_block, &k);
}

/* ---- backward ---- */

/* [Mr/VL][NC][VL] from t [M][LDB] */
static void turn(const job *k, const block *r, const ra_real *t, ra_real *to) {
  for (int32_t m0 = 0; m0 < k->Mr; m0 += VL, to += NC * VL) {
    int32_t rows = ra_min(k->M - m0, VL), p = 0;
#ifndef RA_DOUBLE
    for (; rows == VL && p + VL <= r->n; p += VL) {
      vec v[VL];
      for (int32_t q = 0; q < VL; q++) v[q] = vec_load(t + (m0 + q) * LDB + p);
      transpose(v);
      for (int32_t q = 0; q < VL; q++) vec_store(to + (p + q) * VL, v[q]);
    }
#endif
    for (; p < r->n; p++)
      for (int32_t q = 0; q < VL; q++) to[p * VL + q] = q < rows ? t[(m0 + q) * LDB + p] : 0;
  }
}

/* sums [Cr][Mr], rows c0..c1, (+)= X T' of a block */
static void weight_products(const job *k, int32_t c0, int32_t c1, const ra_real *x, const ra_real *t, int32_t n, bool add,
                            ra_real *sums) {
  int32_t m = 0;
  for (; m + MT <= k->Mr; m += MT)
    for (int32_t c = c0; c < c1; c += MO)
      micro_wide(n, x + c * LDB, LDB, t + m * NC, NC * VL, add, sums + (size_t)c * (size_t)k->Mr + m, k->Mr);
  for (; m < k->Mr; m += VL)
    for (int32_t c = c0; c < c1; c += ROWS1)
      micro_one(n, x + c * LDB, LDB, t + m * NC, add, sums + (size_t)c * (size_t)k->Mr + m, k->Mr);
}

static void data_products(const job *k, const block *r, const ra_real *t, ra_real *tile, const block *next) {
  int32_t C = k->s->C, groups = k->s->O * k->s->kh, steps = ra_round_up(C, MO) / MO;
  bool straight = r->n == r->width && C % MO == 0; /* whole kernels go to dx itself */
  ra_real *dx = k->dx + (int64_t)r->b * C * k->P + r->p0, *to = straight ? dx : tile;
  ptrdiff_t ld = straight ? k->P : LDB;
  for (int32_t m0 = 0; m0 < k->M; m0 += KC) {
    int32_t depth = ra_min(k->M - m0, KC);
    bool add = m0 > 0 || (straight && k->add_dx);
    for (int32_t c = 0, step = 0; c < C; c += MO, step++) {
      for (int32_t row = groups * step / steps; next && m0 == 0 && row < groups * (step + 1) / steps; row++)
        prefetch(k, next, row, k->dy, false);
      for (int32_t q = 0; q < r->width; q += MT)
        micro(depth, k->packed + (size_t)c * (size_t)k->M + (size_t)m0 * MO, t + m0 * LDB + q, LDB, add, to + c * ld + q, ld);
    }
  }
  for (int32_t c = 0; !straight && c < C; c++)
    for (int32_t q = 0; q < r->n; q++) dx[(int64_t)c * k->P + q] = tile[c * LDB + q] + (k->add_dx ? dx[(int64_t)c * k->P + q] : 0);
}

/* Block `index`: dX, and X and T' to x and turned. */
static void backward_block(const job *k, int32_t index, bool another, ra_real *x, ra_real *turned, ra_real *t, ra_real *tile) {
  const block r = block_of(k, index), next = block_of(k, another ? index + 1 : index);
  for (int32_t row = 0; row < k->s->O * k->s->kh; row++) read_rows(k, &r, row, t + row * k->s->kw * LDB);
  if (k->dx) data_products(k, &r, t, tile, another ? &next : NULL);
  if (!k->dw) return;
  pack_x(k, &r, x);
  turn(k, &r, t, turned);
}

static void backward_part(void *context, int32_t index) {
  const job *k = context;
  ra_real *x = slot_of(k), *turned = x + k->x_size, *t = turned + k->t_size, *tile = t + k->M * LDB;
  int32_t first = (int32_t)((int64_t)k->blocks * index / k->parts), last = (int32_t)((int64_t)k->blocks * (index + 1) / k->parts);
  for (int32_t b = first; b < last; b++) {
    backward_block(k, b, b + 1 < last, x, turned, t, tile);
    if (k->dw)
      weight_products(k, 0, k->Cr, x, turned, block_of(k, b).n, b > first, k->sums + (size_t)index * (size_t)k->Cr * (size_t)k->Mr);
  }
}

static void deep_block(void *context, int32_t b) {
  const job *k = context;
  ra_real *t = slot_of(k), *tile = t + k->M * LDB;
  backward_block(k, b, false, k->all_x + (size_t)b * k->x_size, k->all_t + (size_t)b * k->t_size, t, tile);
}

static void deep_rows(void *context, int32_t index) {
  const job *k = context;
  int32_t c0 = index * DEEP_C, c1 = ra_min(c0 + DEEP_C, k->Cr);
  for (int32_t b = 0; b < k->blocks; b++)
    weight_products(k, c0, c1, k->all_x + (size_t)b * k->x_size, k->all_t + (size_t)b * k->t_size, block_of(k, b).n, b > 0, k->sums);
}

static void weight_row(void *context, int32_t c) {
  const job *k = context;
  ra_real *to = k->dw + (int64_t)c * k->M;
  const ra_real *from = k->sums + (size_t)c * (size_t)k->Mr;
  for (int32_t m = 0; m < k->M; m++) {
    ra_real sum = k->add_dw ? to[m] : 0;
    for (int32_t p = 0; p < k->parts; p++) sum += from[(size_t)p * (size_t)k->Cr * (size_t)k->Mr + (size_t)m];
    to[m] = sum;
  }
}

/* W of MO channels: [M][MO] */
static void pack_channels(void *context, int32_t index) {
  const job *k = context;
  int32_t c = index * MO;
  ra_real *to = k->packed + (size_t)c * (size_t)k->M;
  for (int32_t m = 0; m < k->M; m++)
    for (int32_t q = 0; q < MO; q++) *to++ = c + q < k->s->C ? k->w[(int64_t)(c + q) * k->M + m] : 0;
}

void K(deconv_backward)(const ra_deconv *s, const ra_real *x, const ra_affine_act *prologue, const ra_real *w, const ra_real *dy,
                        bool add_dx, ra_real *dx, bool add_dw, ra_real *dw, void *work) {
  size_t bytes;
  job k = plan(s, work, &bytes);
  k.x = x, k.prologue = prologue, k.w = w, k.dy = dy, k.add_dx = add_dx, k.dx = dx, k.add_dw = add_dw, k.dw = dw;
  if (dx) ra_parallel(ra_ceil_div(s->C, MO), pack_channels, &k);
  if (k.deep && dw) {
    ra_parallel(k.blocks, deep_block, &k);
    ra_parallel(ra_ceil_div(k.Cr, DEEP_C), deep_rows, &k);
  } else {
    ra_parallel(k.parts, backward_part, &k);
  }
  if (dw) ra_parallel(s->C, weight_row, &k);
}
