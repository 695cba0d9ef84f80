/* The .npy format: "\x93NUMPY", version (1, 2 or 3), length of the header (2 or 4
 * bytes), a Python dictionary with descr, fortran_order and shape, the data.
 * Read: b1, u1..u8, i1..i8, f2, f4, f8 in either byte order and either
 * memory order. Written: version 1, row-major, little-endian. */
#include "npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/error.h"
#include "../base/limits.h"
#include "../base/mem.h"
#include "file.h"

#define MAGIC "\x93NUMPY"

enum { MAGIC_SIZE = 6 };

static const char *const descr_of[RA_DTYPE_COUNT] = {
  [RA_DTYPE_BOOL] = "|b1", [RA_DTYPE_U8] = "|u1",  [RA_DTYPE_I8] = "|i1",  [RA_DTYPE_U16] = "<u2",
  [RA_DTYPE_I16] = "<i2",  [RA_DTYPE_F16] = "<f2", [RA_DTYPE_U32] = "<u4", [RA_DTYPE_I32] = "<i4",
  [RA_DTYPE_F32] = "<f4",  [RA_DTYPE_U64] = "<u8", [RA_DTYPE_I64] = "<i8", [RA_DTYPE_F64] = "<f8",
};

bool ra_npy_is(const uint8_t *data, size_t size) { return size >= MAGIC_SIZE && memcmp(data, MAGIC, MAGIC_SIZE) == 0; }

/* ---- the dictionary: a small strict reader ---- */

typedef struct {
  const char *at, *end;
} cursor;

typedef struct {
  char descr[16];
  bool fortran, seen_descr, seen_order, seen_shape;
  int32_t rank;
  int64_t dim[RA_BUNDLE_RANK];
} npy_header;

static void skip_space(cursor *c) {
  while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t' || *c->at == '\r')) c->at++;
}

static bool take(cursor *c, const char *word) {
  skip_space(c);
  size_t n = strlen(word);
  if ((size_t)(c->end - c->at) < n || memcmp(c->at, word, n) != 0) return false;
  c->at += n;
  return true;
}

static bool take_string(cursor *c, char *out, size_t capacity) {
  skip_space(c);
  if (c->at >= c->end || (*c->at != '\'' && *c->at != '"')) return false;
  char quote = *c->at++;
  size_t n = 0;
  while (c->at < c->end && *c->at != quote) {
    if (n + 1 >= capacity) return false;
    out[n++] = *c->at++;
  }
  out[n] = 0;
  return c->at++ < c->end;
}

static bool take_integer(cursor *c, int64_t *out) {
  skip_space(c);
  int64_t value = 0;
  const char *first = c->at;
  while (c->at < c->end && *c->at >= '0' && *c->at <= '9') {
    if (__builtin_mul_overflow(value, (int64_t)10, &value) || __builtin_add_overflow(value, (int64_t)(*c->at - '0'), &value))
      return false;
    c->at++;
  }
  if (c->at == first) return false;
  if (c->at < c->end && *c->at == 'L') c->at++; /* Python 2 */
  *out = value;
  return true;
}

static bool take_shape(cursor *c, npy_header *h) {
  if (!take(c, "(")) return false;
  while (!take(c, ")")) {
    if (h->rank == RA_BUNDLE_RANK || !take_integer(c, &h->dim[h->rank])) return false;
    h->rank++;
    if (take(c, ",")) continue;
    return take(c, ")") && h->rank > 1; /* "(3)" is no tuple */
  }
  return true;
}

static bool take_field(cursor *c, npy_header *h) {
  char key[16];
  if (!take_string(c, key, sizeof key) || !take(c, ":")) return false;
  if (strcmp(key, "descr") == 0 && !h->seen_descr) return h->seen_descr = take_string(c, h->descr, sizeof h->descr);
  if (strcmp(key, "shape") == 0 && !h->seen_shape) return h->seen_shape = take_shape(c, h);
  if (strcmp(key, "fortran_order") != 0 || h->seen_order) return false;
  h->fortran = take(c, "True");
  return h->seen_order = h->fortran || take(c, "False");
}

static bool take_header(cursor *c, npy_header *h) {
  if (!take(c, "{")) return false;
  while (!take(c, "}")) {
    if (!take_field(c, h)) return false;
    if (take(c, ",")) continue;
    if (!take(c, "}")) return false;
    break;
  }
  skip_space(c);
  return c->at == c->end && h->seen_descr && h->seen_order && h->seen_shape;
}

/* ---- the data ---- */

static int dtype_of(const char *descr, bool *swap) {
  for (int d = 0; d < RA_DTYPE_COUNT; d++) {
    if (!descr_of[d] || strcmp(descr + 1, descr_of[d] + 1) != 0) continue;
    *swap = descr[0] == '>' && ra_dtype_bytes((ra_dtype)d) > 1;
    return strchr("<>|=", descr[0]) && descr[0] ? d : -1;
  }
  return -1;
}

static void reverse_bytes(uint8_t *data, size_t count, size_t width) {
  for (size_t i = 0; i < count; i++, data += width)
    for (size_t k = 0; k < width / 2; k++) {
      uint8_t b = data[k];
      data[k] = data[width - 1 - k];
      data[width - 1 - k] = b;
    }
}

/* Column-major to row-major: walks `to` in order, with the index of each dimension. */
static void to_row_major(const npy_header *h, size_t width, const uint8_t *from, size_t count, uint8_t *to) {
  size_t step[RA_BUNDLE_RANK] = {0}, offset = 0;
  int64_t index[RA_BUNDLE_RANK] = {0};
  for (int32_t i = 0; i < h->rank; i++) step[i] = i == 0 ? width : step[i - 1] * (size_t)h->dim[i - 1];
  for (size_t k = 0; k < count; k++, to += width) {
    memcpy(to, from + offset, width);
    for (int32_t i = h->rank - 1; i >= 0; i--) {
      offset += step[i];
      if (++index[i] < h->dim[i]) break;
      offset -= step[i] * (size_t)h->dim[i];
      index[i] = 0;
    }
  }
}

