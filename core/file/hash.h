/* SHA-256 of data that comes in chunks; ra_sha256, ra_sha256_file and ra_md5_file are in api.h. */
#ifndef RA_FILE_HASH_H
#define RA_FILE_HASH_H

#include <stddef.h>

#include "../ramus.h"

enum { RA_SHA256_HEX = 64, RA_MD5_HEX = 32 };

typedef struct evp_md_ctx_st *ra_hash; /* libcrypto's context */

int32_t ra_hash_begin(ra_hash *hash);
int32_t ra_hash_add(ra_hash hash, const void *bytes, size_t size);
/* Ends it (also with hex NULL) and writes 64 digits and a zero byte. */
int32_t ra_hash_end(ra_hash hash, char *hex);

#endif
