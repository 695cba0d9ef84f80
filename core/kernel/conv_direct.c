/* conv_direct: convolutions of stride 1 without any matrix of columns, for few input or few output channels.
 *
 * A chunk of work is R rows of the output. Their input rows are copied once with their padding into a strip
 *
 *     strip [C][R + (kh-1)*dh][width],  width = W + 2 pads = Wo + (kw-1)*dw
 *
 * where tap (c,u,v) of output position i*width + j is at that same position plus one offset for all of them. So R rows
 * are one long row: MO x MT outputs in registers, or one output over many vectors; the (kw-1)*dw positions between two
 * rows are computed and dropped.
 *
 * The data gradient is the same with flipped weights and padding (k-1)*d - pad. The weight gradient multiplies a strip
 * of dy, zero between the rows, with the shifted strip of x. */
#ifndef RA_DOUBLE

#include "../base/math.h"
#include "../base/thread.h"
#include "conv.h"
#include "micro.h"

enum {
  POSITIONS = 1200,    /* aim for R * width */
  MAX_DEPTH = 4096,    /* taps of one output */
  MAX_STRIP = 1 << 19, /* numbers in a strip */
  FEW = MO / 2,        /* outputs up to which the one-row kernel is used */
  SLACK = 8 * VL + MT, /* numbers that kernels may read beyond a strip */
  PARTS = 8
};

/* The job in terms of a forward convolution. */
typedef struct job {
  int32_t B, C, H, W, O, Ho, Wo, kh, kw, dh, dw, ph, pw, groups; /* C, O: of a group */
  int64_t group, w_out, w_in;                   /* strides of w */
  bool flip;
  const ra_input *x;
  const ra_target *y;
  const ra_real *w, *dy;
  ra_real *packed, *parts;
  const ra_affine_act *e;
  ra_moments *moments;                                            /* [B*strips][O] or NULL */
  int32_t width, R, strips, depth, *offset;
  char *scratch;
  size_t strip, slot; /* numbers in a strip; bytes of a thread */
} job;

static job plan(const ra_conv *s, ra_conv_kind kind) {
  int32_t C = s->C / s->groups, O = s->O / s->groups, taps = s->kh * s->kw;
  bool back = kind == RA_CONV_BACKWARD_DATA;
  job k = {.B = s->B, .groups = s->groups, .kh = s->kh, .kw = s->kw, .dh = s->dilation_h, .dw = s->dilation_w,
           .group = (int64_t)O * C * taps, .flip = back};
  if (back) {
    k.C = O, k.H = s->Ho, k.W = s->Wo, k.O = C, k.Ho = s->H, k.Wo = s->W;
    k.ph = (s->kh - 1) * k.dh - s->pad_h, k.pw = (s->kw - 1) * k.dw - s->pad_w;
    k.w_out = taps, k.w_in = (int64_t)C * taps;
  } else {
    k.C = C, k.H = s->H, k.W = s->W, k.O = O, k.Ho = s->Ho, k.Wo = s->Wo, k.ph = s->pad_h, k.pw = s->pad_w;
    k.w_out = (int64_t)C * taps, k.w_in = taps;
  }
  k.depth = k.C * taps;
  k.width = k.Wo + (k.kw - 1) * k.dw;
  k.R = POSITIONS / k.width < 1 ? 1 : ra_min(POSITIONS / k.width, k.Ho);
  k.strips = ra_ceil_div(k.Ho, k.R);
  k.strip = (size_t)k.C * (size_t)(k.R + (k.kh - 1) * k.dh) * (size_t)k.width + SLACK;
  return k;
}

static int32_t out_width(const job *k) { return ra_round_up(k->R * k->width, 8 * VL) + MT; }

/* The address `at` bytes behind work; work may be NULL while sizes are computed. */
static void *at_byte(void *work, size_t at) { return (void *)((uintptr_t)work + at); }

/* Scratch: offsets, then packed weights or partial sums of the weight gradient; then per thread the strip and results. */
static size_t lay_out(job *k, ra_conv_kind kind, void *work) {
  size_t at = conv_align((size_t)k->depth * sizeof(int32_t));
  k->offset = work;
  size_t rows = kind == RA_CONV_BACKWARD_WEIGHT ? (size_t)ra_round_up(k->O, 4) : MO;
  k->packed = k->parts = at_byte(work, at);
  if (kind == RA_CONV_BACKWARD_WEIGHT)
    at += conv_align((size_t)PARTS * (size_t)k->groups * rows * (size_t)ra_round_up(k->depth, 8) * sizeof(ra_real));
  else
    at += conv_align((size_t)k->groups * (size_t)ra_round_up(k->O, MO) * (size_t)k->depth * sizeof(ra_real));
  k->scratch = at_byte(work, at);
  k->slot = conv_align((k->strip + rows * (size_t)out_width(k)) * sizeof(ra_real));
  return at + (size_t)ra_thread_slots() * k->slot;
}

