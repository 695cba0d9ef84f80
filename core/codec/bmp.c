/* BMP (Windows 2 to 5, OS/2 1 and 2): palette of 1 to 8 bits (gives RGB and its entries), runs of 4 and 8 bits, 16, 24 and 32 bits
 * with masks or without, bottom up or top down. Samples have 8 bits; those of other widths are scaled to 0..255. */
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "codec.h"

enum { RAW = 0, RUNS_8 = 1, RUNS_4 = 2, MASKS = 3, MASKS_ALPHA = 6 }; /* compression */

typedef struct header {
  const uint8_t *bytes;
  size_t size, head, palette, pixels; /* of the file; of its second header; where palette and pixels begin */
  int32_t width, bits, compression;
  int32_t entries, entry_bytes;       /* of the palette */
  double height;
  bool down;                          /* the first row is the top */
  uint32_t mask[4];                   /* red, green, blue, alpha */
} header;

static uint32_t number(const uint8_t *b, int32_t n) {
  uint32_t v = 0;
  for (int32_t i = n; i-- > 0;) v = v << 8 | b[i];
  return v;
}

static bool is_bmp(const uint8_t *bytes, size_t size) {
  static const uint32_t heads[] = {12, 16, 40, 52, 56, 64, 108, 124}; /* the versions of the second header */
  for (size_t i = 0; size >= 18 && bytes[0] == 'B' && bytes[1] == 'M' && i < sizeof heads / sizeof *heads; i++)
    if (number(bytes + 14, 4) == heads[i]) return true;
  return false;
}

/* ---- the header ---- */

static bool has_masks(const header *h) { return h->compression == MASKS || h->compression == MASKS_ALPHA; }

/* Which kinds there are. */
static bool is_known(const header *h) {
  static const struct { int32_t compression, bits; } known[] = {{RAW, 1}, {RAW, 2}, {RAW, 4}, {RAW, 8}, {RAW, 16}, {RAW, 24}, {RAW, 32},
    {RUNS_8, 8}, {RUNS_4, 4}, {MASKS, 16}, {MASKS, 32}, {MASKS_ALPHA, 16}, {MASKS_ALPHA, 32}};
  if (has_masks(h) && h->head == 64) return false; /* OS/2 has other meanings for these numbers */
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i].compression == h->compression && known[i].bits == h->bits) return true;
  return false;
}

/* The fields that stand at other places, or not at all, in short headers. */
static void read_fields(header *h, ra_image_details *details) {
  const uint8_t *b = h->bytes + 14;
  bool words = h->head == 12, whole = h->head >= 40;
  int64_t height = words ? (int64_t)number(b + 6, 2) : (int32_t)number(b + 8, 4);
  h->pixels = number(h->bytes + 10, 4);
  h->width = (int32_t)number(b + 4, words ? 2 : 4);
  h->height = (double)(height < 0 ? -height : height);
  h->down = height < 0;
  h->bits = (int32_t)number(b + (words ? 10 : 14), 2);
  h->compression = whole ? (int32_t)number(b + 16, 4) : RAW;
  h->entries = h->bits <= 8 ? 1 << h->bits : 0;
  h->entry_bytes = words ? 3 : 4;
  uint32_t used = whole ? number(b + 32, 4) : 0, per_metre[2] = {whole ? number(b + 28, 4) : 0, whole ? number(b + 24, 4) : 0};
  if (used > 0 && used < (uint32_t)h->entries) h->entries = (int32_t)used;
  for (int32_t k = 0; k < 2 && per_metre[0] > 0 && per_metre[1] > 0; k++) details->spacing[k] = 1000.0 / per_metre[k];
  h->palette = 14 + h->head + (h->head == 40 && has_masks(h) ? h->compression == MASKS ? 12 : 16 : 0);
}

static int32_t read_header(header *h, ra_image_details *details) {
  static const uint32_t of_16[3] = {31u << 10, 31u << 5, 31}, of_32[3] = {255u << 16, 255u << 8, 255};
  h->head = number(h->bytes + 14, 4);
  if (h->size >= 14 + h->head) read_fields(h, details);
  if (h->size < 14 + h->head || h->size < h->palette + (size_t)(h->entries * h->entry_bytes))
    return ra_fail(RA_ERR_FORMAT, "the file ends in its header: cut off");
  if (!is_known(h))
    return ra_fail(RA_ERR_FORMAT, "%d bits with compression %d are not read; save the file as PNG", h->bits, h->compression);
  memcpy(h->mask, h->bits == 16 ? of_16 : of_32, sizeof of_16);
  bool alpha = h->head >= 56 || h->compression == MASKS_ALPHA;
  for (size_t c = 0; has_masks(h) && c < (alpha ? 4 : 3); c++) h->mask[c] = number(h->bytes + 14 + 40 + 4 * c, 4);
  if (h->pixels < h->palette || h->pixels > h->size) return ra_fail(RA_ERR_FORMAT, "its pixels begin beyond its end: cut off");
  return RA_OK;
}

/* ---- pixels ---- */

/* Pixels of 1 to 8 bits; the first is in the highest bits. */
static void entries_of_row(const uint8_t *from, int32_t bits, int32_t width, uint8_t *to) {
  for (int32_t x = 0; x < width; x++) {
    int32_t at = x * bits;
    to[x] = (uint8_t)(from[at / 8] >> (8 - bits - at % 8) & ((1 << bits) - 1));
  }
}

