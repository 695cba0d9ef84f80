/* winograd: 3x3 convolution with stride 1, forward and data gradient, by F(4x4,3x3).
 *
 * Many tiles (block mode). The weights are transformed once; then each block of T tiles, small enough for the
 * second-level cache, passes through all steps:
 *
 *   x --B'dB--> V [36][C][T] --36 products with U [36][O/MO][C][MO]--> M [36][OB][T] --A'mA, epilogue--> y
 *
 * Few tiles (deep mode), where the weights are larger than the images: V is made once for all tiles and shared; each chunk
 * of work owns OB outputs, and for CB channels at a time transforms their weights and multiplies; then it transforms
 * back. No weight is transformed twice, and the transformed weights never leave the cache:
 *
 *   w [OB][CB][3][3] --GwG'--> U [36][OB/MO][CB][MO] --products with V [36][CB][T]--> M [36][OB][T] (+)=
 *
 * The data gradient is a forward convolution of dy with flipped weights whose inputs and outputs change places, and
 * padding 2 - pad. */
#ifndef RA_DOUBLE

#include "../base/math.h"
#include "../base/thread.h"
#include "winograd.h"

/* The job of either direction, in the terms of a forward convolution. */
typedef struct job {
  tiling in, out;
  int32_t C, O, T, OB, CB, blocks;
  bool deep, flip;
  int64_t w_out, w_in; /* strides of w */
  const ra_input *x;
  const ra_real *w;
  const ra_affine_act *e;
  const ra_target *y;
  ra_moments *moments; /* [blocks of tiles][O] or NULL */
  ra_real *u, *v;      /* shared: u of block mode, v of deep mode */
  char *scratch;
  size_t u_plane, v_plane, m_plane;
  size_t shared, slot; /* bytes */
} job;

/* Deep mode: 16 outputs times 128 channels of U are 36 * 16 * 128 * 4 bytes, a third of a second-level cache of 1 MB. */
enum { DEEP_TILES = 128, DEEP_OUTPUTS = 16, DEEP_CHANNELS = 128 };

/* Tiles of a block, by the channels that are read, as measured with tests/bench/kernel.lua. Vectors of 16 numbers: V [36][C][T] of
 * 64 channels and of 128 takes half of a second-level cache of 1 MB. Of 8 numbers: for more than 128 channels a block is one panel of
 * the products wide, MT numbers a row, so that a panel's C rows are contiguous and stay in the first-level cache; that counts more
 * than the second level, which V leaves (512 KB). */
static int32_t block_tiles(int32_t C) {
  if (VL == 8) return ra_round_up(C <= 128 ? 48 : 24, MT);
  return ra_round_up(C <= 64 ? 64 : 32, MT);
}

/* Columns of V and M for n tiles: whole kernels, the last of which may be narrow. */
static int32_t columns(int32_t n) {
  int32_t rest = n % MT;
  return n - rest + (rest == 0 ? 0 : rest <= VL ? VL : MT);
}

static job plan(const ra_conv *s, ra_conv_kind kind) {
  bool back = kind == RA_CONV_BACKWARD_DATA;
  job k = {.C = back ? s->O : s->C, .O = back ? s->C : s->O, .flip = back, .w_out = back ? 9 : (int64_t)s->C * 9,
           .w_in = back ? (int64_t)s->C * 9 : 9};
  int32_t H = back ? s->H : s->Ho, W = back ? s->W : s->Wo;
  k.in = (tiling){.B = s->B, .H = back ? s->Ho : s->H, .W = back ? s->Wo : s->W, .pad_h = back ? 2 - s->pad_h : s->pad_h,
                  .pad_w = back ? 2 - s->pad_w : s->pad_w, .rows = (H + 3) / 4, .cols = (W + 3) / 4};
  k.in.count = s->B * k.in.rows * k.in.cols;
  k.out = k.in;
  k.out.H = H, k.out.W = W, k.out.pad_h = k.out.pad_w = 0;
  int32_t outputs = ra_round_up(k.O, MO);
  k.deep = k.in.count <= DEEP_TILES;
  if (k.deep) {
    k.T = columns(k.in.count);
    k.OB = k.O >= 64 ? DEEP_OUTPUTS : MO;
    k.CB = ra_min(k.C, DEEP_CHANNELS);
    k.blocks = ra_ceil_div(k.O, k.OB);
    k.u_plane = (size_t)k.OB * (size_t)k.CB + PLANE_PAD;
  } else {
    k.T = block_tiles(k.C);
    k.OB = ra_round_up(k.C <= 64 ? 32 : 64, MO);
    if (k.OB > outputs) k.OB = outputs;
    k.CB = k.C;
    k.blocks = ra_ceil_div(k.in.count, k.T);
    k.u_plane = (size_t)outputs * (size_t)k.C + PLANE_PAD;
  }
  k.v_plane = (size_t)k.C * (size_t)k.T + PLANE_PAD;
  k.m_plane = (size_t)k.OB * (size_t)k.T + PLANE_PAD;
  size_t u = conv_align(FREQ * k.u_plane * sizeof(ra_real)), v = conv_align(FREQ * k.v_plane * sizeof(ra_real));
  size_t m = conv_align((FREQ * k.m_plane + VL) * sizeof(ra_real)), lines = conv_align(winograd_lines(k.T) * sizeof(ra_real));
  k.shared = k.deep ? v : u;
  k.slot = (k.deep ? u : v) + m + lines;
  return k;
}

