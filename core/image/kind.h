/* kind.h: what the kind of a field decides in augmentation: how its planes are
 * resized and how a row of a warp is sampled. core/loader/field.c decodes a
 * kind from a file. */
#ifndef RA_KIND_H
#define RA_KIND_H

#include <stddef.h>

#include "../ramus.h"

/* One output row of a warp: for each of w pixels four input pixels and two fractions. */
typedef struct ra_row_map {
  int32_t *at;      /* [w] input pixel above left */
  int32_t *right;   /* [w] 0 or 1: step to its right neighbour */
  int32_t *below;   /* [w] 0 or W: step to its neighbour below */
  ra_real *fx, *fy; /* [w] in 0..1 */
  ra_real *inside;  /* [w] 1 where the point lies in the input image */
} ra_row_map;

typedef struct ra_field_kind {
  const char *name;
  int32_t resize;   /* RA_RESIZE_AUTO, .. */
  bool binary;      /* interpolated values become 1 at or above one half, else 0 */
  void (*sample)(const ra_row_map *m, const ra_real *in, int32_t w, ra_real *out); /* out[w] <- one plane */
} ra_field_kind;

extern const ra_field_kind ra_field_kinds[RA_FIELD_KINDS];

void ra_plane_binary(size_t n, ra_real *x); /* x <- 1 where x >= 1/2, else 0 */

#endif
