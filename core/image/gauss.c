/* Gaussian filters on planes, separable, edges repeated, cut at 4 sigma.
 *   blur: y[c,i,j] = sum_k sum_l g[k] g[l] x[c,i+k,j+l] */
#include <math.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../tensor/tensor.h"
#include "plane.h"

int32_t ra_planes_of(const char *op, const ra_tensor *t, ra_planes *out) {
  char text[80];
  if ((t->rank != 2 && t->rank != 3) || t->size == 0)
    return ra_fail(RA_ERR_SHAPE, "%s: an image is [H,W] or [C,H,W] and not empty, given %s", op,
                   ra_shape_text(t->rank, t->dim, text));
  if (!ra_tensor_contiguous(t)) return ra_fail(RA_ERR_STATE, "%s: wants a contiguous tensor; clone the view first", op);
  int32_t first = t->rank - 2;
  *out = (ra_planes){.data = t->data, .C = first ? t->dim[0] : 1, .H = t->dim[first], .W = t->dim[first + 1]};
  return RA_OK;
}

ra_tensor *ra_planes_like(const ra_tensor *t, int32_t C, int32_t H, int32_t W) {
  int32_t dim[3] = {C, H, W};
  return t->rank == 3 ? ra_tensor_new(3, dim) : ra_tensor_new(2, dim + 1);
}

int32_t ra_gauss_radius(double sigma) { return (int32_t)(4 * sigma + 0.5); }

void ra_gauss_taps(double sigma, int32_t order, int32_t radius, ra_real *weight) {
  double sum = 0, s2 = sigma * sigma;
  for (int32_t k = -radius; k <= radius; k++) sum += exp(-0.5 * k * k / s2);
  for (int32_t k = -radius; k <= radius; k++) {
    double g = exp(-0.5 * k * k / s2) / sum;
    weight[k + radius] = (ra_real)(order == 0 ? g : order == 1 ? -k / s2 * g : (k * k / s2 - 1) / s2 * g);
  }
}

static void scale_add(int32_t n, ra_real w, const ra_real *restrict x, ra_real *restrict y) {
#pragma omp simd
  for (int32_t i = 0; i < n; i++) y[i] += w * x[i];
}

void ra_filter_rows(const ra_real *x, int32_t H, int32_t W, const ra_real *weight, int32_t radius, ra_real *line, ra_real *y) {
  for (int32_t i = 0; i < H; i++, x += W, y += W) {
    for (int32_t j = 0; j < radius; j++) {
      line[j] = x[0];
      line[radius + W + j] = x[W - 1];
    }
    memcpy(line + radius, x, (size_t)W * sizeof *line);
    memset(y, 0, (size_t)W * sizeof *y);
    for (int32_t k = 0; k <= 2 * radius; k++) scale_add(W, weight[k], line + k, y);
  }
}

void ra_filter_columns(const ra_real *x, int32_t H, int32_t W, const ra_real *weight, int32_t radius, ra_real *y) {
  for (int32_t i = 0; i < H; i++) {
    ra_real *row = y + (size_t)i * (size_t)W;
    memset(row, 0, (size_t)W * sizeof *row);
    for (int32_t k = -radius; k <= radius; k++) {
      int32_t from = i + k < 0 ? 0 : i + k >= H ? H - 1 : i + k;
      scale_add(W, weight[k + radius], x + (size_t)from * (size_t)W, row);
    }
  }
}

ra_tensor *ra_image_blur(const ra_tensor *t, double sigma) {
  ra_planes p;
  if (ra_planes_of("blur", t, &p) != RA_OK) return NULL;
  if (!(sigma >= 0 && sigma <= RA_GAUSS_RADIUS_MAX / 4.0)) {
    ra_fail(RA_ERR_ARG, "blur: sigma is 0 to %d pixels, given %g", RA_GAUSS_RADIUS_MAX / 4, sigma);
    return NULL;
  }
  int32_t radius = ra_gauss_radius(sigma);
  if (radius == 0) return ra_tensor_clone(t);
  ra_real weight[2 * RA_GAUSS_RADIUS_MAX + 1] = {0};
  ra_gauss_taps(sigma, 0, radius, weight);
  size_t area = (size_t)p.H * (size_t)p.W;
  ra_real *work = ra_mem_alloc(area + (size_t)(p.W + 2 * radius), sizeof *work);
  ra_tensor *y = work ? ra_planes_like(t, p.C, p.H, p.W) : NULL;
  for (int32_t c = 0; y && c < p.C; c++) {
    ra_filter_rows(p.data + (size_t)c * area, p.H, p.W, weight, radius, work + area, work);
    ra_filter_columns(work, p.H, p.W, weight, radius, y->data + (size_t)c * area);
  }
  ra_mem_free(work);
  return y;
}
