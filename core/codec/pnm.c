/* PBM, PGM and PPM, ASCII and binary, 1, 8 and 16 bit (netpbm's formats P1 to
 * P6). In PBM a 1 is black, so it becomes 0.0. Only the first image of a file
 * is read. Written are PGM and PPM, binary. */
#include <stdio.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../file/file.h"
#include "codec.h"

typedef struct scanner {
  const uint8_t *at, *end;
} scanner;

static bool is_space(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static void skip_blank(scanner *s) {
  while (s->at < s->end) {
    if (*s->at == '#')
      while (s->at < s->end && *s->at != '\n' && *s->at != '\r') s->at++;
    else if (is_space(*s->at)) s->at++;
    else return;
  }
}

/* The next decimal number, or -1 where there is none or it is above `most`. */
static int32_t number(scanner *s, int32_t most) {
  skip_blank(s);
  if (s->at == s->end || *s->at < '0' || *s->at > '9') return -1;
  int64_t value = 0;
  while (s->at < s->end && *s->at >= '0' && *s->at <= '9') {
    value = value * 10 + (*s->at++ - '0');
    if (value > most) return -1;
  }
  return (int32_t)value;
}

static bool is_pnm(const uint8_t *bytes, size_t size) {
  return size >= 3 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6' && (is_space(bytes[2]) || bytes[2] == '#');
}

static int32_t cut_off(size_t sample, size_t count) {
  return ra_fail(RA_ERR_FORMAT, "the file ends too early or has something that is no number, at sample %zu of %zu",
                 sample + 1, count);
}

static int32_t too_large(int32_t value, size_t sample, int32_t max_value) {
  return ra_fail(RA_ERR_FORMAT, "sample %zu is %d, above the maximum of %d that the header declares", sample + 1, value, max_value);
}

static int32_t read_ascii(scanner *s, ra_pixels *p, size_t count) {
  for (size_t i = 0; i < count; i++) {
    int32_t value = number(s, 65535);
    if (value < 0) return cut_off(i, count);
    if (value > p->max_value) return too_large(value, i, p->max_value);
    p->sample[i] = (uint16_t)value;
  }
  return RA_OK;
}

/* P1: digits need no blanks between them. */
static int32_t read_ascii_bits(scanner *s, ra_pixels *p, size_t count) {
  for (size_t i = 0; i < count; i++) {
    skip_blank(s);
    if (s->at == s->end || (*s->at != '0' && *s->at != '1')) return cut_off(i, count);
    p->sample[i] = *s->at++ == '0';
  }
  return RA_OK;
}

static int32_t read_bits(scanner *s, ra_pixels *p) {
  size_t W = (size_t)p->width, stride = (W + 7) / 8;
  for (size_t y = 0; y < (size_t)p->height; y++)
    for (size_t x = 0; x < W; x++)
      p->sample[y * W + x] = !(s->at[y * stride + x / 8] >> (7 - x % 8) & 1);
  return RA_OK;
}

static int32_t read_bytes(scanner *s, ra_pixels *p, size_t count) {
  bool wide = p->max_value > 255;
  for (size_t i = 0; i < count; i++) {
    int32_t value = wide ? s->at[2 * i] << 8 | s->at[2 * i + 1] : s->at[i];
    if (value > p->max_value) return too_large(value, i, p->max_value);
    p->sample[i] = (uint16_t)value;
  }
  return RA_OK;
}

static int32_t decode(const uint8_t *bytes, size_t size, bool header_only, ra_pixels *out) {
  int kind = bytes[1] - '0';
  bool bitmap = kind == 1 || kind == 4, ascii = kind <= 3;
  int32_t channels = kind == 3 || kind == 6 ? 3 : 1;
  scanner s = {bytes + 2, bytes + size};
  int32_t W = number(&s, INT32_MAX), H = W < 0 ? -1 : number(&s, INT32_MAX);
  int32_t max_value = bitmap || H < 0 ? 1 : number(&s, INT32_MAX);
  if (W < 0 || H < 0 || max_value < 1 || max_value > 65535)
    return ra_fail(RA_ERR_FORMAT, "the header wants width, height%s", bitmap ? "" : " and a maximum of 1 to 65535");
  if (!ascii && (s.at == s.end || !is_space(*s.at)))
    return ra_fail(RA_ERR_FORMAT, "a blank must follow the header");
  if (!ascii) s.at++;
  out->max_value = max_value;
  out->bits = bitmap ? 1 : max_value > 255 ? 16 : 8;
  double left = (double)(s.end - s.at), most = left;
  if (bitmap && !ascii) most = W == 0 ? 0 : left / (((double)W + 7 - (W + 7) % 8) / 8) * W;
  else if (!ascii && max_value > 255) most = left / 2;
  else if (ascii && !bitmap) most = (left + 1) / 2; /* a digit and a blank each */
  if (header_only) most = RA_IMAGE_SAMPLES_MAX;
  RA_TRY(ra_pixels_size(out, channels, W, H, most, header_only));
  if (header_only) return RA_OK;
  size_t count = (size_t)W * (size_t)H * (size_t)channels;
  if (bitmap) return ascii ? read_ascii_bits(&s, out, count) : read_bits(&s, out);
  return ascii ? read_ascii(&s, out, count) : read_bytes(&s, out, count);
}

static int32_t write_samples(ra_file_out *file, const ra_rows *r, uint16_t *sample, uint8_t *row) {
  char header[64];
  int used = snprintf(header, sizeof header, "P%d\n%d %d\n%d\n", r->channels == 3 ? 6 : 5, r->width, r->height, (1 << r->bits) - 1);
  RA_TRY(ra_file_write(file, header, (size_t)used));
  size_t count = (size_t)r->width * (size_t)r->channels, bytes = r->bits > 8 ? 2 : 1;
  for (int32_t y = 0; y < r->height; y++) {
    ra_rows_make(r, y, sample);
    for (size_t i = 0; i < count; i++) {
      if (bytes == 2) {
        row[2 * i] = (uint8_t)(sample[i] >> 8);
        row[2 * i + 1] = (uint8_t)sample[i];
      } else {
        row[i] = (uint8_t)sample[i];
      }
    }
    RA_TRY(ra_file_write(file, row, count * bytes));
  }
  return RA_OK;
}

static int32_t write_pnm(const ra_rows *r, const char *path) {
  char kind = path[strlen(path) - 2] | 32; /* .pgm, .ppm or .pnm */
  if ((kind == 'g' && r->channels != 1) || (kind == 'p' && r->channels != 3))
    return ra_fail(RA_ERR_SHAPE, "%s: .p%cm holds %d channel%s, given %d", path, kind, kind == 'g' ? 1 : 3, kind == 'g' ? "" : "s",
                   r->channels);
  size_t count = (size_t)r->width * (size_t)r->channels;
  uint16_t *sample = ra_mem_alloc(count, 2 * sizeof *sample); /* and as many bytes of a row of the file */
  if (!sample) return RA_ERR_MEMORY;
  ra_file_out file;
  int32_t code = ra_file_begin(&file, path);
  if (code == RA_OK) {
    code = write_samples(&file, r, sample, (uint8_t *)(sample + count));
    if (code == RA_OK) code = ra_file_commit(&file);
    else ra_file_abort(&file);
  }
  ra_mem_free(sample);
  return code;
}

const ra_image_format ra_image_pnm = {
  .name = "PGM, PPM, PBM", .extensions = "pgm ppm pbm pnm", .write_extensions = "pgm ppm pnm", .is = is_pnm, .decode = decode,
  .write = write_pnm,
  .reads = "ASCII and binary, any maximum up to 65535; in PBM 1 is black, so 0.0; the first image of a file",
  .writes = "PGM, PPM, binary, 8 and 16 bit",
};