static uint16_t scaled(uint32_t pixel, uint32_t mask) {
  if (mask == 0) return 0;
  int shift = __builtin_ctz(mask);
  return (uint16_t)((uint64_t)((pixel & mask) >> shift) * 255 / (mask >> shift));
}

static void colours_of_row(const header *h, const uint8_t *from, int32_t width, uint16_t *to, uint16_t *alpha) {
  int32_t n = h->bits / 8;
  for (int32_t x = 0; x < width; x++) {
    uint32_t pixel = number(from + x * n, n);
    for (size_t c = 0; c < 3; c++) to[3 * x + (int32_t)c] = scaled(pixel, h->mask[c]);
    if (alpha) alpha[x] = scaled(pixel, h->mask[3]);
  }
}

/* Row y of the file as a row of the picture. */
static size_t row_at(const header *h, const ra_pixels *p, int32_t y) {
  return (size_t)(h->down ? y : p->height - 1 - y) * (size_t)p->width;
}

static void read_rows(const header *h, ra_pixels *p, size_t stride) {
  for (int32_t y = 0; y < p->height; y++) {
    const uint8_t *from = h->bytes + h->pixels + (size_t)y * stride;
    size_t to = row_at(h, p, y);
    if (p->entry) entries_of_row(from, h->bits, p->width, p->entry + to);
    else colours_of_row(h, from, p->width, p->sample + 3 * to, p->alpha ? p->alpha + to : NULL);
  }
}

/* Runs: (n, v) is n times v (of 4 bits: the two halves of v in turn); (0, 0) ends a row, (0, 1) the picture, (0, 2) is followed by
 * a step right and down, (0, n) by n pixels. Pixels that are stepped over have entry 0, what goes beyond a row is left out. */
static int32_t read_runs(const header *h, ra_pixels *p) {
  const uint8_t *at = h->bytes + h->pixels, *end = h->bytes + h->size;
  int32_t x = 0, y = 0, per_byte = 8 / h->bits;
  while (end - at >= 2) {
    int32_t n = at[0], v = at[1];
    const uint8_t *from = ++at; /* of the pixels */
    bool run = n > 0;
    at++;
    if (!run && v == 1) return RA_OK;
    if (!run && v == 0) {
      x = 0;
      y++;
    } else if (!run && v == 2) {
      if (end - at < 2) break;
      x += at[0];
      y += at[1];
      at += 2;
    } else {
      if (!run) {
        n = v;
        from = at;
        at += ((n + per_byte - 1) / per_byte + 1) / 2 * 2;
        if (at > end) break;
      }
      if (y >= p->height) return ra_fail(RA_ERR_FORMAT, "there are more rows than the header says: broken");
      uint8_t *to = p->entry + row_at(h, p, y);
      for (int32_t i = 0; i < n; i++, x++) {
        int32_t byte = from[run ? 0 : i / per_byte];
        if (x < p->width) to[x] = (uint8_t)(per_byte == 1 ? byte : i % 2 ? byte & 15 : byte >> 4);
      }
    }
    if (y > p->height || x > RA_IMAGE_SIDE_MAX + 255) break;
  }
  return ra_fail(RA_ERR_FORMAT, "the file ends before its end mark: broken or cut off");
}

/* Colours of the entries: blue, green, red; an entry that the palette lacks is black. */
static void colour(const header *h, ra_pixels *p) {
  for (size_t i = 0; i < (size_t)p->width * (size_t)p->height; i++) {
    int32_t k = p->entry[i];
    const uint8_t *c = k < h->entries ? h->bytes + h->palette + k * h->entry_bytes : NULL;
    for (size_t s = 0; s < 3; s++) p->sample[3 * i + s] = c ? c[2 - s] : 0;
  }
}

static int32_t decode(const uint8_t *bytes, size_t size, bool header_only, ra_pixels *out) {
  header h = {.bytes = bytes, .size = size};
  RA_TRY(read_header(&h, &out->details));
  bool runs = h.compression == RUNS_8 || h.compression == RUNS_4;
  size_t left = size - h.pixels, row = ((size_t)(uint32_t)h.width * (size_t)h.bits + 7) / 8, stride = (row + 3) / 4 * 4;
  /* a step of 4 bytes passes over 255 rows; padding behind the last row may be missing */
  size_t rows = (left + stride - row) / (stride ? stride : 1);
  double most = runs ? (double)left * 64 * h.width : (double)rows * h.width;
  out->bits = h.bits < 8 ? h.bits : 8;
  out->max_value = 255;
  RA_TRY(ra_pixels_size(out, 3, h.width, h.height, most * 3, header_only));
  if (header_only) return RA_OK;
  size_t area = (size_t)out->width * (size_t)out->height;
  if (h.entries > 0 && !(out->entry = ra_mem_zalloc(area, 1))) return RA_ERR_MEMORY;
  if (h.mask[3] != 0 && !(out->alpha = ra_mem_alloc(area, sizeof *out->alpha))) return RA_ERR_MEMORY;
  out->entries = h.entries;
  if (runs) RA_TRY(read_runs(&h, out));
  else read_rows(&h, out, stride);
  if (out->entry) colour(&h, out);
  return RA_OK;
}

const ra_image_format ra_image_bmp = {
  .name = "BMP", .extensions = "bmp dib", .is = is_bmp, .decode = decode, .writes = "no",
  .reads = "1, 2, 4, 8 bit with a palette (give RGB), runs of 4 and 8 bit, 16, 24 and 32 bit, also with masks (scaled to 8 bit a sample, "
           "alpha as in PNG); bottom up and top down; Windows' headers and OS/2's",
};