static void make_offsets(const job *k) {
  int32_t plane = (k->R + (k->kh - 1) * k->dh) * k->width, *to = k->offset;
  for (int32_t c = 0; c < k->C; c++)
    for (int32_t u = 0; u < k->kh; u++)
      for (int32_t v = 0; v < k->kw; v++) *to++ = c * plane + u * k->dh * k->width + v * k->dw;
}

/* Rows of a plane [H,W] from `top` on, `rows` of them, with `left` zeros before each and zeros up to width. */
static void copy_rows(const ra_real *x, const affine *prologue, int32_t H, int32_t W, int32_t top, int32_t rows, int32_t left,
                      int32_t width, ra_real *to) {
  int32_t n = ra_min(W, width - left);
  for (int32_t r = top; r < top + rows; r++, to += width) {
    if (r < 0 || r >= H) {
      memset(to, 0, (size_t)width * sizeof *to);
      continue;
    }
    for (int32_t j = 0; j < left; j++) to[j] = 0;
    affine_row(prologue, n, x + (int64_t)r * W, to + left);
    for (int32_t j = left + n; j < width; j++) to[j] = 0;
  }
}

static void copy_strip(const job *k, int32_t b, int32_t g, int32_t first, ra_real *strip) {
  int32_t rows = k->R + (k->kh - 1) * k->dh;
  for (int32_t c = 0; c < k->C; c++) {
    source x = source_of(k->x, g * k->C + c, (int64_t)k->H * k->W);
    copy_rows(x.data + b * x.batch, &x.prologue, k->H, k->W, first - k->ph, rows, k->pw, k->width,
              strip + (size_t)c * (size_t)rows * (size_t)k->width);
  }
  memset(strip + k->strip - SLACK, 0, SLACK * sizeof *strip);
}

/* One output over 8 or 1 vectors. */
static void one_row(int32_t depth, const ra_real *w, const ra_real *base, const int32_t *offset, int32_t n, ra_real *to) {
  int32_t q = 0;
  for (; q + 4 * VL < n; q += 8 * VL) {
    vec s0 = vec_zero(), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    for (int32_t d = 0; d < depth; d++) {
      const ra_real *x = base + q + offset[d];
      const vec t = vec_splat(w[d]);
      s0 += t * vec_load(x), s1 += t * vec_load(x + VL), s2 += t * vec_load(x + 2 * VL), s3 += t * vec_load(x + 3 * VL);
      s4 += t * vec_load(x + 4 * VL), s5 += t * vec_load(x + 5 * VL), s6 += t * vec_load(x + 6 * VL);
      s7 += t * vec_load(x + 7 * VL);
    }
    vec_store(to + q, s0), vec_store(to + q + VL, s1), vec_store(to + q + 2 * VL, s2), vec_store(to + q + 3 * VL, s3);
    vec_store(to + q + 4 * VL, s4), vec_store(to + q + 5 * VL, s5), vec_store(to + q + 6 * VL, s6);
    vec_store(to + q + 7 * VL, s7);
  }
  for (; q < n; q += VL) {
    vec s = vec_zero();
    for (int32_t d = 0; d < depth; d++) s += vec_splat(w[d]) * vec_load(base + q + offset[d]);
    vec_store(to + q, s);
  }
}

static void store_rows(const job *k, int32_t o, const ra_real *from, int32_t rows, const sink *y, ra_real *to) {
  affine out = affine_of(k->e, o);
  for (int32_t r = 0; r < rows; r++, from += k->width, to += k->Wo) {
    if (!y->add) affine_row_sum(&out, k->Wo, from, residual_of(y, to), to);
    else
      for (int32_t j = 0; j < k->Wo; j++) to[j] += from[j];
  }
}

/* The same past the caches, where whole vectors fill the rows; moments [opt] get those of the numbers, with the bits of moments_of. */
static void stream_rows(const job *k, int32_t o, const ra_real *from, int32_t rows, ra_real *to, ra_moments *moments) {
  affine out = affine_of(k->e, o);
  vec first[4], s1 = vec_zero(), s2 = vec_zero();
  int32_t n = rows * k->Wo;
  for (int32_t i = 0; i < 4 * VL; i += VL) first[i / VL] = affine_as(&out, vec_load(from + (i < n ? i / k->Wo * k->width + i % k->Wo : 0)));
  const vec around = vec_splat(n < 4 * VL ? first[0][0] : vec_sum((first[0] + first[1]) + (first[2] + first[3])) / (4 * VL));
  for (int32_t r = 0; r < rows; r++, from += k->width, to += k->Wo)
    for (int32_t i = 0; i < k->Wo; i += VL) {
      const vec v = affine_as(&out, vec_load(from + i)), d = v - around;
      vec_stream(to + i, v);
      s1 += d, s2 += d * d;
    }
  if (moments) *moments = moments_around((double)around[0], n, (double)vec_sum(s1), (double)vec_sum(s2));
}

