/* resize: y [C,h,w] <- x [C,H,W], pixels as squares (half-pixel centres).
 *   bilinear  between the two nearest centres of each axis, edges repeated
 *   area      the mean over the square that a new pixel covers
 *   nearest   the pixel under the new centre: for masks
 *   auto      per axis: area where it shrinks, bilinear where it grows
 * Each axis is a list of taps: y[i] = sum_k weight[k] x[first + k]. */
#include <math.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "plane.h"

typedef struct axis {
  int32_t taps;     /* per output pixel, at most */
  int32_t *first;   /* [n] */
  ra_real *weight;  /* [n, taps] */
} axis;

static int32_t clamp(int32_t v, int32_t most) { return v < 0 ? 0 : v > most ? most : v; }

static int32_t axis_make(axis *a, int32_t from, int32_t to, int32_t method) {
  double ratio = (double)from / to;
  bool area = method == RA_RESIZE_AREA || (method == RA_RESIZE_AUTO && to < from);
  a->taps = from == 1 || method == RA_RESIZE_NEAREST ? 1 : area ? (int32_t)ceil(ratio) + 1 : 2;
  if (a->taps > from) a->taps = from;
  a->first = ra_mem_alloc((size_t)to, sizeof *a->first);
  a->weight = ra_mem_zalloc((size_t)to * (size_t)a->taps, sizeof *a->weight);
  if (!a->first || !a->weight) return RA_ERR_MEMORY;
  for (int32_t i = 0; i < to; i++) {
    ra_real *w = a->weight + (size_t)i * (size_t)a->taps;
    if (a->taps == 1) {
      a->first[i] = clamp((int32_t)((i + 0.5) * ratio), from - 1);
      w[0] = 1;
    } else if (area) {
      double low = i * ratio, high = (i + 1) * ratio;
      int32_t begin = clamp((int32_t)low, from - a->taps);
      a->first[i] = begin;
      for (int32_t k = 0; k < a->taps; k++) {
        double l = fmax(low, begin + k), h = fmin(high, begin + k + 1);
        w[k] = (ra_real)(h > l ? (h - l) / ratio : 0);
      }
    } else {
      double at = fmin(fmax((i + 0.5) * ratio - 0.5, 0), from - 1);
      a->first[i] = clamp((int32_t)at, from - 2);
      w[1] = (ra_real)(at - a->first[i]);
      w[0] = 1 - w[1];
    }
  }
  return RA_OK;
}

static void axis_free(axis *a) {
  ra_mem_free(a->first);
  ra_mem_free(a->weight);
}

/* One plane: rows first into line [w] of each needed source row, then weighted sums of those. */
static void resize_plane(const ra_real *x, int32_t H, int32_t W, int32_t h, int32_t w, const axis *ay, const axis *ax,
                         ra_real *narrow, ra_real *y) {
  for (int32_t i = 0; i < H; i++)
    for (int32_t j = 0; j < w; j++) {
      const ra_real *from = x + (size_t)i * (size_t)W + ax->first[j], *weight = ax->weight + (size_t)j * (size_t)ax->taps;
      ra_real sum = 0;
      for (int32_t k = 0; k < ax->taps; k++) sum += weight[k] * from[k];
      narrow[(size_t)i * (size_t)w + (size_t)j] = sum;
    }
  for (int32_t i = 0; i < h; i++) {
    ra_real *row = y + (size_t)i * (size_t)w;
    for (int32_t k = 0; k < ay->taps; k++) {
      ra_real weight = ay->weight[(size_t)i * (size_t)ay->taps + (size_t)k];
      const ra_real *from = narrow + (size_t)(ay->first[i] + k) * (size_t)w;
      for (int32_t j = 0; j < w; j++) row[j] = k ? row[j] + weight * from[j] : weight * from[j];
    }
  }
}

ra_tensor *ra_image_resize(const ra_tensor *t, int32_t height, int32_t width, int32_t method) {
  ra_planes p;
  if (ra_planes_of("resize", t, &p) != RA_OK) return NULL;
  if (height < 1 || width < 1 || (double)height * width * p.C > INT32_MAX) {
    ra_fail(RA_ERR_ARG, "resize: cannot make %d x %d pixels", width, height);
    return NULL;
  }
  if (method < 0 || method >= RA_RESIZE_COUNT) {
    ra_fail(RA_ERR_ARG, "resize: unknown method %d", method);
    return NULL;
  }
  axis ay = {0}, ax = {0};
  ra_tensor *y = NULL;
  ra_real *narrow = ra_mem_alloc((size_t)p.H * (size_t)width, sizeof *narrow);
  if (narrow && axis_make(&ay, p.H, height, method) == RA_OK && axis_make(&ax, p.W, width, method) == RA_OK)
    y = ra_planes_like(t, p.C, height, width);
  for (int32_t c = 0; y && c < p.C; c++)
    resize_plane(p.data + (size_t)c * (size_t)p.H * (size_t)p.W, p.H, p.W, height, width, &ay, &ax, narrow,
                 y->data + (size_t)c * (size_t)height * (size_t)width);
  ra_mem_free(narrow);
  axis_free(&ay);
  axis_free(&ax);
  return y;
}
