/* Tiles: an image too large to predict at once is cut into tiles that overlap by
 * about half, and their predictions are blended.
 *   result[y,x] = sum_t v p_t / sum_t v,  v = tent(i, h) tent(j, w)
 * tent falls off linearly towards the tile's border. */
#include <math.h>

#include "../base/error.h"
#include "plane.h"

int32_t ra_tile_starts(int32_t n, int32_t tile, int32_t *first) {
  int32_t count = n <= tile ? 0 : (int32_t)ceil((n - tile) / (tile / 2.0));
  for (int32_t i = 0; first && i <= count; i++) first[i] = count == 0 ? 0 : (int32_t)floor((double)(n - tile) * i / count + 0.5);
  return count + 1;
}

static double tent(int32_t i, int32_t n) {
  int32_t left = i + 1, right = n - i;
  return (left < right ? left : right) / ((n + 1) / 2.0);
}

int32_t ra_tile_add(ra_tensor *sum, ra_tensor *weight, const ra_tensor *p, int32_t top, int32_t left) {
  ra_planes s, w, t;
  RA_TRY(ra_planes_of("tile", sum, &s));
  RA_TRY(ra_planes_of("tile", weight, &w));
  RA_TRY(ra_planes_of("tile", p, &t));
  if (s.C != 1 || w.C != 1 || t.C != 1 || w.H != s.H || w.W != s.W || top < 0 || left < 0 || top > s.H - t.H || left > s.W - t.W)
    return ra_fail(RA_ERR_SHAPE, "tile: one of %dx%d pixels at row %d, column %d does not lie in %dx%d", t.H, t.W, top, left, s.H, s.W);
  for (int32_t i = 0; i < t.H; i++) {
    size_t at = (size_t)(top + i) * (size_t)s.W + (size_t)left;
    double wi = tent(i, t.H);
    for (int32_t j = 0; j < t.W; j++) {
      double v = wi * tent(j, t.W);
      ra_real *a = sum->data + at + j, *b = weight->data + at + j;
      *a = (ra_real)((double)*a + v * (double)t.data[i * t.W + j]);
      *b = (ra_real)((double)*b + v);
    }
  }
  return RA_OK;
}
