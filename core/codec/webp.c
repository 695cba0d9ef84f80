/* WebP through libwebp, which is opened when the first one is met: lossy and lossless, with alpha (kept aside, not composited).
 * The chunks are walked first: a file that was cut is an error before any pixel has a place. */
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../library/webp.h"
#include "codec.h"

static bool is_webp(const uint8_t *bytes, size_t size) {
  return size >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0;
}

static size_t number(const uint8_t *b) { return b[0] | (size_t)b[1] << 8 | (size_t)b[2] << 16 | (size_t)b[3] << 24; }

/* Are all chunks there? *orientation <- that of an EXIF chunk. */
static int32_t walk(const uint8_t *bytes, size_t size, int32_t *orientation) {
  size_t end = number(bytes + 4) + 8;
  if (end > size) return ra_fail(RA_ERR_FORMAT, "the file has %zu bytes of %zu: cut off", size, end);
  for (size_t at = 12; at < end;) {
    size_t left = end - at, length = left >= 8 ? number(bytes + at + 4) : 0;
    if (left < 8 || length > left - 8) return ra_fail(RA_ERR_FORMAT, "a chunk is longer than the file: broken");
    if (memcmp(bytes + at, "EXIF", 4) == 0) *orientation = ra_exif_orientation(bytes + at + 8, length);
    at += 8 + length + (length & 1);
  }
  return RA_OK;
}

static int32_t fail_library(VP8StatusCode status) {
  static const char *const why[] = {
    [VP8_STATUS_BITSTREAM_ERROR] = "broken", [VP8_STATUS_UNSUPPORTED_FEATURE] = "a kind that libwebp does not read",
    [VP8_STATUS_NOT_ENOUGH_DATA] = "the file ends too early"};
  if (status == VP8_STATUS_OUT_OF_MEMORY) return ra_fail(RA_ERR_MEMORY, "out of memory");
  bool known = (size_t)status < sizeof why / sizeof *why && why[status];
  return ra_fail(RA_ERR_FORMAT, "%s", known ? why[status] : "the pixels cannot be decoded: broken");
}

/* Rows of bytes, with alpha behind the others or without, to samples. */
static int32_t take(const uint8_t *block, bool alpha, ra_pixels *p) {
  size_t area = (size_t)p->width * (size_t)p->height, stride = alpha ? 4 : 3;
  if (alpha && !(p->alpha = ra_mem_alloc(area, sizeof *p->alpha))) return RA_ERR_MEMORY;
  for (size_t i = 0; i < area; i++) {
    for (size_t c = 0; c < 3; c++) p->sample[3 * i + c] = block[i * stride + c];
    if (alpha) p->alpha[i] = block[i * stride + 3];
  }
  return RA_OK;
}

static int32_t decode(const uint8_t *bytes, size_t size, bool header_only, ra_pixels *out) {
  WebPBitstreamFeatures f;
  RA_TRY(walk(bytes, size, &out->details.orientation));
  RA_TRY(ra_webp_open());
  VP8StatusCode status = WebPGetFeaturesInternal(bytes, size, &f, WEBP_DECODER_ABI_VERSION);
  if (status != VP8_STATUS_OK) return fail_library(status);
  if (f.has_animation)
    return ra_fail(RA_ERR_FORMAT, "an animation is not read; webpmux -get frame 1 FILE.webp -o FILE_1.webp (libwebp) takes a frame out");
  out->bits = 8;
  out->max_value = 255;
  RA_TRY(ra_pixels_size(out, 3, f.width, f.height, RA_IMAGE_SAMPLES_MAX, header_only)); /* an image of one colour has any size */
  if (header_only) return RA_OK;
  size_t row = (size_t)f.width * (f.has_alpha ? 4 : 3), whole = row * (size_t)f.height;
  uint8_t *block = ra_mem_alloc(whole, 1);
  if (!block) return RA_ERR_MEMORY;
  bool done = f.has_alpha ? WebPDecodeRGBAInto(bytes, size, block, whole, (int)row)
                          : WebPDecodeRGBInto(bytes, size, block, whole, (int)row);
  int32_t code = done ? take(block, f.has_alpha, out) : fail_library(VP8_STATUS_BITSTREAM_ERROR);
  ra_mem_free(block);
  return code;
}

const ra_image_format ra_image_webp = {
  .name = "WebP", .extensions = "webp", .is = is_webp, .decode = decode, .writes = "no",
  .reads = "through libwebp: lossy and lossless (give RGB), alpha as in PNG, turned as EXIF says; no animation",
};
