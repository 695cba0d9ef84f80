#define _DEFAULT_SOURCE
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/error.h"
#include "../base/mem.h"

static const char *advice(const char *verb, int code) {
  switch (code) {
    case ENOSPC: case EDQUOT: return "; free some space or write elsewhere, what was there before is untouched";
    case EROFS: case EACCES: case EPERM:
      return strcmp(verb, "read") == 0 ? "; its owner may allow it (chmod +r)" : "; choose a folder that may be written";
    case ENOENT: case ENOTDIR: return strcmp(verb, "read") == 0 ? "" : "; does the folder exist?";
    default: return "";
  }
}

static int32_t fail(const char *verb, const char *path) {
  int code = errno;
  return ra_fail(RA_ERR_IO, "cannot %s '%s': %s%s", verb, path, strerror(code), advice(verb, code));
}

static int32_t fail_write(const ra_file_out *out) { return fail("write", out->path); }

static char *joined(const char *a, const char *b) {
  size_t n = strlen(a) + strlen(b) + 1;
  char *text = ra_mem_alloc(n, 1);
  if (text) snprintf(text, n, "%s%s", a, b);
  return text;
}

/* Opens the part and locks it. The lock ends with the process, so the part that
 * a killed process left behind is used again. Returns 1 where another process is writing it. */
static int open_part(const char *part) {
  for (;;) {
    int fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) return -1;
    struct stat held, named;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      close(fd);
      errno = EWOULDBLOCK;
      return -1;
    }
    if (fstat(fd, &held) == 0 && stat(part, &named) == 0 && held.st_ino == named.st_ino) {
      if (ftruncate(fd, 0) == 0) return fd;
      int code = errno;
      close(fd);
      errno = code;
      return -1;
    }
    close(fd); /* renamed away between open and lock */
  }
}

