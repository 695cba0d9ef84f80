/* The safetensors format: u64 little-endian length N of the header, N bytes of
 * JSON, then the arrays' bytes without gaps. The JSON maps each name to
 * {"dtype", "shape", "data_offsets": [begin, end)} and "__metadata__" to strings.
 *
 * Files written here begin their header with
 *   {"__metadata__":{"ramus.version":"1","ramus.sha256":"<64 digits>"
 * where the digits are the SHA-256 of the whole file with '0' in their place.
 * A file that has either key must have both, in this place, and the sum must
 * match: so every cut and every flipped bit is detected. Files of other programs
 * have neither and are checked for structure only (see ra_bundle_checked). */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/error.h"
#include "../base/limits.h"
#include "../base/math.h"
#include "../base/mem.h"
#include "bundle.h"
#include "file.h"
#include "hash.h"

#define PREFIX "{\"__metadata__\":{\"ramus.version\":\"1\",\"ramus.sha256\":\""
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

enum { LENGTH = 8, ALIGN = 8, PREFIX_SIZE = sizeof PREFIX - 1 };

/* ---- reading ---- */

static int32_t damaged(const char *where, const char *what) {
  return ra_fail(RA_ERR_FORMAT, "%s: not a whole safetensors file: %s", where, what);
}

static int32_t check_sum(const char *where, const uint8_t *data, size_t size) {
  char hex[RA_SHA256_HEX + 1];
  const uint8_t *digits = data + LENGTH + PREFIX_SIZE;
  ra_hash hash;
  RA_TRY(ra_hash_begin(&hash));
  int32_t code = ra_hash_add(hash, data, LENGTH + PREFIX_SIZE);
  if (code == RA_OK) code = ra_hash_add(hash, ZEROS, RA_SHA256_HEX);
  size_t after = LENGTH + PREFIX_SIZE + RA_SHA256_HEX;
  if (code == RA_OK) code = ra_hash_add(hash, data + after, size - after);
  int32_t ended = ra_hash_end(hash, hex);
  RA_TRY(code);
  RA_TRY(ended);
  if (memcmp(hex, digits, RA_SHA256_HEX) != 0)
    return damaged(where, "its checksum does not fit its content, so it was changed or cut after it was written");
  return RA_OK;
}

static int32_t read_meta(ra_bundle *b, const char *where, json_t *meta) {
  const char *key;
  json_t *value;
  if (!json_is_object(meta)) return damaged(where, "__metadata__ is not an object");
  json_object_foreach(meta, key, value) {
    if (!json_is_string(value)) return damaged(where, "a value of __metadata__ is not a string");
    bool ours = strcmp(key, "ramus.version") == 0 || strcmp(key, "ramus.sha256") == 0;
    if (ours && !b->checked) return damaged(where, "its checksum is damaged");
    if (!ours) RA_TRY(ra_bundle_append_meta(b, key, json_string_value(value)));
  }
  return RA_OK;
}

static int dtype_named(const char *name) {
  for (int d = 0; d < RA_DTYPE_COUNT; d++)
    if (strcmp(name, ra_dtype_name((ra_dtype)d)) == 0) return d;
  return -1;
}

static int32_t read_entry(ra_bundle *b, const char *where, const char *name, json_t *json, const uint8_t *data,
                          size_t size) {
  const char *dtype_name = json_string_value(json_object_get(json, "dtype"));
  json_t *shape = json_object_get(json, "shape"), *offsets = json_object_get(json, "data_offsets");
  if (!dtype_name || !json_is_array(shape) || json_array_size(offsets) != 2 ||
      !json_is_integer(json_array_get(offsets, 0)) || !json_is_integer(json_array_get(offsets, 1)))
    return ra_fail(RA_ERR_FORMAT, "%s: array '%.80s' lacks a proper dtype, shape or data_offsets", where, name);
  int dtype = dtype_named(dtype_name);
  if (dtype < 0) return ra_fail(RA_ERR_FORMAT, "%s: array '%.80s' has the unknown dtype '%.20s'", where, name, dtype_name);
  if (json_array_size(shape) > RA_BUNDLE_RANK)
    return ra_fail(RA_ERR_FORMAT, "%s: array '%.80s' has %zu dimensions, at most %d can be read", where, name,
                   json_array_size(shape), RA_BUNDLE_RANK);
  ra_bundle_entry *e = ra_bundle_append(b, name);
  if (!e) return RA_ERR_MEMORY;
  e->dtype = (ra_dtype)dtype;
  e->rank = (int32_t)json_array_size(shape);
  for (int32_t i = 0; i < e->rank; i++) {
    json_t *n = json_array_get(shape, (size_t)i);
    e->dim[i] = json_is_integer(n) ? json_integer_value(n) : -1;
  }
  int64_t elements = ra_bundle_elements(e->rank, e->dim), bytes;
  if (elements < 0 || __builtin_mul_overflow(elements, (int64_t)ra_dtype_bytes(e->dtype), &bytes))
    return ra_fail(RA_ERR_FORMAT, "%s: array '%.80s' has an impossible shape", where, name);
  json_int_t begin = json_integer_value(json_array_get(offsets, 0)), end = json_integer_value(json_array_get(offsets, 1));
  if (begin < 0 || end < begin || (uint64_t)end > size)
    return ra_fail(RA_ERR_FORMAT, "%s: array '%.80s' says it lies at [%lld, %lld), the file has %zu bytes of data", where,
                   name, (long long)begin, (long long)end, size);
  if (end - begin != bytes)
    return ra_fail(RA_ERR_FORMAT, "%s: array '%.80s' needs %lld bytes and is given %lld", where, name, (long long)bytes,
                   (long long)(end - begin));
  e->size = (size_t)bytes;
  e->bytes = data + begin;
  return RA_OK;
}

