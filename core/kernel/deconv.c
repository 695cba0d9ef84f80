/* deconv.c: gradients of a transposed convolution whose stride is its window, so
 * that outputs do not overlap (the 2x2 up-convolution of a U-Net):
 *   y[b,o,i*kh+u,j*kw+v] = bias[o] + sum over c of w[c,o,u,v] x[b,c,i,j]
 * dy is gathered into t [O*kh*kw, H*W]; then dx = w t is a matrix product a
 * picture, and dw = x t^T the weight gradient of a 1x1 convolution from t to x,
 * whose kernel cuts the long sum over pixels. Pictures go in groups whose t has
 * about GROUP_BYTES. (Forward is the convolution's gradient of its input, conv.c.) */
#include "elementwise.h"

#include <string.h>

#include "../base/thread.h"
#include "conv.h"

enum { GROUP_BYTES = 1 << 22 };

typedef struct {
  const ra_deconv *s;
  ra_real *t;
  const ra_real *dy;
} job;

static size_t matrix_bytes(const ra_deconv *s) {
  return (size_t)s->O * (size_t)s->kh * (size_t)s->kw * (size_t)s->H * (size_t)s->W * sizeof(ra_real);
}

static int32_t group_of(const ra_deconv *s) {
  size_t n = GROUP_BYTES / (matrix_bytes(s) + 1);
  return n < 1 ? 1 : n < (size_t)s->B ? (int32_t)n : s->B < 1 ? 1 : s->B;
}

/* The 1x1 convolution of B pictures, t [O*kh*kw,H,W] -> x [C,H,W]. */
static ra_conv conv_of(const ra_deconv *s, int32_t B) {
  int32_t taps = s->O * s->kh * s->kw;
  int64_t plane = (int64_t)s->H * s->W;
  return (ra_conv){.B = B, .C = taps, .H = s->H, .W = s->W, .O = s->C, .Ho = s->H, .Wo = s->W, .kh = 1, .kw = 1, .stride_h = 1,
                   .stride_w = 1, .dilation_h = 1, .dilation_w = 1, .groups = 1, .x_batch = taps * plane, .y_batch = s->C * plane};
}

size_t K(deconv_work)(const ra_deconv *s) {
  int32_t group = group_of(s), rest = s->B % group;
  size_t most = 0;
  for (int32_t B = group; B > 0; B = B == group ? rest : 0) {
    ra_conv c = conv_of(s, B);
    size_t bytes = K(conv_work)(&c, RA_CONV_BACKWARD_WEIGHT, K(conv_choose)(&c, RA_CONV_BACKWARD_WEIGHT));
    if (bytes > most) most = bytes;
  }
  return conv_align((size_t)group * matrix_bytes(s)) + most;
}

/* Output channel `index` of some pictures, numbered through: dy [H*kh][W*kw] -> t [kh*kw][H][W]. */
static void collect(void *context, int32_t index) {
  const job *j = context;
  const ra_deconv *s = j->s;
  int64_t plane = (int64_t)s->H * s->W, taps = (int64_t)s->kh * s->kw;
  ra_real *t = j->t + index * taps * plane;
  const ra_real *dy = j->dy + index * taps * plane;
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

void K(deconv_backward)(const ra_deconv *s, const ra_real *x, const ra_real *w, const ra_real *dy, bool add_dx, ra_real *dx,
                        bool add_dw, ra_real *dw, void *work) {
  int64_t plane = (int64_t)s->H * s->W;
  int32_t taps = s->O * s->kh * s->kw, group = group_of(s);
  ra_real *t = work;
  void *rest = (char *)work + conv_align((size_t)group * matrix_bytes(s));
  for (int32_t b = 0; b < s->B; b += group) {
    int32_t n = s->B - b < group ? s->B - b : group;
    job j = {.s = s, .t = t, .dy = dy + b * taps * plane};
    ra_parallel(n * s->O, collect, &j);
    for (int32_t i = 0; dx && i < n; i++)
      K(gemm)(false, false, s->C, (int32_t)plane, taps, w, t + i * taps * plane, add_dx, dx + (b + i) * s->C * plane);
    if (!dw) continue;
    ra_conv c = conv_of(s, n);
    K(conv_backward_weight)(&c, K(conv_choose)(&c, RA_CONV_BACKWARD_WEIGHT), t, x + b * s->C * plane, add_dw || b > 0, dw, rest);
  }
}
