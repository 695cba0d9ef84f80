/* CLAHE of one plane with the caller's scratch; see clahe.c. */
#ifndef RA_CLAHE_H
#define RA_CLAHE_H

#include <stddef.h>

#include "../ramus.h"

size_t ra_clahe_scratch(int32_t tiles); /* values of scratch */
/* y may be x; 1 <= tiles <= 64, clip >= 0 */
void ra_clahe_plane(const ra_real *x, int32_t H, int32_t W, int32_t tiles, double clip, ra_real *map, ra_real *y);

#endif
