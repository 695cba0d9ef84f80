/* Exact Euclidean distance transform, and the boundary distance hd95.
 *
 * Distances: P. Felzenszwalb, D. Huttenlocher, "Distance transforms of sampled
 * functions", Theory of Computing 8 (2012): nearest set pixel within each
 * column, then along each row the lower envelope of the parabolas
 * (x - q)^2 + column(q)^2.
 *
 * hd95: the boundary of an image is its foreground pixels that have a background
 * pixel (or the image's edge) above, below, left or right. Distances from each
 * boundary pixel of a to the boundary of b and the other way round are
 * pooled; hd95 is the 95th percentile of that pool (as MedPy and most vessel
 * papers; MONAI uses the larger of the two directions' percentiles instead). */
#include <math.h>
#include <stdlib.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "metric.h"

/* column [H,W] <- rows to the nearest set pixel of the same column, signed (row of it minus row); FAR where none. */
enum { FAR = 1 << 20 };

static void nearest_in_columns(const uint8_t *set, int32_t H, int32_t W, int32_t *column) {
  for (int32_t x = 0; x < W; x++) column[x] = set[x] ? 0 : -FAR;
  for (int32_t y = 1; y < H; y++)
    for (int32_t x = 0; x < W; x++) {
      int32_t above = column[(y - 1) * W + x];
      column[y * W + x] = set[y * W + x] ? 0 : above == -FAR ? -FAR : above - 1;
    }
  for (int32_t y = H - 2; y >= 0; y--)
    for (int32_t x = 0; x < W; x++) {
      int32_t below = column[(y + 1) * W + x], here = column[y * W + x];
      if (below != -FAR && (here == -FAR || below + 1 < -here)) column[y * W + x] = below + 1;
    }
}

/* One row: the lower envelope of the parabolas rooted at (q, column[q]^2). */
static void envelope_row(const int32_t *column, int32_t y, int32_t W, int32_t *root, double *from, float *out,
                         int32_t *nearest) {
  int32_t k = -1;
  for (int32_t q = 0; q < W; q++) {
    if (column[q] == -FAR) continue;
    double height = (double)column[q] * column[q] + (double)q * q, meet = -INFINITY;
    while (k >= 0) {
      int32_t r = root[k];
      meet = (height - ((double)column[r] * column[r] + (double)r * r)) / (2.0 * (q - r));
      if (meet > from[k]) break;
      k--;
      meet = -INFINITY;
    }
    root[++k] = q;
    from[k] = meet;
  }
  if (k < 0) {
    for (int32_t x = 0; x < W; x++) {
      out[x] = INFINITY;
      if (nearest) nearest[x] = -1;
    }
    return;
  }
  int32_t last = k;
  k = 0;
  for (int32_t x = 0; x < W; x++) {
    while (k < last && from[k + 1] < x) k++;
    int32_t r = root[k];
    out[x] = (float)sqrt((double)(x - r) * (x - r) + (double)column[r] * column[r]);
    if (nearest) nearest[x] = (y + column[r]) * W + r;
  }
}

int32_t ra_distance(const uint8_t *set, int32_t H, int32_t W, float *out, int32_t *nearest) {
  size_t n = (size_t)H * (size_t)W;
  int32_t *column = ra_mem_alloc(n, sizeof *column), *root = ra_mem_alloc((size_t)W, sizeof *root);
  double *from = ra_mem_alloc((size_t)W, sizeof *from);
  int32_t code = column && root && from ? RA_OK : RA_ERR_MEMORY;
  if (code == RA_OK) {
    nearest_in_columns(set, H, W, column);
    for (int32_t y = 0; y < H; y++)
      envelope_row(column + y * W, y, W, root, from, out + y * W, nearest ? nearest + y * W : NULL);
  }
  ra_mem_free(from);
  ra_mem_free(root);
  ra_mem_free(column);
  return code;
}

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
