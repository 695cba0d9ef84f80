/* CLAHE: contrast limited adaptive histogram equalisation (Zuiderveld, Graphics
 * Gems IV, 1994), with the conventions of OpenCV's createCLAHE.
 *   y [C,H,W] <- x [C,H,W] in 0..1, each channel on its own
 * The image is cut into tiles x tiles (padded by reflection to a multiple);
 * each tile's histogram of 256 values is clipped at clip times its mean and the
 * excess spread evenly; its cumulative sum maps values; a pixel gets the
 * bilinear mean of the mappings of the four nearest tiles. clip = 0: not
 * clipped. The result is not rounded to 256 values; the input value is. */
#include <math.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "clahe.h"
#include "plane.h"

enum { BINS = 256, TILES_MAX = 64 };

static int32_t reflect(int32_t i, int32_t n) {
  if (n == 1) return 0;
  int32_t period = 2 * n - 2;
  i %= period;
  return i < n ? i : period - i;
}

static int32_t bin_of(ra_real v) {
  int32_t b = (int32_t)(v * (BINS - 1) + (ra_real)0.5);
  return !(v > 0) ? 0 : b >= BINS ? BINS - 1 : b;
}

static void clip_counts(int32_t *count, int32_t limit) {
  int32_t excess = 0;
  for (int32_t b = 0; b < BINS; b++)
    if (count[b] > limit) {
      excess += count[b] - limit;
      count[b] = limit;
    }
  int32_t each = excess / BINS, rest = excess - each * BINS;
  for (int32_t b = 0; b < BINS; b++) count[b] += each;
  if (rest == 0) return;
  int32_t step = BINS / rest > 1 ? BINS / rest : 1;
  for (int32_t b = 0; b < BINS && rest > 0; b += step, rest--) count[b]++;
}

/* map[BINS] of the tile whose first pixel is (top, left). */
static void tile_map(const ra_real *x, int32_t H, int32_t W, int32_t top, int32_t left, int32_t h, int32_t w, double clip,
                     ra_real *map) {
  int32_t count[BINS] = {0};
  for (int32_t i = top; i < top + h; i++) {
    const ra_real *row = x + (size_t)reflect(i, H) * (size_t)W;
    for (int32_t j = left; j < left + w; j++) count[bin_of(row[reflect(j, W)])]++;
  }
  double area = (double)h * w;
  if (clip > 0) {
    int32_t limit = (int32_t)fmin(clip * area / BINS, area);
    clip_counts(count, limit < 1 ? 1 : limit);
  }
  double sum = 0;
  for (int32_t b = 0; b < BINS; b++) {
    sum += count[b];
    map[b] = (ra_real)(sum / area);
  }
}

static void map_plane(const ra_real *x, int32_t H, int32_t W, int32_t tiles, int32_t h, int32_t w, const ra_real *map,
                      ra_real *y) {
  for (int32_t i = 0; i < H; i++) {
    ra_real fy = (ra_real)i / (ra_real)h - (ra_real)0.5;
    int32_t ty = (int32_t)floor((double)fy);
    ra_real ay = fy - (ra_real)ty;
    int32_t y0 = ty < 0 ? 0 : ty, y1 = ty + 1 < tiles ? ty + 1 : tiles - 1;
    for (int32_t j = 0; j < W; j++) {
      ra_real fx = (ra_real)j / (ra_real)w - (ra_real)0.5;
      int32_t tx = (int32_t)floor((double)fx);
      ra_real ax = fx - (ra_real)tx;
      int32_t x0 = tx < 0 ? 0 : tx, x1 = tx + 1 < tiles ? tx + 1 : tiles - 1;
      size_t at = (size_t)i * (size_t)W + (size_t)j;
      int32_t b = bin_of(x[at]);
      ra_real top = map[(y0 * tiles + x0) * BINS + b] * (1 - ax) + map[(y0 * tiles + x1) * BINS + b] * ax;
      ra_real bottom = map[(y1 * tiles + x0) * BINS + b] * (1 - ax) + map[(y1 * tiles + x1) * BINS + b] * ax;
      y[at] = top * (1 - ay) + bottom * ay;
    }
  }
}

size_t ra_clahe_scratch(int32_t tiles) { return (size_t)(tiles * tiles) * BINS; }

void ra_clahe_plane(const ra_real *x, int32_t H, int32_t W, int32_t tiles, double clip, ra_real *map, ra_real *y) {
  int32_t h = (H + tiles - 1) / tiles, w = (W + tiles - 1) / tiles;
  for (int32_t k = 0; k < tiles * tiles; k++)
    tile_map(x, H, W, k / tiles * h, k % tiles * w, h, w, clip, map + (size_t)k * BINS);
  map_plane(x, H, W, tiles, h, w, map, y);
}

ra_tensor *ra_image_clahe(const ra_tensor *t, int32_t tiles, double clip) {
  ra_planes p;
  if (ra_planes_of("clahe", t, &p) != RA_OK) return NULL;
  if (tiles < 1 || tiles > TILES_MAX || !(clip >= 0)) {
    ra_fail(RA_ERR_ARG, "clahe: wants 1 to %d tiles and clip >= 0, given %d and %g", TILES_MAX, tiles, clip);
    return NULL;
  }
  size_t area = (size_t)p.H * (size_t)p.W;
  ra_real *map = ra_mem_alloc(ra_clahe_scratch(tiles), sizeof *map);
  ra_tensor *y = map ? ra_planes_like(t, p.C, p.H, p.W) : NULL;
  for (int32_t c = 0; y && c < p.C; c++)
    ra_clahe_plane(p.data + (size_t)c * area, p.H, p.W, tiles, clip, map, y->data + (size_t)c * area);
  ra_mem_free(map);
  return y;
}
