/* The one door for pictures: looks at the content, never at the name's ending,
 * and gives a tensor [C,H,W] in 0..1. A new format is a ra_image_format and a
 * line in `formats`. */
#include <math.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../file/file.h"
#include "../base/thread.h"
#include "image.h"

static const ra_image_format *const formats[] = {&ra_image_png, &ra_image_jpeg, &ra_image_pnm, &ra_image_npy};
enum { FORMATS = sizeof formats / sizeof *formats, FILE_MAX = 1 << 30 };

void ra_pixels_free(ra_pixels *p) {
  ra_mem_free(p->sample);
  ra_mem_free(p->value);
  p->sample = NULL;
  p->value = NULL;
}

int32_t ra_pixels_size(ra_pixels *p, int32_t channels, double width, double height, double most, bool header_only) {
  if (!(width >= 1 && height >= 1)) return ra_fail(RA_ERR_FORMAT, "a picture of %.0f x %.0f pixels is empty", width, height);
  double samples = width * height * channels;
  if (width > RA_IMAGE_SIDE_MAX || height > RA_IMAGE_SIDE_MAX || samples > RA_IMAGE_SAMPLES_MAX)
    return ra_fail(RA_ERR_FORMAT, "%.0f x %.0f pixels of %d channel%s are more than Ramus reads (2^28 samples, sides of 2^20)",
                   width, height, channels, channels == 1 ? "" : "s");
  if (samples > most)
    return ra_fail(RA_ERR_FORMAT, "the header promises %.0f x %.0f pixels, the file is too short for that: broken or cut off",
                   width, height);
  p->channels = channels;
  p->width = (int32_t)width;
  p->height = (int32_t)height;
  if (header_only) return RA_OK;
  p->sample = ra_mem_alloc((size_t)samples, sizeof *p->sample);
  return p->sample ? RA_OK : RA_ERR_MEMORY;
}

/* What the bytes look like, for the message about an unknown format. */
static const char *guess(const uint8_t *bytes, size_t size) {
  static const struct { const char *magic; size_t length; const char *name; } known[] = {
    {"GIF8", 4, " (it looks like GIF)"}, {"II*\0", 4, " (it looks like TIFF)"}, {"MM\0*", 4, " (it looks like TIFF)"},
    {"BM", 2, " (it looks like BMP)"}, {"PK\3\4", 4, " (it looks like a zip archive)"},
    {"\x1f\x8b", 2, " (it looks like gzip)"}, {"RIFF", 4, " (it looks like WebP)"},
    {"<", 1, " (it looks like a web page)"}, {"P7", 2, " (it looks like PAM)"},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (size >= known[i].length && memcmp(bytes, known[i].magic, known[i].length) == 0) return known[i].name;
  return "";
}

int32_t ra_pixels_decode(const char *where, const uint8_t *bytes, size_t size, bool header_only, ra_pixels *out) {
  if (size == 0) return ra_fail(RA_ERR_FORMAT, "%s: the file is empty", where);
  for (size_t i = 0; i < FORMATS; i++) {
    if (!formats[i]->is(bytes, size)) continue;
    *out = (ra_pixels){0};
    int32_t code = formats[i]->decode(bytes, size, header_only, out);
    if (code == RA_OK) return RA_OK;
    ra_pixels_free(out);
    return ra_fail_in(code, "%s: %s", where, formats[i]->name);
  }
  return ra_fail(RA_ERR_FORMAT, "%s: not a picture Ramus knows%s; it reads PNG, JPEG, PGM, PPM, PBM and .npy", where,
                 guess(bytes, size));
}

int32_t ra_pixels_read(const char *path, bool header_only, ra_pixels *out) {
  uint8_t *bytes;
  size_t size;
  RA_TRY(ra_file_read(path, FILE_MAX, &bytes, &size));
  int32_t code = ra_pixels_decode(path, bytes, size, header_only, out);
  ra_mem_free(bytes);
  return code;
}

void ra_pixels_planes(const ra_pixels *p, ra_real *data) {
  size_t area = (size_t)p->height * (size_t)p->width, C = (size_t)p->channels;
  if (p->value) {
    memcpy(data, p->value, area * C * sizeof *data);
    return;
  }
  ra_real max_value = (ra_real)p->max_value; /* divided, not multiplied by 1/max_value: 255/255 must be 1 */
  for (size_t c = 0; c < C; c++)
    for (size_t i = 0; i < area; i++) data[c * area + i] = (ra_real)p->sample[i * C + c] / max_value;
}

double ra_pixels_number(const ra_pixels *p, int32_t i) {
  if (p->value) {
    double v = (double)p->value[i] * p->max_value, whole = floor(v + 0.5);
    return p->max_value > 1 ? whole : v;
  }
  /* PNG with less than 8 bits was widened to 0..255 */
  if (p->bits < 8 && p->max_value == 255) return (double)p->sample[i] * ((1 << p->bits) - 1) / 255;
  return p->sample[i];
}

static ra_tensor *tensor_of(ra_pixels *p) {
  int32_t dim[3] = {p->channels, p->height, p->width};
  ra_tensor *t = ra_tensor_new(3, dim);
  if (t) ra_pixels_planes(p, t->data);
  ra_pixels_free(p);
  return t;
}

ra_tensor *ra_image_load(const char *path) {
  ra_pixels p;
  return ra_pixels_read(path, false, &p) == RA_OK ? tensor_of(&p) : NULL;
}

ra_tensor *ra_image_load_memory(const void *bytes, double size) {
  ra_pixels p;
  if (!(size >= 0 && size <= FILE_MAX)) {
    ra_fail(RA_ERR_ARG, "image: %.0f bytes given, at most %d are read", size, FILE_MAX);
    return NULL;
  }
  return ra_pixels_decode("image", bytes, (size_t)size, false, &p) == RA_OK ? tensor_of(&p) : NULL;
}

int32_t ra_image_info(const char *path, int32_t *channels, int32_t *height, int32_t *width, int32_t *bits) {
  ra_pixels p;
  RA_TRY(ra_pixels_read(path, true, &p));
  *channels = p.channels;
  *height = p.height;
  *width = p.width;
  *bits = p.bits;
  ra_pixels_free(&p);
  return RA_OK;
}

/* ---- writing: the name's ending chooses ---- */

static bool ends_with(const char *path, const char *ending) {
  size_t n = strlen(path), k = strlen(ending);
  if (n <= k) return false;
  for (size_t i = 0; i < k; i++) {
    char c = path[n - k + i];
    if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != ending[i]) return false;
  }
  return true;
}

