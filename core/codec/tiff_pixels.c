/* The samples of a TIFF page: blocks (strips or tiles, of all samples or of one plane) are decoded by libtiff into
 *   rows of integers  -> sample[H,W,C], alpha, entry, the fourth ink; or value[C,H,W] for numbers
 *   rows of reals     -> value[C,H,W]
 * Then the whole picture is finished: palette, inks, associated alpha. */
#include <math.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../file/bundle.h"
#include "tiff.h"

typedef struct reader {
  ra_tiff_page *t;
  ra_pixels *p;
  size_t width, height, across, down;  /* of a block; blocks in a plane */
  size_t in_block;                     /* samples of a pixel in a block */
  size_t row_bytes, block_bytes;
  uint8_t *block;
  uint32_t *whole;                     /* a row of integers */
  ra_real *real;                       /* a row of numbers */
  uint16_t *ink;                       /* [H,W] black of CMYK */
  ra_dtype dtype;                      /* RA_DTYPE_COUNT: integers of up to 32 bits */
} reader;

/* ---- one row ---- */

/* Integers of any width; those that fill no whole bytes follow each other from the highest bit on. */
static void unpack(const uint8_t *from, int32_t bits, size_t count, uint32_t *to) {
  if (bits == 8) {
    for (size_t i = 0; i < count; i++) to[i] = from[i];
  } else if (bits == 16 || bits == 24 || bits == 32) { /* libtiff has put the bytes in this machine's order */
    size_t n = (size_t)bits / 8;
    for (size_t i = 0; i < count; i++) {
      to[i] = 0;
      memcpy(to + i, from + i * n, n);
    }
  } else {
    uint64_t held = 0;
    int32_t have = 0;
    for (size_t i = 0; i < count; i++) {
      for (; have < bits; have += 8) held = held << 8 | *from++;
      have -= bits;
      to[i] = (uint32_t)(held >> have & ((1ull << bits) - 1));
    }
  }
}

/* Sample s of every pixel in the row of integers becomes channel c of the picture from pixel `first` on. */
static void put_integers(const reader *r, size_t s, int32_t c, size_t first, size_t count) {
  const ra_tiff_page *t = r->t;
  ra_pixels *p = r->p;
  const uint32_t *from = r->whole + s;
  size_t S = r->in_block, C = (size_t)p->channels, area = (size_t)p->width * (size_t)p->height;
  uint32_t all = (uint32_t)((1ull << t->bits) - 1), high = 1u << (t->bits - 1);
  uint32_t flip = t->photometric == PHOTOMETRIC_MINISWHITE && t->format == SAMPLEFORMAT_UINT ? all : 0;
  uint16_t *plane = c == t->alpha ? p->alpha : c == 3 && t->colours == 4 ? r->ink : NULL;
  if (plane)
    for (size_t i = 0; i < count; i++) plane[first + i] = (uint16_t)from[i * S];
  else if (c >= t->colours) return;
  else if (p->entry)
    for (size_t i = 0; i < count; i++) p->entry[first + i] = (uint8_t)from[i * S];
  else if (!p->value)
    for (size_t i = 0; i < count; i++) p->sample[(first + i) * C + (size_t)c] = (uint16_t)(from[i * S] ^ flip);
  else
    for (size_t i = 0; i < count; i++) {
      uint32_t v = from[i * S] ^ flip;
      double number = t->format == SAMPLEFORMAT_INT && v & high ? (double)v - (double)all - 1 : (double)v;
      p->value[(size_t)c * area + first + i] = (ra_real)(number / p->max_value);
    }
}

static void take_row(const reader *r, const uint8_t *from, int32_t plane, size_t first, size_t count) {
  size_t area = (size_t)r->p->width * (size_t)r->p->height;
  if (r->dtype == RA_DTYPE_COUNT) unpack(from, r->t->bits, count * r->in_block, r->whole);
  else ra_dtype_convert(r->dtype, from, count * r->in_block, r->real);
  for (size_t s = 0; s < r->in_block; s++) {
    int32_t c = r->t->separate ? plane : (int32_t)s;
    if (r->dtype == RA_DTYPE_COUNT) put_integers(r, s, c, first, count);
    else
      for (size_t i = 0; c < r->p->channels && i < count; i++) r->p->value[(size_t)c * area + first + i] = r->real[i * r->in_block + s];
  }
}

/* ---- blocks ---- */