static int by_place(const void *pa, const void *pb) {
  const ra_bundle_entry *a = *(ra_bundle_entry *const *)pa, *b = *(ra_bundle_entry *const *)pb;
  if (a->bytes != b->bytes) return a->bytes < b->bytes ? -1 : 1;
  return a->size < b->size ? -1 : a->size > b->size;
}

/* The arrays must tile the data: no gap (something hidden), no overlap. */
static int32_t check_tiling(const ra_bundle *b, const char *where, const uint8_t *data, size_t size) {
  ra_bundle_entry **order = ra_mem_alloc((size_t)b->count, sizeof *order);
  if (!order) return RA_ERR_MEMORY;
  for (int32_t i = 0; i < b->count; i++) order[i] = &b->entry[i];
  qsort(order, (size_t)b->count, sizeof *order, by_place);
  const uint8_t *at = data;
  int32_t code = RA_OK;
  for (int32_t i = 0; i < b->count && code == RA_OK; i++) {
    if (order[i]->bytes != at)
      code = ra_fail(RA_ERR_FORMAT, "%s: array '%.80s' %s", where, order[i]->name,
                     order[i]->bytes < at ? "overlaps another" : "follows a gap in the data");
    at = order[i]->bytes + order[i]->size;
  }
  if (code == RA_OK && at != data + size) code = damaged(where, "there are bytes that belong to no array");
  ra_mem_free(order);
  return code;
}

static int32_t read_header(ra_bundle *b, const char *where, json_t *root, const uint8_t *data, size_t size) {
  const char *key;
  json_t *value;
  if (!json_is_object(root)) return damaged(where, "its header is not a JSON object");
  json_object_foreach(root, key, value) {
    if (strcmp(key, "__metadata__") == 0) RA_TRY(read_meta(b, where, value));
    else RA_TRY(read_entry(b, where, key, value, data, size));
  }
  return check_tiling(b, where, data, size);
}

int32_t ra_safetensors_decode(ra_bundle *b, const char *where, const uint8_t *data, size_t size) {
  if (size < LENGTH + 2) return damaged(where, size ? "it is too short" : "it is empty");
  uint64_t header;
  memcpy(&header, data, sizeof header);
  if (header < 2 || header > RA_LIMIT_SAFETENSORS_HEADER || header > size - LENGTH)
    return damaged(where, "its header length is impossible");
  const char *text = (const char *)data + LENGTH;
  if (text[0] != '{') return damaged(where, "its header is not a JSON object");
  if (header > PREFIX_SIZE + RA_SHA256_HEX && memcmp(text, PREFIX, PREFIX_SIZE) == 0) {
    RA_TRY(check_sum(where, data, size));
    b->checked = true;
  }
  json_error_t error;
  json_t *root = json_loadb(text, header, JSON_REJECT_DUPLICATES, &error);
  if (!root) return ra_fail(RA_ERR_FORMAT, "%s: the header is not JSON: %s at byte %d", where, error.text, error.position);
  int32_t code = read_header(b, where, root, data + LENGTH + header, size - LENGTH - header);
  json_decref(root);
  return code;
}

/* ---- writing ---- */

