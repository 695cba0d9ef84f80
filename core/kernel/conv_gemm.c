/* conv_gemm: any convolution as a matrix product whose right side is packed block by block.
 *
 *   forward        y  [O, pixels of y]  = w [O, taps] * columns [taps, pixels of y]
 *   data gradient  dx of each phase     = w' [C, taps] * columns [taps, pixels of the phase]
 *   weight grad.   dw [O, taps]         = dy [O, pixels] * columns' [pixels, taps]
 *
 * "columns" holds for each tap (channel, u, v) the number that it reads for each pixel; a block of it is packed when
 * needed. Strides: pixels h = s*i + a of dx with the same a (a phase) see the same taps u, those with
 * (a + pad - u*dilation) % s == 0, and read dy at i + (a + pad - u*dilation) / s: a plain stride-1 product each.
 * Groups are products of their own. */
#ifndef RA_DOUBLE

#include "../base/math.h"
#include "../base/thread.h"
#include "conv.h"
#include "micro.h"

enum { MAX_TAPS = 64 };  /* largest kernel height and width */
enum { PX = 512, LDP = PX + 16, OB = 128, TB = 32 }; /* weight gradient: pixels, outputs and taps of a block */

/* Where the taps along one axis read: position i * step + offset[t]. */
typedef struct axis {
  int32_t count, step, offset[MAX_TAPS], tap[MAX_TAPS];
} axis;

/* The columns matrix: pixels (b, i < rows, j < cols), taps h x w of planes [H,W]. */
typedef struct grid {
  const ra_input *from;
  int64_t plane; /* numbers in a plane of it */
  int32_t B, H, W, rows, cols;
  axis h, w;
} grid;

typedef struct job {
  const ra_conv *s;
  grid g;
  int32_t M, planes, depth;      /* rows of the product and planes read, per group; depth = planes * taps */
  const ra_real *a;              /* packed weights [groups][M/MO][depth][MO] */
  const ra_affine_act *e;
  const ra_target *to;           /* pixel (b,i,j) of row m: plane m of image b + out_first + i*out_row + j*out_col */
  int64_t out_plane, out_first, out_row, out_col;
  char *scratch;
  size_t slot;
  const ra_real *dy;             /* weight gradient only */
  bool add;
  ra_real *dw, *parts;
  int32_t count_parts, blocks;
} job;

static axis axis_forward(int32_t taps, int32_t stride, int32_t pad, int32_t dilation) {
  axis r = {.count = taps, .step = stride};
  for (int32_t t = 0; t < taps; t++) r.offset[t] = t * dilation - pad, r.tap[t] = t;
  return r;
}
static axis axis_phase(int32_t taps, int32_t stride, int32_t pad, int32_t dilation, int32_t phase) {
  axis r = {.step = 1};
  for (int32_t t = 0; t < taps; t++) {
    int32_t d = phase + pad - t * dilation;
    if (d % stride == 0) r.offset[r.count] = d / stride, r.tap[r.count++] = t;
  }
  return r;
}

/* A 1x1 convolution sees one long row. */
static void grid_flatten(grid *g) {
  if (g->h.count != 1 || g->w.count != 1 || g->h.offset[0] || g->w.offset[0] || g->h.step != 1 || g->w.step != 1 ||
      g->rows != g->H || g->cols != g->W)
    return;
  g->W = g->cols = g->H * g->W;
  g->H = g->rows = 1;
}

/* Pixels of a block by rows of the image: n of them from (b,i,j) on. */
typedef struct pixel_run {
  int32_t b, i, j, n;
} pixel_run;

static int32_t cut_runs(const grid *g, int32_t n0, int32_t n, pixel_run *runs) {
  int32_t area = g->rows * g->cols, count = 0;
  for (int32_t done = 0; done < n; count++) {
    int32_t b = (n0 + done) / area, r = (n0 + done) % area, i = r / g->cols, j = r % g->cols;
    runs[count] = (pixel_run){b, i, j, g->cols - j < n - done ? g->cols - j : n - done};
    done += runs[count].n;
  }
  return count;
}

