/* DICOM as an image: grey numbers and their window, or colours.
 *   MONOCHROME2, MONOCHROME1  value[1,H,W]: the numbers that the stored values stand for; details.window becomes 0..1 (1..0)
 *   RGB, YBR_*                sample[H,W,3]
 *   PALETTE COLOR             sample[H,W,3], entry[H,W] where the palette has at most 256 entries
 * core/dicom reads the file. */
#include <math.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../dicom/dicom.h"
#include "codec.h"

static bool is_dicom(const uint8_t *bytes, size_t size) { return ra_dicom_is(bytes, size); }

/* ---- cells to pixels ---- */

static int32_t take_grey(const ra_dicom *d, const uint32_t *cell, ra_pixels *p) {
  size_t area = (size_t)p->height * (size_t)p->width;
  p->value = ra_mem_alloc(area, sizeof *p->value);
  if (!p->value) return RA_ERR_MEMORY;
  for (size_t i = 0; i < area; i++) p->value[i] = (ra_real)ra_dicom_number(d, cell[i]);
  return RA_OK;
}

/* Colours of 8 or 16 bits; YCbCr of ITU-R BT.601, full range, becomes RGB. */
static int32_t take_colour(const ra_dicom *d, const uint32_t *cell, ra_pixels *p) {
  size_t area = (size_t)p->height * (size_t)p->width;
  p->sample = ra_mem_alloc(3 * area, sizeof *p->sample);
  if (!p->sample) return RA_ERR_MEMORY;
  bool convert = strncmp(d->photometric, "YBR_FULL", 8) == 0;
  int32_t half = (p->max_value + 1) / 2;
  double middle = half;
  for (size_t i = 0; i < area; i++) {
    double y = cell[3 * i], b = cell[3 * i + 1], r = cell[3 * i + 2];
    double rgb[3] = {y, b, r};
    if (convert) {
      rgb[0] = y + 1.402 * (r - middle);
      rgb[1] = y - 0.344136 * (b - middle) - 0.714136 * (r - middle);
      rgb[2] = y + 1.772 * (b - middle);
    }
    for (size_t c = 0; c < 3; c++) p->sample[3 * i + c] = (uint16_t)fmin(fmax(floor(rgb[c] + 0.5), 0), p->max_value);
  }
  return RA_OK;
}

static int32_t take_palette(const ra_dicom *d, const uint32_t *cell, ra_pixels *p) {
  size_t area = (size_t)p->height * (size_t)p->width;
  p->sample = ra_mem_alloc(3 * area, sizeof *p->sample);
  if (!p->sample) return RA_ERR_MEMORY;
  p->entries = d->palette[0].entries <= 256 ? d->palette[0].entries : 0;
  if (p->entries > 0 && !(p->entry = ra_mem_alloc(area, 1))) return RA_ERR_MEMORY;
  for (size_t i = 0; i < area; i++) {
    int32_t v = ra_dicom_signed(d, cell[i]), e = v - d->palette[0].first;
    for (size_t c = 0; c < 3; c++) {
      int32_t level = ra_dicom_look_up(&d->palette[c], v);
      p->sample[3 * i + c] = (uint16_t)(level < p->max_value ? level : p->max_value);
    }
    if (p->entry) p->entry[i] = (uint8_t)(e < 0 ? 0 : e >= p->entries ? p->entries - 1 : e);
  }
  return RA_OK;
}