static void product(void *context, int32_t chunk) {
  const job *k = context;
  ra_real *strip = (ra_real *)(void *)(k->scratch + (size_t)ra_thread_index() * k->slot), *out = strip + k->strip;
  int32_t first = chunk % k->strips * k->R, g = chunk / k->strips % k->groups, b = chunk / k->strips / k->groups;
  int32_t rows = ra_min(k->Ho - first, k->R), n = rows * k->width, step = k->O <= FEW ? 1 : MO;
  copy_strip(k, b, g, first, strip);
  const ra_real *w = k->packed + (size_t)g * (size_t)ra_round_up(k->O, step) * (size_t)k->depth;
  for (int32_t o = 0; o < k->O; o += step, w += (size_t)step * (size_t)k->depth) {
    if (step == 1) one_row(k->depth, w, strip, k->offset, n, out);
    else
      for (int32_t q = 0; q < n; q += MT) micro_offset(k->depth, w, strip + q, k->offset, false, out + q, out_width(k));
    for (int32_t r = 0; r < step && o + r < k->O; r++) {
      int32_t output = g * k->O + o + r;
      sink y = sink_of(k->y, output, (int64_t)k->Ho * k->Wo);
      if (!y.data) continue;
      ra_real *to = y.data + b * y.batch + (int64_t)first * k->Wo;
      ra_moments *moments = k->moments ? k->moments + (b * k->strips + chunk % k->strips) * k->groups * k->O + output : NULL;
      if (!y.residual && streams(k->Ho, k->Wo, &y)) {
        stream_rows(k, output, out + r * out_width(k), rows, to, moments);
        continue;
      }
      store_rows(k, output, out + r * out_width(k), rows, &y, to);
      if (moments) *moments = moments_of(rows * k->Wo, to);
    }
  }
  vec_stream_end();
}

static void run(job *k) {
  int32_t taps = k->kh * k->kw, step = k->O <= FEW ? 1 : MO;
  ra_real *to = k->packed;
  make_offsets(k);
  for (int32_t g = 0; g < k->groups; g++)
    for (int32_t o = 0; o < k->O; o += step)
      for (int32_t c = 0; c < k->C; c++)
        for (int32_t t = 0; t < taps; t++)
          for (int32_t r = 0; r < step; r++)
            *to++ = o + r < k->O
                      ? k->w[g * k->group + (o + r) * k->w_out + c * k->w_in + (k->flip ? taps - 1 - t : t)] : 0;
  ra_parallel(k->B * k->groups * k->strips, product, k);
}

int32_t K(conv_direct_moment_chunks)(const ra_conv *s) {
  job k = plan(s, RA_CONV_FORWARD);
  return s->B * k.strips;
}

void K(conv_direct_forward)(const ra_conv *s, const ra_input *x, const ra_real *w, const ra_epilogue *f, ra_real *y,
                            void *work) {
  job k = plan(s, RA_CONV_FORWARD);
  lay_out(&k, RA_CONV_FORWARD, work);
  ra_target to = output_target(y, s->O, f);
  k.x = x, k.w = w, k.e = &f->affine, k.y = &to, k.moments = f->moments;
  run(&k);
}

void K(conv_direct_backward_data)(const ra_conv *s, const ra_real *dy, const ra_real *w, const ra_target *dx, void *work) {
  job k = plan(s, RA_CONV_BACKWARD_DATA);
  lay_out(&k, RA_CONV_BACKWARD_DATA, work);
  ra_input from = whole_input(dy, s->O);
  k.x = &from, k.w = w, k.y = dx;
  run(&k);
}

/* sum[t] += sum over n positions of y times the strip shifted by offset[t], for 8 taps */
static void dot_one(int32_t n, const ra_real *y, const ra_real *base, const int32_t *offset, ra_real *sum) {
  const ra_real *x0 = base + offset[0], *x1 = base + offset[1], *x2 = base + offset[2], *x3 = base + offset[3];
  const ra_real *x4 = base + offset[4], *x5 = base + offset[5], *x6 = base + offset[6], *x7 = base + offset[7];
  vec s0 = vec_zero(), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
  for (int32_t q = 0; q < n; q += VL) {
    const vec t = vec_load(y + q);
    s0 += t * vec_load(x0 + q), s1 += t * vec_load(x1 + q), s2 += t * vec_load(x2 + q), s3 += t * vec_load(x3 + q);
    s4 += t * vec_load(x4 + q), s5 += t * vec_load(x5 + q), s6 += t * vec_load(x6 + q), s7 += t * vec_load(x7 + q);
  }
  ra_real total[VL < 8 ? 8 : VL];
  vec s[VL < 8 ? 8 : VL] = {s0, s1, s2, s3, s4, s5, s6, s7};
  for (int i = 0; i < 8; i += VL) vec_store(total + i, vec_sums(s + i));
  for (int i = 0; i < 8; i++) sum[i] += total[i];
}

