#include "bundle.h"

#include <jansson.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../tensor/tensor.h"
#include "file.h"

ra_bundle *ra_bundle_new(void) { return ra_mem_zalloc(1, sizeof(ra_bundle)); }

void ra_bundle_release(ra_bundle *b) {
  if (!b) return;
  for (int32_t i = 0; i < b->count; i++) {
    ra_mem_free(b->entry[i].name);
    ra_mem_free(b->entry[i].own);
    ra_tensor_release(b->entry[i].tensor);
  }
  for (int32_t i = 0; i < b->meta_count; i++) {
    ra_mem_free(b->meta[i].key);
    ra_mem_free(b->meta[i].value);
  }
  json_decref(b->entry_at);
  json_decref(b->meta_at);
  ra_mem_free(b->entry);
  ra_mem_free(b->meta);
  ra_mem_free(b->file);
  ra_mem_free(b);
}

/* Makes capacity for one more item; capacities double. */
static int32_t grow(void **list, int32_t count, int32_t *capacity, size_t item) {
  if (count < *capacity) return RA_OK;
  int32_t wanted = *capacity ? 2 * *capacity : 16;
  void *larger = ra_mem_realloc(*list, (size_t)wanted, item);
  if (!larger) return RA_ERR_MEMORY;
  *list = larger;
  *capacity = wanted;
  return RA_OK;
}

/* Remembers that a name stands at a place; the first place of a name counts. */
static int32_t remember(json_t **index, const char *name, int32_t place) {
  if (!*index) *index = json_object();
  if (*index && json_object_get(*index, name)) return RA_OK;
  return *index && json_object_set_new_nocheck(*index, name, json_integer(place)) == 0 ? RA_OK : ra_fail(RA_ERR_MEMORY, "out of memory");
}

/* The place of a name, or -1. */
static int32_t place_of(const json_t *index, const char *name) {
  const json_t *place = index ? json_object_get(index, name) : NULL;
  return place ? (int32_t)json_integer_value(place) : -1;
}

ra_bundle_entry *ra_bundle_append(ra_bundle *b, const char *name) {
  if (grow((void **)&b->entry, b->count, &b->capacity, sizeof *b->entry) != RA_OK) return NULL;
  char *copy = ra_mem_strdup(name);
  if (!copy || remember(&b->entry_at, name, b->count) != RA_OK) {
    ra_mem_free(copy);
    return NULL;
  }
  ra_bundle_entry *e = &b->entry[b->count++];
  memset(e, 0, sizeof *e);
  e->name = copy;
  return e;
}

int32_t ra_bundle_append_meta(ra_bundle *b, const char *key, const char *value) {
  RA_TRY(grow((void **)&b->meta, b->meta_count, &b->meta_capacity, sizeof *b->meta));
  ra_bundle_meta m = {ra_mem_strdup(key), ra_mem_strdup(value)};
  if (!m.key || !m.value || remember(&b->meta_at, key, b->meta_count) != RA_OK) {
    ra_mem_free(m.key);
    ra_mem_free(m.value);
    return RA_ERR_MEMORY;
  }
  b->meta[b->meta_count++] = m;
  return RA_OK;
}

int64_t ra_bundle_elements(int32_t rank, const int64_t *dim) {
  int64_t n = 1;
  bool empty = false;
  for (int32_t i = 0; i < rank; i++) {
    if (dim[i] < 0) return -1;
    if (dim[i] == 0) empty = true;
    else if (__builtin_mul_overflow(n, dim[i], &n) || n > (int64_t)1 << 62) return -1;
  }
  return empty ? 0 : n;
}

int32_t ra_bundle_find(const ra_bundle *b, const char *name) { return place_of(b->entry_at, name); }

static int32_t check_name(const ra_bundle *b, const char *name) {
  if (!*name || strcmp(name, "__metadata__") == 0)
    return ra_fail(RA_ERR_ARG, "bundle: '%s' cannot be the name of an array", name);
  if (ra_bundle_find(b, name) >= 0) return ra_fail(RA_ERR_ARG, "bundle: there is already an array '%s'", name);
  return RA_OK;
}

