/* NIfTI-1 in one file (.nii): slices [H,W] or [H,W,3] of a volume, counted over all dimensions beyond the first two. x runs along a
 * row, y from row to row, as the numbers lie in the file; the affine matrices are not applied.
 *
 * Numbers become  slope x number + intercept  where the header says so. */
#include <math.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../file/bundle.h"
#include "codec.h"

/* Offsets of the header's fields. */
enum { HEAD = 348, DIM = 40, TYPE = 70, PIXDIM = 76, OFFSET = 108, SLOPE = 112, INTERCEPT = 116, UNITS = 123, CAL_MAX = 124, CAL_MIN = 128,
       MAGIC = 344 };

static const struct { int32_t code, channels; ra_dtype dtype; int32_t white; } types[] = {
  {2, 1, RA_DTYPE_U8, 255}, {512, 1, RA_DTYPE_U16, 65535}, {128, 3, RA_DTYPE_U8, 255}, {2304, 4, RA_DTYPE_U8, 255},
  {256, 1, RA_DTYPE_I8, 127}, {4, 1, RA_DTYPE_I16, 32767}, {8, 1, RA_DTYPE_I32, 1}, {768, 1, RA_DTYPE_U32, 1},
  {1024, 1, RA_DTYPE_I64, 1}, {1280, 1, RA_DTYPE_U64, 1}, {16, 1, RA_DTYPE_F32, 1}, {64, 1, RA_DTYPE_F64, 1},
};

typedef struct volume {
  const uint8_t *bytes;
  size_t size, type, from;  /* of the file; row of types; where the first slice begins */
  bool swapped;             /* big-endian */
  double slope, intercept;
} volume;

static uint64_t whole(const volume *v, size_t at, int32_t n) {
  uint64_t x = 0;
  for (int32_t i = 0; i < n; i++) x = x << 8 | v->bytes[at + (size_t)(v->swapped ? i : n - 1 - i)];
  return x;
}

static double real(const volume *v, size_t at) {
  uint32_t word = (uint32_t)whole(v, at, 4);
  float x;
  memcpy(&x, &word, sizeof x);
  return (double)x;
}

static bool is_nifti(const uint8_t *bytes, size_t size) {
  bool size_fits = size >= HEAD && (memcmp(bytes, "\x5c\1\0\0", 4) == 0 || memcmp(bytes, "\0\0\1\x5c", 4) == 0); /* 348 */
  return size_fits && memcmp(bytes + MAGIC, "n+1", 4) == 0;
}

/* ---- the header ---- */

static int32_t type_of(volume *v) {
  int32_t code = (int16_t)whole(v, TYPE, 2);
  for (v->type = 0; v->type < sizeof types / sizeof *types; v->type++)
    if (types[v->type].code == code) return RA_OK;
  return ra_fail(RA_ERR_FORMAT, "numbers of type %d (1 bit, complex, or of more than 64 bit) are not read; save the slice with "
                 "numpy.save (nibabel.load), as FILE.npy", code);
}

/* *slices <- the product of the dimensions beyond the first two. */
static int32_t slices_of(const volume *v, double *slices) {
  int32_t rank = (int16_t)whole(v, DIM, 2);
  if (rank < 1 || rank > 7) return ra_fail(RA_ERR_FORMAT, "the header says %d dimensions: broken", rank);
  *slices = 1;
  for (int32_t d = 3; d <= rank; d++) {
    int32_t n = (int16_t)whole(v, DIM + 2 * (size_t)d, 2);
    if (n < 1) return ra_fail(RA_ERR_FORMAT, "dimension %d has %d entries: broken", d, n);
    *slices *= n;
  }
  if (*slices > INT32_MAX) return ra_fail(RA_ERR_FORMAT, "%.0f slices are more than Ramus reads", *slices);
  return RA_OK;
}

static void details_of(const volume *v, ra_image_details *d) {
  static const double in_mm[4] = {1, 1000, 1, 0.001}; /* unknown, metres, millimetres, micrometres */
  int32_t unit = v->bytes[UNITS] & 7;
  double x = real(v, PIXDIM + 4), y = real(v, PIXDIM + 8), low = real(v, CAL_MIN), high = real(v, CAL_MAX);
  if (unit < 4 && isfinite(x) && isfinite(y) && x > 0 && y > 0) {
    d->spacing[0] = y * in_mm[unit];
    d->spacing[1] = x * in_mm[unit];
  }
  if (high > low) {
    d->window[0] = low;
    d->window[1] = high;
  }
}

