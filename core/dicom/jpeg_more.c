/* JPEG that libjpeg does not read: 12 bits, lossless. GDCM does, in a shared object of its own (gdcm.cpp). */
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../library/gdcm.h"
#include "dicom.h"

/* The start of frame of a stream (ITU-T T.81, B.2.2); at is NULL where there is none. */
typedef struct start {
  const uint8_t *at;
  uint8_t mark;
} start;

static start start_of(ra_dicom_span s) {
  for (size_t at = 2; at + 10 <= s.size && s.at[at] == 0xff;) {
    uint8_t mark = s.at[at + 1];
    if (mark >= 0xc0 && mark <= 0xcf && mark != 0xc4 && mark != 0xc8 && mark != 0xcc) return (start){s.at + at + 4, mark};
    at += mark == 0xff ? 1 : 2 + (size_t)ra_dicom_word(s.at + at + 2, 2, true);
  }
  return (start){0};
}

bool ra_dicom_jpeg_plain(ra_dicom_span stream) {
  start s = start_of(stream);
  return !s.at || (s.mark <= 0xc2 && s.at[0] == 8); /* without one libjpeg says what is wrong */
}

/* The stream ends with its image, but for a few bytes: GDCM fills what is missing with grey. */
static bool whole(ra_dicom_span s) {
  for (size_t at = s.size; at >= 2 && at + 16 > s.size; at--)
    if (s.at[at - 2] == 0xff && s.at[at - 1] == 0xd9) return true;
  return false;
}

static int32_t decode(const void *context, uint8_t *values) {
  return ra_gdcm_jpeg(context, values) == 0 ? RA_OK : ra_fail(RA_ERR_FORMAT, "JPEG: GDCM finds the stream broken");
}

int32_t ra_dicom_jpeg_more(const ra_dicom *d, ra_dicom_span stream, uint32_t *cell) {
  start s = start_of(stream);
  if (!s.at || !whole(stream))
    return ra_fail(RA_ERR_FORMAT, "JPEG: the stream has no %s: broken or cut off", s.at ? "end" : "start of frame");
  double height = ra_dicom_word(s.at + 1, 2, true), width = ra_dicom_word(s.at + 3, 2, true);
  RA_TRY(ra_dicom_fits(d, "JPEG", width, height, s.at[5], s.at[0]));
  if (ra_gdcm_open() != RA_OK)
    return ra_fail_in(RA_ERR_STATE, "JPEG of 12 bits and lossless JPEG are read through GDCM, which this Ramus has not. Debian, Ubuntu: "
                      "apt install g++ libgdcm-dev, then make. Or unpack the file: gdcmconv --raw IN OUT. That is");
  size_t count = (size_t)d->rows * (size_t)d->columns * (size_t)d->samples, bytes = s.at[0] > 8 ? 2 : 1;
  uint8_t *values = ra_mem_zalloc(count, bytes);
  if (!values) return RA_ERR_MEMORY;
  const ra_gdcm_image image = {stream.at, stream.size, d->columns, d->rows, d->samples, s.at[0],
                               d->samples == 1 ? 0 : strncmp(d->photometric, "YBR", 3) == 0 ? 2 : 1};
  int32_t code = ra_dicom_apart("JPEG", decode, &image, values, count * bytes);
  for (size_t i = 0; code == RA_OK && i < count; i++) {
    uint16_t v = values[i];
    if (bytes == 2) memcpy(&v, values + 2 * i, 2);
    cell[i] = ra_dicom_stored(d, (uint32_t)v << (d->high_bit + 1 - d->stored));
  }
  ra_mem_free(values);
  return code;
}
