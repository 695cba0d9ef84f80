/* gzip around a format that is not packed itself: PNM (.ppm.gz) and NIfTI (.nii.gz). The beginning is unpacked first; it says how many
 * bytes the rest may have, so that a file of a few kilobytes cannot fill the memory. */
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../file/inflate.h"
#include "codec.h"

enum { HEAD = 1 << 16, SAMPLE_MAX = 8, SLACK = 1 << 20 }; /* bytes: of the beginning, of a sample, of headers and remarks */

extern const ra_image_format ra_image_pnm, ra_image_nifti;
static const ra_image_format *const inner[] = {&ra_image_pnm, &ra_image_nifti};

static bool is_gzip(const uint8_t *bytes, size_t size) { return size >= 3 && memcmp(bytes, "\x1f\x8b\x08", 3) == 0; }

static int32_t format_of(const uint8_t *bytes, size_t size, const ra_image_format **format) {
  for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) {
    *format = inner[i];
    if (inner[i]->is(bytes, size)) return RA_OK;
  }
  return ra_fail(RA_ERR_FORMAT, "what it holds is neither PGM, PPM, PBM nor NIfTI; unpack it: gunzip FILE.gz");
}

/* The header of what is packed, and its format. */
static int32_t read_head(const uint8_t *bytes, size_t size, ra_pixels *out, const ra_image_format **format) {
  uint8_t *head = NULL;
  size_t count = 0;
  RA_TRY(ra_gunzip(bytes, size, HEAD, false, &head, &count));
  int32_t code = format_of(head, count, format);
  if (code == RA_OK) {
    code = (*format)->decode(head, count, true, out);
    if (code != RA_OK) code = ra_fail_in(code, "%s", (*format)->name);
  }
  ra_mem_free(head);
  return code;
}

static int32_t decode(const uint8_t *bytes, size_t size, bool header_only, ra_pixels *out) {
  const ra_image_format *format = NULL;
  RA_TRY(read_head(bytes, size, out, &format));
  if (header_only || out->frame >= out->details.frames) return RA_OK;
  double most = (double)out->width * out->height * (out->channels + 1) * out->details.frames * SAMPLE_MAX + SLACK;
  uint8_t *whole = NULL;
  size_t count = 0;
  RA_TRY(ra_gunzip(bytes, size, most < 1 << 30 ? (size_t)most : 1 << 30, true, &whole, &count));
  int32_t code = format->decode(whole, count, false, out);
  if (code != RA_OK) code = ra_fail_in(code, "%s", format->name);
  ra_mem_free(whole);
  return code;
}

const ra_image_format ra_image_gzip = {
  .name = "gzip", .extensions = "ppm.gz pgm.gz pbm.gz pnm.gz nii.gz", .is = is_gzip, .decode = decode, .writes = "no",
  .reads = "around PGM, PPM, PBM and NIfTI; unpacked to at most what the header in it says",
};
