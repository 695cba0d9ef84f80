/* farbfeld: "farbfeld", width and height (big-endian), then RGBA of 16 bits each, big-endian; alpha is dropped. */
#include <string.h>

#include "../base/error.h"
#include "codec.h"

static bool is_farbfeld(const uint8_t *bytes, size_t size) { return size >= 16 && memcmp(bytes, "farbfeld", 8) == 0; }

static uint32_t number(const uint8_t *b) { return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3]; }

static int32_t decode(const uint8_t *bytes, size_t size, bool header_only, ra_pixels *out) {
  size_t pixels = (size - 16) / 8;
  RA_TRY(ra_pixels_size(out, 3, number(bytes + 8), number(bytes + 12), (double)pixels * 3, header_only));
  out->bits = 16;
  out->max_value = 65535;
  size_t count = (size_t)number(bytes + 8) * number(bytes + 12);
  for (size_t i = 0; !header_only && i < count * 3; i++) {
    const uint8_t *b = bytes + 16 + i / 3 * 8 + i % 3 * 2;
    out->sample[i] = (uint16_t)(b[0] << 8 | b[1]);
  }
  return RA_OK;
}

const ra_image_format ra_image_farbfeld = {
  .name = "farbfeld", .extensions = "ff", .is = is_farbfeld, .decode = decode, .reads = "16 bit RGBA; alpha is dropped",
};
