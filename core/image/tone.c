/* Grey values: colour to grey, and normalisation.
 *   grey: y [1,H,W] <- x [3,H,W] or [1,H,W]
 *   normalise: y <- x, each channel on its own */
#include <math.h>

#include "../base/error.h"
#include "plane.h"

ra_tensor *ra_image_grey(const ra_tensor *t, int32_t method) {
  ra_planes p;
  if (ra_planes_of("grey", t, &p) != RA_OK) return NULL;
  if (p.C != 1 && p.C != 3) {
    ra_fail(RA_ERR_SHAPE, "grey: wants 1 or 3 channels, given %d", p.C);
    return NULL;
  }
  if (method < 0 || method >= RA_GREY_COUNT) {
    ra_fail(RA_ERR_ARG, "grey: unknown method %d", method);
    return NULL;
  }
  if (p.C == 1) return ra_tensor_clone(t);
  ra_tensor *y = ra_planes_like(t, 1, p.H, p.W);
  if (!y) return NULL;
  size_t n = (size_t)p.H * (size_t)p.W;
  const ra_real *r = p.data, *g = r + n, *b = g + n;
  for (size_t i = 0; i < n; i++)
    y->data[i] = method == RA_GREY_GREEN ? g[i]
               : method == RA_GREY_MEAN  ? (r[i] + g[i] + b[i]) / 3
                                         : (ra_real)(0.299 * (double)r[i] + 0.587 * (double)g[i] + 0.114 * (double)b[i]);
  return y;
}

ra_tensor *ra_image_normalise(const ra_tensor *t, int32_t method) {
  ra_planes p;
  if (ra_planes_of("normalise", t, &p) != RA_OK) return NULL;
  if (method < 0 || method >= RA_NORMALISE_COUNT) {
    ra_fail(RA_ERR_ARG, "normalise: unknown method %d", method);
    return NULL;
  }
  ra_tensor *y = ra_planes_like(t, p.C, p.H, p.W);
  size_t n = (size_t)p.H * (size_t)p.W;
  for (int32_t c = 0; y && c < p.C; c++) {
    const ra_real *x = p.data + (size_t)c * n;
    ra_real *to = y->data + (size_t)c * n;
    double low = INFINITY, high = -INFINITY, sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
      low = fmin(low, (double)x[i]);
      high = fmax(high, (double)x[i]);
      sum += (double)x[i];
    }
    double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) squares += ((double)x[i] - mean) * ((double)x[i] - mean);
    double deviation = sqrt(squares / (double)n);
    double shift = method == RA_NORMALISE_RANGE ? low : mean, width = method == RA_NORMALISE_RANGE ? high - low : deviation;
    for (size_t i = 0; i < n; i++) to[i] = (ra_real)(width > 0 ? ((double)x[i] - shift) / width : 0);
  }
  return y;
}

ra_tensor *ra_image_threshold(const ra_tensor *x, double threshold) {
  ra_tensor *mask = ra_tensor_clone(x);
  for (int32_t i = 0; mask && i < mask->size; i++) mask->data[i] = (double)mask->data[i] >= threshold ? 1 : 0;
  return mask;
}
