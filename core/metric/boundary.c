/* hd95, and the order of values that it needs.
 *
 * The boundary of an image is its foreground pixels that have a background
 * pixel (or the image's edge) above, below, left or right. Distances from each
 * boundary pixel of a to the boundary of b and the other way round are
 * pooled; hd95 is the 95th percentile of that pool (as MedPy and most vessel
 * papers; MONAI uses the larger of the two directions' percentiles instead). */
#include <math.h>
#include <stdlib.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "metric.h"

/* edge [H,W] <- the boundary of mask; returns its number of pixels. */
static int32_t boundary(const uint8_t *mask, int32_t H, int32_t W, uint8_t *edge) {
  int32_t count = 0;
  for (int32_t y = 0; y < H; y++)
    for (int32_t x = 0; x < W; x++) {
      int32_t i = y * W + x;
      bool inside = y > 0 && y < H - 1 && x > 0 && x < W - 1 && mask[i - 1] && mask[i + 1] && mask[i - W] && mask[i + W];
      edge[i] = mask[i] && !inside;
      count += edge[i];
    }
  return count;
}

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

void ra_sort(double *values, int32_t n) { qsort(values, (size_t)n, sizeof *values, compare_doubles); }

double ra_quantile(const double *sorted, int32_t n, double p) {
  double position = p * (n - 1), below = floor(position);
  int32_t i = (int32_t)below;
  if (i >= n - 1) return sorted[n - 1];
  return sorted[i] + (sorted[i + 1] - sorted[i]) * (position - below);
}

int32_t ra_hd95(const uint8_t *a, const uint8_t *b, int32_t H, int32_t W, double *out) {
  size_t n = (size_t)H * (size_t)W;
  uint8_t *edge_a = ra_mem_alloc(n, 1), *edge_b = ra_mem_alloc(n, 1);
  float *distance = ra_mem_alloc(n, sizeof *distance);
  double *pool = NULL;
  int32_t code = edge_a && edge_b && distance ? RA_OK : RA_ERR_MEMORY;
  if (code != RA_OK) goto done;
  int32_t in_a = boundary(a, H, W, edge_a), in_b = boundary(b, H, W, edge_b), used = 0;
  if (in_a == 0 || in_b == 0) {
    *out = in_a == in_b ? 0 : sqrt((double)H * H + (double)W * W);
    goto done;
  }
  pool = ra_mem_alloc((size_t)in_a + (size_t)in_b, sizeof *pool);
  if (!pool) {
    code = RA_ERR_MEMORY;
    goto done;
  }
  for (int32_t side = 0; side < 2 && code == RA_OK; side++) {
    const uint8_t *to = side ? edge_a : edge_b, *at = side ? edge_b : edge_a;
    code = ra_distance(to, H, W, distance, NULL);
    for (size_t i = 0; i < n && code == RA_OK; i++)
      if (at[i]) pool[used++] = distance[i];
  }
  if (code != RA_OK) goto done;
  ra_sort(pool, used);
  *out = ra_quantile(pool, used, 0.95);
done:
  ra_mem_free(pool);
  ra_mem_free(distance);
  ra_mem_free(edge_b);
  ra_mem_free(edge_a);
  return code;
}
