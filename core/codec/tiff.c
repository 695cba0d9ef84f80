/* TIFF through libtiff, which is opened when the first one is met. This file reads the header of a page and decides what its
 * samples are; tiff_pixels.c reads them. Orientation is recorded; read.c applies it.
 *
 * libtiff's messages come by a handler of the page, so that threads do not share any. */
#include <stdio.h>
#include <string.h>

#include "../base/error.h"
#include "tiff.h"

/* ---- libtiff reads from memory ---- */

static tmsize_t take(thandle_t handle, void *to, tmsize_t count) {
  ra_tiff_page *t = handle;
  size_t left = t->at < t->size ? t->size - t->at : 0, n = (size_t)count < left ? (size_t)count : left;
  memcpy(to, t->bytes + (n ? t->at : 0), n);
  t->at += n;
  return (tmsize_t)n;
}

static tmsize_t put_nothing(thandle_t handle, void *from, tmsize_t count) {
  (void)handle, (void)from, (void)count;
  return 0;
}

static toff_t seek(thandle_t handle, toff_t to, int whence) {
  ra_tiff_page *t = handle;
  t->at = (size_t)(whence == SEEK_SET ? to : whence == SEEK_CUR ? t->at + to : t->size + to);
  return t->at;
}

static int close_nothing(thandle_t handle) {
  (void)handle;
  return 0;
}

static toff_t size_of(thandle_t handle) { return ((ra_tiff_page *)handle)->size; }

static int map(thandle_t handle, void **base, toff_t *size) {
  ra_tiff_page *t = handle;
  *base = (void *)(uintptr_t)t->bytes; /* libtiff does not write to a file that is opened for reading */
  *size = t->size;
  return 1;
}

static void unmap(thandle_t handle, void *base, toff_t size) { (void)handle, (void)base, (void)size; }

__attribute__((format(printf, 4, 0)))
static int on_error(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments) {
  ra_tiff_page *t = user;
  (void)tiff, (void)module;
  if (t->message[0] == 0) vsnprintf(t->message, sizeof t->message, format, arguments);
  return 1; /* nothing else shall see it */
}

__attribute__((format(printf, 4, 0)))
static int on_warning(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments) {
  return ((ra_tiff_page *)user)->strict ? on_error(tiff, user, module, format, arguments) : 1;
}

static int32_t fail_library(const ra_tiff_page *t) {
  return ra_fail(RA_ERR_FORMAT, "%s", t->message[0] ? t->message : "libtiff gives no reason");
}

static int32_t open_page(ra_tiff_page *t, int32_t frame) {
  TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
  if (!options) return ra_fail(RA_ERR_MEMORY, "out of memory");
  TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, t);
  TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, t);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)(64 << 20) + (tmsize_t)t->size * 64);
  t->tiff = TIFFClientOpenExt("file", "rM", t, take, put_nothing, seek, close_nothing, size_of, map, unmap, options);
  TIFFOpenOptionsFree(options);
  if (!t->tiff || (frame > 0 && !TIFFSetDirectory(t->tiff, (tdir_t)frame))) return fail_library(t);
  t->message[0] = 0; /* what libtiff found wrong and could do without */
  return RA_OK;
}

/* ---- the header ---- */

static int32_t short_of(const ra_tiff_page *t, uint32_t tag) {
  uint16_t v = 0;
  return TIFFGetFieldDefaulted(t->tiff, tag, &v) ? v : 0;
}

/* Compressions that are read: how many samples a byte of the file can become at most. 0: a bit can be a whole row. */
static const struct { int32_t compression; double samples; } known[] = {
  {COMPRESSION_NONE, 1}, {COMPRESSION_PACKBITS, 64}, {COMPRESSION_LZW, 3000}, {COMPRESSION_ADOBE_DEFLATE, 1032},
  {COMPRESSION_DEFLATE, 1032}, {COMPRESSION_ZSTD, 40000}, {COMPRESSION_LZMA, 10000}, {COMPRESSION_JPEG, 8 * 64 * 16},
  {COMPRESSION_OJPEG, 8 * 64 * 16}, {COMPRESSION_CCITTRLE, 0}, {COMPRESSION_CCITTRLEW, 0}, {COMPRESSION_CCITTFAX3, 0},
  {COMPRESSION_CCITTFAX4, 0},
};

