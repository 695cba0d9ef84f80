/* OpenSSL's libcrypto, opened when it is first needed (dl.h). Its functions keep their names, which are macros here; before the
 * first call: RA_TRY(ra_crypto_open()). */
#ifndef RA_DL_CRYPTO_H
#define RA_DL_CRYPTO_H

#include <openssl/evp.h>

#include "dl.h"

#define RA_CRYPTO_CALLS(f) \
  f(EVP_DigestFinal_ex) f(EVP_DigestInit_ex) f(EVP_DigestUpdate) f(EVP_MD_CTX_free) f(EVP_MD_CTX_new) \
  f(EVP_md5) f(EVP_sha256)

extern struct ra_crypto {
  RA_CRYPTO_CALLS(RA_DL_MEMBER)
} ra_crypto;

int32_t ra_crypto_open(void);

#ifndef RA_DL_C /* dl.c itself needs the names */
#define EVP_DigestFinal_ex ra_crypto.EVP_DigestFinal_ex
#define EVP_DigestInit_ex ra_crypto.EVP_DigestInit_ex
#define EVP_DigestUpdate ra_crypto.EVP_DigestUpdate
#define EVP_MD_CTX_free ra_crypto.EVP_MD_CTX_free
#define EVP_MD_CTX_new ra_crypto.EVP_MD_CTX_new
#define EVP_md5 ra_crypto.EVP_md5
#define EVP_sha256 ra_crypto.EVP_sha256
#endif

#endif
