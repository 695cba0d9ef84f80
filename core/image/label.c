/* Label maps: the class of every pixel by its scores, and a label map as colours over an image.
 *   labels  y [H,W] <- scores [K,H,W]: the first of the largest
 *   paint   y [3,H,W] <- image x and labels: v + alpha (colour of the class - v), v = x clamped to 0..1; class 0, void and
 *           classes beyond the colours leave v */
#include "../base/error.h"
#include "plane.h"

ra_tensor *ra_image_labels(const ra_tensor *scores) {
  ra_planes x;
  if (ra_planes_of("labels", scores, &x) != RA_OK) return NULL;
  int32_t dim[2] = {x.H, x.W};
  ra_tensor *y = ra_tensor_new(2, dim);
  size_t area = (size_t)x.H * (size_t)x.W;
  for (size_t i = 0; y && i < area; i++) {
    size_t best = 0;
    for (size_t k = 1; k < (size_t)x.C; k++)
      if (x.data[k * area + i] > x.data[best * area + i]) best = k;
    y->data[i] = (ra_real)best;
  }
  return y;
}

ra_tensor *ra_image_paint(const ra_tensor *t, const ra_tensor *labels, double alpha, int32_t classes, const double *colour) {
  ra_planes x, l;
  if (ra_planes_of("paint", t, &x) != RA_OK || ra_planes_of("paint", labels, &l) != RA_OK) return NULL;
  if ((x.C != 1 && x.C != 3) || l.C != 1 || l.H != x.H || l.W != x.W) {
    ra_fail(RA_ERR_SHAPE, "paint: an image of 1 or 3 channels and labels of its size are wanted; given %d channels of %dx%d, labels %dx%d",
            x.C, x.H, x.W, l.H, l.W);
    return NULL;
  }
  int32_t dim[3] = {3, x.H, x.W};
  ra_tensor *y = ra_tensor_new(3, dim);
  size_t area = (size_t)x.H * (size_t)x.W;
  for (size_t c = 0; y && c < 3; c++) {
    const ra_real *from = x.data + (x.C == 3 ? c * area : 0);
    for (size_t i = 0; i < area; i++) {
      double v = (double)from[i], k = (double)l.data[i];
      v = v < 1 ? v : 1;
      v = v > 0 ? v : 0;
      bool painted = k >= 1 && k < classes;
      y->data[c * area + i] = (ra_real)(painted ? v + alpha * (colour[3 * (size_t)k + c] - v) : v);
    }
  }
  return y;
}