/* One row of the columns matrix: tap (u,v) of a plane. */
static void pack_row(const grid *g, const source *x, int32_t u, int32_t v, const pixel_run *runs, int32_t count, ra_real *to) {
  int32_t step = g->w.step;
  for (int32_t s = 0; s < count; to += runs[s++].n) {
    int32_t n = runs[s].n, h = runs[s].i * g->h.step + g->h.offset[u], q = runs[s].j * step + g->w.offset[v];
    if (h < 0 || h >= g->H) {
      memset(to, 0, (size_t)n * sizeof *to);
      continue;
    }
    const ra_real *row = x->data + runs[s].b * x->batch + (int64_t)h * g->W + q;
    int32_t k = 0, m, last = n; /* inside the image: first k <= m < last */
    if (q + (n - 1) * step >= g->W) last = q >= g->W ? 0 : (g->W - 1 - q) / step + 1;
    for (; k < n && q + k * step < 0; k++) to[k] = 0;
    m = k;
    int32_t inside = k;
    if (step == 1)
      for (; m + VL <= last; m += VL) vec_store(to + m, vec_load(row + m));
    else if (step == 2)
      for (; m + VL <= last && q + 2 * (m + VL) <= g->W; m += VL) {
        const vec low = vec_load(row + 2 * m), high = vec_load(row + 2 * m + VL);
        vec_store(to + m, EVERY_2ND(low, high, 0));
      }
    for (; m < last; m++) to[m] = row[m * step];
    if (!x->prologue.as_is && m > inside) affine_row(&x->prologue, m - inside, to + inside, to + inside);
    for (; m < n; m++) to[m] = 0;
  }
}

/* Rows k0..k0+kc of the columns matrix; tap 0 is of channel `first`. */
static void pack_columns(const grid *g, int32_t first, int32_t k0, int32_t kc, const pixel_run *runs, int32_t count,
                         int32_t n, int32_t width, ra_real *to, int32_t ld) {
  int32_t taps = g->h.count * g->w.count;
  for (int32_t k = k0; k < k0 + kc; k++, to += ld) {
    int32_t u = k % taps / g->w.count, v = k % g->w.count;
    source x = source_of(g->from, first + k / taps, g->plane);
    pack_row(g, &x, u, v, runs, count, to);
    for (int32_t m = n; m < width; m++) to[m] = 0;
  }
}

static void store_rows(const job *k, int32_t group, int32_t n0, int32_t n, const ra_real *tile) {
  const grid *g = &k->g;
  int32_t area = g->rows * g->cols;
  bool dense = k->out_col == 1 && k->out_row == g->cols;
  int32_t width = dense ? area : g->cols;
  for (int32_t m = 0; m < k->M; m++, tile += LDB) {
    int32_t o = group * k->M + m;
    affine out = affine_of(k->e, o);
    sink y = sink_of(k->to, o, k->out_plane);
    for (int32_t done = 0; done < n && y.data;) {
      int32_t b = (n0 + done) / area, r = (n0 + done) % area, i = r / width, j = r % width;
      int32_t run = ra_min(width - j, n - done);
      ra_real *to = y.data + b * y.batch + k->out_first + i * k->out_row + j * k->out_col;
      const ra_real *t = tile + done;
      done += run;
      if (k->out_col == 1 && !y.add)
        affine_row_sum(&out, run, t, residual_of(&y, to), to);
      else if (y.add)
        for (int32_t q = 0; q < run; q++) to[q * k->out_col] += t[q];
      else
        for (int32_t q = 0; q < run; q++) to[q * k->out_col] = t[q];
    }
  }
}

