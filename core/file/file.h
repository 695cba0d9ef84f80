/* Files written whole or not at all, and files read whole. */
#ifndef RA_FILE_FILE_H
#define RA_FILE_FILE_H

#include <stddef.h>

#include "../ramus.h"

/* A file that is being written: bytes go to PATH.part; ra_file_commit syncs it, renames
 * it to PATH and syncs the folder, so that PATH is always the old file or the
 * whole new one. A device or pipe (as /dev/stdout) is written directly. */
typedef struct ra_file_out {
  int fd;       /* -1: not open */
  char *path;   /* its final name, symbolic links resolved */
  char *part;   /* the name while it is written; NULL for a device */
  bool quick;   /* do not sync: the caller syncs many files at once */
} ra_file_out;

int32_t ra_file_begin(ra_file_out *out, const char *path);
int32_t ra_file_write(ra_file_out *out, const void *bytes, size_t size);
/* Overwrites bytes that are already written (a checksum, a length). */
int32_t ra_file_patch(ra_file_out *out, size_t offset, const void *bytes, size_t size);
int32_t ra_file_commit(ra_file_out *out); /* on failure PATH.part is removed */
void ra_file_abort(ra_file_out *out);     /* fine after any of the above */

/* Opens a regular file for reading, without ever waiting: a pipe, socket, device or folder is RA_ERR_IO at once. */
int32_t ra_file_open(const char *path, int *fd, uint64_t *size);
/* The whole file [own: ra_mem_free], with a zero byte after its end; at most
 * `limit` bytes (0: 16 GiB). RA_ERR_IO, RA_ERR_MEMORY, RA_ERR_FORMAT (too long). */
int32_t ra_file_read(const char *path, size_t limit, uint8_t **bytes, size_t *size);

/* Syncs the folder that holds path, so that a rename in it survives a power cut. */
int32_t ra_file_sync_folder(const char *path);

#endif
