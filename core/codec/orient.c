/* Orientation: which way up the camera was held, as EXIF says it (1 to 8, tag 0x0112).
 * A codec records it in details.orientation; ra_pixels_orient turns the pixels so that row 0 is the top and column 0 the left.
 *   out[y,x] = in[r,c]   (r, c) = (y, x), or (x, y) where rows and columns change places (5 to 8); each may count from its end */
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "codec.h"
#include "../image/plane.h"

static const struct { bool transposed, row_back, column_back; } turns[9] = {
  [2] = {false, false, true}, [3] = {false, true, true}, [4] = {false, true, false},
  [5] = {true, false, false}, [6] = {true, true, false}, [7] = {true, true, true}, [8] = {true, false, true},
};

/* ---- the tag ---- */

typedef struct tiff {
  const uint8_t *bytes;
  size_t size;
  bool big;
} tiff;

/* A number of 2 or 4 bytes; 0 beyond the end. */
static uint32_t number(const tiff *t, size_t at, size_t count) {
  uint32_t value = 0;
  if (at > t->size || t->size - at < count) return 0;
  for (size_t i = 0; i < count; i++) value = value << 8 | t->bytes[at + (t->big ? i : count - 1 - i)];
  return value;
}

int32_t ra_exif_orientation(const uint8_t *bytes, size_t size) {
  if (size >= 6 && memcmp(bytes, "Exif\0\0", 6) == 0) bytes += 6, size -= 6;
  if (size < 8 || (memcmp(bytes, "II*\0", 4) != 0 && memcmp(bytes, "MM\0*", 4) != 0)) return 0;
  const tiff t = {bytes, size, bytes[0] == 'M'};
  enum { ENTRY = 12, TAG = 0x0112, BYTE = 1, SHORT = 3, LONG = 4 };
  size_t folder = number(&t, 4, 4), entries = number(&t, folder, 2);
  for (size_t i = 0; i < entries; i++) {
    size_t at = folder + 2 + i * ENTRY;
    if (at + ENTRY > size) return 0;
    if (number(&t, at, 2) != TAG) continue;
    uint32_t type = number(&t, at + 2, 2);
    size_t width = type == BYTE ? 1 : type == SHORT ? 2 : type == LONG ? 4 : 0;
    uint32_t value = width ? number(&t, at + 8, width) : 0;
    return value <= 8 ? (int32_t)value : 0;
  }
  return 0;
}

/* ---- turning ---- */

/* Planes [planes,H,W] of items of `item` bytes, turned into `to`. */
static void turn_into(uint8_t *to, const uint8_t *data, size_t planes, size_t H, size_t W, size_t item, int32_t orientation) {
  bool transposed = turns[orientation].transposed;
  size_t rows = transposed ? W : H, columns = transposed ? H : W;
  for (size_t p = 0; p < planes; p++) {
    const uint8_t *from = data + p * H * W * item;
    for (size_t y = 0; y < rows; y++)
      for (size_t x = 0; x < columns; x++, to += item) {
        size_t r = transposed ? x : y, c = transposed ? y : x;
        if (turns[orientation].row_back) r = H - 1 - r;
        if (turns[orientation].column_back) c = W - 1 - c;
        memcpy(to, from + (r * W + c) * item, item);
      }
  }
}

/* A turned copy takes the place of *data; NULL stays. */
static int32_t turn(void **data, size_t planes, size_t H, size_t W, size_t item, int32_t orientation) {
  if (!*data) return RA_OK;
  uint8_t *out = ra_mem_alloc(planes * H * W, item);
  if (!out) return RA_ERR_MEMORY;
  turn_into(out, *data, planes, H, W, item, orientation);
  ra_mem_free(*data);
  *data = out;
  return RA_OK;
}

ra_tensor *ra_image_turn(const ra_tensor *t, int32_t orientation) {
  ra_planes x;
  if (ra_planes_of("turn", t, &x) != RA_OK) return NULL;
  if (orientation < 1 || orientation > 8) {
    ra_fail(RA_ERR_ARG, "turn: wants an orientation from 1 to 8, given %d", orientation);
    return NULL;
  }
  bool transposed = turns[orientation].transposed;
  ra_tensor *y = ra_planes_like(t, x.C, transposed ? x.W : x.H, transposed ? x.H : x.W);
  if (y)
    turn_into((uint8_t *)y->data, (const uint8_t *)x.data, (size_t)x.C, (size_t)x.H, (size_t)x.W, sizeof *x.data, orientation);
  return y;
}

int32_t ra_pixels_orient(ra_pixels *p) {
  int32_t orientation = p->details.orientation;
  if (orientation < 2 || orientation > 8) return RA_OK;
  size_t H = (size_t)p->height, W = (size_t)p->width, C = (size_t)p->channels;
  void *sample = p->sample, *value = p->value, *alpha = p->alpha, *entry = p->entry;
  int32_t code = turn(&sample, 1, H, W, C * sizeof *p->sample, orientation);
  if (code == RA_OK) code = turn(&value, C, H, W, sizeof *p->value, orientation);
  if (code == RA_OK) code = turn(&alpha, 1, H, W, sizeof *p->alpha, orientation);
  if (code == RA_OK) code = turn(&entry, 1, H, W, sizeof *p->entry, orientation);
  p->sample = sample, p->value = value, p->alpha = alpha, p->entry = entry;
  if (code != RA_OK || !turns[orientation].transposed) return code;
  p->height = (int32_t)W;
  p->width = (int32_t)H;
  double row = p->details.spacing[0];
  p->details.spacing[0] = p->details.spacing[1];
  p->details.spacing[1] = row;
  return RA_OK;
}