/* O_NONBLOCK: the open of a pipe that nobody reads would wait for a reader. */
static int32_t open_device(ra_file_out *out) {
  out->fd = open(out->path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (out->fd < 0 && errno == ENXIO) return ra_fail(RA_ERR_IO, "cannot write '%s': it is a pipe that nobody reads, or a socket", out->path);
  int flags = out->fd < 0 ? -1 : fcntl(out->fd, F_GETFL);
  return flags < 0 || fcntl(out->fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ? fail_write(out) : RA_OK;
}

int32_t ra_file_begin(ra_file_out *out, const char *path) {
  *out = (ra_file_out){.fd = -1};
  char real[PATH_MAX], suffix[32];
  struct stat there;
  bool exists = stat(path, &there) == 0;
  out->path = ra_mem_strdup(exists && realpath(path, real) ? real : path);
  if (!out->path) return RA_ERR_MEMORY;
  int32_t code = RA_OK;
  if (exists && S_ISDIR(there.st_mode)) {
    errno = EISDIR;
    code = fail_write(out);
  } else if (exists && !S_ISREG(there.st_mode)) {
    code = open_device(out);
  } else if (!(out->part = joined(out->path, ".part"))) {
    code = RA_ERR_MEMORY;
  } else if ((out->fd = open_part(out->part)) < 0 && errno == EWOULDBLOCK) {
    ra_mem_free(out->part);
    snprintf(suffix, sizeof suffix, ".part-%ld", (long)getpid());
    out->part = joined(out->path, suffix);
    if (!out->part) code = RA_ERR_MEMORY;
    else if ((out->fd = open_part(out->part)) < 0) code = fail_write(out);
  } else if (out->fd < 0) {
    code = fail_write(out);
  }
  if (code != RA_OK) ra_file_abort(out);
  return code;
}

static int write_all(int fd, const char *bytes, size_t size) {
  while (size > 0) {
    ssize_t n = write(fd, bytes, size < 1u << 30 ? size : 1u << 30);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return -1;
    bytes += n;
    size -= (size_t)n;
  }
  return 0;
}

int32_t ra_file_write(ra_file_out *out, const void *bytes, size_t size) {
  return write_all(out->fd, bytes, size) == 0 ? RA_OK : fail_write(out);
}

int32_t ra_file_patch(ra_file_out *out, size_t offset, const void *bytes, size_t size) {
  ssize_t n = pwrite(out->fd, bytes, size, (off_t)offset);
  if (n >= 0 && (size_t)n < size) errno = ENOSPC;
  return n == (ssize_t)size ? RA_OK : fail_write(out);
}

int32_t ra_file_sync_folder(const char *path) {
  char folder[PATH_MAX];
  snprintf(folder, sizeof folder, "%s", path);
  char *slash = strrchr(folder, '/');
  if (slash == folder) slash[1] = 0;
  else if (slash) *slash = 0;
  else strcpy(folder, ".");
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return fail("open the folder", folder);
  int bad = fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP; /* some file systems cannot */
  int32_t code = bad ? fail("sync the folder", folder) : RA_OK;
  close(fd);
  return code;
}

int32_t ra_file_commit(ra_file_out *out) {
  int32_t code = RA_OK;
  if (out->part && !out->quick && fsync(out->fd) != 0) code = fail_write(out);
  if (code == RA_OK && out->part && rename(out->part, out->path) != 0) code = fail_write(out);
  if (code == RA_OK && out->part) {
    if (!out->quick) code = ra_file_sync_folder(out->path);
    ra_mem_free(out->part);
    out->part = NULL;
  }
  ra_file_abort(out);
  return code;
}

void ra_file_abort(ra_file_out *out) {
  if (out->part && out->fd >= 0) unlink(out->part);
  if (out->fd >= 0) close(out->fd);
  ra_mem_free(out->part);
  ra_mem_free(out->path);
  *out = (ra_file_out){.fd = -1};
}

/* What is no file to read, in words; NULL for a regular file. */
static const char *no_file(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG: return NULL;
    case S_IFDIR: return "a folder";
    case S_IFIFO: return "a pipe (FIFO)";
    case S_IFSOCK: return "a socket";
    default: return "a device";
  }
}

/* O_NONBLOCK: the open of a pipe without a writer would wait for one. */
int32_t ra_file_open(const char *path, int *fd, uint64_t *size) {
  struct stat info;
  int opened = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (opened < 0 && errno == ENXIO) return ra_fail(RA_ERR_IO, "cannot read '%s': it is a socket or a device; wanted is a file", path);
  if (opened < 0) return fail("read", path);
  int32_t code = fstat(opened, &info) == 0 ? RA_OK : fail("read", path);
  const char *what = code == RA_OK ? no_file(info.st_mode) : NULL;
  if (what) code = ra_fail(RA_ERR_IO, "cannot read '%s': it is %s; wanted is a file", path, what);
  if (code != RA_OK) {
    close(opened);
    return code;
  }
  *fd = opened;
  *size = (uint64_t)info.st_size;
  return RA_OK;
}

int32_t ra_file_read(const char *path, size_t limit, uint8_t **bytes, size_t *size) {
  if (limit == 0) limit = (size_t)16 << 30;
  int fd = -1;
  uint64_t length = 0;
  RA_TRY(ra_file_open(path, &fd, &length));
  uint8_t *data = NULL;
  int32_t code = RA_OK;
  if (length > limit)
    code = ra_fail(RA_ERR_FORMAT, "'%s' has %.1f MB, at most %.1f MB can be read", path, (double)length / 1e6, (double)limit / 1e6);
  else if (!(data = ra_mem_alloc((size_t)length + 1, 1))) code = RA_ERR_MEMORY;
  size_t want = code == RA_OK ? (size_t)length : 0, got = 0;
  while (code == RA_OK && got < want) {
    ssize_t n = read(fd, data + got, want - got < 1u << 30 ? want - got : 1u << 30);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) code = fail("read", path);
    else if (n == 0) break; /* the file became shorter; the format's own checks report it */
    else got += (size_t)n;
  }
  close(fd);
  if (code != RA_OK || !data) {
    ra_mem_free(data);
    return code;
  }
  data[got] = 0;
  *bytes = data;
  *size = got;
  return RA_OK;
}