static void product_block(void *context, int32_t chunk) {
  const job *k = context;
  ra_real *b = (ra_real *)(void *)(k->scratch + (size_t)ra_thread_index() * k->slot), *tile = b + KC * LDB;
  int32_t group = chunk / k->blocks, n0 = chunk % k->blocks * NC, total = k->g.B * k->g.rows * k->g.cols;
  int32_t n = ra_min(total - n0, NC), mb = ra_round_up(k->M, MO) / MO;
  const ra_real *a = k->a + (size_t)group * (size_t)mb * (size_t)k->depth * MO;
  pixel_run runs[NC];
  int32_t count = cut_runs(&k->g, n0, n, runs);
  if (k->depth == 0) memset(tile, 0, (size_t)k->M * LDB * sizeof *tile);
  for (int32_t k0 = 0; k0 < k->depth; k0 += KC) {
    int32_t kc = ra_min(k->depth - k0, KC);
    pack_columns(&k->g, group * k->planes, k0, kc, runs, count, n, ra_round_up(n, MT), b, LDB);
    for (int32_t q = 0; q < n; q += MT)
      for (int32_t m = 0; m < mb; m++)
        micro(kc, a + ((size_t)m * (size_t)k->depth + (size_t)k0) * MO, b + q, LDB, k0 > 0, tile + m * MO * LDB + q, LDB);
  }
  store_rows(k, group, n0, n, tile);
}

static size_t product_slot(int32_t M) { return conv_align(((size_t)KC + (size_t)ra_round_up(M, MO)) * LDB * sizeof(ra_real)); }

static void product(job *k) {
  k->blocks = ra_ceil_div(k->g.B * k->g.rows * k->g.cols, NC);
  ra_parallel(k->s->groups * k->blocks, product_block, k);
}

/* Packs weights: row m, tap k of group g is at w + g*group + m*row + plane*column + tap index. */
static void pack_weights(const job *k, const ra_real *w, int64_t group, int64_t row, int64_t column, ra_real *to) {
  int32_t taps = k->g.h.count * k->g.w.count, kw = k->s->kw;
  for (int32_t g = 0; g < k->s->groups; g++)
    for (int32_t m0 = 0; m0 < k->M; m0 += MO)
      for (int32_t d = 0; d < k->depth; d++, to += MO) {
        int32_t u = k->g.h.tap[d % taps / k->g.w.count], v = k->g.w.tap[d % k->g.w.count];
        const ra_real *from = w + g * group + d / taps * column + u * kw + v;
        for (int32_t r = 0; r < MO; r++) to[r] = m0 + r < k->M ? from[(m0 + r) * row] : 0;
      }
}

static size_t packed_size(const ra_conv *s, int32_t M, int32_t planes) {
  return conv_align((size_t)s->groups * (size_t)ra_round_up(M, MO) * (size_t)planes * (size_t)(s->kh * s->kw) * sizeof(ra_real));
}

/* Parts of the weight gradient: enough chunks for every machine, by shape alone. */
static int32_t weight_parts(const ra_conv *s) {
  int64_t pixels = (int64_t)s->B * s->Ho * s->Wo, blocks = ra_ceil_div(pixels, PX);
  int32_t wide = s->groups * ra_ceil_div(s->O / s->groups, OB), parts = ra_ceil_div(8, wide);
  return parts < blocks ? parts : (int32_t)blocks; /* at most 8 */
}
static size_t weight_part(const ra_conv *s) {
  return (size_t)s->groups * (size_t)ra_round_up(s->O / s->groups, 4) *
         (size_t)ra_round_up(s->C / s->groups * s->kh * s->kw, 4);
}

static size_t weight_slot(int32_t og) {
  return (size_t)((og < OB ? ra_round_up(og, 4) : OB) + TB) * LDP * sizeof(ra_real);
}

bool K(conv_gemm_can)(const ra_conv *s, ra_conv_kind kind) {
  return kind < RA_CONV_KINDS && s->kh <= MAX_TAPS && s->kw <= MAX_TAPS &&
         (int64_t)s->B * s->Ho * s->Wo < INT32_MAX / 2 && (int64_t)s->B * s->H * s->W < INT32_MAX / 2;
}

/* A 2x2 convolution with stride 2: its data gradient is a transposed convolution whose outputs do not overlap. */
static bool doubles(const ra_conv *s) { return s->kh == 2 && s->kw == 2 && ra_conv_disjoint(s); }

