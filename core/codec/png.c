/* PNG through libpng: read with 1, 2, 4, 8 or 16 bits, grey, RGB, palette (gives
 * RGB and its entries), alpha or transparency (kept aside, not composited),
 * interlaced; written with 8 or 16 bits, grey or RGB.
 *
 * libpng reports errors by longjmp; every jump starts and ends in this file.
 * All state that lives across one is in `job`, behind a pointer. */
#include <png.h>
#include <setjmp.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../file/file.h"
#include "codec.h"
#include "png_mark.h"

typedef struct job {
  png_structp png;
  png_infop info;
  const uint8_t *bytes; /* reading */
  size_t size, at;
  ra_pixels *picture;
  uint8_t *block;       /* rows in libpng's layout */
  png_bytep *row;
  const ra_rows *rows;  /* writing */
  ra_file_out *file;
  int32_t code;         /* error code of a failure whose message is already set */
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

static void take(png_structp png, png_bytep to, size_t count) {
  job *j = png_get_io_ptr(png);
  if (count > j->size - j->at) png_error(png, "the file ends too early");
  memcpy(to, j->bytes + j->at, count);
  j->at += count;
}

static void put(png_structp png, png_bytep from, size_t count) {
  job *j = png_get_io_ptr(png);
  j->code = ra_file_write(j->file, from, count);
  if (j->code != RA_OK) png_error(png, "");
}

static void flush(png_structp png) { (void)png; }

static void fail_with(png_structp png, job *j, int32_t code) {
  j->code = code;
  png_error(png, "");
}

/* The length of the data of the chunk at `at` (its kind stands at + 4, its data at + 8); SIZE_MAX where the file ends before it does. */
static size_t chunk(const uint8_t *bytes, size_t size, size_t at) {
  if (at > size || size - at < 12) return SIZE_MAX;
  size_t length = (size_t)bytes[at] << 24 | (size_t)bytes[at + 1] << 16 | (size_t)bytes[at + 2] << 8 | bytes[at + 3];
  return length > size - at - 12 ? SIZE_MAX : length;
}

static int32_t make_rows(job *j, size_t row_bytes, size_t rows) {
  j->block = ra_mem_alloc(row_bytes, rows);
  j->row = ra_mem_alloc(rows, sizeof *j->row);
  if (!j->block || !j->row) return RA_ERR_MEMORY;
  for (size_t i = 0; i < rows; i++) j->row[i] = j->block + i * row_bytes;
  return RA_OK;
}

/* The place for the second plane of a picture: alpha or entries. */
static void *plane_of(job *j, size_t item) {
  void *plane = ra_mem_alloc((size_t)j->picture->width * (size_t)j->picture->height, item);
  if (!plane) fail_with(j->png, j, RA_ERR_MEMORY);
  return plane;
}

/* Rows of entries, a byte each, become colours; an entry that the palette lacks is black. */
static void take_entries(job *j) {
  ra_pixels *p = j->picture;
  size_t W = (size_t)p->width, area = W * (size_t)p->height;
  png_colorp colour = NULL;
  png_bytep opacity = NULL;
  int colours = 0, opacities = 0;
  png_get_PLTE(j->png, j->info, &colour, &colours);
  if (png_get_valid(j->png, j->info, PNG_INFO_tRNS)) png_get_tRNS(j->png, j->info, &opacity, &opacities, NULL);
  p->entries = colours;
  p->entry = plane_of(j, sizeof *p->entry);
  if (opacities > 0) p->alpha = plane_of(j, sizeof *p->alpha);
  for (size_t i = 0; i < area; i++) {
    int k = p->entry[i] = j->block[i];
    uint16_t *to = p->sample + 3 * i;
    to[0] = k < colours ? colour[k].red : 0;
    to[1] = k < colours ? colour[k].green : 0;
    to[2] = k < colours ? colour[k].blue : 0;
    if (p->alpha) p->alpha[i] = k < opacities ? opacity[k] : 255;
  }
}

/* Rows of samples of 8 or 16 bits, with alpha behind the others or without. */
static void take_samples(job *j, size_t stride) {
  ra_pixels *p = j->picture;
  size_t area = (size_t)p->width * (size_t)p->height, C = (size_t)p->channels;
  const uint8_t *narrow = j->block;
  const uint16_t *wide = (const uint16_t *)(const void *)j->block;
  bool is_wide = p->bits == 16;
  if (stride == C) {
    if (is_wide) memcpy(p->sample, wide, area * C * 2);
    else
      for (size_t i = 0; i < area * C; i++) p->sample[i] = narrow[i];
    return;
  }
  p->alpha = plane_of(j, sizeof *p->alpha);
  for (size_t i = 0; i < area; i++) {
    for (size_t c = 0; c < C; c++) p->sample[i * C + c] = is_wide ? wide[i * stride + c] : narrow[i * stride + c];
    p->alpha[i] = is_wide ? wide[i * stride + C] : narrow[i * stride + C];
  }
}

static void read_rows(job *j, bool palette) {
  png_structp png = j->png;
  const ra_pixels *p = j->picture;
  if (palette) png_set_packing(png);
  else png_set_expand(png);
  if (p->bits == 16) png_set_swap(png);
  (void)png_set_interlace_handling(png);
  png_read_update_info(png, j->info);
  size_t row_bytes = png_get_rowbytes(png, j->info), stride = png_get_channels(png, j->info);
  if (row_bytes != (size_t)p->width * stride * (p->bits == 16 ? 2 : 1) || (palette ? stride != 1 : stride - (size_t)p->channels > 1))
    png_error(png, "rows of an unexpected length");
  int32_t code = make_rows(j, row_bytes, (size_t)p->height);
  if (code != RA_OK) fail_with(png, j, code);
  png_read_image(png, j->row);
  png_read_end(png, NULL);
  if (palette) take_entries(j);
  else take_samples(j, stride);
}

/* The orientation in the chunk eXIf, which may stand behind the pixels. */
static int32_t orientation_of(const job *j) {
  size_t length;
  for (size_t at = 8; (length = chunk(j->bytes, j->size, at)) != SIZE_MAX; at += 12 + length)
    if (memcmp(j->bytes + at + 4, "eXIf", 4) == 0) return ra_exif_orientation(j->bytes + at + 8, length);
  return 0;
}

static void read_all(job *j, bool header_only) {
  png_structp png = j->png;
  ra_pixels *p = j->picture;
  png_set_read_fn(png, j, take);
  png_set_user_limits(png, RA_IMAGE_SIDE_MAX, RA_IMAGE_SIDE_MAX);
  png_set_chunk_malloc_max(png, 4u << 20); /* ancillary chunks are not worth more */
  png_set_chunk_cache_max(png, 64);
  png_read_info(png, j->info);
  int bits = png_get_bit_depth(png, j->info), colour = png_get_color_type(png, j->info);
  p->bits = bits;
  p->details.orientation = orientation_of(j);
  p->max_value = bits == 16 ? 65535 : 255;
  png_uint_32 per_metre_x, per_metre_y;
  int unit;
  if (png_get_pHYs(png, j->info, &per_metre_x, &per_metre_y, &unit) && unit == PNG_RESOLUTION_METER && per_metre_x && per_metre_y) {
    p->details.spacing[0] = 1000.0 / per_metre_y;
    p->details.spacing[1] = 1000.0 / per_metre_x;
  }
  int32_t channels = colour & PNG_COLOR_MASK_COLOR ? 3 : 1;
  /* deflate packs at most 1032 to 1, and a sample may be one bit */
  double most = (double)j->size * 1032 * 8 / bits * (colour == PNG_COLOR_TYPE_PALETTE ? 3 : 1);
  int32_t code = ra_pixels_size(p, channels, png_get_image_width(png, j->info), png_get_image_height(png, j->info), most,
                                header_only);
  if (code != RA_OK) fail_with(png, j, code);
  if (!header_only) read_rows(j, colour == PNG_COLOR_TYPE_PALETTE);
}

static void write_all(job *j) {
  png_structp png = j->png;
  const ra_rows *r = j->rows;
  png_set_write_fn(png, j, put, flush);
  png_set_user_limits(png, RA_IMAGE_SIDE_MAX, RA_IMAGE_SIDE_MAX);
  png_set_IHDR(png, j->info, (png_uint_32)r->width, (png_uint_32)r->height, r->bits,
               r->channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_compression_level(png, 2); /* with one filter; level 3 takes twice the time for 5 % fewer bytes */
  png_set_filter(png, 0, PNG_FILTER_UP);
  ra_png_write_info(png, j->info, r->mark);
  if (r->bits == 16) png_set_swap(png);
  size_t count = (size_t)r->width * (size_t)r->channels;
  int32_t code = make_rows(j, count * 2, 1);
  if (code != RA_OK) fail_with(png, j, code);
  uint16_t *sample = (void *)j->block;
  for (int32_t y = 0; y < r->height; y++) {
    ra_rows_make(r, y, sample);
    for (size_t i = 0; r->bits == 8 && i < count; i++) j->block[i] = (uint8_t)sample[i];
    png_write_row(png, j->block);
  }
  png_write_end(png, j->info);
}

/* Calls one of the two functions above; libpng jumps only to here. */
static int32_t guarded(job *j, bool header_only) {
  if (setjmp(png_jmpbuf(j->png))) {
    if (j->code != RA_OK) return j->code;
    return ra_fail(RA_ERR_FORMAT, "%s", j->message);
  }
  if (j->file) write_all(j);
  else read_all(j, header_only);
  return RA_OK;
}

/* libpng allocates through ra_mem_alloc too: rows, and chunks that it keeps, of which one may say any length. What it says itself
 * where memory fails is something else ("too many text chunks"). */
static png_voidp get_memory(png_structp png, png_alloc_size_t size) {
  job *j = png_get_mem_ptr(png);
  if (j->bytes && size > (16u << 20) + j->size) return NULL;
  void *block = ra_mem_alloc(size, 1);
  if (!block) j->code = RA_ERR_MEMORY;
  return block;
}

static void drop_memory(png_structp png, png_voidp block) {
  (void)png;
  ra_mem_free(block);
}

static bool is_png(const uint8_t *bytes, size_t size) { return size >= 4 && memcmp(bytes, "\x89PNG", 4) == 0; }

static int32_t decode(const uint8_t *bytes, size_t size, bool header_only, ra_pixels *out) {
  job j = {.bytes = bytes, .size = size, .picture = out};
  j.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &j, on_error, on_warning, &j, get_memory, drop_memory);
  j.info = j.png ? png_create_info_struct(j.png) : NULL;
  int32_t code = j.info ? guarded(&j, header_only) : RA_ERR_MEMORY;
  png_destroy_read_struct(&j.png, &j.info, NULL);
  ra_mem_free(j.block);
  ra_mem_free(j.row);
  return code;
}

/* Every chunk has its whole length, and the last is IEND. */
static int32_t check(const uint8_t *bytes, size_t size) {
  size_t length;
  for (size_t at = 8; (length = chunk(bytes, size, at)) != SIZE_MAX; at += 12 + length)
    if (memcmp(bytes + at + 4, "IEND", 4) == 0) return RA_OK;
  return ra_fail(RA_ERR_FORMAT, "the file ends before its last chunk: broken or cut off");
}

static int32_t write_png(const ra_rows *r, const char *path) {
  ra_file_out file;
  RA_TRY(ra_file_begin(&file, path));
  job j = {.rows = r, .file = &file};
  j.png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &j, on_error, on_warning, &j, get_memory, drop_memory);
  j.info = j.png ? png_create_info_struct(j.png) : NULL;
  int32_t code = j.info ? guarded(&j, false) : RA_ERR_MEMORY;
  png_destroy_write_struct(&j.png, &j.info);
  ra_mem_free(j.block);
  ra_mem_free(j.row);
  if (code == RA_OK) return ra_file_commit(&file);
  ra_file_abort(&file);
  return code;
}

const ra_image_format ra_image_png = {
  .name = "PNG", .extensions = "png", .write_extensions = "png", .is = is_png, .decode = decode, .check = check, .write = write_png,
  .reads = "1, 2, 4, 8, 16 bit; grey, RGB, palette (gives RGB); interlaced; turned as eXIf says; "
           "alpha and transparency are not composited: a mask's `channel = 4`",
  .writes = "8 and 16 bit, grey and RGB",
};
