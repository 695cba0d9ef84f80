#define _GNU_SOURCE /* dladdr */
#define RA_DL_C
#include "archive.h"
#include "charls.h"
#include "crypto.h"
#include "curl.h"
#include "gdcm.h"
#include "openjp2.h"
#include "gif.h"
#include "microhttpd.h"
#include "mpi.h"
#include "openblas.h"
#include "protobuf.h"
#include "tiff.h"
#include "webp.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/error.h"
#include "../base/system.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* Fills a struct of function pointers, in the order of `names`. */
static int32_t fill(const char *const *files, const char *const *names, void *calls) {
  void *library = NULL;
  for (const char *const *file = files; *file && !library; file++) library = ra_system_library(*file, false);
  if (!library) return ra_fail(RA_ERR_STATE, "%s cannot be opened (%s); install it", files[0], dlerror());
  for (size_t i = 0; names[i]; i++) {
    void *address = dlsym(library, names[i]);
    if (!address) return ra_fail(RA_ERR_STATE, "%s has no function %s; install the version that Ramus was built with", files[0], names[i]);
    memcpy((char *)calls + i * sizeof address, &address, sizeof address);
  }
  return RA_OK;
}

static int32_t open_once(bool *done, const char *const *files, const char *const *names, void *calls) {
  pthread_mutex_lock(&mutex);
  int32_t code = *done ? RA_OK : fill(files, names, calls);
  *done = code == RA_OK;
  pthread_mutex_unlock(&mutex);
  return code;
}

/* Files in the order of trying; the version that the headers describe first. */
#define NAME(name) #name,
#define LIBRARY(library, CALLS, ...) \
  struct ra_##library ra_##library; \
  int32_t ra_##library##_open(void) { \
    static bool done; \
    static const char *const files[] = {__VA_ARGS__, NULL}, *const names[] = {CALLS(NAME) NULL}; \
    return open_once(&done, files, names, &ra_##library); \
  }

LIBRARY(curl, RA_CURL_CALLS, "libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.so")
LIBRARY(archive, RA_ARCHIVE_CALLS, "libarchive.so.13", "libarchive.so")
LIBRARY(crypto, RA_CRYPTO_CALLS, "libcrypto.so.3", "libcrypto.so.1.1", "libcrypto.so")
LIBRARY(gif, RA_GIF_CALLS, "libgif.so.7", "libgif.so")
LIBRARY(tiff, RA_TIFF_CALLS, "libtiff.so.6", "libtiff.so")
LIBRARY(charls, RA_CHARLS_CALLS, "libcharls.so.2", "libcharls.so")
LIBRARY(openjp2, RA_OPENJP2_CALLS, "libopenjp2.so.7", "libopenjp2.so")
LIBRARY(microhttpd, RA_MICROHTTPD_CALLS, "libmicrohttpd.so.12", "libmicrohttpd.so")
LIBRARY(protobuf, RA_PROTOBUF_CALLS, "libprotobuf-c.so.1", "libprotobuf-c.so")
LIBRARY(webp, RA_WEBP_CALLS, "libwebp.so.7", "libwebp.so")

/* ---- OpenBLAS ---- */

struct ra_openblas ra_openblas;

/* Its threads start when it is loaded, as many as a variable says; ours call it instead, each for a part of the work. The variable is
 * put back: what is started from here has its own wishes. */
int32_t ra_openblas_open(void) {
  static bool done;
  static pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
  static const char variable[] = "OPENBLAS_NUM_THREADS";
  static const char *const files[] = {"libopenblas.so.0", "libopenblas.so", NULL}, *const names[] = {RA_OPENBLAS_CALLS(NAME) NULL};
  pthread_mutex_lock(&own);
  const char *before = done ? NULL : getenv(variable);
  char *kept = before ? strdup(before) : NULL;
  if (!done) setenv(variable, "1", 1);
  bool opened = done;
  int32_t code = open_once(&done, files, names, &ra_openblas);
  if (kept) setenv(variable, kept, 1);
  else if (!opened) unsetenv(variable);
  free(kept);
  if (done && !opened) ra_openblas.openblas_set_num_threads(1);
  pthread_mutex_unlock(&own);
  return code;
}

/* ---- Open MPI ---- */

struct ra_mpi ra_mpi;

/* Its own parts, opened by it, look for its symbols among those of the process. */
int32_t ra_mpi_open(void) {
  static bool done;
  static const char *const files[] = {"libmpi.so.40", "libmpi.so", NULL}, *const names[] = {RA_MPI_CALLS(NAME) NULL};
  (void)ra_system_library(files[0], true);
  return open_once(&done, files, names, &ra_mpi);
}

/* ---- the part of Ramus that is a library of its own ---- */

/* The folder of the executable (own = false) or of the library that this code is in; "" where it is not known. */
static void folder_of(bool own, char *folder, size_t room) {
  static const char here;
  Dl_info info;
  const char *file = own ? NULL : ra_program();
  if (own && dladdr(&here, &info)) file = info.dli_fname;
  int n = file ? snprintf(folder, room, "%s", file) : 0;
  if (n <= 0 || (size_t)n >= room) folder[0] = 0;
  char *slash = strrchr(folder, '/');
  if (slash) *slash = 0;
  else folder[0] = 0;
}

struct ra_gdcm ra_gdcm;
int32_t ra_gdcm_open(void) {
  static bool done;
  static const char *const places[] = {"", "release/", "../lib/ramus/", "ramus/"}, *const names[] = {RA_GDCM_CALLS(NAME) NULL};
  enum { PLACES = sizeof places / sizeof *places };
  char folder[3000], path[2 * PLACES][3100];
  const char *files[2 * PLACES + 1] = {0};
  for (int k = 0, n = 0; k < 2 * PLACES; k++) {
    folder_of(k >= PLACES, folder, sizeof folder);
    snprintf(path[k], sizeof path[k], "%s/%sramus_gdcm.so", folder, places[k % PLACES]);
    if (folder[0] && access(path[k], R_OK) == 0) files[n++] = path[k];
  }
  if (!files[0]) files[0] = "ramus_gdcm.so";
  return open_once(&done, files, names, &ra_gdcm);
}
