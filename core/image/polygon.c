/* polygon: y [H,W] = value where a polygon covers the centre of a pixel
 *   Pixel (i, j) covers j <= x < j+1 and i <= y < i+1, its centre is (j + 1/2, i + 1/2). Even-odd rule: a centre is inside where an
 *   odd number of edges lie at or left of it; an edge reaches from its upper end to before its lower one. So two polygons with an edge
 *   in common neither overlap nor leave a gap there.
 * Every edge turns one mark in each row that it crosses; one pass over the marks of a row then fills it. */
#include <math.h>

#include "../base/limits.h"
#include "../base/error.h"
#include "../base/mem.h"
#include "plane.h"

/* Coordinates up to here, so that differences and products stay exact enough and finite. */
#define MOST 1e6

/* The first row or column whose centre is at or beyond v, within 0..n. */
static size_t first_at(double v, size_t n) {
  double k = ceil(v - 0.5);
  return k <= 0 ? 0 : k >= (double)n ? n : (size_t)k;
}

/* mark[i][j] turns where the edge from (x0,y0) to (x1,y1) crosses row i left of or at the centre of j and right of that of j-1. */
static void turn(double x0, double y0, double x1, double y1, size_t H, size_t W, unsigned char *mark) {
  if (y0 > y1) { /* from above, so that an edge shared by two polygons has one value in both */
    double x = x0, y = y0;
    x0 = x1, y0 = y1, x1 = x, y1 = y;
  }
  size_t end = first_at(y1, H);
  for (size_t i = first_at(y0, H); i < end; i++) {
    double x = x0 + ((double)i + 0.5 - y0) * (x1 - x0) / (y1 - y0);
    size_t j = first_at(x, W);
    if (j < W) mark[i * W + j] ^= 1;
  }
}

int32_t ra_polygon_fill(ra_tensor *y, const double *xy, int32_t points, double value) {
  ra_planes p;
  RA_TRY(ra_planes_of("polygon", y, &p));
  if (p.C != 1) return ra_fail(RA_ERR_SHAPE, "polygon: wants one plane to fill, given %d", p.C);
  if (points < 3 || points > RA_LIMIT_POLYGON_POINTS)
    return ra_fail(RA_ERR_ARG, "polygon: wants 3 to %d points, given %d", RA_LIMIT_POLYGON_POINTS, points);
  for (int32_t i = 0; i < points; i++)
    if (!(fabs(xy[2 * i]) <= MOST && fabs(xy[2 * i + 1]) <= MOST))
      return ra_fail(RA_ERR_ARG, "polygon: point %d is at (%g, %g); wanted are coordinates between -%g and %g pixels", i + 1,
                     xy[2 * i], xy[2 * i + 1], MOST, MOST);
  size_t H = (size_t)p.H, W = (size_t)p.W;
  unsigned char *mark = ra_mem_zalloc(H, W);
  if (!mark) return RA_ERR_MEMORY;
  for (int32_t a = points - 1, b = 0; b < points; a = b++)
    turn(xy[2 * a], xy[2 * a + 1], xy[2 * b], xy[2 * b + 1], H, W, mark);
  for (size_t i = 0; i < H; i++) {
    unsigned char inside = 0;
    for (size_t j = 0; j < W; j++) {
      inside ^= mark[i * W + j];
      if (inside) y->data[i * W + j] = (ra_real)value;
    }
  }
  ra_mem_free(mark);
  return RA_OK;
}
