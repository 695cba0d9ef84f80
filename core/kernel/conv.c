/* conv: which algorithm computes a convolution, and the way to it. */
#include "conv.h"
#include "vec.h"

typedef struct algo {
  bool (*can)(const ra_conv *, ra_conv_kind);
  size_t (*work)(const ra_conv *, ra_conv_kind);
  int32_t (*pieces)(const ra_conv *);
  void (*forward)(const ra_conv *, const ra_input *, const ra_real *, const ra_pointwise *, ra_real *, ra_moments *, void *);
  void (*backward_data)(const ra_conv *, const ra_real *, const ra_real *, const ra_target *, void *);
  void (*backward_weight)(const ra_conv *, const ra_input *, const ra_real *, bool, ra_real *, void *);
} algo;

#define ALGO(name)                                                                                                   \
  {K(name##_can), K(name##_work), K(name##_pieces), K(name##_forward), K(name##_backward_data), K(name##_backward_weight)}
static const algo algos[RA_CONV_ALGOS] = {
  [RA_CONV_PLAIN] = ALGO(conv_plain),
#ifndef RA_DOUBLE
  [RA_CONV_DIRECT] = ALGO(conv_direct),
  [RA_CONV_GEMM] = ALGO(conv_gemm),
  [RA_CONV_WINOGRAD] = ALGO(winograd),
#endif
};

bool K(conv_can)(const ra_conv *s, ra_conv_kind kind, ra_conv_algo a) {
  return a >= 0 && a < RA_CONV_ALGOS && algos[a].can && algos[a].can(s, kind);
}

/* Measured with tests/bench/kernel.lua; by shape alone, so that a net computes the same everywhere. Winograd wins
 * wherever it can, but for one or two channels on a side, whose transforms are never paid back; the direct kernel
 * wins the rest with stride 1, but for wide 1x1 products over few pixels. */
ra_conv_algo K(conv_choose)(const ra_conv *s, ra_conv_kind kind) {
  int32_t in = kind == RA_CONV_BACKWARD_DATA ? s->O : s->C, out = kind == RA_CONV_BACKWARD_DATA ? s->C : s->O;
  bool thin = kind == RA_CONV_BACKWARD_WEIGHT ? in * (int64_t)out <= (VL == 16 ? 128 : 16) || in <= 2 || out <= 2 : in <= 2 || out == 1;
  if (K(conv_can)(s, kind, RA_CONV_WINOGRAD) && !thin) return RA_CONV_WINOGRAD;
  bool product = s->kh == 1 && s->kw == 1 && in / s->groups >= 64 && s->Ho * s->Wo <= 1024 && kind != RA_CONV_BACKWARD_WEIGHT;
  if (K(conv_can)(s, kind, RA_CONV_DIRECT) && !product) return RA_CONV_DIRECT;
  if (K(conv_can)(s, kind, RA_CONV_GEMM)) return RA_CONV_GEMM;
  return RA_CONV_PLAIN;
}

size_t K(conv_work)(const ra_conv *s, ra_conv_kind kind, ra_conv_algo a) { return algos[a].work(s, kind); }

int32_t K(conv_pieces)(const ra_conv *s, ra_conv_algo a) { return algos[a].pieces(s); }

void K(conv_forward)(const ra_conv *s, ra_conv_algo a, const ra_input *x, const ra_real *w, const ra_pointwise *e,
                     ra_real *y, ra_moments *moments, void *work) {
  algos[a].forward(s, x, w, e, y, moments, work);
}

void K(conv_backward_data)(const ra_conv *s, ra_conv_algo a, const ra_real *dy, const ra_real *w, const ra_target *dx,
                           void *work) {
  algos[a].backward_data(s, dy, w, dx, work);
}

void K(conv_backward_weight)(const ra_conv *s, ra_conv_algo a, const ra_input *x, const ra_real *dy, bool add, ra_real *dw,
                             void *work) {
  algos[a].backward_weight(s, x, dy, add, dw, work);
}
