/* conv: chooses the algorithm of a convolution and dispatches to it. */
#include "conv.h"
#include "vec.h"

typedef struct algo {
  bool (*can)(const ra_conv *, ra_conv_kind);
  size_t (*work)(const ra_conv *, ra_conv_kind);
  int32_t (*moment_chunks)(const ra_conv *);
  void (*forward)(const ra_conv *, const ra_input *, const ra_real *, const ra_epilogue *, ra_real *, void *);
  void (*backward_data)(const ra_conv *, const ra_real *, const ra_real *, const ra_target *, void *);
  void (*backward_weight)(const ra_conv *, const ra_input *, const ra_real *, bool, ra_real *, void *);
} algo;

static const algo algos[RA_CONV_ALGOS] = {
#define RA_CONV_ALGO(NAME, prefix, text)                                                                              \
  [RA_CONV_##NAME] = {K(prefix##_can), K(prefix##_work), K(prefix##_moment_chunks), K(prefix##_forward),              \
                      K(prefix##_backward_data), K(prefix##_backward_weight)},
#ifdef RA_DOUBLE
#define RA_CONV_FLOAT_ALGO(NAME, prefix, text)
#endif
#include "algos.def"
#undef RA_CONV_ALGO
};

bool K(conv_can)(const ra_conv *s, ra_conv_kind kind, ra_conv_algo a) {
  return a >= 0 && a < RA_CONV_ALGOS && algos[a].can && algos[a].can(s, kind);
}

/* ---- the choice ---- */

/* Channels that are read and written in a direction. */
static int32_t channels_in(const ra_conv *s, ra_conv_kind kind) { return kind == RA_CONV_BACKWARD_DATA ? s->O : s->C; }
static int32_t channels_out(const ra_conv *s, ra_conv_kind kind) { return kind == RA_CONV_BACKWARD_DATA ? s->C : s->O; }

/* With one or two channels on a side, Winograd's transforms cost more than its products save. */
static bool thin(const ra_conv *s, ra_conv_kind kind) {
  int32_t in = channels_in(s, kind), out = channels_out(s, kind);
  if (kind == RA_CONV_BACKWARD_WEIGHT) return in * (int64_t)out <= (VL == 16 ? 128 : 16) || in <= 2 || out <= 2;
  return in <= 2 || out == 1;
}

static bool thick(const ra_conv *s, ra_conv_kind kind) { return !thin(s, kind); }

static bool thin_3x3(const ra_conv *s, ra_conv_kind kind) { return K(conv_can)(s, kind, RA_CONV_WINOGRAD) && thin(s, kind); }

/* Many channels, few pixels: a matrix product that packing makes cheaper. */
static bool wide_product(const ra_conv *s, ra_conv_kind kind) {
  return s->kh == 1 && s->kw == 1 && channels_in(s, kind) / s->groups >= 64 && s->Ho * s->Wo <= 1024 && kind != RA_CONV_BACKWARD_WEIGHT;
}

static bool always(const ra_conv *s, ra_conv_kind kind) { return s && kind < RA_CONV_KINDS; }

/* The first row applies whose algorithm can compute the shape and whose condition holds. Measured with
 * tests/bench/kernel.lua; by shape alone, so that a net computes the same everywhere. */
static const struct {
  ra_conv_choice choice;
  bool (*when)(const ra_conv *, ra_conv_kind);
} rows[] = {
  {{RA_CONV_WINOGRAD, "3x3, stride 1"}, thick},
  {{RA_CONV_GEMM, "1x1 of many channels on few pixels"}, wide_product},
  {{RA_CONV_DIRECT, "3x3 of too few channels for transforms"}, thin_3x3},
  {{RA_CONV_DIRECT, "stride 1"}, always},
  {{RA_CONV_GEMM, "strided, or too wide for direct"}, always},
};

ra_conv_choice K(conv_choose)(const ra_conv *s, ra_conv_kind kind, int32_t numerics) {
  bool exact = numerics == RA_NUMERICS_EXACT;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ra_conv_choice c = rows[i].choice;
    if (exact && c.algo == RA_CONV_WINOGRAD) continue;
    if (!K(conv_can)(s, kind, c.algo) || !rows[i].when(s, kind)) continue;
    if (exact && K(conv_can)(s, kind, RA_CONV_WINOGRAD)) c.why = "exact numerics";
    return c;
  }
  return (ra_conv_choice){RA_CONV_PLAIN, "no other can"};
}

size_t K(conv_work)(const ra_conv *s, ra_conv_kind kind, ra_conv_algo a) { return algos[a].work(s, kind); }

int32_t K(conv_moment_chunks)(const ra_conv *s, ra_conv_algo a) { return algos[a].moment_chunks(s); }

void K(conv_forward)(const ra_conv *s, ra_conv_algo a, const ra_input *x, const ra_real *w, const ra_epilogue *f,
                     ra_real *y, void *work) {
  algos[a].forward(s, x, w, f, y, work);
}

void K(conv_backward_data)(const ra_conv *s, ra_conv_algo a, const ra_real *dy, const ra_real *w, const ra_target *dx,
                           void *work) {
  algos[a].backward_data(s, dy, w, dx, work);
}

void K(conv_backward_weight)(const ra_conv *s, ra_conv_algo a, const ra_input *x, const ra_real *dy, bool add, ra_real *dw,
                             void *work) {
  algos[a].backward_weight(s, x, dy, add, dw, work);
}
