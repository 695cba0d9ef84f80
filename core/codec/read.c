/* Reading images: a file is decoded by the codec that knows its content (never by its extension). A new format is a file with a
 * ra_image_format and a line in formats.def. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../file/file.h"
#include "codec.h"

#define RA_IMAGE_FORMAT(name) extern const ra_image_format ra_image_##name;
#include "formats.def"
#undef RA_IMAGE_FORMAT
#define RA_IMAGE_FORMAT(name) &ra_image_##name,
static const ra_image_format *const formats[] = {
#include "formats.def"
};
enum { FORMATS = sizeof formats / sizeof *formats };

int32_t ra_image_formats(void) { return FORMATS; }

const ra_image_format *ra_image_format_at(int32_t i) { return i >= 0 && i < FORMATS ? formats[i] : NULL; }

const char *ra_image_format_text(int32_t i, int32_t what) {
  const ra_image_format *f = ra_image_format_at(i);
  const char *text[RA_FORMAT_TEXTS] = {[RA_FORMAT_NAME] = f ? f->name : NULL, [RA_FORMAT_EXTENSIONS] = f ? f->extensions : NULL,
                                       [RA_FORMAT_READS] = f ? f->reads : NULL, [RA_FORMAT_WRITES] = f ? f->writes : NULL,
                                       [RA_FORMAT_WRITE_EXTENSIONS] = f ? f->write_extensions : NULL};
  return what >= 0 && what < RA_FORMAT_TEXTS ? text[what] : NULL;
}

/* Names of all formats as "A, B and C". */
static const char *all_names(char text[200]) {
  size_t used = 0;
  for (size_t i = 0; i < FORMATS && used < 199; i++)
    used += (size_t)snprintf(text + used, 200 - used, "%s%s", i == 0 ? "" : i + 1 == FORMATS ? " and " : ", ", formats[i]->name);
  return text;
}

static int32_t not_known(const char *where, const uint8_t *bytes, size_t size) {
  char names[200];
  const char *name, *cure;
  if (ra_image_foreign(bytes, size, &name, &cure))
    return ra_fail(RA_ERR_FORMAT, "%s: this is %s and no image that Ramus reads; %s", where, name, cure);
  return ra_fail(RA_ERR_FORMAT, "%s: not an image Ramus knows; it reads %s", where, all_names(names));
}

int32_t ra_pixels_decode(const char *where, const uint8_t *bytes, size_t size, int32_t frame, bool header_only, ra_pixels *out) {
  if (size == 0) return ra_fail(RA_ERR_FORMAT, "%s: the file is empty", where);
  for (size_t i = 0; i < FORMATS; i++) {
    if (!formats[i]->is(bytes, size)) continue;
    *out = (ra_pixels){.frame = frame, .details = {.frames = 1, .window = {NAN, NAN}}};
    int32_t code = formats[i]->decode(bytes, size, header_only, out);
    if (code == RA_OK && frame >= out->details.frames)
      code = ra_fail(RA_ERR_ARG, "frame %d was asked for, the file has %d, counted from 0", frame, out->details.frames);
    if (code == RA_OK) code = ra_pixels_orient(out);
    if (code == RA_OK) return RA_OK;
    ra_pixels_free(out);
    return ra_fail_in(code, "%s: %s", where, formats[i]->name);
  }
  return not_known(where, bytes, size);
}

int32_t ra_pixels_read(const char *path, int32_t frame, bool header_only, ra_pixels *out) {
  uint8_t *bytes;
  size_t size;
  RA_TRY(ra_file_read(path, RA_LIMIT_IMAGE_FILE, &bytes, &size));
  int32_t code = ra_pixels_decode(path, bytes, size, frame, header_only, out);
  ra_mem_free(bytes);
  return code;
}

/* The check of the format that the bytes have. */
static int32_t check_bytes(const char *path, const uint8_t *bytes, size_t size, ra_pixels *p) {
  for (size_t i = 0; i < FORMATS; i++) {
    if (!formats[i]->is(bytes, size)) continue;
    int32_t code = formats[i]->check ? formats[i]->check(bytes, size) : RA_OK;
    if (code != RA_OK) return ra_fail_in(code, "%s: %s", path, formats[i]->name);
    return ra_pixels_decode(path, bytes, size, 0, formats[i]->check != NULL, p);
  }
  return ra_pixels_decode(path, bytes, size, 0, true, p); /* says what the file looks like */
}

static int32_t check_file(const char *path, ra_pixels *p) {
  uint8_t *bytes;
  size_t size;
  RA_TRY(ra_file_read(path, RA_LIMIT_IMAGE_FILE, &bytes, &size));
  int32_t code = check_bytes(path, bytes, size, p);
  ra_mem_free(bytes);
  return code;
}

int32_t ra_image_check(const char *path, ra_image_details *out) {
  ra_pixels p;
  RA_TRY(check_file(path, &p));
  *out = ra_pixels_details(&p);
  ra_pixels_free(&p);
  return RA_OK;
}

