/* gzip and deflate streams in memory, with a bound on what comes out. */
#ifndef RA_FILE_INFLATE_H
#define RA_FILE_INFLATE_H

#include <stddef.h>

#include "../ramus.h"

/* *out [own: ra_mem_free] <- what the gzip stream holds (several members are one), with its checksum and length checked; the block
 * grows with what comes out. At most `most` bytes: more is an error where `whole`, else only the first `most` are made. */
int32_t ra_gunzip(const uint8_t *bytes, size_t size, size_t most, bool whole, uint8_t **out, size_t *count);
/* The same for a deflate stream without any header (RFC 1951), of which the first `most` bytes are made; what lies behind it is no part. */
int32_t ra_inflate_raw(const uint8_t *bytes, size_t size, size_t most, uint8_t **out, size_t *count);

#endif
