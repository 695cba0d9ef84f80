/* arena.h: one block of scratch memory that plans and eager calls share. It
 * grows and never shrinks. A tensor owns the memory, so existing views stay valid
 * (with old values) when a larger block replaces it. */
#ifndef RA_ARENA_H
#define RA_ARENA_H

#include <stddef.h>

#include "../ramus.h"

/* Makes sure that the block has `bytes` and returns its start. */
int32_t ra_arena_reserve(ra_arena *arena, size_t bytes, void **start);
/* [own] a view of count elements at byte `offset`. */
ra_tensor *ra_arena_view(ra_arena *arena, size_t offset, int32_t rank, const int32_t *dim);

#endif