static ra_real *slot_of(const job *k) { return (ra_real *)(void *)(k->scratch + (size_t)ra_thread_index() * k->slot); }

/* One step of the products has passed. */
static inline void pass(const job *k, lookahead *a) {
  for (a->due += a->rows; a->due >= a->steps && a->next < a->rows; a->due -= a->steps, a->next++) {
    source x = source_of(k->x, a->next / 4, (int64_t)k->in.H * k->in.W);
    prefetch_row(&k->in, a, x.data, x.batch, a->next % 4);
  }
}

/* M (+)= U V for `on` outputs, CB channels (`depth` of them there) and n tiles. */
static void products(const job *k, int32_t depth, const ra_real *u, const ra_real *v, bool add, ra_real *m, int32_t on, int32_t n,
                     lookahead *ahead) {
  for (int32_t f = 0; f < FREQ; f++)
    for (int32_t o = 0; o < on; o += MO)
      for (int32_t t = 0; t < n; t += MT) {
        if (ahead) pass(k, ahead);
        const ra_real *a = u + (size_t)f * k->u_plane + (size_t)o * (size_t)depth, *b = v + (size_t)f * k->v_plane + t;
        ra_real *c = m + (size_t)f * k->m_plane + (size_t)o * (size_t)k->T + t;
        if (n - t > VL) micro(depth, a, b, k->T, add, c, k->T);
        else micro_narrow(depth, a, b, k->T, add, c, k->T);
      }
}

/* y of outputs o0..o0+on from M; the next output's residual is prefetched meanwhile. */
static void outputs(const job *k, const ra_real *m, int32_t o0, int32_t on, int32_t t0, int32_t n) {
  int64_t area = (int64_t)k->out.H * k->out.W;
  lookahead ahead = look_ahead(&k->out, 0, 1, t0, n, 1);
  for (int32_t o = 0; o < on; o++) {
    sink y = sink_of(k->y, o0 + o, area);
    affine out = affine_of(k->e, o0 + o);
    if (y.residual && o + 1 < on)
      for (int32_t r = 0; r < 4; r++) prefetch_row(&k->out, &ahead, y.residual + area, y.batch, r);
    if (y.data)
      K(winograd_output)(&k->out, m + (size_t)o * (size_t)k->T, k->m_plane, t0, n, &out, &y,
                         k->moments ? k->moments + t0 / k->T * k->O + o0 + o : NULL);
  }
}

static void block_weights(void *context, int32_t chunk) {
  const job *k = context;
  K(winograd_weights)(k->w, k->w_out, k->w_in, k->flip, chunk * MO, k->O, k->C,
                      k->u + (size_t)chunk * MO * (size_t)k->C, k->u_plane);
}

