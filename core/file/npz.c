/* .npz: a zip of NAME.npy files, stored or deflated, through libarchive. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../base/error.h"
#include "../base/limits.h"
#include "../base/mem.h"
#include "file.h"
#include "npy.h"
#include "unpack.h"

/* Bytes that the arrays of a file of `size` bytes may take, unpacked. */
static size_t most_unpacked(size_t size) {
  size_t most = size < RA_LIMIT_NPZ_BYTES / RA_LIMIT_UNPACK_RATIO ? size * RA_LIMIT_UNPACK_RATIO : RA_LIMIT_NPZ_BYTES;
  return most > RA_LIMIT_NPZ_ALWAYS ? most : RA_LIMIT_NPZ_ALWAYS;
}

static int32_t fail_archive(struct archive *a, const char *where) {
  const char *why = archive_error_string(a);
  return ra_fail(RA_ERR_FORMAT, "%s: not a whole .npz file: %s", where, why ? why : "libarchive gives no reason");
}

/* A zip ends with its directory; a file that was cut has none. Returns the number of members that
 * the directory declares (modulo 65536), or -1. */
static int32_t directory_count(const uint8_t *data, size_t size) {
  size_t last = size < 22 ? 0 : size - 22, first = last > 65535 ? last - 65535 : 0;
  for (size_t i = last + 1; size >= 22 && i-- > first;)
    if (memcmp(data + i, "PK\5\6", 4) == 0) return data[i + 10] | data[i + 11] << 8;
  return -1;
}

/* The member's bytes [own]; grows by doubling, because a header may lie about the size. */
static int32_t read_member(struct archive *a, const char *where, size_t *budget, uint8_t **bytes, size_t *size) {
  size_t capacity = 1 << 16, used = 0;
  uint8_t *data = ra_mem_alloc(capacity, 1);
  if (!data) return RA_ERR_MEMORY;
  int32_t code = RA_OK;
  for (;;) {
    if (used == capacity) {
      uint8_t *larger = ra_mem_realloc(data, capacity *= 2, 1);
      if (!larger) {
        code = RA_ERR_MEMORY;
        break;
      }
      data = larger;
    }
    la_ssize_t n = archive_read_data(a, data + used, capacity - used);
    if (n < 0) code = fail_archive(a, where);
    if (n <= 0) break;
    used += (size_t)n;
    if (used > *budget) {
      code = ra_fail(RA_ERR_FORMAT, "%s: unpacks to more than a file of its size may; not read", where);
      break;
    }
  }
  if (code != RA_OK) {
    ra_mem_free(data);
    return code;
  }
  *budget -= used;
  *bytes = data;
  *size = used;
  return RA_OK;
}

static int32_t read_array(ra_bundle *b, struct archive *a, struct archive_entry *member, const char *where, size_t *budget) {
  char name[512];
  const char *path = ra_unpack_name(member);
  size_t n = path ? strlen(path) : 0;
  if (n < 5 || n >= sizeof name || strcmp(path + n - 4, ".npy") != 0)
    return ra_fail(RA_ERR_FORMAT, "%s: holds '%.80s', which is not a .npy array", where, path ? path : "?");
  snprintf(name, sizeof name, "%.*s", (int)(n - 4), path);
  if (ra_bundle_find(b, name) >= 0) return ra_fail(RA_ERR_FORMAT, "%s: holds '%.80s' twice", where, path);
  uint8_t *bytes = NULL;
  size_t size = 0;
  RA_TRY(read_member(a, where, budget, &bytes, &size));
  int32_t code = ra_npy_decode(b, name, where, bytes, size);
  if (code == RA_OK && !b->entry[b->count - 1].own) b->entry[b->count - 1].own = bytes;
  else ra_mem_free(bytes);
  return code;
}

