/* geometry.h: distances, skeletons and components of a binary picture [H,W], bytes of 0 and 1. The functions that end in _in allocate
 * nothing: `work` has as many bytes as their _work says, aligned for doubles. H and W are at least 1. */
#ifndef RA_GEOMETRY_H
#define RA_GEOMETRY_H

#include <stddef.h>

#include "../ramus.h"

/* out [H,W] <- distance from each pixel to the nearest pixel that is set, exact
 * Euclidean; INFINITY where none is. nearest [opt] [H,W]: the index of that pixel, -1 where none is. */
int32_t ra_distance(const uint8_t *set, int32_t H, int32_t W, float *out, int32_t *nearest);
size_t ra_distance_work(int32_t H, int32_t W);
void ra_distance_in(const uint8_t *set, int32_t H, int32_t W, float *out, int32_t *nearest, void *work);

/* out [H,W] <- 1 on the skeleton of mask; they may be one array. */
int32_t ra_skeleton(const uint8_t *mask, int32_t H, int32_t W, uint8_t *out);
size_t ra_skeleton_work(int32_t H, int32_t W);
void ra_skeleton_in(const uint8_t *mask, int32_t H, int32_t W, uint8_t *out, void *work);

/* *count <- number of 8-connected components. */
int32_t ra_components(const uint8_t *mask, int32_t H, int32_t W, int32_t *count);

/* mask <- of its 8-connected regions those of at least `smallest` pixels that hold a set pixel of seed (NULL: any). */
int32_t ra_regions_keep(uint8_t *mask, const uint8_t *seed, int32_t H, int32_t W, int32_t smallest);

#endif