static int32_t limit_of(ra_tiff_page *t, double width) {
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (known[i].compression != t->compression) continue;
    double packed = 8.0 / t->bits > 1 ? 8.0 / t->bits : 1; /* samples in a byte */
    t->most = (double)t->size * (known[i].samples == 0 ? 8 * width : known[i].samples * packed);
    return RA_OK;
  }
  return ra_fail(RA_ERR_FORMAT, "compression %d is not read; save the file with deflate or LZW", t->compression);
}

/* What the samples beyond the colours are. */
static void alpha_of(ra_tiff_page *t) {
  uint16_t count = 0, *kind = NULL;
  bool told = TIFFGetField(t->tiff, TIFFTAG_EXTRASAMPLES, &count, &kind) && count > 0;
  t->alpha = -1;
  if (!told && t->colours == 3 && t->samples == 4) t->alpha = 3; /* a file that does not say it has alpha */
  for (int32_t i = 0; told && i < count && t->alpha < 0; i++) {
    if (kind[i] == EXTRASAMPLE_UNSPECIFIED || t->colours + i >= t->samples) continue;
    t->alpha = t->colours + i;
    t->associated = kind[i] == EXTRASAMPLE_ASSOCALPHA;
  }
}

static int32_t photometric_of(ra_tiff_page *t) {
  uint16_t v = t->samples >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISWHITE; /* of a file that does not say it */
  (void)TIFFGetField(t->tiff, TIFFTAG_PHOTOMETRIC, &v);
  t->by_library = t->compression == COMPRESSION_OJPEG;
  if (v == PHOTOMETRIC_YCBCR && t->compression == COMPRESSION_JPEG && !t->separate) {
    TIFFSetField(t->tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    v = PHOTOMETRIC_RGB;
  }
  t->photometric = v;
  t->by_library = t->by_library || v == PHOTOMETRIC_YCBCR;
  t->colours = v == PHOTOMETRIC_RGB || v == PHOTOMETRIC_YCBCR ? 3 : v == PHOTOMETRIC_SEPARATED ? 4 : 1;
  if (v == PHOTOMETRIC_SEPARATED && short_of(t, TIFFTAG_INKSET) != INKSET_CMYK)
    return ra_fail(RA_ERR_FORMAT, "inks other than CMYK are not read; convert the file to RGB");
  if (v > PHOTOMETRIC_YCBCR)
    return ra_fail(RA_ERR_FORMAT, "colours of kind %d%s are not read; convert the file to RGB or grey", v,
                   v >= PHOTOMETRIC_CIELAB && v <= PHOTOMETRIC_ITULAB ? " (L*a*b*)" : "");
  if (t->colours == 1 && t->samples > 2)
    return ra_fail(RA_ERR_FORMAT, "a pixel has %d samples, and nothing says that they are colours: save the one that is meant, or the "
                   "planes of a mask as .npy [K,H,W]", t->samples);
  if (t->samples < t->colours) return ra_fail(RA_ERR_FORMAT, "a pixel has %d samples, its colour wants %d", t->samples, t->colours);
  return RA_OK;
}

bool ra_tiff_is_number(const ra_tiff_page *t) { return t->format != SAMPLEFORMAT_UINT || t->bits > 16; }

static int32_t check_type(const ra_tiff_page *t) {
  bool real = t->format == SAMPLEFORMAT_IEEEFP, size = t->bits >= 1 && (t->bits <= 32 || t->bits == 64);
  if (t->format > SAMPLEFORMAT_IEEEFP || !size || (real && t->bits != 16 && t->bits != 32 && t->bits != 64))
    return ra_fail(RA_ERR_FORMAT, "samples of %d bit and format %d are not read; save the file with integers of 8 or 16 bit or with "
                   "real numbers of 32", t->bits, t->format);
  if (t->photometric == PHOTOMETRIC_PALETTE && (t->bits > 8 || ra_tiff_is_number(t)))
    return ra_fail(RA_ERR_FORMAT, "a palette of %d bit is not read; save the file with one of 8 bit", t->bits);
  if (t->colours == 4 && ra_tiff_is_number(t)) return ra_fail(RA_ERR_FORMAT, "CMYK of %d bit is not read; convert it to RGB", t->bits);
  if (t->by_library && t->bits != 8) return ra_fail(RA_ERR_FORMAT, "YCbCr of %d bit is not read; convert it to RGB", t->bits);
  return RA_OK;
}

static void details_of(const ra_tiff_page *t, ra_image_details *d) {
  float x = 0, y = 0;
  uint16_t turned = 0;
  int32_t per = short_of(t, TIFFTAG_RESOLUTIONUNIT);
  double unit = per == RESUNIT_INCH ? 25.4 : per == RESUNIT_CENTIMETER ? 10 : 0; /* mm */
  if (unit > 0 && TIFFGetField(t->tiff, TIFFTAG_XRESOLUTION, &x) && TIFFGetField(t->tiff, TIFFTAG_YRESOLUTION, &y) && x > 0 && y > 0) {
    d->spacing[0] = unit / (double)y;
    d->spacing[1] = unit / (double)x;
  }
  if (TIFFGetField(t->tiff, TIFFTAG_ORIENTATION, &turned) && turned >= 1 && turned <= 8) d->orientation = turned;
}

static int32_t read_header(ra_tiff_page *t, bool header_only) {
  ra_pixels *p = t->picture;
  uint32_t width = 0, height = 0;
  TIFFGetField(t->tiff, TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(t->tiff, TIFFTAG_IMAGELENGTH, &height);
  t->samples = short_of(t, TIFFTAG_SAMPLESPERPIXEL);
  t->bits = short_of(t, TIFFTAG_BITSPERSAMPLE);
  t->format = short_of(t, TIFFTAG_SAMPLEFORMAT);
  if (t->format == SAMPLEFORMAT_VOID) t->format = SAMPLEFORMAT_UINT;
  t->compression = short_of(t, TIFFTAG_COMPRESSION);
  t->separate = short_of(t, TIFFTAG_PLANARCONFIG) == PLANARCONFIG_SEPARATE && t->samples > 1;
  RA_TRY(photometric_of(t));
  RA_TRY(check_type(t));
  alpha_of(t);
  RA_TRY(limit_of(t, width));
  bool number = ra_tiff_is_number(t), palette = t->photometric == PHOTOMETRIC_PALETTE;
  p->bits = t->bits;
  bool as_is = t->bits > 16 || t->format == SAMPLEFORMAT_IEEEFP;
  p->max_value = as_is ? 1 : palette ? 255 : (1 << (t->bits - (t->format == SAMPLEFORMAT_INT))) - 1;
  if (p->max_value < 1) return ra_fail(RA_ERR_FORMAT, "signed samples of 1 bit are not read");
  details_of(t, &p->details);
  return ra_pixels_size(p, t->colours == 1 && !palette ? 1 : 3, width, height, t->most * (palette ? 3 : 1), header_only || number);
}

static int32_t read_page(ra_tiff_page *t, bool header_only) {
  RA_TRY(ra_tiff_open());
  int32_t code = open_page(t, t->picture->frame);
  if (code == RA_OK) code = read_header(t, header_only);
  if (code == RA_OK && !header_only) {
    t->strict = true;
    code = ra_tiff_read(t);
    if (code == RA_OK && t->message[0]) code = fail_library(t);
  }
  if (t->tiff) TIFFClose(t->tiff);
  return code;
}

static bool is_tiff(const uint8_t *bytes, size_t size) {
  static const char *const magic[] = {"II*\0", "MM\0*", "II+\0", "MM\0+"};
  for (size_t i = 0; size >= 4 && i < sizeof magic / sizeof *magic; i++)
    if (memcmp(bytes, magic[i], 4) == 0) return true;
  return false;
}

static int32_t decode(const uint8_t *bytes, size_t size, bool header_only, ra_pixels *out) {
  RA_TRY(ra_tiff_pages(bytes, size, &out->details.frames));
  if (out->frame >= out->details.frames) return RA_OK; /* the caller says it */
  ra_tiff_page t = {.bytes = bytes, .size = size, .picture = out};
  return read_page(&t, header_only);
}

const ra_image_format ra_image_tiff = {
  .name = "TIFF", .extensions = "tif tiff", .is = is_tiff, .decode = decode, .writes = "no",
  .reads = "through libtiff, BigTIFF too: integers of 1 to 32 and 64 bit, signed too (up to 16 bit they are divided by their largest "
           "value, others are read as they are), real numbers of 16, 32 and 64; grey, white as 0, RGB, palette (gives RGB), YCbCr, CMYK "
           "(converted to RGB); strips, tiles, planes; PackBits, LZW, deflate, Zstandard, LZMA, JPEG, fax G3 and G4; alpha as in "
           "PNG, colours that were multiplied by it are divided again; a page by its number",
};