static const struct {
  const char *name;
  int32_t samples, channels;
  int32_t (*take)(const ra_dicom *d, const uint32_t *cell, ra_pixels *p);
} kinds[] = {
  {"MONOCHROME2", 1, 1, take_grey}, {"MONOCHROME1", 1, 1, take_grey}, {"PALETTE COLOR", 1, 3, take_palette}, {"RGB", 3, 3, take_colour},
  {"YBR_FULL", 3, 3, take_colour}, {"YBR_FULL_422", 3, 3, take_colour}, {"YBR_ICT", 3, 3, take_colour}, {"YBR_RCT", 3, 3, take_colour},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static int32_t kind_of(const ra_dicom *d, int32_t *kind) {
  for (*kind = 0; *kind < KINDS; ++*kind)
    if (strcmp(kinds[*kind].name, d->photometric) == 0) break;
  if (*kind == KINDS)
    return ra_fail(RA_ERR_FORMAT, "Photometric Interpretation (0028,0004) '%s' is not read; MONOCHROME1 and 2, PALETTE COLOR, RGB, YBR are",
                   d->photometric);
  if (kinds[*kind].samples != d->samples)
    return ra_fail(RA_ERR_FORMAT, "%s wants %d sample%s per pixel, the file has %d", d->photometric, kinds[*kind].samples,
                   kinds[*kind].samples == 1 ? "" : "s", d->samples);
  if (kinds[*kind].channels == 3 && d->stored > 16)
    return ra_fail(RA_ERR_FORMAT, "colours of %d bits are not read; 16 are the most", d->stored);
  return RA_OK;
}

/* ---- decoding ---- */

/* The most samples that compressed bytes can hold; that native ones hold all is known. */
static double most_samples(const ra_dicom *d) {
  return d->encapsulated ? (double)d->value[RA_DICOM_PIXELS].size * 8 * 64 * 16 : RA_IMAGE_SAMPLES_MAX;
}

static void describe(const ra_dicom *d, ra_pixels *p) {
  bool grey = p->channels == 1;
  p->bits = d->stored;
  p->max_value = d->palette[0].entries > 0 ? (1 << d->palette[0].bits) - 1 : d->stored <= 16 ? (1 << d->stored) - 1 : INT32_MAX;
  p->curve = !grey ? RA_CURVE_NONE : d->sigmoid ? RA_CURVE_SIGMOID : RA_CURVE_LINEAR;
  p->inverted = strcmp(d->photometric, "MONOCHROME1") == 0;
  p->windowless = grey && d->windowless;
  p->details.spacing_of = d->spacing_of;
  for (int32_t k = 0; k < 2; k++) {
    p->details.spacing[k] = d->spacing[k];
    if (grey) p->details.window[k] = d->window[k];
  }
}

/* A JPEG of 8 bits, which libjpeg makes RGB. A file that has neither JFIF's nor Adobe's mark has the colours that the header names. */
static int32_t jpeg_cells(ra_dicom *d, ra_dicom_span stream, uint32_t *cell) {
  ra_pixels p = {.plain_rgb = strcmp(d->photometric, "RGB") == 0};
  RA_TRY(ra_image_jpeg.decode(stream.at, stream.size, true, &p));
  RA_TRY(ra_dicom_fits(d, "JPEG", p.width, p.height, p.channels, p.bits));
  int32_t code = ra_image_jpeg.decode(stream.at, stream.size, false, &p);
  for (size_t i = 0; code == RA_OK && i < (size_t)d->rows * (size_t)d->columns * (size_t)d->samples; i++) cell[i] = p.sample[i];
  if (d->samples == 3) strcpy(d->photometric, "RGB");
  ra_pixels_free(&p);
  return code;
}

static int32_t cells_of(ra_dicom *d, int32_t frame, uint32_t *cell) {
  ra_dicom_span stream;
  uint8_t *joined = NULL;
  if (!d->encapsulated) {
    if (d->syntax->codec != RA_DICOM_NATIVE)
      return ra_fail(RA_ERR_FORMAT, "the pixels of %s want to be in fragments, they are not: broken", d->syntax->name);
    ra_dicom_native(d, frame, cell);
    return RA_OK;
  }
  int32_t code = ra_dicom_stream(d, frame, &stream, &joined);
  if (code == RA_OK) switch (d->syntax->codec) {
    case RA_DICOM_RLE: code = ra_dicom_rle(d, stream, cell); break;
    case RA_DICOM_JPEG:
      if (ra_dicom_jpeg_plain(stream)) code = jpeg_cells(d, stream, cell);
      else code = ra_dicom_jpeg_more(d, stream, cell);
      break;
    case RA_DICOM_JPEG_LS: code = ra_dicom_jpeg_ls(d, stream, cell); break;
    case RA_DICOM_JPEG_2000: code = ra_dicom_jpeg_2000(d, stream, cell); break;
    default:
      code = ra_fail(RA_ERR_FORMAT, "its pixels are packed as %s, which is not read; unpack them: gdcmconv --raw IN OUT", d->syntax->name);
  }
  ra_mem_free(joined);
  return code;
}

static int32_t decode_frame(ra_dicom *d, bool header_only, ra_pixels *p) {
  int32_t kind, wanted = p->frame;
  p->details.frames = d->frames;
  if (wanted >= d->frames) return ra_fail(RA_ERR_ARG, "frame %d was asked for, the file has %d, counted from 0", wanted, d->frames);
  RA_TRY(kind_of(d, &kind));
  RA_TRY(ra_pixels_size(p, kinds[kind].channels, d->columns, d->rows, most_samples(d), true));
  describe(d, p);
  if (header_only) return RA_OK;
  uint32_t *cell = ra_mem_alloc((size_t)d->rows * (size_t)d->columns * (size_t)d->samples, sizeof *cell);
  if (!cell) return RA_ERR_MEMORY;
  int32_t code = cells_of(d, wanted, cell);
  if (code == RA_OK) code = kinds[kind].take(d, cell, p);
  ra_mem_free(cell);
  return code;
}

static int32_t decode(const uint8_t *bytes, size_t size, bool header_only, ra_pixels *p) {
  ra_dicom d;
  int32_t code = ra_dicom_open(bytes, size, p->frame, &d);
  if (code == RA_OK) code = decode_frame(&d, header_only, p);
  ra_dicom_close(&d);
  return code;
}

const ra_image_format ra_image_dicom = {
  .name = "DICOM", .extensions = "dcm dicom", .is = is_dicom, .decode = decode,
  .reads = "single and multi-frame; uncompressed, deflated, RLE, JPEG (with GDCM also lossless and 12 bit), JPEG-LS, JPEG 2000; "
           "1 to 32 bit, grey, RGB, YBR, palette; [the page](../how-to/dicom.md)",
  .writes = "no",
};
