/* Unpacking zip, tar and gz (and what libarchive wraps around tar) into a new
 * folder. Everything is written to FOLDER.part, which becomes FOLDER only when
 * the whole archive is valid. Only plain files and folders are made, only below
 * the target, never over something, up to a total size. */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/error.h"
#include "../base/limits.h"
#include "../base/mem.h"
#include "file.h"
#include "unpack.h"

enum { BLOCK = 1 << 18 };

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

typedef struct {
  struct archive *a;
  const char *where, *part;
  double limit, packed_bytes, bytes;
  int32_t files;
  char *block;
} unpacking;

static int32_t fail_archive(const unpacking *u) {
  const char *why = archive_error_string(u->a);
  return ra_fail(RA_ERR_FORMAT, "%s: not a whole archive: %s", u->where, why ? why : "libarchive gives no reason");
}

/* A relative path of plain components; "./" in front and "/" at the end are fine. */
static int32_t check_name(const unpacking *u, const char *name) {
  const char *wrong = NULL;
  int depth = 0;
  if (!name || !*name) wrong = "without a name";
  else if (name[0] == '/') wrong = "with an absolute path";
  else if (strchr(name, '\\')) wrong = "with a backslash in its path";
  else if (strlen(name) > PATH_MAX / 2) wrong = "with a path too long";
  for (const char *at = name; !wrong && *at;) {
    size_t n = strcspn(at, "/");
    if (n == 2 && memcmp(at, "..", 2) == 0) wrong = "that leaves the folder by '..'";
    for (size_t i = 0; i < n; i++)
      if ((unsigned char)at[i] < 32) wrong = "with a control character in its path";
    if (n > 0 && ++depth > RA_LIMIT_DEPTH) wrong = "below more folders than the limit of " TEXT(RA_LIMIT_DEPTH);
    at += n + (at[n] == '/');
  }
  if (!wrong) return RA_OK;
  return ra_fail(RA_ERR_FORMAT, "%s: holds a file %s ('%.100s'); refused", u->where, wrong, name ? name : "");
}

static int32_t make_parents(char *path, size_t from) {
  for (char *at = path + from; *at; at++) {
    if (*at != '/') continue;
    *at = 0;
    int bad = mkdir(path, 0777) != 0 && errno != EEXIST;
    if (bad) return ra_fail(RA_ERR_IO, "cannot make the folder '%s': %s", path, strerror(errno));
    *at = '/';
  }
  return RA_OK;
}