/* Rounded samples of a contiguous tensor; counts what is no number. */
static int32_t quantise(const ra_tensor *t, ra_pixels *p) {
  size_t area = (size_t)p->height * (size_t)p->width, C = (size_t)p->channels;
  double bad = 0;
  for (size_t c = 0; c < C; c++)
    for (size_t i = 0; i < area; i++) {
      double v = (double)t->data[c * area + i];
      if (v != v) bad++;
      v = v > 0 ? (v < 1 ? v : 1) : 0;
      p->sample[i * C + c] = (uint16_t)(v * p->max_value + 0.5);
    }
  if (bad > 0) return ra_fail(RA_ERR_ARG, "%.0f of %d values are NaN, nothing was written", bad, t->size);
  return RA_OK;
}

int32_t ra_image_save(const char *path, const ra_tensor *t, int32_t bits) {
  bool png = ends_with(path, ".png");
  bool pgm = ends_with(path, ".pgm"), ppm = ends_with(path, ".ppm"), pnm = pgm || ppm || ends_with(path, ".pnm");
  if (!png && !pnm) return ra_fail(RA_ERR_ARG, "%s: a picture is written as .png, .pgm, .ppm or .pnm", path);
  if (bits != 8 && bits != 16) return ra_fail(RA_ERR_ARG, "%s: bits are 8 or 16, given %d", path, bits);
  int32_t C = t->rank == 3 ? t->dim[0] : 1;
  if ((t->rank != 2 && t->rank != 3) || (C != 1 && C != 3) || t->size == 0)
    return ra_fail(RA_ERR_SHAPE, "%s: a picture is [H,W], [1,H,W] or [3,H,W] and not empty; the tensor has rank %d and %d values",
                   path, t->rank, t->size);
  if ((pgm && C != 1) || (ppm && C != 3))
    return ra_fail(RA_ERR_SHAPE, "%s: %s holds %d channel%s, given %d", path, pgm ? ".pgm" : ".ppm", pgm ? 1 : 3,
                   pgm ? "" : "s", C);
  ra_tensor *copy = NULL;
  ra_pixels p = {.bits = bits, .max_value = (1 << bits) - 1};
  int32_t code = ra_pixels_size(&p, C, t->dim[t->rank - 1], t->dim[t->rank - 2], RA_IMAGE_SAMPLES_MAX, false);
  if (code == RA_OK && !ra_tensor_contiguous(t) && !(copy = ra_tensor_clone(t))) code = RA_ERR_MEMORY;
  if (code == RA_OK) code = quantise(copy ? copy : t, &p);
  if (code != RA_OK && code != RA_ERR_MEMORY) ra_fail_in(code, "%s", path);
  if (code == RA_OK) code = png ? ra_png_write(&p, path) : ra_pnm_write(&p, path);
  ra_tensor_release(copy);
  ra_pixels_free(&p);
  return code;
}

/* ---- several at a time ---- */

typedef struct save_job {
  const char *const *path;
  const ra_tensor *const *t;
  int32_t bits;
  struct { int32_t code; char *message; } *result;
} save_job;

/* Messages are stored by thread: this one's is kept for the caller. */
static void save_one(void *context, int32_t i) {
  const save_job *k = context;
  k->result[i].code = ra_image_save(k->path[i], k->t[i], k->bits);
  if (k->result[i].code != RA_OK) k->result[i].message = ra_mem_strdup(ra_error());
}

int32_t ra_image_save_all(int32_t count, const char *const *path, const ra_tensor *const *t, int32_t bits) {
  if (count < 0) return ra_fail(RA_ERR_ARG, "ra_image_save_all: wants 0 or more pictures, got %d", count);
  save_job k = {.path = path, .t = t, .bits = bits, .result = ra_mem_zalloc((size_t)count + 1, sizeof *k.result)};
  if (!k.result) return RA_ERR_MEMORY;
  ra_parallel(count, save_one, &k);
  int32_t code = RA_OK;
  for (int32_t i = 0; i < count; i++) {
    if (code == RA_OK && k.result[i].code != RA_OK)
      code = k.result[i].message ? ra_fail(k.result[i].code, "%s", k.result[i].message) : RA_ERR_MEMORY;
    ra_mem_free(k.result[i].message);
  }
  ra_mem_free(k.result);
  return code;
}
