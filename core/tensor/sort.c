/* Sorting a tensor's lines along a dimension, by merging: stable, NaN at the end.
 *   values[.., i, ..] <- the i-th smallest of t[.., :, ..];  order[.., i, ..] its place in t, from 0. */
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "tensor.h"

enum { MOST = 1 << 24 }; /* places are stored as float */

typedef struct {
  ra_real value;
  int32_t place;
} item;

/* b must stand before a, which came before it. */
static bool before(const item *b, const item *a, bool descending) {
  if (a->value != a->value) return b->value == b->value;
  return descending ? b->value > a->value : b->value < a->value;
}

/* Merges from[low..middle) and from[middle..high) into to. */
static void merge(const item *from, item *to, int32_t low, int32_t middle, int32_t high, bool descending) {
  int32_t a = low, b = middle;
  for (int32_t k = low; k < high; k++)
    to[k] = b < high && (a == middle || before(&from[b], &from[a], descending)) ? from[b++] : from[a++];
}

/* Returns which of the two arrays holds the sorted items. */
static item *sort_line(item *from, item *to, int32_t n, bool descending) {
  for (int32_t width = 1; width < n; width *= 2) {
    for (int32_t low = 0; low < n; low += 2 * width) {
      int32_t middle = n - low < width ? n : low + width, high = n - middle < width ? n : middle + width;
      merge(from, to, low, middle, high, descending);
    }
    item *swap = from;
    from = to;
    to = swap;
  }
  return from;
}

static int32_t check(const ra_tensor *t, int32_t dim, const ra_tensor *out) {
  char a[80], b[80];
  if (dim < 0 || dim >= t->rank || t->dim[dim] > MOST)
    return ra_fail(RA_ERR_SHAPE, "sort: dimension %d of %s: it must be there and have at most 2^24 elements", dim + 1,
                   ra_shape_text(t->rank, t->dim, a));
  if (!out) return RA_OK;
  if (out->rank != t->rank || memcmp(out->dim, t->dim, (size_t)t->rank * sizeof *t->dim) != 0 || !ra_tensor_contiguous(out))
    return ra_fail(RA_ERR_SHAPE, "sort: the result is %s, wanted %s and contiguous", ra_shape_text(out->rank, out->dim, b),
                   ra_shape_text(t->rank, t->dim, a));
  return RA_OK;
}

/* Offset of line k of t along dim: the other dimensions in row-major order. */
static int64_t line_offset(const ra_tensor *t, int32_t dim, int32_t k) {
  int64_t offset = 0;
  for (int32_t i = t->rank - 1; i >= 0; i--) {
    if (i == dim) continue;
    offset += (int64_t)(k % t->dim[i]) * t->stride[i];
    k /= t->dim[i];
  }
  return offset;
}

int32_t ra_tensor_sort(const ra_tensor *t, int32_t dim, bool descending, ra_tensor *values, ra_tensor *order) {
  RA_TRY(check(t, dim, values));
  RA_TRY(check(t, dim, order));
  if (t->size == 0) return RA_OK;
  int32_t n = t->dim[dim];
  item *items = ra_mem_alloc((size_t)n, 2 * sizeof *items);
  if (!items) return RA_ERR_MEMORY;
  for (int32_t k = 0; k < t->size / n; k++) {
    const ra_real *x = t->data + line_offset(t, dim, k);
    for (int32_t i = 0; i < n; i++) items[i] = (item){x[(int64_t)i * t->stride[dim]], i};
    const item *sorted = sort_line(items, items + n, n, descending);
    ra_real *y = values->data + line_offset(values, dim, k), *z = order ? order->data + line_offset(order, dim, k) : NULL;
    for (int32_t i = 0; i < n; i++) {
      y[(int64_t)i * values->stride[dim]] = sorted[i].value;
      if (z) z[(int64_t)i * order->stride[dim]] = (ra_real)sorted[i].place;
    }
  }
  ra_mem_free(items);
  return RA_OK;
}
