/* soft_skeleton.c: erosions, dilations and the soft skeleton of a plane, with its gradient (soft_skeleton.h). */
#include "soft_skeleton.h"

static inline ra_real least(ra_real a, ra_real b) { return a < b ? a : b; }
static inline ra_real most(ra_real a, ra_real b) { return a > b ? a : b; }

static void erode(const ra_soft_skeleton *j, const ra_real *x, ra_real *y) {
  int32_t W = j->W;
  for (int32_t r = 0; r < j->H; r++) {
    const ra_real *row = x + (int64_t)r * W, *up = r > 0 ? row - W : row, *down = r + 1 < j->H ? row + W : row;
    ra_real *out = y + (int64_t)r * W;
    RA_SIMD
    for (int32_t i = 0; i < W; i++) out[i] = least(row[i], least(up[i], down[i]));
    for (int32_t i = 0; i < W; i++) out[i] = least(out[i], least(row[i > 0 ? i - 1 : 0], row[i + 1 < W ? i + 1 : i]));
  }
}

static void dilate(const ra_soft_skeleton *j, const ra_real *x, ra_real *y) {
  int32_t W = j->W;
  for (int32_t r = 0; r < j->H; r++) {
    const ra_real *row = x + (int64_t)r * W, *up = r > 0 ? row - W : row, *down = r + 1 < j->H ? row + W : row;
    ra_real *out = y + (int64_t)r * W, before, now;
    RA_SIMD
    for (int32_t i = 0; i < W; i++) out[i] = most(row[i], most(up[i], down[i]));
    before = out[0];
    for (int32_t i = 0; i < W; i++, before = now) {
      now = out[i];
      out[i] = most(most(before, now), out[i + 1 < W ? i + 1 : i]);
    }
  }
}

/* Where the least of the cross at (r, i) lies: the vertical neighbours go first, the earlier of equal ones. */
static int64_t least_at(const ra_soft_skeleton *j, const ra_real *x, int32_t r, int32_t i) {
  static const int32_t dy[5] = {-1, 0, 1, 0, 0}, dx[5] = {0, 0, 0, -1, 1};
  int64_t best = -1;
  for (int32_t k = 0; k < 5; k++) {
    int32_t y = r + dy[k], z = i + dx[k];
    if (y < 0 || y >= j->H || z < 0 || z >= j->W) continue;
    int64_t at = (int64_t)y * j->W + z;
    if (best < 0 || x[at] < x[best]) best = at;
  }
  return best;
}

static int64_t most_at(const ra_soft_skeleton *j, const ra_real *x, int32_t r, int32_t i) {
  int64_t best = -1;
  for (int32_t y = r > 0 ? r - 1 : 0; y <= r + 1 && y < j->H; y++)
    for (int32_t z = i > 0 ? i - 1 : 0; z <= i + 1 && z < j->W; z++) {
      int64_t at = (int64_t)y * j->W + z;
      if (best < 0 || x[at] > x[best]) best = at;
    }
  return best;
}

void ra_soft_skeleton_forward(const ra_soft_skeleton *j, ra_real *x, ra_real *s, int64_t step_x, int64_t step_s, ra_real *opened) {
  int64_t area = ra_soft_area(j);
  for (int32_t k = 0; k < j->levels; k++) {
    ra_real *now = x + (step_x ? k * step_x : (k & 1) * area), *next = x + (step_x ? (k + 1) * step_x : (~k & 1) * area);
    const ra_real *old = s + (k - 1) * step_s;
    ra_real *out = s + k * step_s;
    erode(j, now, next);
    dilate(j, next, opened);
    for (int64_t i = 0; i < area; i++) {
      ra_real d = most(now[i] - opened[i], 0);
      out[i] = k == 0 ? d : old[i] + d * (1 - old[i]);
    }
  }
}

void ra_soft_skeleton_backward(const ra_soft_skeleton *j, int32_t k, const ra_real *x, const ra_real *s, ra_real *gs, ra_real *now,
                               ra_real *next, ra_real *opened) {
  const ra_real *below = x + ra_soft_area(j), *old = s - ra_soft_area(j);
  dilate(j, below, opened);
  for (int32_t r = 0; r < j->H; r++)
    for (int32_t i = 0; i < j->W; i++) {
      int64_t at = (int64_t)r * j->W + i;
      ra_real d = x[at] - opened[at], gd = k > 0 ? gs[at] * (1 - old[at]) : gs[at];
      if (k > 0) gs[at] *= 1 - most(d, 0);
      if (!(d > 0) || gd == 0) continue;
      now[at] += gd;
      next[most_at(j, below, r, i)] -= gd;
    }
  for (int32_t r = 0; r < j->H; r++)
    for (int32_t i = 0; i < j->W; i++) {
      int64_t at = (int64_t)r * j->W + i;
      if (next[at] != 0) now[least_at(j, x, r, i)] += next[at];
    }
}
