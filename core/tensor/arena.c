#include "arena.h"

#include "../base/error.h"
#include "../base/mem.h"

struct ra_arena {
  ra_tensor *block;
};

ra_arena *ra_arena_new(void) { return ra_mem_zalloc(1, sizeof(ra_arena)); }

void ra_arena_release(ra_arena *arena) {
  if (!arena) return;
  ra_tensor_release(arena->block);
  ra_mem_free(arena);
}

double ra_arena_bytes(const ra_arena *arena) {
  return arena->block ? (double)arena->block->size * sizeof(ra_real) : 0;
}

int32_t ra_arena_reserve(ra_arena *arena, size_t bytes, void **start) {
  size_t have = (size_t)ra_arena_bytes(arena);
  if (bytes > have || !arena->block) {
    size_t elements = bytes / sizeof(ra_real) + 16;
    if (elements > INT32_MAX)
      return ra_fail(RA_ERR_MEMORY, "the plan needs %.1f GB of scratch memory, more than %.0f GB; use a smaller batch or image size",
                     (double)bytes / 1e9, (double)INT32_MAX * sizeof(ra_real) / 1e9);
    ra_tensor *block = ra_tensor_new(1, (int32_t[]){(int32_t)elements});
    if (!block) return RA_ERR_MEMORY;
    ra_tensor_release(arena->block);
    arena->block = block;
  }
  *start = arena->block->data;
  return RA_OK;
}

ra_tensor *ra_arena_view(ra_arena *arena, size_t offset, int32_t rank, const int32_t *dim) {
  return ra_tensor_slice(arena->block, (int32_t)(offset / sizeof(ra_real)), rank, dim);
}