static void weight_part(void *context, int32_t chunk) {
  const job *k = context;
  ra_real *strip = (ra_real *)(void *)(k->scratch + (size_t)ra_thread_index() * k->slot), *dy = strip + k->strip;
  int32_t ld = out_width(k), g = chunk % k->groups, part = chunk / k->groups, all = k->B * k->strips;
  int32_t rows4 = ra_round_up(k->O, 4), depth8 = ra_round_up(k->depth, 8);
  const affine none = affine_of(NULL, 0);
  ra_real *sum = k->parts + (size_t)chunk * (size_t)rows4 * (size_t)depth8;
  memset(sum, 0, (size_t)rows4 * (size_t)depth8 * sizeof *sum);
  for (int32_t i = (int32_t)((int64_t)all * part / PARTS); i < (int32_t)((int64_t)all * (part + 1) / PARTS); i++) {
    int32_t b = i / k->strips, first = i % k->strips * k->R, rows = ra_min(k->Ho - first, k->R);
    int32_t n = ra_round_up(rows * k->width, VL);
    copy_strip(k, b, g, first, strip);
    for (int32_t o = 0; o < (k->O <= FEW ? k->O : rows4); o++) {
      ra_real *to = dy + o * ld;
      if (o < k->O)
        copy_rows(k->dy + (((int64_t)b * k->groups + g) * k->O + o) * k->Ho * k->Wo, &none, k->Ho, k->Wo, first, rows, 0,
                  k->width, to);
      int32_t used = o < k->O ? rows * k->width : 0;
      memset(to + used, 0, (size_t)(n - used) * sizeof *to);
    }
    for (int32_t t = 0; t < k->depth; t += k->O <= FEW ? 8 : 4) {
      int32_t offset[8];
      for (int32_t r = 0; r < 8; r++) offset[r] = k->offset[t + r < k->depth ? t + r : k->depth - 1];
      if (k->O <= FEW)
        for (int32_t o = 0; o < k->O; o++) dot_one(n, dy + o * ld, strip, offset, sum + o * depth8 + t);
      else
        for (int32_t o = 0; o < k->O; o += 4)
          micro_dot_offset(n, dy + o * ld, ld, strip, offset, sum + o * depth8 + t, depth8);
    }
  }
}

void K(conv_direct_backward_weight)(const ra_conv *s, const ra_input *x, const ra_real *dy, bool add, ra_real *dw,
                                    void *work) {
  job k = plan(s, RA_CONV_BACKWARD_WEIGHT);
  lay_out(&k, RA_CONV_BACKWARD_WEIGHT, work);
  k.x = x, k.dy = dy;
  make_offsets(&k);
  ra_parallel(PARTS * k.groups, weight_part, &k);
  size_t rows4 = (size_t)ra_round_up(k.O, 4), depth8 = (size_t)ra_round_up(k.depth, 8);
  for (int32_t o = 0; o < s->O; o++)
    for (int32_t t = 0; t < k.depth; t++) {
      ra_real *to = dw + (int64_t)o * k.depth + t, sum = add ? *to : 0;
      for (int32_t p = 0; p < PARTS; p++)
        sum += k.parts[((size_t)(p * k.groups + o / k.O) * rows4 + (size_t)(o % k.O)) * depth8 + (size_t)t];
      *to = sum;
    }
}

bool K(conv_direct_can)(const ra_conv *s, ra_conv_kind kind) {
  if (kind >= RA_CONV_KINDS || s->stride_h != 1 || s->stride_w != 1) return false;
  if (kind == RA_CONV_BACKWARD_DATA &&
      (s->pad_h > (s->kh - 1) * s->dilation_h || s->pad_w > (s->kw - 1) * s->dilation_w)) return false;
  job k = plan(s, kind);
  return k.depth <= MAX_DEPTH && k.strip <= MAX_STRIP && k.width <= 1 << 16;
}

size_t K(conv_direct_work)(const ra_conv *s, ra_conv_kind kind) {
  job k = plan(s, kind);
  return lay_out(&k, kind, NULL);
}

#else
typedef int conv_direct_unused;
#endif