static int32_t take_block(const reader *r, uint32_t index) {
  TIFF *tiff = r->t->tiff;
  bool tiled = TIFFIsTiled(tiff);
  size_t per_plane = r->across * r->down, W = (size_t)r->p->width, H = (size_t)r->p->height;
  size_t x = index % per_plane % r->across * r->width, y = index % per_plane / r->across * r->height;
  size_t rows = r->height < H - y ? r->height : H - y, count = r->width < W - x ? r->width : W - x;
  int32_t plane = (int32_t)(index / per_plane);
  if (r->t->separate && plane >= r->t->colours && plane != r->t->alpha) return RA_OK; /* nobody asks for it */
  tmsize_t wanted = (tmsize_t)(tiled ? r->block_bytes : rows * r->row_bytes);
  tmsize_t got = tiled ? TIFFReadEncodedTile(tiff, index, r->block, wanted) : TIFFReadEncodedStrip(tiff, index, r->block, wanted);
  if (got != wanted || r->t->message[0])
    return ra_fail(RA_ERR_FORMAT, "%s %u cannot be decoded: %s", tiled ? "tile" : "strip", index,
                   r->t->message[0] ? r->t->message : "it ends too early");
  for (size_t i = 0; i < rows; i++) take_row(r, r->block + i * r->row_bytes, plane, (y + i) * W + x, count);
  return RA_OK;
}

static int32_t measure(reader *r) {
  ra_tiff_page *t = r->t;
  TIFF *tiff = t->tiff;
  uint32_t width = (uint32_t)r->p->width, height = 0;
  bool tiled = TIFFIsTiled(tiff);
  if (tiled) TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &width);
  TIFFGetFieldDefaulted(tiff, tiled ? TIFFTAG_TILELENGTH : TIFFTAG_ROWSPERSTRIP, &height);
  if (!tiled && height > (uint32_t)r->p->height) height = (uint32_t)r->p->height;
  r->in_block = t->separate ? 1 : (size_t)t->samples;
  double samples = (double)width * height * (double)r->in_block;
  if (samples < 1 || samples > t->most + 7 || samples > RA_IMAGE_SAMPLES_MAX)
    return ra_fail(RA_ERR_FORMAT, "blocks of %u x %u pixels are more than the file can hold: broken or cut off", width, height);
  r->width = width;
  r->height = height;
  r->across = ((size_t)r->p->width + width - 1) / width;
  r->down = ((size_t)r->p->height + height - 1) / height;
  r->row_bytes = (width * r->in_block * (size_t)t->bits + 7) / 8;
  r->block_bytes = r->row_bytes * height;
  uint32_t blocks = tiled ? TIFFNumberOfTiles(tiff) : TIFFNumberOfStrips(tiff);
  if ((tiled ? TIFFTileRowSize64(tiff) : TIFFScanlineSize64(tiff)) != r->row_bytes ||
      blocks != r->across * r->down * (t->separate ? (size_t)t->samples : 1))
    return ra_fail(RA_ERR_FORMAT, "its %u blocks of %u x %u pixels do not make up the picture: broken", blocks, width, height);
  return RA_OK;
}

static int32_t get_memory(reader *r) {
  ra_pixels *p = r->p;
  const ra_tiff_page *t = r->t;
  size_t area = (size_t)p->width * (size_t)p->height, row = r->width * r->in_block;
  bool number = ra_tiff_is_number(t), palette = t->photometric == PHOTOMETRIC_PALETTE;
  if (!(r->block = ra_mem_alloc(r->block_bytes, 1))) return RA_ERR_MEMORY;
  if (r->dtype == RA_DTYPE_COUNT ? !(r->whole = ra_mem_alloc(row, sizeof *r->whole)) : !(r->real = ra_mem_alloc(row, sizeof *r->real)))
    return RA_ERR_MEMORY;
  if (number && !(p->value = ra_mem_alloc(area * (size_t)p->channels, sizeof *p->value))) return RA_ERR_MEMORY;
  if (!number && t->alpha >= 0 && !(p->alpha = ra_mem_alloc(area, sizeof *p->alpha))) return RA_ERR_MEMORY;
  if (palette && !(p->entry = ra_mem_alloc(area, 1))) return RA_ERR_MEMORY;
  if (t->colours == 4 && !(r->ink = ra_mem_alloc(area, sizeof *r->ink))) return RA_ERR_MEMORY;
  return RA_OK;
}

/* ---- the whole picture ---- */

/* Colours of a palette have 16 bits; some writers fill only the lower 8. */
static int32_t finish_palette(const reader *r) {
  ra_pixels *p = r->p;
  uint16_t *map[3] = {NULL, NULL, NULL}, any = 0;
  if (!TIFFGetField(r->t->tiff, TIFFTAG_COLORMAP, map, map + 1, map + 2)) return ra_fail(RA_ERR_FORMAT, "the palette is missing");
  p->entries = 1 << p->bits;
  for (int32_t k = 0; k < p->entries; k++) any |= map[0][k] | map[1][k] | map[2][k];
  int32_t shift = any > 255 ? 8 : 0;
  for (size_t i = 0; i < (size_t)p->width * (size_t)p->height; i++)
    for (size_t c = 0; c < 3; c++) p->sample[3 * i + c] = (uint16_t)(map[c][p->entry[i]] >> shift);
  return RA_OK;
}

