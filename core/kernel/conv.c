/* conv: which algorithm computes a convolution, and the way to it. */
#include "conv.h"

typedef struct algo {
  bool (*can)(const ra_conv *, ra_conv_kind);
  size_t (*work)(const ra_conv *, ra_conv_kind);
  void (*forward)(const ra_conv *, const ra_real *, const ra_real *, const ra_epilogue *, ra_real *, void *);
  void (*backward_data)(const ra_conv *, const ra_real *, const ra_real *, bool, ra_real *, void *);
  void (*backward_weight)(const ra_conv *, const ra_real *, const ra_real *, bool, ra_real *, void *);
} algo;

#define ALGO(name) {K(name##_can), K(name##_work), K(name##_forward), K(name##_backward_data), K(name##_backward_weight)}
static const algo algos[RA_CONV_ALGOS] = {
  [RA_CONV_PLAIN] = ALGO(conv_plain),
#ifndef RA_DOUBLE
  [RA_CONV_GEMM] = ALGO(conv_gemm),
  [RA_CONV_WINOGRAD] = ALGO(winograd),
#endif
};

bool K(conv_can)(const ra_conv *s, ra_conv_kind kind, ra_conv_algo a) {
  return a >= 0 && a < RA_CONV_ALGOS && algos[a].can && algos[a].can(s, kind);
}

ra_conv_algo K(conv_choose)(const ra_conv *s, ra_conv_kind kind) {
  if (K(conv_can)(s, kind, RA_CONV_WINOGRAD)) return RA_CONV_WINOGRAD;
  if (K(conv_can)(s, kind, RA_CONV_GEMM)) return RA_CONV_GEMM;
  return RA_CONV_PLAIN;
}

size_t K(conv_work)(const ra_conv *s, ra_conv_kind kind, ra_conv_algo a) { return algos[a].work(s, kind); }

void K(conv_forward)(const ra_conv *s, ra_conv_algo a, const ra_real *x, const ra_real *w, const ra_epilogue *e,
                     ra_real *y, void *work) {
  algos[a].forward(s, x, w, e, y, work);
}

void K(conv_backward_data)(const ra_conv *s, ra_conv_algo a, const ra_real *dy, const ra_real *w, bool add,
                           ra_real *dx, void *work) {
  algos[a].backward_data(s, dy, w, add, dx, work);
}

void K(conv_backward_weight)(const ra_conv *s, ra_conv_algo a, const ra_real *x, const ra_real *dy, bool add,
                             ra_real *dw, void *work) {
  algos[a].backward_weight(s, x, dy, add, dw, work);
}