static void block(void *context, int32_t chunk) {
  const job *k = context;
  ra_real *v = slot_of(k), *m = v + conv_align(FREQ * k->v_plane * sizeof(ra_real)) / sizeof(ra_real);
  ra_real *lines = m + conv_align((FREQ * k->m_plane + VL) * sizeof(ra_real)) / sizeof(ra_real);
  int32_t t0 = chunk * k->T, n = ra_min(k->in.count - t0, k->T);
  int64_t area = (int64_t)k->in.H * k->in.W;
  for (int32_t c = 0; c < k->C; c++) {
    source x = source_of(k->x, c, area);
    K(winograd_input)(&k->in, &x, t0, n, k->T, v + (size_t)c * (size_t)k->T, k->v_plane, lines);
  }
  int32_t steps = FREQ * (ra_round_up(k->O, MO) / MO) * (ra_round_up(n, MT) / MT);
  lookahead ahead = look_ahead(&k->in, 2, k->C, t0 + n, k->T, steps);
  for (int32_t o = 0; o < k->O; o += k->OB) {
    int32_t on = ra_min(k->O - o, k->OB);
    products(k, k->C, k->u + (size_t)o * (size_t)k->C, v, false, m, on, n, &ahead);
    outputs(k, m, o, on, t0, n);
  }
  vec_stream_end();
}

static void deep_input(void *context, int32_t c) {
  const job *k = context;
  source x = source_of(k->x, c, (int64_t)k->in.H * k->in.W);
  K(winograd_input)(&k->in, &x, 0, k->in.count, k->T, k->v + (size_t)c * (size_t)k->T, k->v_plane, slot_of(k));
}

static void deep_outputs(void *context, int32_t chunk) {
  const job *k = context;
  ra_real *u = slot_of(k), *m = u + conv_align(FREQ * k->u_plane * sizeof(ra_real)) / sizeof(ra_real);
  int32_t o0 = chunk * k->OB, on = ra_min(k->O - o0, k->OB);
  for (int32_t c = 0; c < k->C; c += k->CB) {
    int32_t depth = ra_min(k->C - c, k->CB);
    for (int32_t o = 0; o < on; o += MO)
      K(winograd_weights)(k->w + c * k->w_in, k->w_out, k->w_in, k->flip, o0 + o, k->O, depth, u + (size_t)o * (size_t)depth, k->u_plane);
    products(k, depth, u, k->v + (size_t)c * (size_t)k->T, c > 0, m, on, k->in.count, NULL);
  }
  outputs(k, m, o0, on, 0, k->in.count);
}

static void run(job *k, void *work) {
  k->u = k->v = work;
  k->scratch = (char *)work + k->shared;
  if (k->deep) {
    ra_parallel(k->C, deep_input, k);
    ra_parallel(k->blocks, deep_outputs, k);
  } else {
    ra_parallel(ra_ceil_div(k->O, MO), block_weights, k);
    ra_parallel(k->blocks, block, k);
  }
}

int32_t K(winograd_moment_chunks)(const ra_conv *s) {
  job k = plan(s, RA_CONV_FORWARD);
  return ra_ceil_div(k.in.count, k.T);
}

void K(winograd_forward)(const ra_conv *s, const ra_input *x, const ra_real *w, const ra_epilogue *f, ra_real *y,
                         void *work) {
  job k = plan(s, RA_CONV_FORWARD);
  ra_target to = output_target(y, s->O, f);
  k.x = x, k.w = w, k.e = &f->affine, k.y = &to, k.moments = f->moments;
  run(&k, work);
}

void K(winograd_backward_data)(const ra_conv *s, const ra_real *dy, const ra_real *w, const ra_target *dx, void *work) {
  job k = plan(s, RA_CONV_BACKWARD_DATA);
  ra_input from = whole_input(dy, s->O);
  k.x = &from, k.w = w, k.y = dx;
  run(&k, work);
}

bool K(winograd_can)(const ra_conv *s, ra_conv_kind kind) {
  return kind < RA_CONV_KINDS && s->kh == 3 && s->kw == 3 && s->stride_h == 1 && s->stride_w == 1 && s->pad_h <= 2 &&
         s->pad_w <= 2 && s->dilation_h == 1 && s->dilation_w == 1 && s->groups == 1 &&
         (int64_t)s->B * s->H * s->W < INT32_MAX / 4;
}

size_t K(winograd_weight_work)(const ra_conv *s);

size_t K(winograd_work)(const ra_conv *s, ra_conv_kind kind) {
  if (kind == RA_CONV_BACKWARD_WEIGHT) return K(winograd_weight_work)(s);
  job k = plan(s, kind);
  return k.shared + (size_t)ra_thread_slots() * k.slot;
}

#else
typedef int winograd_unused;
#endif
