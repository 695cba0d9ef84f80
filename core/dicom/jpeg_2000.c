/* JPEG 2000 through OpenJPEG, which is opened at the first such file. Its colour transforms (RCT, ICT) are undone there. */
#include <stdio.h>
#include <string.h>

#include "../base/error.h"
#include "../library/openjp2.h"
#include "dicom.h"

enum { SIZ = 38, TILE_HEADER = 14 }; /* bytes up to the number of components; least of a tile */

typedef struct source {
  ra_dicom_span span;
  size_t at;
} source;

static OPJ_SIZE_T read_some(void *to, OPJ_SIZE_T n, void *user) {
  source *s = user;
  size_t left = s->span.size - s->at;
  if (left == 0) return (OPJ_SIZE_T)-1;
  if (n > left) n = left;
  memcpy(to, s->span.at + s->at, n);
  s->at += n;
  return n;
}

static OPJ_OFF_T skip(OPJ_OFF_T n, void *user) {
  source *s = user;
  if (n < 0 || (uint64_t)n > s->span.size - s->at) return -1;
  s->at += (size_t)n;
  return n;
}

static OPJ_BOOL seek(OPJ_OFF_T to, void *user) {
  source *s = user;
  if (to < 0 || (uint64_t)to > s->span.size) return OPJ_FALSE;
  s->at = (size_t)to;
  return OPJ_TRUE;
}

static void on_error(const char *message, void *user) {
  char *first = user;
  if (first[0] == 0) snprintf(first, 120, "%.*s", (int)strcspn(message, "\r\n"), message);
}

/* The codestream, without the boxes of a JP2 file around it. What it says of its size is checked before OpenJPEG makes room for it. */
static int32_t codestream(const ra_dicom *d, ra_dicom_span *s) {
  for (size_t skipped = 0; s->size >= SIZ + 2 && skipped < 4096 && memcmp(s->at, "\xff\x4f\xff\x51", 4) != 0; skipped++)
    *s = (ra_dicom_span){s->at + 1, s->size - 1};
  if (s->size < SIZ + 5 || memcmp(s->at, "\xff\x4f\xff\x51", 4) != 0) return ra_fail(RA_ERR_FORMAT, "JPEG 2000: there is no codestream");
  double v[8]; /* right, bottom, left, top of the image; width, height, left, top of a tile */
  for (int32_t k = 0; k < 8; k++) v[k] = ra_dicom_word(s->at + 8 + 4 * k, 4, true);
  RA_TRY(ra_dicom_fits(d, "JPEG 2000", v[0] - v[2], v[1] - v[3], ra_dicom_word(s->at + 40, 2, true), (s->at[42] & 127) + 1));
  if (!(v[4] >= 1 && v[5] >= 1) || (v[0] / v[4]) * (v[1] / v[5]) * TILE_HEADER > (double)s->size + TILE_HEADER)
    return ra_fail(RA_ERR_FORMAT, "JPEG 2000: more tiles than the stream can hold: broken or cut off");
  return RA_OK;
}

/* A value of a component of `precision` bits as the header means it: signed there, even where the stream says otherwise. */
static uint32_t cell_of(const ra_dicom *d, const opj_image_comp_t *c, int32_t v) {
  uint32_t u = (uint32_t)v, sign = c->prec >= 1 && c->prec <= 31 ? 1u << (c->prec - 1) : 0;
  if (d->is_signed && !c->sgnd && sign) u = (u ^ sign) - sign;
  return ra_dicom_stored(d, u << (d->high_bit + 1 - d->stored));
}

static int32_t take(const ra_dicom *d, const opj_image_t *image, uint32_t *cell) {
  size_t area = (size_t)d->rows * (size_t)d->columns, samples = (size_t)d->samples;
  if (image->numcomps != samples) return ra_fail(RA_ERR_FORMAT, "JPEG 2000: %u components, wanted %zu", image->numcomps, samples);
  for (size_t c = 0; c < samples; c++) {
    const opj_image_comp_t *from = &image->comps[c];
    if (!from->data || from->w != (OPJ_UINT32)d->columns || from->h != (OPJ_UINT32)d->rows)
      return ra_fail(RA_ERR_FORMAT, "JPEG 2000: component %zu has another size than the image", c);
    for (size_t i = 0; i < area; i++) cell[i * samples + c] = cell_of(d, from, from->data[i]);
  }
  return RA_OK;
}

static int32_t decode(const ra_dicom *d, opj_stream_t *stream, opj_codec_t *codec, char *message, uint32_t *cell) {
  opj_dparameters_t parameters;
  opj_image_t *image = NULL;
  opj_set_default_decoder_parameters(&parameters);
  opj_set_error_handler(codec, on_error, message);
  bool whole = opj_setup_decoder(codec, &parameters) && opj_read_header(stream, codec, &image) && image &&
               opj_decode(codec, stream, image) && opj_end_decompress(codec, stream);
  int32_t code = whole && image ? take(d, image, cell)
                                : ra_fail(RA_ERR_FORMAT, "JPEG 2000: %s", message[0] ? message : "the stream is broken");
  if (image) opj_image_destroy(image);
  return code;
}

int32_t ra_dicom_jpeg_2000(const ra_dicom *d, ra_dicom_span span, uint32_t *cell) {
  RA_TRY(codestream(d, &span));
  RA_TRY(ra_openjp2_open());
  source from = {span, 0};
  char message[120] = "";
  opj_stream_t *stream = opj_stream_create(1 << 16, OPJ_TRUE);
  opj_codec_t *codec = opj_create_decompress(OPJ_CODEC_J2K);
  int32_t code = stream && codec ? RA_OK : ra_fail(RA_ERR_MEMORY, "no memory for a JPEG 2000 decoder");
  if (code == RA_OK) {
    opj_stream_set_user_data(stream, &from, NULL);
    opj_stream_set_user_data_length(stream, span.size);
    opj_stream_set_read_function(stream, read_some);
    opj_stream_set_skip_function(stream, skip);
    opj_stream_set_seek_function(stream, seek);
    code = decode(d, stream, codec, message, cell);
  }
  if (codec) opj_destroy_codec(codec);
  if (stream) opj_stream_destroy(stream);
  return code;
}
