#include "tensor.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../base/random.h"

enum { MAX_RANK = 5 };

struct ra_storage {
  atomic_int holders;
  ra_real *data;
};

const char *ra_shape_text(int32_t rank, const int32_t *dim, char text[80]) {
  int used = snprintf(text, 80, "[");
  for (int i = 0; i < rank; i++) used += snprintf(text + used, (size_t)(80 - used), i ? ",%d" : "%d", dim[i]);
  snprintf(text + used, (size_t)(80 - used), "]");
  return text;
}

int32_t ra_shape_size(int32_t rank, const int32_t *dim) {
  int32_t size = 1;
  bool empty = false;
  for (int i = 0; i < rank; i++) {
    if (dim[i] < 0) return -1;
    if (dim[i] == 0) empty = true;
    else if (__builtin_mul_overflow(size, dim[i], &size)) return -1;
  }
  return empty ? 0 : size;
}

static void set_shape(ra_tensor *t, int32_t rank, const int32_t *dim) {
  t->rank = rank;
  int32_t stride = 1;
  for (int i = rank - 1; i >= 0; i--) {
    t->dim[i] = dim[i];
    t->stride[i] = stride;
    stride *= dim[i] > 0 ? dim[i] : 1;
  }
  t->size = ra_shape_size(rank, dim);
}

static int32_t check_shape(int32_t rank, const int32_t *dim) {
  char text[80];
  if (rank < 0 || rank > MAX_RANK) return ra_fail(RA_ERR_SHAPE, "a tensor has 0 to %d dimensions, given %d", MAX_RANK, rank);
  if (ra_shape_size(rank, dim) < 0)
    return ra_fail(RA_ERR_SHAPE, "shape %s: dimensions must be >= 0 and their product below 2^31",
                   ra_shape_text(rank, dim, text));
  return RA_OK;
}

/* A tensor struct that holds storage once more. */
static ra_tensor *view_of(ra_storage *storage, ra_real *data) {
  ra_tensor *t = ra_mem_zalloc(1, sizeof *t);
  if (!t) return NULL;
  t->storage = storage;
  t->data = data;
  atomic_fetch_add(&storage->holders, 1);
  return t;
}

ra_tensor *ra_tensor_new(int32_t rank, const int32_t *dim) {
  if (check_shape(rank, dim) != RA_OK) return NULL;
  ra_storage *storage = ra_mem_zalloc(1, sizeof *storage);
  if (!storage) return NULL;
  storage->data = ra_mem_alloc((size_t)ra_shape_size(rank, dim), sizeof(ra_real));
  ra_tensor *t = storage->data ? view_of(storage, storage->data) : NULL;
  if (!t) {
    ra_mem_free(storage->data);
    ra_mem_free(storage);
    return NULL;
  }
  set_shape(t, rank, dim);
  return t;
}

ra_tensor *ra_tensor_zeros(int32_t rank, const int32_t *dim) {
  ra_tensor *t = ra_tensor_new(rank, dim);
  if (t) memset(t->data, 0, (size_t)t->size * sizeof(ra_real));
  return t;
}

void ra_tensor_drop(ra_tensor *t) {
  if (!t) return;
  ra_storage *storage = t->storage;
  *t = (ra_tensor){0};
  if (!storage || atomic_fetch_sub(&storage->holders, 1) != 1) return;
  ra_mem_free(storage->data);
  ra_mem_free(storage);
}

void ra_tensor_release(ra_tensor *t) {
  if (!t) return;
  ra_tensor_drop(t);
  ra_mem_free(t);
}

void ra_tensor_move(ra_tensor *from, void *to) {
  memcpy(to, from, sizeof *from);
  ra_mem_free(from);
}

int32_t ra_tensor_alive(const ra_tensor *t, const char *what) {
  return t->storage ? RA_OK : ra_fail(RA_ERR_STATE, "%s: the tensor was freed; it has no values any more", what);
}

bool ra_tensor_contiguous(const ra_tensor *t) {
  int32_t stride = 1;
  for (int i = t->rank - 1; i >= 0; i--) {
    if (t->dim[i] != 1 && t->stride[i] != stride) return false;
    stride *= t->dim[i];
  }
  return true;
}

ra_tensor *ra_tensor_slice(ra_tensor *t, int32_t first, int32_t rank, const int32_t *dim) {
  if (check_shape(rank, dim) != RA_OK) return NULL;
  int32_t count = ra_shape_size(rank, dim);
  if (!ra_tensor_contiguous(t) || first < 0 || count > t->size - first) {
    ra_fail(RA_ERR_SHAPE, "slice: %d elements from %d do not fit a tensor of %d", count, first, t->size);
    return NULL;
  }
  ra_tensor *v = view_of(t->storage, t->data + first);
  if (v) set_shape(v, rank, dim);
  return v;
}

