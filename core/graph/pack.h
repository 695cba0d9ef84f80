/* pack.h: placing buffers with lifetimes into one block. */
#ifndef RA_PACK_H
#define RA_PACK_H

#include <stddef.h>

#include "../ramus.h"

/* Wanted at every step first..last. offset is filled in. */
typedef struct ra_buffer {
  size_t bytes, offset;
  int32_t first, last;
  int32_t root; /* shares the memory of buffer `root`; itself where it stands alone */
} ra_buffer;

/* Places the buffers that are their own root: none overlap in both time and
 * space. *bytes: the block's size. */
int32_t ra_pack(ra_buffer *buffer, int32_t n, size_t *bytes);

/* *most: the most bytes that live at one step; *at: the first such step. */
int32_t ra_pack_lower_bound(const ra_buffer *buffer, int32_t n, int32_t steps, size_t *most, int32_t *at);

#endif
