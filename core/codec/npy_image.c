/* .npy and .npz as images: one array of rank 2 [H,W] or rank 3 [C,H,W], or
 * [H,W,C] where only the last dimension is 1, 3 or 4. Integers of 8 and 16 bits
 * are divided by their largest (127, 255, 32767, 65535); other numbers are read as they are. */
#include <math.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../file/bundle.h"
#include "codec.h"

/* A zip whose first member is NAME.npy. */
static bool is_npz(const uint8_t *bytes, size_t size) {
  enum { NAME = 30 };
  if (size < NAME || memcmp(bytes, "PK\3\4", 4) != 0) return false;
  size_t length = (size_t)bytes[26] | (size_t)bytes[27] << 8;
  return length > 4 && NAME + length <= size && memcmp(bytes + NAME + length - 4, ".npy", 4) == 0;
}

static bool is_npy(const uint8_t *bytes, size_t size) { return ra_npy_is(bytes, size) || is_npz(bytes, size); }

static bool few(int64_t n) { return n == 1 || n == 3 || n == 4; }

/* What becomes 1: the largest number of 8 or 16 bits; 1 for others, which stay as they are. */
static int32_t most_of(ra_dtype dtype) {
  switch (dtype) {
    case RA_DTYPE_U8: return 255;
    case RA_DTYPE_I8: return 127;
    case RA_DTYPE_U16: return 65535;
    case RA_DTYPE_I16: return 32767;
    default: return 1;
  }
}

/* How many values are not finite; 0 times such a value is not 0. */
static size_t count_bad(const ra_real *value, size_t count) {
  ra_real sum = 0;
  _Pragma("omp simd reduction(+ : sum)")
  for (size_t i = 0; i < count; i++) sum += value[i] * 0;
  size_t bad = 0;
  for (size_t i = 0; sum != 0 && i < count; i++) bad += !isfinite(value[i]);
  return bad;
}

static int32_t take(const ra_bundle_entry *e, bool header_only, ra_pixels *out) {
  if (e->rank != 2 && e->rank != 3)
    return ra_fail(RA_ERR_FORMAT, "an image is an array of rank 2 or 3, this one has rank %d", e->rank);
  bool last = e->rank == 3 && few(e->dim[2]) && !few(e->dim[0]);
  int64_t C = e->rank == 2 ? 1 : e->dim[last ? 2 : 0];
  int64_t H = e->dim[e->rank == 2 || last ? 0 : 1], W = e->dim[e->rank == 2 || last ? 1 : 2];
  if (C < 1 || C > 65536) return ra_fail(RA_ERR_FORMAT, "an array of %lld channels is not an image", (long long)C);
  RA_TRY(ra_pixels_size(out, (int32_t)C, (double)W, (double)H, RA_IMAGE_SAMPLES_MAX, true));
  out->bits = (int32_t)ra_dtype_bytes(e->dtype) * 8;
  out->max_value = most_of(e->dtype);
  if (header_only) return RA_OK;
  size_t count = (size_t)(C * H * W), area = (size_t)(H * W), channels = (size_t)C;
  out->value = ra_mem_alloc(count, sizeof *out->value);
  ra_real *flat = last && C > 1 ? ra_mem_alloc(count, sizeof *flat) : out->value;
  if (!out->value || !flat) {
    if (flat != out->value) ra_mem_free(flat);
    return RA_ERR_MEMORY;
  }
  ra_dtype_convert(e->dtype, e->bytes, count, flat);
  size_t bad = count_bad(flat, count);
  ra_real most = (ra_real)out->max_value;
  if (most != 1) {
    _Pragma("omp simd")
    for (size_t i = 0; i < count; i++) flat[i] /= most;
  }
  if (flat != out->value) {
    for (size_t c = 0; c < channels; c++)
      for (size_t i = 0; i < area; i++) out->value[c * area + i] = flat[i * channels + c];
    ra_mem_free(flat);
  }
  if (bad) return ra_fail(RA_ERR_FORMAT, "%zu of %zu values are not finite", bad, count);
  return RA_OK;
}

static int32_t decode(const uint8_t *bytes, size_t size, bool header_only, ra_pixels *out) {
  ra_bundle *b = ra_bundle_new();
  if (!b) return RA_ERR_MEMORY;
  int32_t code = ra_npy_is(bytes, size) ? ra_npy_decode(b, "", "array", bytes, size)
                                        : ra_npz_decode(b, "array", bytes, size);
  if (code == RA_OK && b->count != 1)
    code = ra_fail(RA_ERR_FORMAT, "an image is one array, this file has %d; open it with ra.load", b->count);
  if (code == RA_OK) code = take(b->entry, header_only, out);
  ra_bundle_release(b);
  return code;
}

const ra_image_format ra_image_npy = {
  .name = ".npy", .extensions = "npy npz", .is = is_npy, .decode = decode,
  .reads = "one array, also in .npz: `[H,W]`, `[C,H,W]`, or `[H,W,C]` where only the last dimension is 1, 3 or 4; "
           "8 and 16 bit integers are scaled to 0..1, other numbers are read as they are",
  .writes = "with `ra.save`",
};
