/* overlay: y [3,H,W] <- image x, prediction and truth
 *   y = v + alpha (colour - v), v = x clamped to 0..1, where a colour applies; else v */
#include "../base/error.h"
#include "plane.h"

/* Index of the colour of pixel i, or -1. */
static int32_t colour_of(const ra_real *p, const ra_real *truth, double threshold, size_t i) {
  bool positive = (double)p[i] >= threshold;
  if (!truth) return positive ? 3 : -1;
  bool foreground = truth[i] >= (ra_real)0.5;
  return positive ? (foreground ? 0 : 1) : foreground ? 2 : -1;
}

static int32_t check(const ra_planes *x, const ra_tensor *prediction, const ra_tensor *truth) {
  ra_planes p, t;
  RA_TRY(ra_planes_of("overlay", prediction, &p));
  if (truth) RA_TRY(ra_planes_of("overlay", truth, &t));
  if (x->C != 1 && x->C != 3) return ra_fail(RA_ERR_SHAPE, "overlay: the image has %d channels, wanted 1 or 3", x->C);
  if (p.C != 1 || p.H != x->H || p.W != x->W || (truth && (t.C != 1 || t.H != x->H || t.W != x->W)))
    return ra_fail(RA_ERR_SHAPE, "overlay: sizes differ: image %dx%d, prediction %dx%d", x->H, x->W, p.H, p.W);
  return RA_OK;
}

ra_tensor *ra_image_overlay(const ra_tensor *t, const ra_tensor *prediction, const ra_tensor *truth, double threshold,
                            double alpha, const double *colour) {
  ra_planes x;
  if (ra_planes_of("overlay", t, &x) != RA_OK || check(&x, prediction, truth) != RA_OK) return NULL;
  int32_t dim[3] = {3, x.H, x.W};
  ra_tensor *y = ra_tensor_new(3, dim);
  size_t area = (size_t)x.H * (size_t)x.W;
  for (size_t c = 0; y && c < 3; c++) {
    const ra_real *from = x.data + (x.C == 3 ? c * area : 0);
    ra_real *to = y->data + c * area;
    for (size_t i = 0; i < area; i++) {
      double v = (double)from[i];
      v = v < 1 ? v : 1;
      v = v > 0 ? v : 0;
      int32_t k = colour_of(prediction->data, truth ? truth->data : NULL, threshold, i);
      to[i] = (ra_real)(k < 0 ? v : v + alpha * (colour[3 * k + (int32_t)c] - v));
    }
  }
  return y;
}