static int32_t read_header(volume *v, ra_pixels *p, bool header_only) {
  v->swapped = v->bytes[0] == 0;
  double slices = 1, offset = real(v, OFFSET);
  RA_TRY(type_of(v));
  RA_TRY(slices_of(v, &slices));
  int32_t rank = (int16_t)whole(v, DIM, 2), width = (int16_t)whole(v, DIM + 2, 2), height = rank < 2 ? 1 : (int16_t)whole(v, DIM + 4, 2);
  v->slope = real(v, SLOPE);
  v->intercept = real(v, INTERCEPT);
  if (!isfinite(v->slope) || !isfinite(v->intercept) || v->slope == 0 || types[v->type].channels > 1) v->slope = 1, v->intercept = 0;
  bool as_is = v->slope == 1 && v->intercept == 0;
  size_t item = ra_dtype_bytes(types[v->type].dtype) * (size_t)types[v->type].channels;
  p->bits = (int32_t)ra_dtype_bytes(types[v->type].dtype) * 8;
  p->max_value = as_is ? types[v->type].white : 1;
  p->details.frames = (int32_t)slices;
  details_of(v, &p->details);
  if (!(offset >= HEAD && offset < 1e9)) return ra_fail(RA_ERR_FORMAT, "its numbers begin at byte %.0f: broken", offset);
  v->from = (size_t)offset;
  double left = v->size > v->from ? (double)(v->size - v->from) : 0;
  double most = header_only ? RA_IMAGE_SAMPLES_MAX : left / (double)item / slices * 3;
  return ra_pixels_size(p, types[v->type].channels > 1 ? 3 : 1, width, height, most, true);
}

/* ---- one slice ---- */

/* RGB or RGBA, a byte each. */
static int32_t take_colours(const uint8_t *from, size_t n, ra_pixels *p) {
  size_t area = (size_t)p->width * (size_t)p->height;
  if (!(p->sample = ra_mem_alloc(area, 3 * sizeof *p->sample))) return RA_ERR_MEMORY;
  if (n == 4 && !(p->alpha = ra_mem_alloc(area, sizeof *p->alpha))) return RA_ERR_MEMORY;
  for (size_t i = 0; i < area; i++) {
    for (size_t c = 0; c < 3; c++) p->sample[3 * i + c] = from[n * i + c];
    if (n == 4) p->alpha[i] = from[n * i + 3];
  }
  return RA_OK;
}

static int32_t take_numbers(const volume *v, const uint8_t *from, ra_pixels *p) {
  size_t area = (size_t)p->width * (size_t)p->height, item = ra_dtype_bytes(types[v->type].dtype), bad = 0;
  uint8_t *turned = NULL;
  if (!(p->value = ra_mem_alloc(area, sizeof *p->value))) return RA_ERR_MEMORY;
  if (v->swapped && item > 1) {
    if (!(turned = ra_mem_alloc(area, item))) return RA_ERR_MEMORY;
    for (size_t i = 0; i < area * item; i++) turned[i] = from[i / item * item + item - 1 - i % item];
  }
  ra_dtype_convert(types[v->type].dtype, turned ? turned : from, area, p->value);
  ra_mem_free(turned);
  for (size_t i = 0; i < area; i++) {
    if (v->slope != 1 || v->intercept != 0) p->value[i] = (ra_real)((double)p->value[i] * v->slope + v->intercept);
    bad += !isfinite(p->value[i]);
    p->value[i] /= (ra_real)p->max_value;
  }
  return bad ? ra_fail(RA_ERR_FORMAT, "%zu of %zu values are not finite", bad, area) : RA_OK;
}

static int32_t decode(const uint8_t *bytes, size_t size, bool header_only, ra_pixels *out) {
  volume v = {.bytes = bytes, .size = size};
  RA_TRY(read_header(&v, out, header_only));
  if (header_only || out->frame >= out->details.frames) return RA_OK;
  size_t n = (size_t)types[v.type].channels, slice = (size_t)out->width * (size_t)out->height * n * ra_dtype_bytes(types[v.type].dtype);
  if ((double)slice * out->details.frames > (double)(size - v.from))
    return ra_fail(RA_ERR_FORMAT, "the file ends before its %d slices do: cut off", out->details.frames);
  const uint8_t *from = bytes + v.from + (size_t)out->frame * slice;
  return n > 1 ? take_colours(from, n, out) : take_numbers(&v, from, out);
}

const ra_image_format ra_image_nifti = {
  .name = "NIfTI", .extensions = "nii", .is = is_nifti, .decode = decode, .writes = "no",
  .reads = "NIfTI-1 in one file, both byte orders: integers of 8 to 64 bit (with a slope and intercept, or above 16 bit, they are read as "
           "they are; others are divided by their largest value), real numbers of 32 and 64, RGB, RGBA; a slice by its number; x is the "
           "column, y the row, whatever the affine matrix says",
};
