#define RA_DL_C
#include "dl_archive.h"
#include "dl_crypto.h"
#include "dl_curl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "../base/error.h"

struct ra_curl ra_curl;
struct ra_archive ra_archive;
struct ra_crypto ra_crypto;

#define NAME(name) #name,
static const char *const curl_names[] = {RA_CURL_CALLS(NAME) NULL};
static const char *const archive_names[] = {RA_ARCHIVE_CALLS(NAME) NULL};
static const char *const crypto_names[] = {RA_CRYPTO_CALLS(NAME) NULL};

/* Files in the order of trying; the version that the headers describe first. */
static const char *const curl_files[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.so", NULL};
static const char *const archive_files[] = {"libarchive.so.13", "libarchive.so", NULL};
static const char *const crypto_files[] = {"libcrypto.so.3", "libcrypto.so.1.1", "libcrypto.so", NULL};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* Fills a struct of function pointers, in the order of `names`. */
static int32_t fill(const char *const *files, const char *const *names, void *calls) {
  void *library = NULL;
  for (const char *const *file = files; *file && !library; file++) library = dlopen(*file, RTLD_NOW | RTLD_LOCAL);
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

int32_t ra_curl_open(void) {
  static bool done;
  return open_once(&done, curl_files, curl_names, &ra_curl);
}
int32_t ra_archive_open(void) {
  static bool done;
  return open_once(&done, archive_files, archive_names, &ra_archive);
}
int32_t ra_crypto_open(void) {
  static bool done;
  return open_once(&done, crypto_files, crypto_names, &ra_crypto);
}
