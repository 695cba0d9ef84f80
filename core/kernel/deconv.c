/* deconv.c: transposed convolution whose stride is its window, so that outputs
 * do not overlap (the 2x2 up-convolution of a U-Net):
 *   y[b,o,i*kh+u,j*kw+v] = bias[o] + sum over c of w[c,o,u,v] x[b,c,i,j]
 * One matrix product a picture, t [O*kh*kw, H*W] = w^T [.., C] x [C, H*W], and a
 * pass that deals t out to y; backward runs both the other way round:
 *   dx = w t,  dw += x t^T  with t gathered from dy. */
#include "elementwise.h"

#include <string.h>

#include "../base/thread.h"
#include "conv.h"

typedef struct {
  const ra_deconv *s;
  ra_real *t, *y;
  const ra_real *dy, *bias;
} job;

size_t K(deconv_work)(const ra_deconv *s) {
  return (size_t)s->O * (size_t)s->kh * (size_t)s->kw * (size_t)s->H * (size_t)s->W * sizeof(ra_real);
}

/* Output channel o of one picture: t [kh*kw][H][W] of this channel -> y [H*kh][W*kw]. */
static void spread(void *context, int32_t o) {
  const job *j = context;
  const ra_deconv *s = j->s;
  int64_t plane = (int64_t)s->H * s->W, taps = (int64_t)s->kh * s->kw;
  const ra_real *t = j->t + o * taps * plane;
  ra_real *y = j->y + o * taps * plane, shift = j->bias ? j->bias[o] : 0;
  for (int32_t i = 0; i < s->H; i++)
    for (int32_t u = 0; u < s->kh; u++) {
      const ra_real *row = t + (int64_t)u * s->kw * plane + (int64_t)i * s->W;
      ra_real *out = y + ((int64_t)i * s->kh + u) * s->W * s->kw;
      if (s->kw == 2) {
        const ra_real *next = row + plane;
#pragma omp simd
        for (int32_t k = 0; k < s->W; k++) {
          ra_real a = row[k] + shift, b = next[k] + shift;
          out[2 * k] = a;
          out[2 * k + 1] = b;
        }
        continue;
      }
      for (int32_t v = 0; v < s->kw; v++)
        for (int32_t k = 0; k < s->W; k++) out[k * s->kw + v] = row[v * plane + k] + shift;
    }
}

static void collect(void *context, int32_t o) {
  const job *j = context;
  const ra_deconv *s = j->s;
  int64_t plane = (int64_t)s->H * s->W, taps = (int64_t)s->kh * s->kw;
  ra_real *t = j->t + o * taps * plane;
  const ra_real *dy = j->dy + o * taps * plane;
  for (int32_t i = 0; i < s->H; i++)
    for (int32_t u = 0; u < s->kh; u++) {
      ra_real *row = t + (int64_t)u * s->kw * plane + (int64_t)i * s->W;
      const ra_real *in = dy + ((int64_t)i * s->kh + u) * s->W * s->kw;
      if (s->kw == 2) {
        ra_real *next = row + plane;
#pragma omp simd
        for (int32_t k = 0; k < s->W; k++) {
          ra_real a = in[2 * k], b = in[2 * k + 1];
          row[k] = a;
          next[k] = b;
        }
        continue;
      }
      for (int32_t v = 0; v < s->kw; v++)
        for (int32_t k = 0; k < s->W; k++) row[v * plane + k] = in[k * s->kw + v];
    }
}

void K(deconv_forward)(const ra_deconv *s, const ra_real *x, const ra_real *w, const ra_real *bias, ra_real *y, void *work) {
  int64_t plane = (int64_t)s->H * s->W;
  int32_t taps = s->O * s->kh * s->kw;
  for (int32_t b = 0; b < s->B; b++) {
    K(gemm)(true, false, taps, (int32_t)plane, s->C, w, x + b * s->C * plane, false, work);
    job j = {.s = s, .t = work, .y = y + b * taps * plane, .bias = bias};
    ra_parallel(s->O, spread, &j);
  }
}

void K(deconv_backward)(const ra_deconv *s, const ra_real *x, const ra_real *w, const ra_real *dy, bool add_dx, ra_real *dx,
                        bool add_dw, ra_real *dw, void *work) {
  int64_t plane = (int64_t)s->H * s->W;
  int32_t taps = s->O * s->kh * s->kw;
  for (int32_t b = 0; b < s->B; b++) {
    job j = {.s = s, .t = work, .dy = dy + b * taps * plane};
    ra_parallel(s->O, collect, &j);
    if (dx) K(gemm)(false, false, s->C, (int32_t)plane, taps, w, work, add_dx, dx + b * s->C * plane);
    if (dw) K(gemm)(false, true, s->C, taps, (int32_t)plane, x + b * s->C * plane, work, add_dw || b > 0, dw);
  }
}
