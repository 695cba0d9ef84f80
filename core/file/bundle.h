/* A bundle: named arrays of numbers with string metadata, as one safetensors or
 * .npz file holds them. Arrays keep the type of the file until they are
 * converted to tensors. */
#ifndef RA_FILE_BUNDLE_H
#define RA_FILE_BUNDLE_H

#include <stddef.h>

#include "../ramus.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are little-endian and read as they are");

typedef enum {
  RA_DTYPE_BOOL, RA_DTYPE_U8, RA_DTYPE_I8, RA_DTYPE_U16, RA_DTYPE_I16, RA_DTYPE_F16, RA_DTYPE_BF16, RA_DTYPE_U32,
  RA_DTYPE_I32, RA_DTYPE_F32, RA_DTYPE_U64, RA_DTYPE_I64, RA_DTYPE_F64, RA_DTYPE_COUNT
} ra_dtype;

#define RA_DTYPE_REAL (sizeof(ra_real) == 4 ? RA_DTYPE_F32 : RA_DTYPE_F64)

const char *ra_dtype_name(ra_dtype dtype);      /* "F32", as safetensors says it */
size_t ra_dtype_bytes(ra_dtype dtype);
/* to[i] = from[i] for count elements of any alignment; 64-bit numbers are rounded. */
void ra_dtype_convert(ra_dtype dtype, const uint8_t *from, size_t count, ra_real *to);

typedef struct ra_bundle_entry {
  char *name;
  ra_dtype dtype;
  int32_t rank;
  int64_t dim[RA_BUNDLE_RANK];
  size_t size;            /* bytes */
  const uint8_t *bytes;   /* row-major; inside the file, `own`, or the tensor's data */
  uint8_t *own;           /* [opt] released with the entry */
  ra_tensor *tensor;      /* [opt] held by the entry */
} ra_bundle_entry;

typedef struct ra_bundle_meta {
  char *key, *value;
} ra_bundle_meta;

struct ra_bundle {
  ra_bundle_entry *entry;
  int32_t count, capacity;
  ra_bundle_meta *meta;
  int32_t meta_count, meta_capacity;
  struct json_t *entry_at, *meta_at; /* [opt] from names and keys to their first place: looked up by hash, however many there are */
  uint8_t *file;          /* [opt] the file's bytes; entries point into it */
  bool checked;           /* the file had a checksum over all of it, and it matched */
};

/* A new last entry with that name (not looked up), all else zero; NULL on failure. */
ra_bundle_entry *ra_bundle_append(ra_bundle *bundle, const char *name);
int32_t ra_bundle_append_meta(ra_bundle *bundle, const char *key, const char *value);

/* Elements of a shape, or -1 where a dimension is negative or the product beyond 2^62. */
int64_t ra_bundle_elements(int32_t rank, const int64_t *dim);

/* The formats. Decoders fill an empty bundle from data that stays valid; `where` is for messages. */
int32_t ra_safetensors_decode(ra_bundle *bundle, const char *where, const uint8_t *data, size_t size);
int32_t ra_safetensors_write(const ra_bundle *bundle, const char *path);
int32_t ra_npz_decode(ra_bundle *bundle, const char *where, const uint8_t *data, size_t size);
int32_t ra_npz_write(const ra_bundle *bundle, const char *path);
/* One .npy array as the last entry; its bytes point into data where they can. */
int32_t ra_npy_decode(ra_bundle *bundle, const char *name, const char *where, const uint8_t *data, size_t size);
bool ra_npy_is(const uint8_t *data, size_t size);

#endif