static json_t *describe(const ra_bundle_entry *e, size_t begin) {
  json_t *shape = json_array();
  for (int32_t i = 0; i < e->rank; i++) json_array_append_new(shape, json_integer(e->dim[i]));
  return json_pack("{s:s, s:o, s:[I,I]}", "dtype", ra_dtype_name(e->dtype), "shape", shape, "data_offsets",
                   (json_int_t)begin, (json_int_t)begin + (json_int_t)e->size);
}

/* Arrays are ordered by decreasing element size, so that each is aligned; stable within a size. */
static int32_t for_each_in_file_order(const ra_bundle *b, int32_t (*fn)(void *, const ra_bundle_entry *), void *context) {
  for (size_t width = 8; width > 0; width /= 2)
    for (int32_t i = 0; i < b->count; i++)
      if (ra_dtype_bytes(b->entry[i].dtype) == width) RA_TRY(fn(context, &b->entry[i]));
  return RA_OK;
}

typedef struct {
  json_t *root;
  size_t offset;
} header_state;

static int32_t describe_into(void *context, const ra_bundle_entry *e) {
  header_state *state = context;
  if (json_object_set_new(state->root, e->name, describe(e, state->offset)) != 0)
    return ra_fail(RA_ERR_ARG, "array '%s' cannot be described; its name must be UTF-8", e->name);
  state->offset += e->size;
  return RA_OK;
}

static int32_t build_header(const ra_bundle *b, json_t *root) {
  json_t *meta = json_pack("{s:s, s:s}", "ramus.version", "1", "ramus.sha256", ZEROS);
  if (!meta || json_object_set_new(root, "__metadata__", meta) != 0) return ra_fail(RA_ERR_MEMORY, "out of memory");
  for (int32_t i = 0; i < b->meta_count; i++)
    if (json_object_set_new(meta, b->meta[i].key, json_string(b->meta[i].value)) != 0)
      return ra_fail(RA_ERR_ARG, "metadata '%s' cannot be stored; it must be UTF-8", b->meta[i].key);
  header_state state = {root, 0};
  return for_each_in_file_order(b, describe_into, &state);
}

typedef struct {
  ra_file_out file;
  ra_hash hash;
} sink;

static int32_t put(sink *out, const void *bytes, size_t size) {
  RA_TRY(ra_hash_add(out->hash, bytes, size));
  return ra_file_write(&out->file, bytes, size);
}

static int32_t put_entry(void *context, const ra_bundle_entry *e) { return put(context, e->bytes, e->size); }

static int32_t write_body(const ra_bundle *b, sink *out, const char *text) {
  size_t n = strlen(text);
  uint64_t padded = ra_round_up(n, ALIGN);
  RA_TRY(put(out, &padded, sizeof padded));
  RA_TRY(put(out, text, n));
  RA_TRY(put(out, "        ", padded - n));
  return for_each_in_file_order(b, put_entry, out);
}

static int32_t write_checked(const ra_bundle *b, const char *path, const char *text) {
  char hex[RA_SHA256_HEX + 1];
  sink out = {0};
  if (strncmp(text, PREFIX ZEROS, PREFIX_SIZE + RA_SHA256_HEX) != 0 || strlen(text) > RA_LIMIT_SAFETENSORS_HEADER - ALIGN)
    return ra_fail(RA_ERR_STATE, "%s: the header has %zu bytes, at most %d can be stored", path, strlen(text), RA_LIMIT_SAFETENSORS_HEADER);
  RA_TRY(ra_file_begin(&out.file, path));
  int32_t code = ra_hash_begin(&out.hash);
  if (code == RA_OK) {
    code = write_body(b, &out, text);
    int32_t ended = ra_hash_end(out.hash, hex);
    if (code == RA_OK) code = ended;
  }
  if (code == RA_OK) code = ra_file_patch(&out.file, LENGTH + PREFIX_SIZE, hex, RA_SHA256_HEX);
  if (code == RA_OK) return ra_file_commit(&out.file);
  ra_file_abort(&out.file);
  return code;
}

int32_t ra_safetensors_write(const ra_bundle *b, const char *path) {
  json_t *root = json_object();
  if (!root) return ra_fail(RA_ERR_MEMORY, "out of memory");
  int32_t code = build_header(b, root);
  char *text = code == RA_OK ? json_dumps(root, JSON_COMPACT) : NULL;
  json_decref(root);
  if (code == RA_OK && !text) code = ra_fail(RA_ERR_MEMORY, "out of memory");
  if (code == RA_OK) code = write_checked(b, path, text);
  free(text);
  return code;
}
