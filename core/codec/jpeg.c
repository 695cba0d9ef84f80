/* JPEG through libjpeg, baseline and progressive, grey or colour (gives RGB; CMYK and YCCK too).
 * A file that is cut short or damaged is an error, not a half grey image:
 * libjpeg's warnings about missing or wrong data count as errors here.
 * The orientation comes from the first APP1 segment with EXIF data.
 *
 * libjpeg reports errors through a handler that must not return; every jump
 * starts and ends in this file, and all state that lives across one is in `job`. */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "codec.h"


typedef struct job {
  struct jpeg_decompress_struct jpeg;
  struct jpeg_error_mgr handler;
  struct jpeg_progress_mgr progress;
  jmp_buf out;
  const uint8_t *bytes;
  size_t size;
  ra_pixels *picture;
  uint8_t *row;
  int32_t code;
  char message[JMSG_LENGTH_MAX];
} job;

#define DJPEG " not read; djpeg -outfile FILE.ppm FILE.jpg of libjpeg-turbo 3 makes a file that is"

/* Kinds of JPEG that libjpeg of 8 bits does not read. */
static const char *cure_of(int code) {
  switch (code) {
    case JERR_BAD_PRECISION: return "12 bits a sample are" DJPEG;
    case JERR_SOF_UNSUPPORTED: return "lossless JPEG is" DJPEG;
    default: return NULL;
  }
}

static void on_error(j_common_ptr common) {
  job *j = common->client_data;
  const char *cure = cure_of(common->err->msg_code);
  if (j->message[0] == 0 && cure) snprintf(j->message, sizeof j->message, "%s", cure);
  if (j->message[0] == 0) common->err->format_message(common, j->message);
  longjmp(j->out, 1);
}

static void on_message(j_common_ptr common, int level) {
  if (level >= 0) return; /* a trace message */
  switch (common->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA: case JWRN_TOO_MUCH_DATA: case JWRN_ADOBE_XFORM: case JWRN_JFIF_MAJOR: return;
    case JWRN_JPEG_EOF: case JWRN_HIT_MARKER:
      strcpy(((job *)common->client_data)->message, "the file ends too early or has a hole");
  }
  on_error(common);
}

static void on_progress(j_common_ptr common) {
  if (((j_decompress_ptr)common)->input_scan_number > RA_LIMIT_JPEG_SCANS) {
    snprintf(((job *)common->client_data)->message, JMSG_LENGTH_MAX, "more than %d scans", RA_LIMIT_JPEG_SCANS);
    on_error(common);
  }
}

static void print_nothing(j_common_ptr common) { (void)common; }

static void fail_with(job *j, int32_t code) {
  j->code = code;
  longjmp(j->out, 1);
}

/* Cyan, magenta, yellow and black, which files hold inverted (255 is no ink, as Adobe writes them): red = cyan x black / 255, .. */
static void from_inks(const uint8_t *row, size_t width, uint16_t *to) {
  for (size_t x = 0; x < width; x++)
    for (size_t c = 0; c < 3; c++) to[3 * x + c] = (uint16_t)((row[4 * x + c] * row[4 * x + 3] + 127) / 255);
}

static int32_t orientation_of(const struct jpeg_decompress_struct *jpeg) {
  for (jpeg_saved_marker_ptr m = jpeg->marker_list; m; m = m->next)
    if (m->data_length > 6 && memcmp(m->data, "Exif\0\0", 6) == 0) return ra_exif_orientation(m->data, m->data_length);
  return 0;
}

