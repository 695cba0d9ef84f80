#define _DEFAULT_SOURCE
#include "hash.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../library/crypto.h"
#include "file.h"

enum { BLOCK = 1 << 18 };

static int32_t begin(ra_hash *hash, bool md5) {
  RA_TRY(ra_crypto_open());
  *hash = EVP_MD_CTX_new();
  if (*hash && EVP_DigestInit_ex(*hash, md5 ? EVP_md5() : EVP_sha256(), NULL) == 1) return RA_OK;
  EVP_MD_CTX_free(*hash);
  *hash = NULL;
  return ra_fail(RA_ERR_MEMORY, "%s: libcrypto could not start it", md5 ? "md5" : "sha256");
}

int32_t ra_hash_begin(ra_hash *hash) { return begin(hash, false); }

int32_t ra_hash_add(ra_hash hash, const void *bytes, size_t size) {
  return EVP_DigestUpdate(hash, bytes, size) == 1 ? RA_OK : ra_fail(RA_ERR_STATE, "libcrypto failed to hash");
}

int32_t ra_hash_end(ra_hash hash, char *hex) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int n = 0;
  int ok = EVP_DigestFinal_ex(hash, digest, &n);
  EVP_MD_CTX_free(hash);
  if (!hex) return RA_OK;
  if (ok != 1) return ra_fail(RA_ERR_STATE, "libcrypto failed to hash");
  for (unsigned int i = 0; i < n; i++) {
    hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
    hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
  }
  hex[2 * n] = 0;
  return RA_OK;
}

int32_t ra_sha256(const void *data, double size, char *hex) {
  ra_hash hash;
  RA_TRY(ra_hash_begin(&hash));
  int32_t code = ra_hash_add(hash, data, (size_t)size);
  int32_t ended = ra_hash_end(hash, hex);
  return code != RA_OK ? code : ended;
}

static int32_t hash_file(const char *path, bool md5, char *hex) {
  int fd = -1;
  uint64_t length;
  RA_TRY(ra_file_open(path, &fd, &length));
  int32_t code = RA_OK;
  ra_hash hash = NULL;
  char *block = ra_mem_alloc(BLOCK, 1);
  if (!block) code = RA_ERR_MEMORY;
  else code = begin(&hash, md5);
  while (code == RA_OK) {
    ssize_t n = read(fd, block, BLOCK);
    if (n == 0) break;
    if (n > 0) code = ra_hash_add(hash, block, (size_t)n);
    else if (errno != EINTR) code = ra_fail(RA_ERR_IO, "cannot read '%s': %s", path, strerror(errno));
  }
  if (hash) {
    int32_t ended = ra_hash_end(hash, code == RA_OK ? hex : NULL);
    if (code == RA_OK) code = ended;
  }
  ra_mem_free(block);
  close(fd);
  return code;
}

int32_t ra_sha256_file(const char *path, char *hex) { return hash_file(path, false, hex); }
int32_t ra_md5_file(const char *path, char *hex) { return hash_file(path, true, hex); }
