/* Native pixels: cells of Bits Allocated bits, one after the other without a gap, also from frame to frame (PS3.5, annex D and
 * section 8); and the numbers that stored values stand for. */
#include <math.h>
#include <string.h>

#include "../base/error.h"
#include "dicom.h"

/* Bits [high_bit - stored + 1, high_bit] of a cell. */
uint32_t ra_dicom_stored(const ra_dicom *d, uint32_t cell) {
  uint32_t v = cell >> (d->high_bit + 1 - d->stored);
  return d->stored < 32 ? v & ((1u << d->stored) - 1) : v;
}

/* Cell i of the pixels; of 1 and 12 bits the least significant comes first. */
static uint32_t cell_at(const ra_dicom *d, const uint8_t *at, size_t i) {
  bool big = d->syntax->big;
  switch (d->allocated) {
    case 8: return at[big && d->word_pixels ? i ^ 1 : i];
    case 16: return ra_dicom_word(at + 2 * i, 2, big);
    case 32: return ra_dicom_word(at + 4 * i, 4, big);
  }
  uint32_t v = 0;
  for (int32_t k = 0; k < d->allocated; k++) {
    size_t bit = i * (size_t)d->allocated + (size_t)k, byte = bit / 8;
    if (big && d->word_pixels) byte ^= 1;
    v |= (uint32_t)(at[byte] >> bit % 8 & 1) << k;
  }
  return v;
}

/* Two pixels are Y1 Y2 Cb Cr. */
static void halved_colour(const ra_dicom *d, const uint8_t *at, size_t first, size_t area, uint32_t *cell) {
  for (size_t i = 0; i < area; i++) {
    size_t pair = first + i / 2 * 4;
    cell[3 * i] = ra_dicom_stored(d, cell_at(d, at, pair + i % 2));
    cell[3 * i + 1] = ra_dicom_stored(d, cell_at(d, at, pair + 2));
    cell[3 * i + 2] = ra_dicom_stored(d, cell_at(d, at, pair + 3));
  }
}

static bool is_halved(const ra_dicom *d) { return d->samples == 3 && strcmp(d->photometric, "YBR_FULL_422") == 0; }

int32_t ra_dicom_room(const ra_dicom *d) {
  ra_dicom_span pixels = d->value[RA_DICOM_PIXELS];
  if (d->encapsulated && (size_t)d->frames > pixels.size / 8)
    return ra_fail(RA_ERR_FORMAT, "%d frames do not fit into pixels of %zu bytes: broken or cut off", d->frames, pixels.size);
  if (d->encapsulated) return RA_OK;
  if (is_halved(d) && d->columns % 2)
    return ra_fail(RA_ERR_FORMAT, "YBR_FULL_422 wants an even number of columns, there are %d", d->columns);
  double bits = (double)d->rows * d->columns * (is_halved(d) ? 2 : d->samples) * d->frames * d->allocated;
  double wanted = d->syntax->big && d->word_pixels ? 2 * ceil(bits / 16) : ceil(bits / 8);
  if ((double)pixels.size < wanted)
    return ra_fail(RA_ERR_FORMAT, "the pixels are %zu bytes, %d frame%s of %d x %d pixels want %.0f: broken or cut off", pixels.size,
                   d->frames, d->frames == 1 ? "" : "s", d->columns, d->rows, wanted);
  return RA_OK;
}

void ra_dicom_native(const ra_dicom *d, int32_t frame, uint32_t *cell) {
  size_t area = (size_t)d->rows * (size_t)d->columns, samples = (size_t)d->samples;
  size_t first = area * (is_halved(d) ? 2 : samples) * (size_t)frame;
  ra_dicom_span pixels = d->value[RA_DICOM_PIXELS];
  if (is_halved(d)) {
    halved_colour(d, pixels.at, first, area, cell);
    return;
  }
  for (size_t i = 0; i < area; i++)
    for (size_t s = 0; s < samples; s++)
      cell[i * samples + s] = ra_dicom_stored(d, cell_at(d, pixels.at, first + (d->planar ? s * area + i : i * samples + s)));
}

int32_t ra_dicom_fits(const ra_dicom *d, const char *what, double width, double height, double samples, double bits) {
  if (width == d->columns && height == d->rows && samples == d->samples && bits <= d->allocated) return RA_OK;
  return ra_fail(RA_ERR_FORMAT, "its %s has %.0f x %.0f pixels of %.0f sample(s) and %.0f bits, the header says %d x %d, %d and %d: broken",
                 what, width, height, samples, bits, d->columns, d->rows, d->samples, d->allocated);
}

int32_t ra_dicom_signed(const ra_dicom *d, uint32_t cell) {
  uint32_t sign = 1u << (d->stored - 1);
  return d->is_signed ? (int32_t)((cell ^ sign) - sign) : (int32_t)cell;
}

int32_t ra_dicom_look_up(const ra_dicom_lut *t, int32_t stored) {
  int64_t i = (int64_t)stored - t->first;
  size_t k = (size_t)(i < 0 ? 0 : i >= t->entries ? t->entries - 1 : i);
  return t->wide ? (int32_t)ra_dicom_word(t->data.at + 2 * k, 2, t->big) : t->data.at[k];
}

double ra_dicom_number(const ra_dicom *d, uint32_t cell) {
  int32_t v = ra_dicom_signed(d, cell);
  if (d->modality.entries > 0) return ra_dicom_look_up(&d->modality, v);
  return (d->is_signed ? (double)v : (double)cell) * d->slope + d->intercept;
}
