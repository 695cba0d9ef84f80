/* JPEG-LS, lossless and near-lossless, through CharLS, which is opened at the first such file. */
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../library/charls.h"
#include "dicom.h"

static int32_t failed(charls_jpegls_errc code) {
  return code == CHARLS_JPEGLS_ERRC_SUCCESS ? RA_OK : ra_fail(RA_ERR_FORMAT, "JPEG-LS: %s", charls_get_error_message((int32_t)code));
}

static int32_t read_header(charls_jpegls_decoder *decoder, const ra_dicom *d, ra_dicom_span stream, charls_frame_info *info, size_t *size,
                           charls_interleave_mode *mode) {
  RA_TRY(failed(charls_jpegls_decoder_set_source_buffer(decoder, stream.at, stream.size)));
  RA_TRY(failed(charls_jpegls_decoder_read_header(decoder)));
  RA_TRY(failed(charls_jpegls_decoder_get_frame_info(decoder, info)));
  RA_TRY(ra_dicom_fits(d, "JPEG-LS", info->width, info->height, info->component_count, info->bits_per_sample));
  RA_TRY(failed(charls_jpegls_decoder_get_interleave_mode(decoder, mode)));
  return failed(charls_jpegls_decoder_get_destination_size(decoder, 0, size));
}

/* A decoder that has read its header, and the bytes that it makes. */
typedef struct job {
  charls_jpegls_decoder *decoder;
  size_t size;
} job;

static int32_t decode(const void *context, uint8_t *values) {
  const job *j = context;
  return failed(charls_jpegls_decoder_decode_to_buffer(j->decoder, values, j->size, 0));
}

int32_t ra_dicom_jpeg_ls(const ra_dicom *d, ra_dicom_span stream, uint32_t *cell) {
  RA_TRY(ra_charls_open());
  charls_jpegls_decoder *decoder = charls_jpegls_decoder_create();
  if (!decoder) return ra_fail(RA_ERR_MEMORY, "no memory for a JPEG-LS decoder");
  charls_frame_info info;
  charls_interleave_mode mode = CHARLS_INTERLEAVE_MODE_NONE;
  uint8_t *bytes = NULL;
  size_t size = 0, area = (size_t)d->rows * (size_t)d->columns, samples = (size_t)d->samples;
  int32_t code = read_header(decoder, d, stream, &info, &size, &mode);
  size_t width = code == RA_OK && info.bits_per_sample > 8 ? 2 : 1;
  if (code == RA_OK && size < area * samples * width) code = ra_fail(RA_ERR_FORMAT, "JPEG-LS: the stream has fewer pixels than it says");
  if (code == RA_OK && !(bytes = ra_mem_zalloc(size, 1))) code = RA_ERR_MEMORY;
  if (code == RA_OK) code = ra_dicom_apart("JPEG-LS", decode, &(job){decoder, size}, bytes, size);
  charls_jpegls_decoder_destroy(decoder);
  bool planar = samples > 1 && mode == CHARLS_INTERLEAVE_MODE_NONE;
  for (size_t i = 0; code == RA_OK && i < area * samples; i++) {
    size_t at = planar ? i % samples * area + i / samples : i;
    uint16_t v = bytes[at * width];
    if (width == 2) memcpy(&v, bytes + 2 * at, 2); /* in this machine's order */
    cell[i] = ra_dicom_stored(d, v);
  }
  ra_mem_free(bytes);
  return code;
}
