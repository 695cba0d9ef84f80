/* arena.h: one block of scratch memory that plans and eager calls share. It
 * grows and never shrinks; a tensor owns the memory, so views that were handed
 * out stay valid (with old values) when it is replaced by a larger block. */
#ifndef RA_ARENA_H
#define RA_ARENA_H

#include <stddef.h>

#include "../ramus.h"

/* Makes sure of `bytes` and gives the block's start. */
int32_t ra_arena_reserve(ra_arena *arena, size_t bytes, void **start);
/* [own] a view of count elements at byte `offset`. */
ra_tensor *ra_arena_view(ra_arena *arena, size_t offset, int32_t rank, const int32_t *dim);

#endif