size_t K(conv_gemm_work)(const ra_conv *s, ra_conv_kind kind) {
  size_t threads = (size_t)ra_thread_slots();
  int32_t cg = s->C / s->groups, og = s->O / s->groups;
  if (kind == RA_CONV_FORWARD) return packed_size(s, og, cg) + threads * product_slot(og);
  if (kind == RA_CONV_BACKWARD_DATA) {
    size_t bytes = packed_size(s, cg, og) + threads * product_slot(cg);
    size_t other = doubles(s) ? K(deconv_work)(&(ra_deconv){s->B, s->O, s->Ho, s->Wo, s->C, 2, 2}) : 0;
    return ra_max(bytes, other);
  }
  return conv_align((size_t)weight_parts(s) * weight_part(s) * sizeof(ra_real)) +
         threads * weight_slot(og);
}

int32_t K(conv_gemm_moment_chunks)(const ra_conv *s) { return (void)s, 0; }

void K(conv_gemm_forward)(const ra_conv *s, const ra_input *x, const ra_real *w, const ra_epilogue *f, ra_real *y,
                          void *work) {
  int32_t cg = s->C / s->groups, og = s->O / s->groups;
  ra_target to = output_target(y, s->O, f);
  job k = {.s = s, .M = og, .planes = cg, .depth = cg * s->kh * s->kw, .a = work, .e = &f->affine, .to = &to,
           .out_plane = (int64_t)s->Ho * s->Wo, .out_row = s->Wo, .out_col = 1,
           .scratch = (char *)work + packed_size(s, og, cg), .slot = product_slot(og)};
  k.g = (grid){x, (int64_t)s->H * s->W, s->B, s->H, s->W, s->Ho, s->Wo,
               axis_forward(s->kh, s->stride_h, s->pad_h, s->dilation_h),
               axis_forward(s->kw, s->stride_w, s->pad_w, s->dilation_w)};
  pack_weights(&k, w, (int64_t)og * cg * s->kh * s->kw, (int64_t)cg * s->kh * s->kw, s->kh * s->kw, work);
  grid_flatten(&k.g);
  k.out_row = k.g.cols;
  product(&k);
}

void K(conv_gemm_backward_data)(const ra_conv *s, const ra_real *dy, const ra_real *w, const ra_target *dx, void *work) {
  int32_t cg = s->C / s->groups, og = s->O / s->groups;
  if (doubles(s) && dx->count == 1) {
    ra_deconv d = {s->B, s->O, s->Ho, s->Wo, s->C, 2, 2};
    K(deconv_forward)(&d, dy, NULL, w, NULL, dx->segment[0].add, dx->segment[0].data, work);
    return;
  }
  ra_input from = whole_input(dy, s->O);
  for (int32_t ph = 0; ph < s->stride_h && ph < s->H; ph++)
    for (int32_t pw = 0; pw < s->stride_w && pw < s->W; pw++) {
      job k = {.s = s, .M = cg, .planes = og, .a = work, .to = dx, .out_first = (int64_t)ph * s->W + pw,
               .out_plane = (int64_t)s->H * s->W, .out_row = (int64_t)s->W * s->stride_h,
               .out_col = s->stride_w, .scratch = (char *)work + packed_size(s, cg, og), .slot = product_slot(cg)};
      k.g = (grid){&from, (int64_t)s->Ho * s->Wo, s->B, s->Ho, s->Wo, (s->H - ph - 1) / s->stride_h + 1,
                   (s->W - pw - 1) / s->stride_w + 1, axis_phase(s->kh, s->stride_h, s->pad_h, s->dilation_h, ph),
                   axis_phase(s->kw, s->stride_w, s->pad_w, s->dilation_w, pw)};
      k.depth = og * k.g.h.count * k.g.w.count;
      pack_weights(&k, w, (int64_t)og * cg * s->kh * s->kw, s->kh * s->kw, (int64_t)cg * s->kh * s->kw, work);
      if (s->stride_h == 1 && s->stride_w == 1) {
        grid_flatten(&k.g);
        k.out_row = k.g.cols;
      }
      product(&k);
    }
}