int32_t ra_bundle_add(ra_bundle *b, const char *name, ra_tensor *t) {
  RA_TRY(check_name(b, name));
  /* A view shares the storage; a tensor with gaps is copied. */
  ra_tensor *held = ra_tensor_contiguous(t) ? ra_tensor_reshape(t, t->rank, t->dim) : ra_tensor_clone(t);
  ra_bundle_entry *e = held ? ra_bundle_append(b, name) : NULL;
  if (!e) {
    ra_tensor_release(held);
    return ra_error_code();
  }
  e->tensor = held;
  e->dtype = RA_DTYPE_REAL;
  e->rank = t->rank;
  for (int32_t i = 0; i < t->rank; i++) e->dim[i] = t->dim[i];
  e->size = (size_t)t->size * sizeof(ra_real);
  e->bytes = (const uint8_t *)held->data;
  return RA_OK;
}

int32_t ra_bundle_add_bytes(ra_bundle *b, const char *name, const void *bytes, double size) {
  if (!(size >= 0 && size < 0x1p46)) return ra_fail(RA_ERR_ARG, "bundle: '%s': a size of %g bytes", name, size);
  RA_TRY(check_name(b, name));
  uint8_t *copy = ra_mem_alloc((size_t)size, 1);
  ra_bundle_entry *e = copy ? ra_bundle_append(b, name) : NULL;
  if (!e) {
    ra_mem_free(copy);
    return RA_ERR_MEMORY;
  }
  if (size > 0) memcpy(copy, bytes, (size_t)size);
  e->own = copy;
  e->bytes = copy;
  e->dtype = RA_DTYPE_U8;
  e->rank = 1;
  e->dim[0] = (int64_t)size;
  e->size = (size_t)size;
  return RA_OK;
}

int32_t ra_bundle_set_meta(ra_bundle *b, const char *key, const char *value) {
  if (strncmp(key, "ramus.", 6) == 0 && (strcmp(key, "ramus.version") == 0 || strcmp(key, "ramus.sha256") == 0))
    return ra_fail(RA_ERR_ARG, "bundle: the metadata key '%s' belongs to the file format", key);
  int32_t i = place_of(b->meta_at, key);
  if (i < 0) return ra_bundle_append_meta(b, key, value);
  char *copy = ra_mem_strdup(value);
  if (!copy) return RA_ERR_MEMORY;
  ra_mem_free(b->meta[i].value);
  b->meta[i].value = copy;
  return RA_OK;
}

const char *ra_bundle_meta_get(const ra_bundle *b, const char *key) {
  int32_t i = place_of(b->meta_at, key);
  return i >= 0 ? b->meta[i].value : NULL;
}

int32_t ra_bundle_meta_count(const ra_bundle *b) { return b->meta_count; }
const char *ra_bundle_meta_key(const ra_bundle *b, int32_t i) {
  return i >= 0 && i < b->meta_count ? b->meta[i].key : NULL;
}

int32_t ra_bundle_count(const ra_bundle *b) { return b->count; }
_Bool ra_bundle_checked(const ra_bundle *b) { return b->checked; }

static const ra_bundle_entry *entry_at(const ra_bundle *b, int32_t i) {
  if (i >= 0 && i < b->count) return &b->entry[i];
  ra_fail(RA_ERR_ARG, "bundle: no array %d, it has %d", i, b->count);
  return NULL;
}

const char *ra_bundle_name(const ra_bundle *b, int32_t i) {
  const ra_bundle_entry *e = entry_at(b, i);
  return e ? e->name : NULL;
}

int32_t ra_bundle_shape(const ra_bundle *b, int32_t i, double *dim) {
  const ra_bundle_entry *e = entry_at(b, i);
  if (!e) return RA_ERR_ARG;
  for (int32_t d = 0; d < e->rank; d++) dim[d] = (double)e->dim[d];
  return e->rank;
}

const char *ra_bundle_dtype(const ra_bundle *b, int32_t i) {
  const ra_bundle_entry *e = entry_at(b, i);
  return e ? ra_dtype_name(e->dtype) : NULL;
}

const void *ra_bundle_bytes(const ra_bundle *b, int32_t i, double *size) {
  const ra_bundle_entry *e = entry_at(b, i);
  if (!e) return NULL;
  *size = (double)e->size;
  return e->bytes;
}

