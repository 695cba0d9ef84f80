/* pack.c: one buffer after the other, each into the smallest gap that fits among
 * those which live at the same time (best fit over the interval graph; Pisarchyk
 * and Lee, "Efficient memory management for deep neural net inference", 2020,
 * "greedy by size"). In three orders, of which the best is kept. */
#include "pack.h"

#include <stdlib.h>

#include "../base/error.h"
#include "../base/mem.h"

/* ---- orders ---- */

static int by_time(const ra_buffer *p, const ra_buffer *q) { return p->first != q->first ? p->first - q->first : p->last - q->last; }

static int larger_first(const void *a, const void *b) {
  const ra_buffer *p = *(ra_buffer *const *)a, *q = *(ra_buffer *const *)b;
  return p->bytes != q->bytes ? (p->bytes < q->bytes ? 1 : -1) : by_time(p, q);
}

/* Bytes times steps. */
static int more_first(const void *a, const void *b) {
  const ra_buffer *p = *(ra_buffer *const *)a, *q = *(ra_buffer *const *)b;
  double m = (double)p->bytes * (p->last - p->first + 1), n = (double)q->bytes * (q->last - q->first + 1);
  return m < n ? 1 : m > n ? -1 : by_time(p, q);
}

static int longer_first(const void *a, const void *b) {
  const ra_buffer *p = *(ra_buffer *const *)a, *q = *(ra_buffer *const *)b;
  int32_t m = p->last - p->first, n = q->last - q->first;
  return m != n ? n - m : larger_first(a, b);
}

static int (*const orders[])(const void *a, const void *b) = {larger_first, more_first, longer_first};
enum { ORDERS = sizeof orders / sizeof *orders };

/* ---- places ---- */

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

/* Places the buffers in `order`; returns the bytes that this takes. */
static size_t place_all(ra_buffer *const *order, ra_buffer **placed, int32_t n) {
  size_t bytes = 0;
  for (int32_t i = 0; i < n; i++) {
    ra_buffer *b = order[i];
    b->offset = best_gap(b, placed, i);
    if (b->offset + b->bytes > bytes) bytes = b->offset + b->bytes;
    int32_t at = i; /* keep `placed` ordered by offset */
    for (; at > 0 && placed[at - 1]->offset > b->offset; at--) placed[at] = placed[at - 1];
    placed[at] = b;
  }
  return bytes;
}

int32_t ra_pack(ra_buffer *buffer, int32_t n, size_t *bytes) {
  ra_buffer **order = ra_mem_alloc((size_t)n + 1, sizeof(ra_buffer *));
  ra_buffer **placed = ra_mem_alloc((size_t)n + 1, sizeof(ra_buffer *));
  int32_t roots = 0, best = 0, code = order && placed ? RA_OK : RA_ERR_MEMORY;
  if (code != RA_OK) goto done;
  for (int32_t i = 0; i < n; i++)
    if (buffer[i].root == i && buffer[i].bytes > 0) order[roots++] = &buffer[i];
  *bytes = SIZE_MAX;
  for (int32_t k = 0; k < ORDERS; k++) {
    qsort(order, (size_t)roots, sizeof *order, orders[k]);
    size_t took = place_all(order, placed, roots);
    if (took < *bytes) *bytes = took, best = k;
  }
  if (best != ORDERS - 1) {
    qsort(order, (size_t)roots, sizeof *order, orders[best]);
    place_all(order, placed, roots);
  }
done:
  ra_mem_free(order);
  ra_mem_free(placed);
  return code;
}

int32_t ra_pack_lower_bound(const ra_buffer *buffer, int32_t n, int32_t steps, size_t *most, int32_t *at) {
  size_t *change = ra_mem_zalloc((size_t)steps + 2, sizeof *change), live = 0; /* bytes that begin and end at a step, modulo 2^64 */
  *most = 0;
  *at = 0;
  if (!change) return RA_ERR_MEMORY;
  for (int32_t i = 0; i < n; i++) {
    if (buffer[i].root != i || buffer[i].first >= steps) continue;
    change[buffer[i].first] += buffer[i].bytes;
    change[buffer[i].last < steps ? buffer[i].last + 1 : steps + 1] -= buffer[i].bytes;
  }
  for (int32_t t = 0; t < steps; t++) {
    live += change[t];
    if (live > *most) *most = live, *at = t;
  }
  ra_mem_free(change);
  return RA_OK;
}
