/* Writing images: the codec of the path's extension gets rows that are made of tensors one by one. */
#include <stdio.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../base/thread.h"
#include "codec.h"
#include "../image/overlay.h"

/* ---- the extension chooses ---- */

/* Whether path ends in '.' and one of the extensions, a list separated by blanks. */
static bool has_extension(const char *path, const char *extensions) {
  const char *dot = strrchr(path, '.');
  for (const char *at = extensions; dot && dot != path && *at;) {
    size_t n = strcspn(at, " "), i = 0;
    while (i < n && dot[1 + i] && (dot[1 + i] | 32) == at[i]) i++;
    if (i == n && dot[1 + n] == 0) return true;
    at += n + (at[n] == ' ');
  }
  return false;
}

static const ra_image_format *writer_of(const char *path) {
  const ra_image_format *f;
  for (int32_t i = 0; (f = ra_image_format_at(i)) != NULL; i++)
    if (f->write && has_extension(path, f->write_extensions)) return f;
  return NULL;
}

static int32_t no_writer(const char *path) {
  char text[200] = "";
  size_t used = 0;
  const ra_image_format *f;
  for (int32_t i = 0; (f = ra_image_format_at(i)) != NULL; i++)
    for (const char *at = f->write ? f->write_extensions : ""; *at && used < 180;) { /* NOLINT: no row is NULL */
      int n = (int)strcspn(at, " ");
      used += (size_t)snprintf(text + used, sizeof text - used, "%s.%.*s", used ? ", " : "", n, at);
      at += n + (at[n] == ' ');
    }
  return ra_fail(RA_ERR_ARG, "%s: an image is written as %s", path, text);
}

/* ---- rows ---- */

static uint16_t rounded(double v, int32_t most) {
  v = v > 0 ? (v < 1 ? v : 1) : 0;
  return (uint16_t)(v * most + 0.5);
}

void ra_rows_make(const ra_rows *r, int32_t y, uint16_t *to) {
  const ra_image_out *o = r->from;
  size_t area = (size_t)r->height * (size_t)r->width, C = (size_t)r->channels, begin = (size_t)y * (size_t)r->width;
  int32_t most = (1 << r->bits) - 1;
  ra_overlay painted = o->prediction ? ra_overlay_of(o) : (ra_overlay){0};
  for (size_t c = 0; c < C; c++)
    for (size_t j = 0; j < (size_t)r->width; j++) {
      ra_real v = o->prediction ? ra_overlay_value(&painted, c, begin + j) : o->image->data[c * area + begin + j];
      to[j * C + c] = rounded((double)v, most);
    }
}

/* A message where values are NaN. */
static int32_t check_numbers(const ra_tensor *t) {
  double bad = 0;
  for (int32_t i = 0; i < t->size; i++) bad += t->data[i] != t->data[i];
  if (bad > 0) return ra_fail(RA_ERR_ARG, "%.0f of %d values are NaN, nothing was written", bad, t->size);
  return RA_OK;
}

/* The rows of an image, whose tensor may lie in any way: *copy [own] is then a contiguous one. Messages begin with `where`. */
static int32_t rows_of(const char *where, const ra_image_out *o, ra_image_out *dense, ra_tensor **copy, ra_rows *r) {
  const ra_tensor *t = o->image;
  int32_t C = t->rank == 3 ? t->dim[0] : 1;
  *copy = NULL;
  if ((t->rank != 2 && t->rank != 3) || (C != 1 && C != 3) || t->size == 0)
    return ra_fail(RA_ERR_SHAPE, "%s: an image is [H,W], [1,H,W] or [3,H,W] and not empty; the tensor has rank %d and %d values",
                   where, t->rank, t->size);
  *dense = *o;
  ra_pixels size = {0};
  int32_t code = ra_pixels_size(&size, o->prediction ? 3 : C, t->dim[t->rank - 1], t->dim[t->rank - 2], RA_IMAGE_SAMPLES_MAX, true);
  if (code == RA_OK && !ra_tensor_contiguous(t)) {
    dense->image = *copy = ra_tensor_clone(t);
    if (!*copy) code = ra_error_code();
  }
  if (code == RA_OK) code = o->prediction ? ra_overlay_check(dense) : check_numbers(dense->image);
  if (code != RA_OK && code != RA_ERR_MEMORY) ra_fail_in(code, "%s", where);
  r->channels = size.channels, r->height = size.height, r->width = size.width, r->from = dense;
  return code;
}

static int32_t save(const ra_image_out *o, int32_t bits, const char *mark) {
  const ra_image_format *format = writer_of(o->path);
  if (!format) return no_writer(o->path);
  if (bits != 8 && bits != 16) return ra_fail(RA_ERR_ARG, "%s: bits are 8 or 16, given %d", o->path, bits);
  ra_rows r = {.bits = bits, .mark = mark};
  ra_image_out dense;
  ra_tensor *copy;
  int32_t code = rows_of(o->path, o, &dense, &copy, &r);
  if (code == RA_OK) code = format->write(&r, o->path);
  ra_tensor_release(copy);
  return code;
}

int32_t ra_image_save(const char *path, const ra_tensor *t, int32_t bits) {
  return save(&(ra_image_out){.path = path, .image = t}, bits, NULL);
}

int32_t ra_image_samples(const ra_tensor *t, void *out) {
  ra_rows r = {.bits = 8};
  ra_image_out dense;
  ra_tensor *copy;
  int32_t code = rows_of("image", &(ra_image_out){.image = t}, &dense, &copy, &r);
  size_t count = (size_t)r.width * (size_t)r.channels;
  uint16_t *row = code == RA_OK ? ra_mem_alloc(count, sizeof *row) : NULL;
  if (code == RA_OK && !row) code = RA_ERR_MEMORY;
  for (int32_t y = 0; code == RA_OK && y < r.height; y++) {
    ra_rows_make(&r, y, row);
    for (size_t i = 0; i < count; i++) ((uint8_t *)out)[(size_t)y * count + i] = (uint8_t)row[i];
  }
  ra_mem_free(row);
  ra_tensor_release(copy);
  return code;
}

/* ---- several at a time ---- */

typedef struct save_job {
  const ra_image_out *image;
  int32_t bits;
  const char *mark;
  struct { int32_t code; char *message; } *result;
} save_job;

/* Messages are stored by thread: this thread's message is copied for the caller. */
static void save_one(void *context, int32_t i) {
  const save_job *k = context;
  k->result[i].code = save(&k->image[i], k->bits, k->mark);
  if (k->result[i].code != RA_OK) k->result[i].message = ra_mem_strdup(ra_error());
}

int32_t ra_image_save_all(int32_t count, const ra_image_out *image, int32_t bits, const char *mark) {
  if (count < 0) return ra_fail(RA_ERR_ARG, "ra_image_save_all: wants 0 or more images, got %d", count);
  for (int32_t i = 0; i < count; i++)
    if (!image[i].path || !image[i].image) return ra_fail(RA_ERR_ARG, "ra_image_save_all: image %d has no path or no tensor", i);
  save_job k = {.image = image, .bits = bits, .mark = mark, .result = ra_mem_zalloc((size_t)count + 1, sizeof *k.result)};
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