/* Cyan, magenta, yellow and black to red, green, blue: (1 - c) (1 - k). */
static void finish_inks(const reader *r) {
  uint32_t white = (uint32_t)r->p->max_value;
  for (size_t i = 0; i < (size_t)r->p->width * (size_t)r->p->height; i++) {
    uint16_t *v = r->p->sample + 3 * i;
    uint32_t light = white - r->ink[i];
    for (size_t c = 0; c < 3; c++) v[c] = (uint16_t)(light - (v[c] * light + white / 2) / white);
  }
}

static void finish_associated(const reader *r) {
  ra_pixels *p = r->p;
  uint32_t C = (uint32_t)p->channels, white = (uint32_t)p->max_value;
  for (size_t i = 0; i < (size_t)p->width * (size_t)p->height; i++)
    for (size_t c = 0; c < C; c++) {
      uint32_t v = p->sample[i * C + c], a = p->alpha[i], plain = a ? v * white / a : 0;
      p->sample[i * C + c] = (uint16_t)(plain < white ? plain : white);
    }
}

static int32_t finish(const reader *r) {
  const ra_pixels *p = r->p;
  size_t bad = 0, count = (size_t)p->width * (size_t)p->height * (size_t)p->channels;
  for (size_t i = 0; p->value && i < count; i++) bad += !isfinite(p->value[i]);
  if (bad) return ra_fail(RA_ERR_FORMAT, "%zu of %zu values are not finite", bad, count);
  if (p->entry) return finish_palette(r);
  if (r->ink) finish_inks(r);
  if (p->alpha && r->t->associated) finish_associated(r);
  return RA_OK;
}

static ra_dtype dtype_of(const ra_tiff_page *t) {
  if (t->bits == 64) return t->format == SAMPLEFORMAT_IEEEFP ? RA_DTYPE_F64 : t->format == SAMPLEFORMAT_INT ? RA_DTYPE_I64 : RA_DTYPE_U64;
  if (t->format == SAMPLEFORMAT_IEEEFP) return t->bits == 16 ? RA_DTYPE_F16 : RA_DTYPE_F32;
  return RA_DTYPE_COUNT;
}

/* ---- what libtiff converts itself ---- */

static int32_t read_by_library(ra_tiff_page *t) {
  ra_pixels *p = t->picture;
  char why[1024] = "";
  TIFFRGBAImage image;
  if (!TIFFRGBAImageOK(t->tiff, why)) return ra_fail(RA_ERR_FORMAT, "%s", why);
  size_t area = (size_t)p->width * (size_t)p->height;
  uint32_t *raster = ra_mem_zalloc(area, sizeof *raster);
  if (!raster) return RA_ERR_MEMORY;
  bool done = TIFFRGBAImageBegin(&image, t->tiff, 1, why);
  if (done) {
    image.req_orientation = image.orientation; /* rows as they are */
    done = TIFFRGBAImageGet(&image, raster, (uint32_t)p->width, (uint32_t)p->height);
    TIFFRGBAImageEnd(&image);
  }
  for (size_t i = 0; done && i < area; i++) {
    p->sample[3 * i] = TIFFGetR(raster[i]);
    p->sample[3 * i + 1] = TIFFGetG(raster[i]);
    p->sample[3 * i + 2] = TIFFGetB(raster[i]);
  }
  ra_mem_free(raster);
  if (done && !t->message[0]) return RA_OK;
  return ra_fail(RA_ERR_FORMAT, "the picture cannot be decoded: %s", t->message[0] ? t->message : why[0] ? why : "libtiff gives no reason");
}

int32_t ra_tiff_read(ra_tiff_page *t) {
  if (t->by_library) return read_by_library(t);
  reader r = {.t = t, .p = t->picture, .dtype = dtype_of(t)};
  int32_t code = measure(&r);
  if (code == RA_OK) code = get_memory(&r);
  uint32_t blocks = code == RA_OK ? (uint32_t)(r.across * r.down * (t->separate ? (size_t)t->samples : 1)) : 0;
  for (uint32_t i = 0; code == RA_OK && i < blocks; i++) code = take_block(&r, i);
  if (code == RA_OK) code = finish(&r);
  ra_mem_free(r.block);
  ra_mem_free(r.whole);
  ra_mem_free(r.real);
  ra_mem_free(r.ink);
  return code;
}