static int32_t write_block(const char *path, int fd, const char *bytes, size_t size) {
  while (size > 0) {
    ssize_t n = write(fd, bytes, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return ra_fail(RA_ERR_IO, "cannot write '%s': %s", path, strerror(errno));
    bytes += n;
    size -= (size_t)n;
  }
  return RA_OK;
}

static int32_t check_size(const unpacking *u) {
  if (u->bytes > u->limit)
    return ra_fail(RA_ERR_FORMAT, "%s: unpacks to more than %.0f MB; refused", u->where, u->limit / 1e6);
  if (u->bytes > RA_LIMIT_UNPACK_ALWAYS && u->bytes > u->packed_bytes * RA_LIMIT_UNPACK_RATIO)
    return ra_fail(RA_ERR_FORMAT, "%s: unpacks to more than %d times its size; refused", u->where, RA_LIMIT_UNPACK_RATIO);
  return RA_OK;
}

static int32_t write_file(unpacking *u, const char *path) {
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (fd < 0 && errno == EEXIST)
    return ra_fail(RA_ERR_FORMAT, "%s: holds '%s' twice; refused", u->where, path + strlen(u->part) + 1);
  if (fd < 0) return ra_fail(RA_ERR_IO, "cannot write '%s': %s", path, strerror(errno));
  int32_t code = RA_OK;
  for (;;) {
    la_ssize_t n = archive_read_data(u->a, u->block, BLOCK);
    if (n < 0) code = fail_archive(u);
    if (n <= 0) break;
    u->bytes += (double)n;
    code = check_size(u);
    if (code == RA_OK) code = write_block(path, fd, u->block, (size_t)n);
    if (code != RA_OK) break;
  }
  if (close(fd) != 0 && code == RA_OK) code = ra_fail(RA_ERR_IO, "cannot write '%s': %s", path, strerror(errno));
  return code;
}

/* A lone compressed file holds no name; it gets the archive's name without the ending. */
static const char *raw_name(const unpacking *u, char *name, size_t capacity) {
  const char *slash = strrchr(u->where, '/');
  snprintf(name, capacity, "%s", slash ? slash + 1 : u->where);
  char *dot = strrchr(name, '.');
  if (dot && dot > name) *dot = 0;
  return name;
}

static int32_t one_member(unpacking *u, struct archive_entry *member) {
  char path[PATH_MAX], own[NAME_MAX + 1];
  const char *name = ra_unpack_name(member);
  if (archive_format(u->a) == ARCHIVE_FORMAT_RAW) {
    if (archive_filter_count(u->a) < 2)
      return ra_fail(RA_ERR_FORMAT, "%s: not an archive (zip, tar, gz); unpack it by hand and pass the folder with --from", u->where);
    name = raw_name(u, own, sizeof own);
  }
  RA_TRY(check_name(u, name));
  if (++u->files > RA_LIMIT_UNPACK_FILES)
    return ra_fail(RA_ERR_FORMAT, "%s: holds more than %d files; refused", u->where, RA_LIMIT_UNPACK_FILES);
  int type = archive_entry_filetype(member);
  if (archive_entry_hardlink(member) || archive_entry_symlink(member) || (type != AE_IFREG && type != AE_IFDIR && type != 0))
    return ra_fail(RA_ERR_FORMAT, "%s: '%.100s' is a link or a device; refused", u->where, name);
  if (archive_entry_is_encrypted(member))
    return ra_fail(RA_ERR_FORMAT, "%s: '%.100s' is encrypted; unpack it by hand and pass the folder with --from", u->where, name);
  int n = snprintf(path, sizeof path, "%s/%s%s", u->part, name, type == AE_IFDIR ? "/" : "");
  if (n < 0 || n >= (int)sizeof path) return ra_fail(RA_ERR_FORMAT, "%s: the path of '%.100s' is too long", u->where, name);
  RA_TRY(make_parents(path, strlen(u->part) + 1));
  return type == AE_IFDIR ? RA_OK : write_file(u, path);
}

/* Whether the end of a zip archive, its directory, is in the last bytes: after it only a comment may come. */
static bool zip_is_whole(unpacking *u) {
  enum { RECORD = 22, COMMENT = 65535 };
  bool found = false;
  FILE *file = fopen(u->where, "rb");
  double from = u->packed_bytes > RECORD + COMMENT ? u->packed_bytes - RECORD - COMMENT : 0;
  size_t n = file && fseeko(file, (off_t)from, SEEK_SET) == 0 ? fread(u->block, 1, RECORD + COMMENT, file) : 0;
  for (size_t i = 0; i + RECORD <= n && !found; i++) found = memcmp(u->block + i, "PK\5\6", 4) == 0;
  if (file) (void)fclose(file);
  return found;
}

/* libarchive reads what is cut between two members without a word. `tail`: bytes from the last member to the end that it found. */
static int32_t check_end(unpacking *u, double tail) {
  int format = archive_format(u->a) & ARCHIVE_FORMAT_BASE_MASK;
  bool whole = format == ARCHIVE_FORMAT_ZIP ? zip_is_whole(u) : format != ARCHIVE_FORMAT_TAR || tail >= 512; /* a block of zeros */
  return whole ? RA_OK : ra_fail(RA_ERR_FORMAT, "%s: not a whole archive: it is cut short, its end is missing", u->where);
}

static int32_t all_members(unpacking *u) {
  double before;
  archive_read_support_format_zip(u->a);
  archive_read_support_format_tar(u->a);
  archive_read_support_format_raw(u->a);
  archive_read_support_filter_all(u->a);
  if (archive_read_open_filename(u->a, u->where, BLOCK) != ARCHIVE_OK) return fail_archive(u);
  for (;;) {
    struct archive_entry *member;
    before = (double)archive_filter_bytes(u->a, 0);
    int got = archive_read_next_header(u->a, &member);
    if (got == ARCHIVE_EOF) break;
    if (got < ARCHIVE_WARN) return fail_archive(u);
    RA_TRY(one_member(u, member));
  }
  if (archive_errno(u->a) != 0 && u->files == 0) return fail_archive(u);
  if (u->files == 0) return ra_fail(RA_ERR_FORMAT, "%s: the archive is empty", u->where);
  return check_end(u, (double)archive_filter_bytes(u->a, 0) - before);
}

static int32_t unpack_into(unpacking *u) {
  RA_TRY(ra_archive_open());
  if (!(u->block = ra_mem_alloc(BLOCK, 1))) return RA_ERR_MEMORY;
  ra_unpack_locale locale = ra_unpack_enter();
  u->a = archive_read_new();
  int32_t code = u->a ? all_members(u) : ra_fail(RA_ERR_MEMORY, "out of memory");
  archive_read_free(u->a);
  ra_unpack_leave(locale);
  ra_mem_free(u->block);
  return code;
}

int32_t ra_archive_extract(const char *archive, const char *folder, double max_bytes) {
  char part[PATH_MAX];
  double size = 0;
  if (ra_path_kind(archive, &size, NULL) != RA_PATH_FILE) return ra_fail(RA_ERR_IO, "'%s' is not a file", archive);
  if (size == 0) return ra_fail(RA_ERR_FORMAT, "%s: is empty, 0 bytes, not an archive", archive);
  if (ra_path_kind(folder, NULL, NULL) != RA_PATH_NONE)
    return ra_fail(RA_ERR_EXISTS, "'%s' is there already; remove it first", folder);
  if (snprintf(part, sizeof part, "%s.part", folder) >= (int)sizeof part) return ra_fail(RA_ERR_ARG, "'%s' is too long", folder);
  RA_TRY(ra_path_remove(part)); /* of an earlier attempt */
  RA_TRY(ra_folder_make(part));
  unpacking u = {.where = archive, .part = part, .limit = max_bytes > 0 ? max_bytes : RA_LIMIT_UNPACK_BYTES, .packed_bytes = size};
  int32_t code = unpack_into(&u);
  if (code == RA_OK) code = ra_path_rename(part, folder);
  if (code == RA_OK) return RA_OK;
  char message[1024];
  snprintf(message, sizeof message, "%s", ra_error());
  (void)ra_path_remove(part);
  return ra_fail(code, "%s", message);
}
