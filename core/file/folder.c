/* Folders and files for Lua: list, make, remove, copy, look at, lock. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../base/error.h"
#include "../base/limits.h"
#include "../base/mem.h"
#include "../base/system.h"
#include "file.h"

enum { BLOCK = 1 << 18 };

static int32_t fail(const char *verb, const char *path) {
  return ra_fail(RA_ERR_IO, "cannot %s '%s': %s", verb, path, strerror(errno));
}

int32_t ra_path_kind(const char *path, double *size, double *modified) {
  struct stat info;
  if (stat(path, &info) != 0) return RA_PATH_NONE;
  if (size) *size = (double)info.st_size;
  if (modified) *modified = (double)info.st_mtime;
  return S_ISREG(info.st_mode) ? RA_PATH_FILE : S_ISDIR(info.st_mode) ? RA_PATH_FOLDER : RA_PATH_OTHER;
}

int32_t ra_path_stamp(const char *path, char *text, double *age) {
  enum { STAMP = 96 };
  struct stat info;
  struct timespec now;
  if (stat(path, &info) != 0) return fail("look at", path);
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return fail("read the clock for", path);
  struct timespec m = RA_CONTENTS_TIME(info), c = RA_ENTRY_TIME(info);
  int n = snprintf(text, STAMP, "%llx-%llx.%lx-%llx.%lx-%llx", (unsigned long long)info.st_size, (unsigned long long)m.tv_sec,
    (unsigned long)m.tv_nsec, (unsigned long long)c.tv_sec, (unsigned long)c.tv_nsec, (unsigned long long)info.st_ino);
  if (n < 0 || n >= STAMP) return ra_fail(RA_ERR_STATE, "the times of '%s' do not fit", path);
  time_t last = m.tv_sec > c.tv_sec ? m.tv_sec : c.tv_sec;
  *age = (double)now.tv_sec - (double)last;
  return RA_OK;
}

int32_t ra_folder_make(const char *path) {
  char part[PATH_MAX];
  int refused = 0;
  if (strlen(path) >= sizeof part || !*path) return ra_fail(RA_ERR_ARG, "cannot make a folder '%s'", path);
  memcpy(part, path, strlen(path) + 1);
  for (char *at = part + 1;; at++) {
    if (*at != '/' && *at != 0) continue;
    char was = *at;
    *at = 0;
    int why = mkdir(part, 0777) != 0 ? errno : 0;
    if (why == EROFS || why == EACCES) refused = why; /* it may be there all the same */
    else if (why && why != EEXIST) {
      errno = why == ENOENT && refused ? refused : why; /* it is absent because it was refused */
      return fail("make the folder", part);
    }
    if (was == 0) break;
    *at = was;
  }
  if (ra_path_kind(path, NULL, NULL) == RA_PATH_FOLDER) return RA_OK;
  if (mkdir(path, 0777) == 0) return RA_OK;
  return fail("make the folder", path);
}

/* ---- listing ---- */

typedef struct {
  char **name;
  size_t count, capacity, bytes;
} names;