static void weight_block(void *context, int32_t chunk) {
  const job *k = context;
  const ra_conv *s = k->s;
  ra_real *a = (ra_real *)(void *)(k->scratch + (size_t)ra_thread_index() * k->slot);
  ra_real *b = a + (k->M < OB ? ra_round_up(k->M, 4) : OB) * LDP;
  int32_t og = k->M, across = ra_ceil_div(og, OB), taps4 = ra_round_up(k->depth, 4);
  int32_t o0 = chunk % across * OB, group = chunk / across % s->groups, part = chunk / across / s->groups;
  int32_t on = ra_min(og - o0, OB), pixels = s->B * s->Ho * s->Wo, area = s->Ho * s->Wo;
  int32_t first = (int32_t)((int64_t)k->blocks * part / k->count_parts),
          last = (int32_t)((int64_t)k->blocks * (part + 1) / k->count_parts);
  const ra_real *dy = k->dy + (int64_t)(group * og + o0) * area;
  ra_real *sum = k->parts + (size_t)part * weight_part(s) +
                 (size_t)(group * ra_round_up(og, 4) + o0) * (size_t)taps4;
  memset(sum, 0, (size_t)ra_round_up(on, 4) * (size_t)taps4 * sizeof *sum);
  for (int32_t block = first; block < last; block++) {
    int32_t n0 = block * PX, n = ra_min(pixels - n0, PX), width = ra_round_up(n, VL);
    pixel_run runs[PX];
    int32_t count = cut_runs(&k->g, n0, n, runs);
    for (int32_t o = 0; o < ra_round_up(on, 4); o++) {
      ra_real *row = a + o * LDP;
      int32_t done = 0;
      while (o < on && done < n) {
        int32_t q = (n0 + done) % area, run = ra_min(area - q, n - done);
        memcpy(row + done, dy + ((int64_t)((n0 + done) / area) * s->O + o) * area + q, (size_t)run * sizeof *row);
        done += run;
      }
      for (; done < width; done++) row[done] = 0;
    }
    for (int32_t t = 0; t < k->depth; t += TB) {
      int32_t tn = ra_min(k->depth - t, TB);
      pack_columns(&k->g, group * k->planes, t, tn, runs, count, n, width, b, LDP);
      for (int32_t r = tn; r < ra_round_up(tn, 4); r++) memset(b + r * LDP, 0, (size_t)width * sizeof *b);
      for (int32_t r = 0; r < tn; r += 4)
        for (int32_t o = 0; o < on; o += 4)
          micro_dot(width, a + o * LDP, LDP, b + r * LDP, LDP, sum + (size_t)o * (size_t)taps4 + t + r, taps4);
    }
  }
}

static void weight_sum(void *context, int32_t o) {
  const job *k = context;
  int32_t og = k->M, taps4 = ra_round_up(k->depth, 4);
  ra_real *to = k->dw + (int64_t)o * k->depth;
  const ra_real *from = k->parts + (size_t)(o / og * ra_round_up(og, 4) + o % og) * (size_t)taps4;
  for (int32_t t = 0; t < k->depth; t++) {
    ra_real sum = k->add ? to[t] : 0;
    for (int32_t p = 0; p < k->count_parts; p++) sum += from[(size_t)p * weight_part(k->s) + (size_t)t];
    to[t] = sum;
  }
}

void K(conv_gemm_backward_weight)(const ra_conv *s, const ra_input *x, const ra_real *dy, bool add, ra_real *dw,
                                  void *work) {
  int32_t cg = s->C / s->groups, og = s->O / s->groups, parts = weight_parts(s);
  job k = {.s = s, .M = og, .planes = cg, .depth = cg * s->kh * s->kw, .dy = dy, .add = add, .dw = dw, .parts = work,
           .count_parts = parts, .blocks = (int32_t)(ra_ceil_div((int64_t)s->B * s->Ho * s->Wo, PX)),
           .scratch = (char *)work + conv_align((size_t)parts * weight_part(s) * sizeof(ra_real)),
           .slot = weight_slot(og)};
  k.g = (grid){x, (int64_t)s->H * s->W, s->B, s->H, s->W, s->Ho, s->Wo,
               axis_forward(s->kh, s->stride_h, s->pad_h, s->dilation_h),
               axis_forward(s->kw, s->stride_w, s->pad_w, s->dilation_w)};
  grid_flatten(&k.g);
  ra_parallel(parts * s->groups * ra_ceil_div(og, OB), weight_block, &k);
  ra_parallel(s->O, weight_sum, &k);
}

#else
typedef int conv_gemm_unused; /* the double build has the plain kernels only */
#endif
