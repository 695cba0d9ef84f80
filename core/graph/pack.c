/* pack.c: the largest buffers first, each into the smallest gap that fits among
 * those which live at the same time (best fit over the interval graph; Pisarchyk
 * and Lee, "Efficient memory management for deep neural net inference", 2020,
 * "greedy by size"). */
#include "pack.h"

#include <stdlib.h>

#include "../base/error.h"
#include "../base/mem.h"

static int larger_first(const void *a, const void *b) {
  const ra_buffer *p = *(ra_buffer *const *)a, *q = *(ra_buffer *const *)b;
  if (p->bytes != q->bytes) return p->bytes < q->bytes ? 1 : -1;
  return p->first != q->first ? p->first - q->first : p->last - q->last;
}

/* The offset of the smallest gap that holds `b` between `placed` ones (ordered by offset) of its time. */
static size_t best_gap(const ra_buffer *b, ra_buffer *const *placed, int32_t n) {
  size_t best = SIZE_MAX, best_size = SIZE_MAX, end = 0;
  for (int32_t i = 0; i < n; i++) {
    const ra_buffer *p = placed[i];
    if (p->last < b->first || p->first > b->last) continue;
    if (p->offset > end && p->offset - end >= b->bytes && p->offset - end < best_size) {
      best = end;
      best_size = p->offset - end;
    }
    if (p->offset + p->bytes > end) end = p->offset + p->bytes;
  }
  return best != SIZE_MAX ? best : end;
}

int32_t ra_pack(ra_buffer *buffer, int32_t n, size_t *bytes) {
  ra_buffer **order = ra_mem_alloc((size_t)n + 1, sizeof(ra_buffer *));
  ra_buffer **placed = ra_mem_alloc((size_t)n + 1, sizeof(ra_buffer *));
  int32_t roots = 0, code = order && placed ? RA_OK : RA_ERR_MEMORY;
  if (code != RA_OK) goto done;
  for (int32_t i = 0; i < n; i++)
    if (buffer[i].root == i && buffer[i].bytes > 0) order[roots++] = &buffer[i];
  qsort(order, (size_t)roots, sizeof *order, larger_first);
  *bytes = 0;
  for (int32_t i = 0; i < roots; i++) {
    ra_buffer *b = order[i];
    b->offset = best_gap(b, placed, i);
    if (b->offset + b->bytes > *bytes) *bytes = b->offset + b->bytes;
    int32_t at = i; /* keep `placed` ordered by offset */
    for (; at > 0 && placed[at - 1]->offset > b->offset; at--) placed[at] = placed[at - 1];
    placed[at] = b;
  }
done:
  ra_mem_free(order);
  ra_mem_free(placed);
  return code;
}

size_t ra_pack_lower_bound(const ra_buffer *buffer, int32_t n, int32_t steps) {
  size_t most = 0;
  for (int32_t t = 0; t < steps; t++) {
    size_t live = 0;
    for (int32_t i = 0; i < n; i++)
      if (buffer[i].root == i && buffer[i].first <= t && t <= buffer[i].last) live += buffer[i].bytes;
    if (live > most) most = live;
  }
  return most;
}
