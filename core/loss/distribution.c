/* distribution.c: the grid of cells of deep_distribution. */
#include "distribution.h"

#include <math.h>

#include "../base/math.h"

/* The side of the grid that `patches` asks for. */
static double side_of(const double *param) { return isnan(param[RA_GRID_PATCHES]) ? 4 : round(sqrt(param[RA_GRID_PATCHES])); }

ra_grid ra_grid_of(const ra_call *c, int32_t planes) {
  const int32_t *dim = c->in[RA_PREDICTION].dim;
  ra_grid g = {.planes = planes, .H = dim[2], .W = dim[3]};
  if (!isnan(c->param[RA_GRID_PATCH])) {
    g.height = g.width = (int32_t)c->param[RA_GRID_PATCH];
  } else {
    int32_t side = (int32_t)side_of(c->param);
    g.height = ra_ceil_div(g.H, side);
    g.width = ra_ceil_div(g.W, side);
  }
  g.rows = ra_ceil_div(g.H, g.height);
  g.cols = ra_ceil_div(g.W, g.width);
  bool drop = c->param[RA_GRID_EDGE] == RA_EDGE_DROP;
  g.used_rows = drop ? g.H / g.height : g.rows;
  g.used_cols = drop ? g.W / g.width : g.cols;
  return g;
}

int32_t ra_grid_check(const double *param) {
  double patches = param[RA_GRID_PATCHES], side = side_of(param);
  if (!isnan(patches) && !isnan(param[RA_GRID_PATCH]))
    return ra_fail(RA_ERR_ARG, "deep_distribution: give patches (cells in a picture) or patch (side of a cell), not both");
  if (!isnan(patches) && side * side != patches)
    return ra_fail(RA_ERR_ARG, "deep_distribution: patches = %g must be a square number, such as %g or %g", patches,
                   floor(sqrt(patches)) * floor(sqrt(patches)), ceil(sqrt(patches)) * ceil(sqrt(patches)));
  return RA_OK;
}

int32_t ra_grid_check_size(const ra_call *c) {
  int32_t H = c->in[RA_PREDICTION].dim[2], W = c->in[RA_PREDICTION].dim[3];
  double patch = c->param[RA_GRID_PATCH], side = side_of(c->param);
  if (patch > H || patch > W)
    return ra_fail(RA_ERR_SHAPE, "deep_distribution: patch = %g is larger than the picture of %dx%d", patch, H, W);
  if (isnan(patch) && (side > H || side > W))
    return ra_fail(RA_ERR_SHAPE, "deep_distribution: patches = %g are %gx%g cells, more than the picture of %dx%d has pixels",
                   side * side, side, side, H, W);
  return RA_OK;
}

void ra_grid_add_columns(const ra_grid *g, int32_t x0, int32_t n, const double *column, double *sum, int32_t step) {
  for (int32_t x = 0, k = x0 / g->width, left = (k + 1) * g->width - x0; x < n; x++, left--) {
    if (left == 0) {
      k++;
      left = g->width;
    }
    sum[(int64_t)k * step] += column[x];
  }
}

int32_t ra_grid_row_end(const ra_grid *g, int32_t r) { return ra_min((r + 1) * g->height, g->H); }
