/* Exact Euclidean distance transform: P. Felzenszwalb, D. Huttenlocher, "Distance
 * transforms of sampled functions", Theory of Computing 8 (2012): nearest set
 * pixel within each column, then along each row the lower envelope of the parabolas
 * (x - q)^2 + column(q)^2. */
#include <math.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "geometry.h"

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

size_t ra_distance_work(int32_t H, int32_t W) {
  return (size_t)W * sizeof(double) + ((size_t)H * (size_t)W + (size_t)W) * sizeof(int32_t);
}

void ra_distance_in(const uint8_t *set, int32_t H, int32_t W, float *out, int32_t *nearest, void *work) {
  double *from = work;
  void *behind = from + W;
  int32_t *column = behind, *root = column + (int64_t)H * W;
  nearest_in_columns(set, H, W, column);
  for (int32_t y = 0; y < H; y++)
    envelope_row(column + y * W, y, W, root, from, out + y * W, nearest ? nearest + y * W : NULL);
}

int32_t ra_distance(const uint8_t *set, int32_t H, int32_t W, float *out, int32_t *nearest) {
  void *work = ra_mem_alloc(ra_distance_work(H, W), 1);
  if (!work) return RA_ERR_MEMORY;
  ra_distance_in(set, H, W, out, nearest, work);
  ra_mem_free(work);
  return RA_OK;
}