ra_tensor *ra_bundle_tensor(const ra_bundle *b, int32_t i) {
  const ra_bundle_entry *e = entry_at(b, i);
  if (!e) return NULL;
  if (e->tensor) return ra_tensor_reshape(e->tensor, e->tensor->rank, e->tensor->dim);
  int32_t dim[RA_BUNDLE_RANK];
  for (int32_t k = 0; k < e->rank; k++) {
    if (e->dim[k] > INT32_MAX) {
      ra_fail(RA_ERR_SHAPE, "array '%s': dimension %d is %lld, a tensor's is below 2^31", e->name, k + 1,
              (long long)e->dim[k]);
      return NULL;
    }
    dim[k] = (int32_t)e->dim[k];
  }
  ra_tensor *t = ra_tensor_new(e->rank, dim);
  if (!t) {
    ra_fail_in(RA_ERR_SHAPE, "array '%s'", e->name);
    return NULL;
  }
  ra_dtype_convert(e->dtype, e->bytes, (size_t)t->size, t->data);
  return t;
}

static bool has_shape_of(const ra_bundle_entry *e, const ra_tensor *t) {
  bool same = e->rank == t->rank;
  for (int32_t k = 0; same && k < e->rank; k++) same = e->dim[k] == t->dim[k];
  return same;
}

int32_t ra_bundle_read(const ra_bundle *b, int32_t i, ra_tensor *t) {
  char has[80], wanted[80];
  const ra_bundle_entry *e = entry_at(b, i);
  if (!e) return RA_ERR_ARG;
  if (e->tensor) return ra_tensor_copy(t, e->tensor);
  if (!ra_tensor_contiguous(t)) return ra_fail(RA_ERR_SHAPE, "array '%s' is read into contiguous tensors only", e->name);
  if (!has_shape_of(e, t)) {
    int32_t dim[RA_BUNDLE_RANK];
    for (int32_t k = 0; k < e->rank; k++) dim[k] = e->dim[k] > INT32_MAX ? INT32_MAX : (int32_t)e->dim[k];
    return ra_fail(RA_ERR_SHAPE, "'%s' has shape %s, wanted %s", e->name, ra_shape_text(e->rank, dim, has),
                   ra_shape_text(t->rank, t->dim, wanted));
  }
  ra_dtype_convert(e->dtype, e->bytes, (size_t)t->size, t->data);
  return RA_OK;
}

/* By content: zip is .npz, the .npy magic is one array named "", else it must be safetensors. */
static int32_t decode(ra_bundle *b, const char *where, const uint8_t *data, size_t size) {
  if (ra_npy_is(data, size)) return ra_npy_decode(b, "", where, data, size);
  if (size >= 4 && memcmp(data, "PK", 2) == 0 && (data[2] == 3 || data[2] == 5)) return ra_npz_decode(b, where, data, size);
  return ra_safetensors_decode(b, where, data, size);
}

ra_bundle *ra_bundle_load(const char *path) {
  ra_bundle *b = ra_bundle_new();
  if (!b) return NULL;
  size_t size = 0;
  int32_t code = ra_file_read(path, 0, &b->file, &size);
  if (code == RA_OK) code = decode(b, path, b->file, size);
  if (code == RA_OK) return b;
  ra_bundle_release(b);
  return NULL;
}

ra_bundle *ra_bundle_parse(const void *data, double size) {
  ra_bundle *b = ra_bundle_new();
  if (!b) return NULL;
  b->file = ra_mem_alloc((size_t)size + 1, 1);
  if (b->file) {
    memcpy(b->file, data, (size_t)size);
    b->file[(size_t)size] = 0;
    if (decode(b, "(memory)", b->file, (size_t)size) == RA_OK) return b;
  }
  ra_bundle_release(b);
  return NULL;
}

int32_t ra_bundle_save(const ra_bundle *b, const char *path, const char *format) {
  if (strcmp(format, "safetensors") == 0) return ra_safetensors_write(b, path);
  if (strcmp(format, "npz") == 0) return ra_npz_write(b, path);
  return ra_fail(RA_ERR_ARG, "bundle: format '%s'; known are safetensors and npz", format);
}