static void read_all(job *j, bool header_only) {
  struct jpeg_decompress_struct *jpeg = &j->jpeg;
  ra_pixels *p = j->picture;
  jpeg_create_decompress(jpeg);
  jpeg->client_data = j; /* jpeg_create_decompress keeps it, but its documentation does not say so */
  jpeg->progress = &j->progress;
  jpeg_mem_src(jpeg, (unsigned char *)(uintptr_t)j->bytes, (unsigned long)j->size);
  jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header(jpeg, TRUE);
  p->details.orientation = orientation_of(jpeg);
  if (p->plain_rgb && jpeg->num_components == 3 && !jpeg->saw_JFIF_marker && !jpeg->saw_Adobe_marker) jpeg->jpeg_color_space = JCS_RGB;
  bool inks = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
  int32_t channels = jpeg->jpeg_color_space == JCS_GRAYSCALE ? 1 : 3;
  jpeg->out_color_space = inks ? JCS_CMYK : channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  p->bits = jpeg->data_precision;
  p->max_value = 255;
  double unit = jpeg->density_unit == 1 ? 25.4 : jpeg->density_unit == 2 ? 10 : 0; /* mm in an inch, a centimetre */
  if (unit > 0 && jpeg->X_density > 0 && jpeg->Y_density > 0) {
    p->details.spacing[0] = unit / jpeg->Y_density;
    p->details.spacing[1] = unit / jpeg->X_density;
  }
  /* at the very least one bit for each block of 8x8, which stands for 16x16 pixels of 3 channels where colour is halved */
  double most = (double)j->size * 8 * 64 * 16;
  int32_t code = ra_pixels_size(p, channels, jpeg->image_width, jpeg->image_height, most, header_only);
  if (code != RA_OK) fail_with(j, code);
  if (header_only) return;
  jpeg->dct_method = JDCT_ISLOW;
  jpeg_start_decompress(jpeg);
  size_t W = (size_t)p->width, C = (size_t)channels, stride = inks ? 4 : C;
  if (jpeg->output_width != (JDIMENSION)p->width || jpeg->output_components != (int)stride)
    fail_with(j, ra_fail(RA_ERR_FORMAT, "rows of an unexpected length"));
  j->row = ra_mem_alloc(W * stride, 1);
  if (!j->row) fail_with(j, RA_ERR_MEMORY);
  while (jpeg->output_scanline < jpeg->output_height) {
    uint16_t *to = p->sample + jpeg->output_scanline * W * C;
    if (jpeg_read_scanlines(jpeg, &j->row, 1) != 1) fail_with(j, ra_fail(RA_ERR_FORMAT, "the file ends too early"));
    if (inks) from_inks(j->row, W, to);
    else
      for (size_t i = 0; i < W * C; i++) to[i] = j->row[i];
  }
  jpeg_finish_decompress(jpeg);
}

static bool is_jpeg(const uint8_t *bytes, size_t size) { return size >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0; }

/* libjpeg's errors jump only to here. */
static int32_t guarded(job *j, bool header_only) {
  if (setjmp(j->out)) return j->code != RA_OK ? j->code : ra_fail(RA_ERR_FORMAT, "%s", j->message);
  read_all(j, header_only);
  return RA_OK;
}

static int32_t decode(const uint8_t *bytes, size_t size, bool header_only, ra_pixels *out) {
  job *j = ra_mem_zalloc(1, sizeof *j);
  if (!j) return RA_ERR_MEMORY;
  j->bytes = bytes;
  j->size = size;
  j->picture = out;
  j->jpeg.err = jpeg_std_error(&j->handler);
  j->jpeg.client_data = j;
  j->handler.error_exit = on_error;
  j->handler.emit_message = on_message;
  j->handler.output_message = print_nothing;
  j->progress.progress_monitor = on_progress;
  int32_t code = guarded(j, header_only);
  jpeg_destroy_decompress(&j->jpeg);
  ra_mem_free(j->row);
  ra_mem_free(j);
  return code;
}

/* The end of the image (FF D9) stands behind the start of a scan: in a scan FF is followed by 00 or a restart's number. */
static int32_t check(const uint8_t *bytes, size_t size) {
  size_t scan = 0;
  for (size_t at = 2; !scan && at + 4 <= size && bytes[at] == 0xff;) {
    if (bytes[at + 1] == 0xda) scan = at + 2;
    else at += bytes[at + 1] == 0xff ? 1 : 2 + ((size_t)bytes[at + 2] << 8 | bytes[at + 3]);
  }
  for (size_t at = size; scan && at >= scan + 2; at--)
    if (bytes[at - 2] == 0xff && bytes[at - 1] == 0xd9) return RA_OK;
  return ra_fail(RA_ERR_FORMAT, "the file ends before the image does: broken or cut off");
}

const ra_image_format ra_image_jpeg = {
  .name = "JPEG", .extensions = "jpg jpeg", .is = is_jpeg, .decode = decode, .check = check,
  .reads = "baseline and progressive, grey and colour; CMYK and YCCK give RGB; turned as EXIF says", .writes = "no",
};