int32_t ra_npz_decode(ra_bundle *b, const char *where, const uint8_t *data, size_t size) {
  int32_t wanted = directory_count(data, size);
  if (wanted < 0) return ra_fail(RA_ERR_FORMAT, "%s: not a whole .npz file: it was cut short", where);
  RA_TRY(ra_archive_open());
  ra_unpack_locale locale = ra_unpack_enter();
  struct archive *a = archive_read_new();
  int32_t code = a ? RA_OK : ra_fail(RA_ERR_MEMORY, "out of memory");
  if (code == RA_OK) {
    archive_read_support_format_zip(a);
    if (archive_read_open_memory(a, data, size) != ARCHIVE_OK) code = fail_archive(a, where);
  }
  size_t budget = most_unpacked(size);
  while (code == RA_OK) {
    struct archive_entry *member;
    int got = archive_read_next_header(a, &member);
    if (got == ARCHIVE_EOF) break;
    code = got == ARCHIVE_OK ? read_array(b, a, member, where, &budget) : fail_archive(a, where);
  }
  archive_read_free(a);
  ra_unpack_leave(locale);
  if (code == RA_OK && (b->count & 65535) != wanted)
    code = ra_fail(RA_ERR_FORMAT, "%s: not a whole .npz file: %d of %d arrays can be read", where, b->count, wanted);
  return code;
}

/* ---- writing ---- */

typedef struct {
  ra_file_out file;
  int32_t code;
} sink;

static la_ssize_t to_file(struct archive *a, void *context, const void *bytes, size_t size) {
  sink *out = context;
  out->code = ra_file_write(&out->file, bytes, size);
  if (out->code == RA_OK) return (la_ssize_t)size;
  archive_set_error(a, EIO, "write failed");
  return -1;
}

static int32_t write_array(struct archive *a, const ra_bundle_entry *e, sink *out) {
  char text[RA_NPY_HEADER], name[512];
  size_t header = ra_npy_header(e, text);
  if (!header) return ra_fail(RA_ERR_ARG, "array '%s': .npz has no type %s", e->name, ra_dtype_name(e->dtype));
  if (snprintf(name, sizeof name, "%s.npy", e->name) >= (int)sizeof name)
    return ra_fail(RA_ERR_ARG, "array '%.40s..': the name is too long", e->name);
  struct archive_entry *member = archive_entry_new();
  if (!member) return ra_fail(RA_ERR_MEMORY, "out of memory");
  archive_entry_set_pathname_utf8(member, name);
  archive_entry_set_filetype(member, AE_IFREG);
  archive_entry_set_perm(member, 0644);
  archive_entry_set_mtime(member, 315532800, 0); /* 1980: the same arrays give the same file */
  archive_entry_set_size(member, (la_int64_t)(header + e->size));
  bool ok = archive_write_header(a, member) == ARCHIVE_OK && archive_write_data(a, text, header) >= 0;
  for (size_t at = 0; ok && at < e->size;) {
    size_t chunk = e->size - at < 1u << 24 ? e->size - at : 1u << 24;
    ok = archive_write_data(a, e->bytes + at, chunk) >= 0;
    at += chunk;
  }
  archive_entry_free(member);
  if (ok) return RA_OK;
  return out->code != RA_OK ? out->code : ra_fail(RA_ERR_IO, "array '%s': %s", e->name, archive_error_string(a));
}

static int32_t write_all(const ra_bundle *b, struct archive *a, sink *out) {
  archive_write_set_format_zip(a);
  archive_write_set_format_option(a, "zip", "compression", "store");
  archive_write_set_bytes_per_block(a, 0);
  archive_write_set_bytes_in_last_block(a, 1);
  if (archive_write_open(a, out, NULL, to_file, NULL) != ARCHIVE_OK)
    return ra_fail(RA_ERR_IO, "npz: %s", archive_error_string(a));
  for (int32_t i = 0; i < b->count; i++) RA_TRY(write_array(a, &b->entry[i], out));
  if (archive_write_close(a) == ARCHIVE_OK) return RA_OK;
  return out->code != RA_OK ? out->code : ra_fail(RA_ERR_IO, "npz: %s", archive_error_string(a));
}

int32_t ra_npz_write(const ra_bundle *b, const char *path) {
  sink out = {.code = RA_OK};
  RA_TRY(ra_archive_open());
  RA_TRY(ra_file_begin(&out.file, path));
  ra_unpack_locale locale = ra_unpack_enter();
  struct archive *a = archive_write_new();
  int32_t code = a ? write_all(b, a, &out) : ra_fail(RA_ERR_MEMORY, "out of memory");
  if (a && code != RA_OK) archive_write_fail(a); /* do not flush at free */
  archive_write_free(a);
  ra_unpack_leave(locale);
  if (code == RA_OK) return ra_file_commit(&out.file);
  ra_file_abort(&out.file);
  return code;
}
