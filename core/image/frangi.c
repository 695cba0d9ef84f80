/* Vesselness of Frangi, Niessen, Vincken, Viergever, "Multiscale vessel
 * enhancement filtering", MICCAI 1998, in two dimensions, for dark tubes on a
 * bright ground (or bright ones).
 *   y[H,W] <- x[H,W]: y = max over scales s of
 *     0                                        where the larger curvature l2 has the wrong sign
 *     exp(-(l1/l2)^2 / (2 beta^2)) (1 - exp(-(l1^2 + l2^2) / (2 c^2)))   elsewhere
 * l1, l2 (|l1| <= |l2|) are the eigenvalues of s^2 times the Hessian, computed
 * by derivatives of a Gaussian of standard deviation s. c = 0: half of the largest
 * sqrt(l1^2 + l2^2) of the scale, as the paper proposes. */
#include <math.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "plane.h"

enum { SCALES_MAX = 32 };

typedef struct hessian {
  ra_real *xx, *xy, *yy; /* [H,W] */
} hessian;

static void hessian_at(const ra_planes *p, double scale, ra_real *line, ra_real *work, hessian h) {
  ra_real g[3][2 * RA_GAUSS_RADIUS_MAX + 1];
  int32_t radius = ra_gauss_radius(scale);
  for (int32_t order = 0; order < 3; order++) ra_gauss_taps(scale, order, radius, g[order]);
  ra_filter_rows(p->data, p->H, p->W, g[2], radius, line, work);
  ra_filter_columns(work, p->H, p->W, g[0], radius, h.xx);
  ra_filter_rows(p->data, p->H, p->W, g[1], radius, line, work);
  ra_filter_columns(work, p->H, p->W, g[1], radius, h.xy);
  ra_filter_rows(p->data, p->H, p->W, g[0], radius, line, work);
  ra_filter_columns(work, p->H, p->W, g[2], radius, h.yy);
}

/* xx and yy become l1 and l2. Returns the largest l1^2 + l2^2. */
static ra_real eigenvalues(size_t n, ra_real s2, hessian h) {
  ra_real largest = 0;
  for (size_t i = 0; i < n; i++) {
    ra_real xx = h.xx[i] * s2, xy = h.xy[i] * s2, yy = h.yy[i] * s2;
    ra_real mean = (xx + yy) / 2, half = (xx - yy) / 2, root = (ra_real)sqrt((double)(half * half + xy * xy));
    ra_real large = mean < 0 ? mean - root : mean + root, small = mean < 0 ? mean + root : mean - root;
    h.xx[i] = small;
    h.yy[i] = large;
    ra_real norm = small * small + large * large;
    if (norm > largest) largest = norm;
  }
  return largest;
}

static void take_scale(size_t n, hessian h, bool dark, double beta, double c2, ra_real *y) {
  double b = -0.5 / (beta * beta), s = -0.5 / c2;
  for (size_t i = 0; i < n; i++) {
    double l1 = (double)h.xx[i], l2 = (double)h.yy[i];
    if (dark ? l2 <= 0 : l2 >= 0) continue;
    double ratio = l1 / l2, v = exp(b * ratio * ratio) * -expm1(s * (l1 * l1 + l2 * l2));
    if (v > (double)y[i]) y[i] = (ra_real)v;
  }
}

ra_tensor *ra_image_frangi(const ra_tensor *t, const double *scale, int32_t scales, double beta, double c, bool dark) {
  ra_planes p;
  if (ra_planes_of("frangi", t, &p) != RA_OK) return NULL;
  if (p.C != 1) {
    ra_fail(RA_ERR_SHAPE, "frangi: wants one channel, given %d; make it grey first", p.C);
    return NULL;
  }
  if (scales < 1 || scales > SCALES_MAX || !(beta > 0) || !(c >= 0)) {
    ra_fail(RA_ERR_ARG, "frangi: wants 1 to %d scales, beta > 0 and c >= 0; given %d, %g, %g", SCALES_MAX, scales, beta, c);
    return NULL;
  }
  double widest = 0;
  for (int32_t k = 0; k < scales; k++) {
    if (!(scale[k] >= 0.3 && scale[k] <= RA_GAUSS_RADIUS_MAX / 4.0)) {
      ra_fail(RA_ERR_ARG, "frangi: a scale is 0.3 to %d pixels, given %g", RA_GAUSS_RADIUS_MAX / 4, scale[k]);
      return NULL;
    }
    if (scale[k] > widest) widest = scale[k];
  }
  size_t n = (size_t)p.H * (size_t)p.W, line = (size_t)p.W + 2 * (size_t)ra_gauss_radius(widest);
  ra_real *work = ra_mem_alloc(4 * n + line, sizeof *work);
  ra_tensor *y = work ? ra_planes_like(t, 1, p.H, p.W) : NULL;
  if (y) memset(y->data, 0, n * sizeof *y->data);
  hessian h = {work, work + n, work + 2 * n};
  for (int32_t k = 0; y && k < scales; k++) {
    hessian_at(&p, scale[k], work + 4 * n, work + 3 * n, h);
    double largest = (double)eigenvalues(n, (ra_real)(scale[k] * scale[k]), h);
    double c2 = c > 0 ? c * c : largest / 4;
    if (largest > 0 && c2 > 0) take_scale(n, h, dark, beta, c2, y->data);
  }
  ra_mem_free(work);
  return y;
}