static int32_t damaged(const char *where, const char *name, const char *what) {
  return ra_fail(RA_ERR_FORMAT, "%s%s%s: not a whole .npy array: %s", where, *name ? ": " : "", name, what);
}

int32_t ra_npy_decode(ra_bundle *b, const char *name, const char *where, const uint8_t *data, size_t size) {
  if (!ra_npy_is(data, size)) return damaged(where, name, "it does not begin with the magic");
  if (size < MAGIC_SIZE + 6) return damaged(where, name, "it is cut in its header");
  int version = data[MAGIC_SIZE];
  if (version < 1 || version > 3) return damaged(where, name, "its version is not 1, 2 or 3");
  size_t lead = version == 1 ? MAGIC_SIZE + 4 : MAGIC_SIZE + 6;
  size_t length = (size_t)data[8] | (size_t)data[9] << 8;
  if (version > 1) length |= (size_t)data[10] << 16 | (size_t)data[11] << 24;
  if (length > RA_LIMIT_NPY_HEADER || length > size - lead) return damaged(where, name, "its header length is impossible");
  npy_header h = {.rank = 0};
  cursor c = {(const char *)data + lead, (const char *)data + lead + length};
  if (!take_header(&c, &h))
    return damaged(where, name, "its header is not a dictionary of descr (one number type), fortran_order and shape (at most 8)");
  bool swap = false;
  int dtype = dtype_of(h.descr, &swap);
  if (dtype < 0)
    return ra_fail(RA_ERR_FORMAT, "%s: arrays of type '%s' cannot be read; convert it to float32 first", where, h.descr);
  size_t width = ra_dtype_bytes((ra_dtype)dtype), bytes, left = size - lead - length;
  int64_t count = ra_bundle_elements(h.rank, h.dim);
  if (count < 0 || __builtin_mul_overflow((size_t)count, width, &bytes)) return damaged(where, name, "its shape is impossible");
  if (bytes != left)
    return ra_fail(RA_ERR_FORMAT, "%s: not a whole .npy array: its shape needs %zu bytes, it has %zu", where, bytes, left);
  const uint8_t *raw = data + lead + length;
  uint8_t *own = NULL;
  bool turn = h.fortran && h.rank > 1;
  if (swap || turn) {
    if (!(own = ra_mem_alloc(bytes, 1))) return RA_ERR_MEMORY;
    if (turn) to_row_major(&h, width, raw, (size_t)count, own);
    else if (bytes) memcpy(own, raw, bytes);
    if (swap) reverse_bytes(own, (size_t)count, width);
  }
  ra_bundle_entry *e = ra_bundle_append(b, name);
  if (!e) {
    ra_mem_free(own);
    return RA_ERR_MEMORY;
  }
  e->dtype = (ra_dtype)dtype;
  e->rank = h.rank;
  memcpy(e->dim, h.dim, sizeof e->dim);
  e->size = bytes;
  e->own = own;
  e->bytes = own ? own : raw;
  return RA_OK;
}

size_t ra_npy_header(const ra_bundle_entry *e, char text[RA_NPY_HEADER]) {
  if (!descr_of[e->dtype]) return 0;
  char shape[RA_BUNDLE_RANK * 24 + 8];
  size_t used = 0;
  shape[0] = 0;
  for (int32_t i = 0; i < e->rank; i++)
    used += (size_t)snprintf(shape + used, sizeof shape - used, i ? ", %lld" : "%lld", (long long)e->dim[i]);
  memcpy(text, MAGIC "\x01\x00", MAGIC_SIZE + 2);
  int n = snprintf(text + 10, RA_NPY_HEADER - 10, "{'descr': '%s', 'fortran_order': False, 'shape': (%s%s), }",
                   descr_of[e->dtype], shape, e->rank == 1 ? "," : "");
  size_t total = 10 + (size_t)n;
  while ((total + 1) % 64 != 0) text[total++] = ' '; /* so that the data is aligned */
  text[total++] = '\n';
  text[8] = (char)((total - 10) & 255);
  text[9] = (char)((total - 10) >> 8);
  return total;
}

ra_tensor *ra_npy_load(const char *path) {
  ra_bundle *b = ra_bundle_new();
  if (!b) return NULL;
  size_t size = 0;
  ra_tensor *t = NULL;
  if (ra_file_read(path, 0, &b->file, &size) == RA_OK && ra_npy_decode(b, "", path, b->file, size) == RA_OK)
    t = ra_bundle_tensor(b, 0);
  ra_bundle_release(b);
  return t;
}

int32_t ra_npy_save(const char *path, const ra_tensor *t) {
  ra_tensor *flat = ra_tensor_clone(t);
  if (!flat) return ra_error_code();
  ra_bundle_entry e = {.dtype = RA_DTYPE_REAL, .rank = t->rank};
  for (int32_t i = 0; i < t->rank; i++) e.dim[i] = t->dim[i];
  char text[RA_NPY_HEADER];
  size_t header = ra_npy_header(&e, text);
  ra_file_out out;
  int32_t code = ra_file_begin(&out, path);
  if (code == RA_OK) {
    code = ra_file_write(&out, text, header);
    if (code == RA_OK) code = ra_file_write(&out, flat->data, (size_t)flat->size * sizeof(ra_real));
    if (code == RA_OK) code = ra_file_commit(&out);
    else ra_file_abort(&out);
  }
  ra_tensor_release(flat);
  return code;
}
