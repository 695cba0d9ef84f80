/* plane.h: images as planes of ra_real, and the separable filters that
 * several files of core/image use. */
#ifndef RA_PLANE_H
#define RA_PLANE_H

#include <stddef.h>

#include "../ramus.h"

typedef struct ra_planes {
  const ra_real *data; /* [C,H,W] */
  int32_t C, H, W;
} ra_planes;

/* The planes of a contiguous tensor [H,W] or [C,H,W] that is not empty. */
int32_t ra_planes_of(const char *op, const ra_tensor *t, ra_planes *out);
/* A tensor [own] of t's rank with other sizes; C is ignored where t has rank 2. */
ra_tensor *ra_planes_like(const ra_tensor *t, int32_t C, int32_t H, int32_t W);

/* Gaussian taps: order 0, 1 or 2 is the derivative; weight[0..2*radius] for offsets -radius..radius. The smoothing
 * taps sum to 1; order 1 and 2 are those multiplied by -x/sigma^2 and (x^2/sigma^2 - 1)/sigma^2. */
enum { RA_GAUSS_RADIUS_MAX = 512 };
int32_t ra_gauss_radius(double sigma); /* 4 sigma, as SciPy */
void ra_gauss_taps(double sigma, int32_t order, int32_t radius, ra_real *weight);

/* y[i,j] = sum_k weight[k] x[i, j+k-radius], edges repeated. line: W + 2*radius values of scratch. y must not be x. */
void ra_filter_rows(const ra_real *x, int32_t H, int32_t W, const ra_real *weight, int32_t radius, ra_real *line, ra_real *y);
/* The same along columns. */
void ra_filter_columns(const ra_real *x, int32_t H, int32_t W, const ra_real *weight, int32_t radius, ra_real *y);

#endif
