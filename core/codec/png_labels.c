/* A label map as a PNG with a palette: the entry is the class, its colour is what a viewer shows.
 *   file <- labels [H,W], whole numbers 0 .. classes - 1; colour[classes,3] in 0..1
 * libpng reports errors by longjmp; every jump starts and ends in this file. */
#include <png.h>
#include <setjmp.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../file/file.h"
#include "../image/plane.h"
#include "png_mark.h"

enum { CLASSES_MAX = 256 };

typedef struct job {
  png_structp png;
  png_infop info;
  const ra_planes *labels;
  const char *mark; /* [opt] */
  int32_t classes, code; /* code: of a failure whose message is set */
  png_color palette[CLASSES_MAX];
  uint8_t *row;
  ra_file_out file;
  char message[200];
} job;

static void on_error(png_structp png, png_const_charp text) {
  job *j = png_get_error_ptr(png);
  strncpy(j->message, text, sizeof j->message - 1);
  png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static void put(png_structp png, png_bytep from, size_t count) {
  job *j = png_get_io_ptr(png);
  j->code = ra_file_write(&j->file, from, count);
  if (j->code != RA_OK) png_error(png, "");
}

static void flush(png_structp png) { (void)png; }

static png_voidp get_memory(png_structp png, png_alloc_size_t size) {
  job *j = png_get_mem_ptr(png);
  void *block = ra_mem_alloc(size, 1);
  if (!block) j->code = RA_ERR_MEMORY;
  return block;
}

static void drop_memory(png_structp png, png_voidp block) {
  (void)png;
  ra_mem_free(block);
}

/* libpng jumps only to here. */
static int32_t write_all(job *j) {
  if (setjmp(png_jmpbuf(j->png))) return j->code != RA_OK ? j->code : ra_fail(RA_ERR_FORMAT, "%s", j->message);
  size_t H = (size_t)j->labels->H, W = (size_t)j->labels->W;
  png_set_write_fn(j->png, j, put, flush);
  png_set_IHDR(j->png, j->info, (png_uint_32)W, (png_uint_32)H, 8, PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_PLTE(j->png, j->info, j->palette, j->classes);
  png_set_filter(j->png, 0, PNG_FILTER_NONE); /* differences of entries mean nothing */
  ra_png_write_info(j->png, j->info, j->mark);
  for (size_t y = 0; y < H; y++) {
    for (size_t x = 0; x < W; x++) j->row[x] = (uint8_t)j->labels->data[y * W + x];
    png_write_row(j->png, j->row);
  }
  png_write_end(j->png, j->info);
  return RA_OK;
}

static int32_t check(const char *path, const ra_planes *l, int32_t classes) {
  if (l->C != 1) return ra_fail(RA_ERR_SHAPE, "%s: a label map has one channel, given %d", path, l->C);
  if (classes < 1 || classes > CLASSES_MAX) return ra_fail(RA_ERR_ARG, "%s: 1 to %d classes, given %d", path, CLASSES_MAX, classes);
  for (int64_t i = 0; i < (int64_t)l->H * l->W; i++) {
    double v = (double)l->data[i];
    if (!(v >= 0 && v < classes && v == (double)(int32_t)v))
      return ra_fail(RA_ERR_ARG, "%s: row %d, column %d holds %g, a label is a whole number from 0 to %d", path, (int32_t)(i / l->W) + 1,
                     (int32_t)(i % l->W) + 1, v, classes - 1);
  }
  return RA_OK;
}

int32_t ra_image_save_labels(const char *path, const ra_tensor *labels, int32_t classes, const double *colour, const char *mark) {
  ra_planes l;
  RA_TRY(ra_planes_of("save_labels", labels, &l));
  RA_TRY(check(path, &l, classes));
  job *j = ra_mem_zalloc(1, sizeof *j);
  uint8_t *row = ra_mem_alloc((size_t)l.W, 1);
  int32_t code = j && row ? ra_file_begin(&j->file, path) : RA_ERR_MEMORY;
  if (code == RA_OK) {
    uint8_t *entry = (uint8_t *)j->palette; /* red, green, blue */
    for (int32_t i = 0; i < 3 * classes; i++) entry[i] = (uint8_t)(255 * (colour[i] > 0 ? colour[i] < 1 ? colour[i] : 1 : 0) + 0.5);
    j->labels = &l, j->classes = classes, j->row = row, j->mark = mark;
    j->png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, j, on_error, on_warning, j, get_memory, drop_memory);
    j->info = j->png ? png_create_info_struct(j->png) : NULL;
    code = j->info ? write_all(j) : RA_ERR_MEMORY;
    png_destroy_write_struct(&j->png, &j->info);
    if (code == RA_OK) code = ra_file_commit(&j->file);
    else ra_file_abort(&j->file);
  }
  ra_mem_free(row);
  ra_mem_free(j);
  return code;
}
