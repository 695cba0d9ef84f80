/* Connected regions of a binary image [H,W], 8-connected: which of them stay. */
#include "../base/error.h"
#include "../base/mem.h"
#include "geometry.h"

enum { SEEN = 2 }; /* beside 1 of a pixel that is set */

/* Lists the region of pixel `first` and marks it as seen; returns how many pixels it has. */
static int32_t collect(uint8_t *mask, int32_t H, int32_t W, int32_t first, int32_t *list) {
  int32_t count = 0;
  mask[first] = SEEN;
  list[count++] = first;
  for (int32_t i = 0; i < count; i++) {
    int32_t y = list[i] / W, x = list[i] % W;
    for (int32_t v = y > 0 ? y - 1 : 0; v <= y + 1 && v < H; v++)
      for (int32_t u = x > 0 ? x - 1 : 0; u <= x + 1 && u < W; u++)
        if (mask[v * W + u] == 1) {
          mask[v * W + u] = SEEN;
          list[count++] = v * W + u;
        }
  }
  return count;
}

int32_t ra_regions_keep(uint8_t *mask, const uint8_t *seed, int32_t H, int32_t W, int32_t smallest) {
  int32_t size = H * W;
  int32_t *list = ra_mem_alloc((size_t)size, sizeof *list);
  if (!list) return RA_ERR_MEMORY;
  for (int32_t first = 0; first < size; first++) {
    if (mask[first] != 1) continue;
    int32_t count = collect(mask, H, W, first, list);
    bool stays = !seed && count >= smallest;
    for (int32_t i = 0; seed && count >= smallest && i < count && !stays; i++) stays = seed[list[i]] != 0;
    for (int32_t i = 0; !stays && i < count; i++) mask[list[i]] = 0;
  }
  for (int32_t i = 0; i < size; i++) mask[i] = mask[i] != 0;
  ra_mem_free(list);
  return RA_OK;
}
