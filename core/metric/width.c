/* Width and contrast of the foreground: maps [H,W] that other scores are grouped by.
 *
 * Width of a mask pixel: twice the distance from the skeleton pixel nearest to it
 * to the nearest background pixel (a line of one pixel has width 2).
 *
 * Local contrast of a mask pixel: mean of the background pixels within the square of
 * 31 x 31 around it minus mean of the mask pixels within 5 x 5: positive
 * for dark vessels; 0 where no background is in reach. */
#include <math.h>

#include "../base/error.h"
#include "../base/math.h"
#include "../base/mem.h"
#include "metric.h"

enum { BACKGROUND_REACH = 15, FOREGROUND_REACH = 2 };

static int32_t check_image(const char *what, int32_t H, int32_t W) {
  if (H < 1 || W < 1 || (int64_t)(H + 2) * (W + 2) > INT32_MAX)
    return ra_fail(RA_ERR_SHAPE, "%s: an image of %d x %d pixels; both must be at least 1", what, H, W);
  return RA_OK;
}

static uint8_t *bytes_of(const ra_real *mask, int32_t size, bool zero) {
  uint8_t *set = ra_mem_alloc((size_t)size, 1);
  for (int32_t i = 0; set && i < size; i++) set[i] = (mask[i] >= (ra_real)0.5) != zero;
  return set;
}

int32_t ra_mask_skeleton(const ra_real *mask, int32_t H, int32_t W, ra_real *out) {
  RA_TRY(check_image("skeleton", H, W));
  uint8_t *set = bytes_of(mask, H * W, false);
  int32_t code = set ? ra_skeleton(set, H, W, set) : RA_ERR_MEMORY;
  for (int32_t i = 0; code == RA_OK && i < H * W; i++) out[i] = set[i];
  ra_mem_free(set);
  return code;
}

int32_t ra_mask_distance(const ra_real *mask, int32_t H, int32_t W, ra_real *out) {
  RA_TRY(check_image("distance", H, W));
  uint8_t *zero = bytes_of(mask, H * W, true);
  float *distance = ra_mem_alloc((size_t)H * (size_t)W, sizeof *distance);
  int32_t code = zero && distance ? ra_distance(zero, H, W, distance, NULL) : RA_ERR_MEMORY;
  for (int32_t i = 0; code == RA_OK && i < H * W; i++) out[i] = distance[i];
  ra_mem_free(distance);
  ra_mem_free(zero);
  return code;
}

int32_t ra_foreground_width(const ra_real *mask, int32_t H, int32_t W, ra_real *width) {
  RA_TRY(check_image("foreground width", H, W));
  int32_t size = H * W;
  uint8_t *set = bytes_of(mask, size, false), *zero = bytes_of(mask, size, true), *skeleton = ra_mem_alloc((size_t)size, 1);
  float *inside = ra_mem_alloc((size_t)size, sizeof *inside), *unused = ra_mem_alloc((size_t)size, sizeof *unused);
  int32_t *nearest = ra_mem_alloc((size_t)size, sizeof *nearest);
  int32_t code = set && zero && skeleton && inside && unused && nearest ? RA_OK : RA_ERR_MEMORY;
  if (code == RA_OK) code = ra_skeleton(set, H, W, skeleton);
  if (code == RA_OK) code = ra_distance(zero, H, W, inside, NULL);
  if (code == RA_OK) code = ra_distance(skeleton, H, W, unused, nearest);
  for (int32_t i = 0; code == RA_OK && i < size; i++)
    width[i] = set[i] && nearest[i] >= 0 ? 2 * (ra_real)inside[nearest[i]] : 0;
  ra_mem_free(nearest);
  ra_mem_free(unused);
  ra_mem_free(inside);
  ra_mem_free(skeleton);
  ra_mem_free(zero);
  ra_mem_free(set);
  return code;
}

/* table [H+1,W+1] <- sums of value over the pixels above and left, where mask equals want (value NULL: their number). */
static void integrate(const ra_real *value, const ra_real *mask, bool want, int32_t H, int32_t W, double *table) {
  for (int32_t x = 0; x <= W; x++) table[x] = 0;
  for (int32_t y = 0; y < H; y++) {
    double row = 0, *to = table + (y + 1) * (W + 1);
    to[0] = 0;
    for (int32_t x = 0; x < W; x++) {
      int32_t i = y * W + x;
      if ((mask[i] >= (ra_real)0.5) == want) row += value ? (double)value[i] : 1;
      to[x + 1] = to[x - W] + row;
    }
  }
}

static double box(const double *table, int32_t H, int32_t W, int32_t y, int32_t x, int32_t reach) {
  int32_t top = y > reach ? y - reach : 0, left = x > reach ? x - reach : 0;
  int32_t bottom = ra_min(y + reach + 1, H), right = ra_min(x + reach + 1, W);
  return table[bottom * (W + 1) + right] - table[top * (W + 1) + right] - table[bottom * (W + 1) + left] +
         table[top * (W + 1) + left];
}

int32_t ra_foreground_contrast(const ra_real *image, const ra_real *mask, int32_t H, int32_t W, ra_real *contrast) {
  RA_TRY(check_image("foreground contrast", H, W));
  size_t size = (size_t)(H + 1) * (size_t)(W + 1);
  double *table = ra_mem_alloc(4 * size, sizeof *table);
  if (!table) return RA_ERR_MEMORY;
  double *back = table, *backs = table + size, *front = table + 2 * size, *fronts = table + 3 * size;
  integrate(image, mask, false, H, W, back);
  integrate(NULL, mask, false, H, W, backs);
  integrate(image, mask, true, H, W, front);
  integrate(NULL, mask, true, H, W, fronts);
  for (int32_t y = 0; y < H; y++)
    for (int32_t x = 0; x < W; x++) {
      int32_t i = y * W + x;
      double n = box(backs, H, W, y, x, BACKGROUND_REACH);
      contrast[i] = 0;
      if (mask[i] < (ra_real)0.5 || n < 0.5) continue;
      contrast[i] = (ra_real)(box(back, H, W, y, x, BACKGROUND_REACH) / n -
                              box(front, H, W, y, x, FOREGROUND_REACH) / box(fronts, H, W, y, x, FOREGROUND_REACH));
    }
  ra_mem_free(table);
  return RA_OK;
}