static int32_t add_name(names *list, const char *name, bool folder) {
  if (list->count == list->capacity) {
    size_t capacity = list->capacity ? 2 * list->capacity : 64;
    char **larger = ra_mem_realloc(list->name, capacity, sizeof *larger);
    if (!larger) return RA_ERR_MEMORY;
    list->name = larger;
    list->capacity = capacity;
  }
  size_t n = strlen(name);
  char *copy = ra_mem_alloc(n + 2, 1);
  if (!copy) return RA_ERR_MEMORY;
  memcpy(copy, name, n);
  if (folder) copy[n++] = '/';
  copy[n] = 0;
  list->name[list->count++] = copy;
  list->bytes += n + 1;
  return RA_OK;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static int32_t read_names(const char *path, names *list) {
  DIR *dir = opendir(path);
  if (!dir) return fail("list the folder", path);
  int32_t code = RA_OK;
  struct dirent *e;
  while (code == RA_OK && (e = readdir(dir))) {
    struct stat info;
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
    bool folder = fstatat(dirfd(dir), e->d_name, &info, 0) == 0 && S_ISDIR(info.st_mode);
    code = add_name(list, e->d_name, folder);
  }
  closedir(dir);
  return code;
}

char *ra_folder_list(const char *path, double *size) {
  names list = {0};
  char *text = NULL;
  if (read_names(path, &list) == RA_OK && (text = ra_mem_alloc(list.bytes + 1, 1))) {
    if (list.count > 0) qsort(list.name, list.count, sizeof *list.name, by_bytes);
    char *at = text;
    for (size_t i = 0; i < list.count; i++) at = stpcpy(at, list.name[i]) + 1;
    *at = 0;
    *size = (double)list.bytes;
  }
  for (size_t i = 0; i < list.count; i++) ra_mem_free(list.name[i]);
  ra_mem_free(list.name);
  return text;
}

char *ra_path_absolute(const char *path) {
  char found[PATH_MAX];
  if (realpath(path, found)) return ra_mem_strdup(found);
  (void)fail("find", path);
  return NULL;
}

void ra_text_release(char *text) { ra_mem_free(text); }

/* ---- removing ---- */

static int32_t remove_in(int at, const char *name, const char *whole, int depth) {
  struct stat info;
  if (fstatat(at, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return errno == ENOENT ? RA_OK : fail("remove", whole);
  if (!S_ISDIR(info.st_mode)) return unlinkat(at, name, 0) == 0 ? RA_OK : fail("remove", whole);
  if (depth == RA_LIMIT_REMOVE_DEPTH)
    return ra_fail(RA_ERR_IO, "cannot remove '%s': it holds more than %d folders in each other", whole, RA_LIMIT_REMOVE_DEPTH);
  int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
  if (!dir) {
    if (fd >= 0) close(fd);
    return fail("remove", whole);
  }
  int32_t code = RA_OK;
  struct dirent *e;
  while (code == RA_OK && (e = readdir(dir)))
    if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) code = remove_in(fd, e->d_name, whole, depth + 1);
  closedir(dir);
  if (code == RA_OK && unlinkat(at, name, AT_REMOVEDIR) != 0) code = fail("remove", whole);
  return code;
}

int32_t ra_path_remove(const char *path) { return remove_in(AT_FDCWD, path, path, 0); }

int32_t ra_folder_sync(const char *path) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return fail("sync", path);
  int32_t code = syncfs(fd) == 0 ? RA_OK : fail("sync", path);
  close(fd);
  return code;
}

int32_t ra_path_rename(const char *from, const char *to) {
  if (rename(from, to) != 0)
    return ra_fail(RA_ERR_IO, "cannot rename '%s' to '%s': %s", from, to, strerror(errno));
  return ra_file_sync_folder(to);
}

int32_t ra_path_share(const char *from, const char *to) {
  char part[PATH_MAX];
  if (snprintf(part, sizeof part, "%s.part", to) >= (int)sizeof part) return ra_fail(RA_ERR_IO, "the path '%.100s' is too long", to);
  (void)unlink(part);
  if (link(from, part) != 0) return ra_fail(RA_ERR_IO, "cannot give '%s' the second name '%s': %s", from, to, strerror(errno));
  int32_t code = ra_path_rename(part, to);
  (void)unlink(part); /* rename does nothing where both are names of one file already */
  return code;
}

/* ---- copying ---- */

int32_t ra_file_copy(const char *from, const char *to) {
  int fd = -1;
  uint64_t length;
  RA_TRY(ra_file_open(from, &fd, &length));
  ra_file_out out = {.fd = -1};
  char *block = ra_mem_alloc(BLOCK, 1);
  int32_t code = block ? ra_file_begin(&out, to) : RA_ERR_MEMORY;
  out.quick = true;
  while (code == RA_OK) {
    ssize_t n = read(fd, block, BLOCK);
    if (n == 0) break;
    if (n > 0) code = ra_file_write(&out, block, (size_t)n);
    else if (errno != EINTR) code = fail("read", from);
  }
  if (code == RA_OK) code = ra_file_commit(&out);
  else if (block) ra_file_abort(&out);
  ra_mem_free(block);
  close(fd);
  return code;
}

int32_t ra_file_store(const char *path, const void *bytes, double size) {
  ra_file_out out;
  RA_TRY(ra_file_begin(&out, path));
  int32_t code = ra_file_write(&out, bytes, (size_t)size);
  if (code == RA_OK) return ra_file_commit(&out);
  ra_file_abort(&out);
  return code;
}

/* ---- locking ---- */

struct ra_lock {
  int fd;
  char *path;
};

static int open_locked(const char *path) {
  for (;;) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno != ENOLCK && errno != ENOTSUP) {
      int code = errno;
      close(fd);
      errno = code;
      return -1;
    }
    struct stat held, named;
    if (fstat(fd, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino) return fd;
    close(fd); /* its holder removed the file between our open and lock */
  }
}

ra_lock *ra_lock_take(const char *path) {
  ra_lock *lock = ra_mem_zalloc(1, sizeof *lock);
  if (!lock) return NULL;
  lock->path = ra_mem_strdup(path);
  lock->fd = lock->path ? open_locked(path) : -1;
  if (lock->fd >= 0) return lock;
  if (lock->path && errno == EWOULDBLOCK) ra_fail(RA_ERR_EXISTS, "'%s' is held by another process", path);
  else if (lock->path) fail("lock", path);
  ra_mem_free(lock->path);
  ra_mem_free(lock);
  return NULL;
}

void ra_lock_release(ra_lock *lock) {
  if (!lock) return;
  unlink(lock->path); /* while it is held: a later holder has another inode */
  close(lock->fd);
  ra_mem_free(lock->path);
  ra_mem_free(lock);
}
