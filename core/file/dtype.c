/* Number types of files and how each becomes ra_real. */
#include <math.h>
#include <string.h>

#include "bundle.h"

static const struct {
  const char *name;
  size_t bytes;
} known[RA_DTYPE_COUNT] = {
  [RA_DTYPE_BOOL] = {"BOOL", 1}, [RA_DTYPE_U8] = {"U8", 1},   [RA_DTYPE_I8] = {"I8", 1},     [RA_DTYPE_U16] = {"U16", 2},
  [RA_DTYPE_I16] = {"I16", 2},   [RA_DTYPE_F16] = {"F16", 2}, [RA_DTYPE_BF16] = {"BF16", 2}, [RA_DTYPE_U32] = {"U32", 4},
  [RA_DTYPE_I32] = {"I32", 4},   [RA_DTYPE_F32] = {"F32", 4}, [RA_DTYPE_U64] = {"U64", 8},   [RA_DTYPE_I64] = {"I64", 8},
  [RA_DTYPE_F64] = {"F64", 8},
};

const char *ra_dtype_name(ra_dtype dtype) { return known[dtype].name; }
size_t ra_dtype_bytes(ra_dtype dtype) { return known[dtype].bytes; }

/* IEEE 754 half: 1 sign, 5 exponent, 10 fraction bits. */
static float half_to_float(uint16_t h) {
  int exponent = h >> 10 & 31, fraction = h & 1023;
  float value = exponent == 31 ? (fraction ? NAN : INFINITY)
              : exponent == 0  ? ldexpf((float)fraction, -24)
                               : ldexpf((float)(fraction | 1024), exponent - 25);
  return h >> 15 ? -value : value;
}

static float brain_to_float(uint16_t h) {
  uint32_t word = (uint32_t)h << 16;
  float value;
  memcpy(&value, &word, sizeof value);
  return value;
}

#define EACH(type, expression) \
  for (size_t i = 0; i < count; i++) { \
    type v; \
    memcpy(&v, from + i * sizeof v, sizeof v); \
    to[i] = (ra_real)(expression); \
  } \
  break

void ra_dtype_convert(ra_dtype dtype, const uint8_t *from, size_t count, ra_real *to) {
  if (dtype == RA_DTYPE_REAL) {
    if (count) memcpy(to, from, count * sizeof *to);
    return;
  }
  switch (dtype) {
    case RA_DTYPE_BOOL: EACH(uint8_t, v != 0);
    case RA_DTYPE_U8: EACH(uint8_t, v);
    case RA_DTYPE_I8: EACH(int8_t, v);
    case RA_DTYPE_U16: EACH(uint16_t, v);
    case RA_DTYPE_I16: EACH(int16_t, v);
    case RA_DTYPE_F16: EACH(uint16_t, half_to_float(v));
    case RA_DTYPE_BF16: EACH(uint16_t, brain_to_float(v));
    case RA_DTYPE_U32: EACH(uint32_t, v);
    case RA_DTYPE_I32: EACH(int32_t, v);
    case RA_DTYPE_F32: EACH(float, v);
    case RA_DTYPE_U64: EACH(uint64_t, v);
    case RA_DTYPE_I64: EACH(int64_t, v);
    case RA_DTYPE_F64: EACH(double, v);
    case RA_DTYPE_COUNT: break;
  }
}