ra_tensor *ra_tensor_reshape(ra_tensor *t, int32_t rank, const int32_t *dim) {
  char from[80], to[80];
  if (check_shape(rank, dim) != RA_OK) return NULL;
  if (ra_shape_size(rank, dim) != t->size || !ra_tensor_contiguous(t)) {
    ra_fail(RA_ERR_SHAPE, "reshape: %s has %d elements%s, cannot become %s", ra_shape_text(t->rank, t->dim, from),
            t->size, ra_tensor_contiguous(t) ? "" : " and is not contiguous (clone it first)",
            ra_shape_text(rank, dim, to));
    return NULL;
  }
  return ra_tensor_slice(t, 0, rank, dim);
}

ra_tensor *ra_tensor_narrow(ra_tensor *t, int32_t dim, int32_t first, int32_t count) {
  char text[80];
  if (dim < 0 || dim >= t->rank || first < 0 || count < 0 || count > t->dim[dim] - first) {
    ra_fail(RA_ERR_SHAPE, "narrow: %d from index %d of dimension %d does not fit %s", count, first + 1, dim + 1,
            ra_shape_text(t->rank, t->dim, text));
    return NULL;
  }
  ra_tensor *v = view_of(t->storage, t->data + (int64_t)first * t->stride[dim]);
  if (!v) return NULL;
  v->rank = t->rank;
  memcpy(v->dim, t->dim, sizeof v->dim);
  memcpy(v->stride, t->stride, sizeof v->stride);
  v->dim[dim] = count;
  v->size = ra_shape_size(v->rank, v->dim);
  return v;
}

ra_tensor *ra_tensor_select(ra_tensor *t, int32_t dim, int32_t index) {
  ra_tensor *v = ra_tensor_narrow(t, dim, index, 1);
  if (!v) return NULL;
  for (int32_t i = dim; i + 1 < v->rank; i++) {
    v->dim[i] = v->dim[i + 1];
    v->stride[i] = v->stride[i + 1];
  }
  v->rank--;
  return v;
}

/* Offset of the k-th element of t in row-major order. */
static int64_t offset_of(const ra_tensor *t, int32_t k) {
  int64_t offset = 0;
  for (int i = t->rank - 1; i >= 0; i--) {
    offset += (int64_t)(k % t->dim[i]) * t->stride[i];
    k /= t->dim[i];
  }
  return offset;
}

int32_t ra_tensor_copy(ra_tensor *to, const ra_tensor *from) {
  char a[80], b[80];
  if (to->rank != from->rank || memcmp(to->dim, from->dim, (size_t)to->rank * sizeof *to->dim) != 0)
    return ra_fail(RA_ERR_SHAPE, "copy: shapes differ, %s and %s", ra_shape_text(to->rank, to->dim, a),
                   ra_shape_text(from->rank, from->dim, b));
  if (ra_tensor_contiguous(to) && ra_tensor_contiguous(from)) {
    memmove(to->data, from->data, (size_t)to->size * sizeof(ra_real));
    return RA_OK;
  }
  for (int32_t k = 0; k < to->size; k++) to->data[offset_of(to, k)] = from->data[offset_of(from, k)];
  return RA_OK;
}

ra_tensor *ra_tensor_clone(const ra_tensor *t) {
  ra_tensor *c = ra_tensor_new(t->rank, t->dim);
  if (c) ra_tensor_copy(c, t);
  return c;
}

int32_t ra_tensor_fill(ra_tensor *t, double value) {
  bool flat = ra_tensor_contiguous(t);
  for (int32_t k = 0; k < t->size; k++) t->data[flat ? k : offset_of(t, k)] = (ra_real)value;
  return RA_OK;
}

int32_t ra_tensor_stats(const ra_tensor *t, double *out) {
  bool flat = ra_tensor_contiguous(t);
  double low = INFINITY, high = -INFINITY, sum = 0, bad = 0;
  for (int32_t k = 0; k < t->size; k++) {
    double v = (double)t->data[flat ? k : offset_of(t, k)];
    if (!isfinite(v)) {
      bad++;
      continue;
    }
    if (v < low) low = v;
    if (v > high) high = v;
    sum += v;
  }
  double n = t->size - bad;
  out[0] = low;
  out[1] = high;
  out[2] = n > 0 ? sum / n : NAN;
  out[3] = bad;
  out[4] = sum;
  return RA_OK;
}

int32_t ra_tensor_random(ra_tensor *t, bool normal, double low, double high, double seed, int32_t a, int32_t b,
                         int32_t stream) {
  if (!ra_tensor_contiguous(t)) return ra_fail(RA_ERR_STATE, "random: wants a contiguous tensor; clone the view first");
  ra_random_key key = {.seed = (uint64_t)(int64_t)seed, .a = (uint32_t)a, .b = (uint32_t)b, .stream = (uint32_t)stream};
  for (int32_t k = 0; k < t->size; k++) {
    double r = normal ? low + high * ra_random_normal_at(&key, (uint64_t)k)
                      : low + (high - low) * ra_random_uniform_at(&key, (uint64_t)k);
    t->data[k] = (ra_real)r;
  }
  return RA_OK;
}