static ra_tensor *tensor_of(ra_pixels *p, bool numbers) {
  int32_t dim[3] = {p->channels, p->height, p->width}, area = p->height * p->width;
  ra_tensor *t = ra_tensor_new(3, dim);
  if (t && !numbers) ra_pixels_planes(p, t->data);
  for (int32_t i = 0; t && numbers && i < p->channels * area; i++)
    t->data[i] = (ra_real)ra_pixels_number(p, (size_t)(i % area), i / area + 1);
  ra_pixels_free(p);
  return t;
}

static int32_t check_frame(int32_t frame) {
  return frame >= 0 ? RA_OK : ra_fail(RA_ERR_ARG, "frames are counted from 0, given %d", frame);
}

static int32_t check_source(const ra_source *source) {
  return source->path ? check_frame(source->frame) : ra_fail(RA_ERR_ARG, "an image is read from a path, the source has none");
}

/* The image of decoded pixels, which it frees; NULL on failure. */
static ra_tensor *image_of(ra_pixels *p, const ra_source *source, ra_image_report *out, bool numbers) {
  ra_image_report unused;
  if (!out) out = &unused;
  *out = (ra_image_report){.details = ra_pixels_details(p), .low = NAN, .high = NAN, .from = NAN, .to = NAN};
  if (numbers) return tensor_of(p, true);
  if (ra_pixels_scale(p, source, out) == RA_OK) {
    out->coloured = ra_pixels_coloured(p);
    return tensor_of(p, false);
  }
  ra_pixels_free(p);
  return NULL;
}

static ra_tensor *read_source(const ra_source *source, ra_image_report *out, bool numbers) {
  ra_pixels p;
  if (check_source(source) != RA_OK || ra_pixels_read(source->path, source->frame, false, &p) != RA_OK) return NULL;
  return image_of(&p, source, out, numbers);
}

static int32_t check_bytes_size(double size) {
  if (size >= 0 && size <= RA_LIMIT_IMAGE_FILE) return RA_OK;
  return ra_fail(RA_ERR_ARG, "image: %.0f bytes given, at most %d are read", size, RA_LIMIT_IMAGE_FILE);
}

ra_tensor *ra_image_read_bytes(const void *bytes, double size, const ra_source *source, ra_image_report *out) {
  ra_pixels p;
  if (check_source(source) != RA_OK || check_bytes_size(size) != RA_OK ||
      ra_pixels_decode(source->path, bytes, (size_t)size, source->frame, false, &p) != RA_OK) return NULL;
  return image_of(&p, source, out, false);
}

/* A grey image of eight bits without a sign says its scale without a look at the pixels. */
int32_t ra_image_inspect(const ra_source *source, ra_image_report *out) {
  ra_pixels p = {0};
  *out = (ra_image_report){.low = NAN, .high = NAN};
  RA_TRY(check_source(source));
  RA_TRY(check_file(source->path, &p));
  bool declared = source->automatic || fabs(source->range[1] - source->range[0]) > 0;
  bool clear = p.channels == 1 && p.bits <= 8 && p.max_value != INT8_MAX;
  int32_t fits = ra_pixels_is_image(&p);
  out->details = ra_pixels_details(&p);
  ra_pixels_free(&p);
  if (fits != RA_OK) return ra_fail_in(fits, "%s", source->path);
  if (clear && !declared) return RA_OK;
  RA_TRY(ra_pixels_read(source->path, source->frame, false, &p));
  int32_t code = ra_pixels_scale(&p, source, out);
  out->coloured = ra_pixels_coloured(&p);
  ra_pixels_free(&p);
  return code;
}

ra_tensor *ra_image_read(const ra_source *source, ra_image_report *out) { return read_source(source, out, false); }
ra_tensor *ra_image_numbers(const ra_source *source, ra_image_report *out) { return read_source(source, out, true); }
ra_tensor *ra_image_load(const char *path) { return ra_image_read(&(ra_source){.path = path}, NULL); }

ra_tensor *ra_image_load_frame(const void *bytes, double size, int32_t frame) {
  ra_pixels p;
  if (check_bytes_size(size) != RA_OK || check_frame(frame) != RA_OK ||
      ra_pixels_decode("image", bytes, (size_t)size, frame, false, &p) != RA_OK) return NULL;
  return tensor_of(&p, false);
}

int32_t ra_image_info(const char *path, ra_image_details *out) {
  ra_pixels p;
  RA_TRY(ra_pixels_read(path, 0, true, &p));
  *out = ra_pixels_details(&p);
  ra_pixels_free(&p);
  return RA_OK;
}

int32_t ra_image_info_bytes(const void *bytes, double size, ra_image_details *out) {
  ra_pixels p;
  RA_TRY(check_bytes_size(size));
  RA_TRY(ra_pixels_decode("image", bytes, (size_t)size, 0, true, &p));
  *out = ra_pixels_details(&p);
  ra_pixels_free(&p);
  return RA_OK;
}

ra_tensor *ra_image_load_memory(const void *bytes, double size) { return ra_image_load_frame(bytes, size, 0); }
