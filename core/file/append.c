/* append.c: whole lines at the end of a file that several processes write. */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "file.h"

static int32_t fail(const char *path) { return ra_fail(RA_ERR_IO, "cannot add to '%s': %s", path, strerror(errno)); }

/* The line between ends of lines: one before it where the file's last line has none. In one write, so that a process that dies
 * leaves at most a line that is cut. */
static int32_t append(int fd, const char *path, const char *line, size_t size) {
  off_t end = lseek(fd, 0, SEEK_END);
  char last = '\n';
  if (end < 0 || (end > 0 && pread(fd, &last, 1, end - 1) != 1)) return fail(path);
  char *text = ra_mem_alloc(size + 2, 1);
  if (!text) return RA_ERR_MEMORY;
  size_t n = 0, done = 0;
  if (last != '\n') text[n++] = '\n';
  memcpy(text + n, line, size);
  n += size;
  text[n++] = '\n';
  while (done < n) {
    ssize_t written = write(fd, text + done, n - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) break;
    done += (size_t)written;
  }
  bool unsynced = done == n && fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP; /* some files cannot: a pipe, a device */
  int32_t code = done < n || unsynced ? fail(path) : RA_OK;
  ra_mem_free(text);
  return code;
}

int32_t ra_file_append(const char *path, const char *line, double size) {
  if (!(size >= 0 && size < 1 << 30)) return ra_fail(RA_ERR_ARG, "a line of %g bytes", size);
  int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) return fail(path);
  (void)flock(fd, LOCK_EX); /* where the file system has no locks, O_APPEND alone keeps lines apart */
  int32_t code = append(fd, path, line, (size_t)size);
  close(fd);
  return code;
}
