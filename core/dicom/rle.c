/* RLE Lossless (PS3.5, annex G): a header of 16 words (number of segments, their offsets), then for each sample and each byte of a
 * cell, the most significant first, a segment in the PackBits scheme with a byte for each pixel. */
#include <string.h>

#include "../base/error.h"
#include "dicom.h"

enum { HEADER = 64, SEGMENTS_MAX = 15 };

/* Adds the bytes of a segment, shifted to their place, to cell[0], cell[step], .. */
static int32_t unpack(ra_dicom_span s, size_t area, uint32_t *cell, size_t step, int32_t shift) {
  size_t i = 0, done = 0;
  while (done < area) {
    if (i >= s.size) return ra_fail(RA_ERR_FORMAT, "an RLE segment ends after %zu of %zu pixels: broken or cut off", done, area);
    size_t n = s.at[i++];
    if (n == 128) continue;
    bool repeated = n > 128;
    size_t count = repeated ? 257 - n : n + 1;
    if (count > area - done) count = area - done; /* some writers go on past the end */
    if (i + (repeated ? 1 : count) > s.size) return ra_fail(RA_ERR_FORMAT, "an RLE segment ends in a run: broken or cut off");
    for (size_t k = 0; k < count; k++) cell[(done + k) * step] |= (uint32_t)s.at[repeated ? i : i + k] << shift;
    i += repeated ? 1 : n + 1;
    done += count;
  }
  return RA_OK;
}

int32_t ra_dicom_rle(const ra_dicom *d, ra_dicom_span stream, uint32_t *cell) {
  size_t area = (size_t)d->rows * (size_t)d->columns, samples = (size_t)d->samples;
  if (d->allocated % 8) return ra_fail(RA_ERR_FORMAT, "RLE wants cells of whole bytes, Bits Allocated is %d", d->allocated);
  size_t bytes = (size_t)d->allocated / 8, wanted = samples * bytes;
  if (stream.size < HEADER) return ra_fail(RA_ERR_FORMAT, "the RLE header is cut off");
  size_t segments = ra_dicom_word(stream.at, 4, false);
  if (segments != wanted || segments > SEGMENTS_MAX)
    return ra_fail(RA_ERR_FORMAT, "there are %zu RLE segments, %zu sample(s) of %zu byte(s) want %zu: broken", segments, samples, bytes,
                   wanted);
  memset(cell, 0, area * samples * sizeof *cell);
  for (size_t k = 0; k < segments; k++) {
    size_t from = ra_dicom_word(stream.at + 4 + 4 * k, 4, false);
    size_t to = k + 1 < segments ? ra_dicom_word(stream.at + 8 + 4 * k, 4, false) : stream.size;
    if (from < HEADER || to < from || to > stream.size) return ra_fail(RA_ERR_FORMAT, "RLE segment %zu lies beyond the end: broken", k);
    RA_TRY(unpack((ra_dicom_span){stream.at + from, to - from}, area, cell + k / bytes, samples, 8 * (int32_t)(bytes - 1 - k % bytes)));
  }
  for (size_t i = 0; i < area * samples; i++) cell[i] = ra_dicom_stored(d, cell[i]);
  return RA_OK;
}
