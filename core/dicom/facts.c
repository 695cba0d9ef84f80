/* What the kept elements say: the layout of the pixels, their numbers, window, spacing. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/error.h"
#include "dicom.h"

static const double DECIMAL_MAX = 1e15; /* products and sums of such numbers and stored values are finite */

/* A text without the blanks around it, cut to fit. */
static void text_of(ra_dicom_span s, char *out, size_t room) {
  while (s.size > 0 && *s.at == ' ') s = (ra_dicom_span){s.at + 1, s.size - 1};
  while (s.size > 0 && (s.at[s.size - 1] == ' ' || s.at[s.size - 1] == 0)) s.size--;
  size_t n = s.size < room - 1 ? s.size : room - 1;
  for (size_t i = 0; i < n; i++) out[i] = s.at[i] >= ' ' && s.at[i] < 127 ? (char)s.at[i] : '?';
  out[n] = 0;
}

bool ra_dicom_decimal(ra_dicom_span text, int32_t k, double *out) {
  if (!text.at) return false;
  const uint8_t *at = text.at, *end = text.at + text.size;
  for (; at && k > 0; k--) {
    at = memchr(at, '\\', (size_t)(end - at));
    if (at) at++;
  }
  if (!at) return false;
  const uint8_t *stop = memchr(at, '\\', (size_t)(end - at));
  char number[40], *rest;
  text_of((ra_dicom_span){at, (size_t)((stop ? stop : end) - at)}, number, sizeof number);
  if (number[0] == 0 || number[strspn(number, "+-.0123456789eE")] != 0) return false; /* no inf, no 0x */
  *out = strtod(number, &rest);
  return *rest == 0 && fabs(*out) <= DECIMAL_MAX;
}

/* *out <- an unsigned number of two bytes, `otherwise` where the element is missing. */
static int32_t number(const ra_dicom *d, int32_t k, const char *name, int32_t otherwise, int32_t low, int32_t high, int32_t *out) {
  ra_dicom_span s = d->value[k];
  if (!s.at && otherwise < 0) return ra_fail(RA_ERR_FORMAT, "%s is missing", name);
  if (s.at && s.size < 2) return ra_fail(RA_ERR_FORMAT, "%s is empty", name);
  *out = s.at ? (int32_t)ra_dicom_word(s.at, 2, d->syntax->big) : otherwise;
  if (*out >= low && *out <= high) return RA_OK;
  return ra_fail(RA_ERR_FORMAT, "%s is %d, wanted %d to %d", name, *out, low, high);
}

static int32_t frames_of(ra_dicom *d) {
  double n = 1;
  char text[20];
  ra_dicom_span s = d->value[RA_DICOM_FRAMES];
  text_of(s, text, sizeof text);
  if (s.at && text[0] && !(ra_dicom_decimal(s, 0, &n) && n >= 1 && n == floor(n) && n <= INT32_MAX))
    return ra_fail(RA_ERR_FORMAT, "Number of Frames (0028,0008) is '%s', which is no number of frames", text);
  d->frames = (int32_t)n;
  return RA_OK;
}

static int32_t layout(ra_dicom *d) {
  RA_TRY(number(d, RA_DICOM_ROWS, "Rows (0028,0010)", -1, 1, 65535, &d->rows));
  RA_TRY(number(d, RA_DICOM_COLUMNS, "Columns (0028,0011)", -1, 1, 65535, &d->columns));
  RA_TRY(number(d, RA_DICOM_SAMPLES, "Samples per Pixel (0028,0002)", 1, 1, 3, &d->samples));
  RA_TRY(number(d, RA_DICOM_PLANAR, "Planar Configuration (0028,0006)", 0, 0, 1, &d->planar));
  RA_TRY(number(d, RA_DICOM_ALLOCATED, "Bits Allocated (0028,0100)", -1, 1, 32, &d->allocated));
  RA_TRY(number(d, RA_DICOM_STORED, "Bits Stored (0028,0101)", d->allocated, 1, d->allocated, &d->stored));
  RA_TRY(number(d, RA_DICOM_HIGH_BIT, "High Bit (0028,0102)", d->stored - 1, d->stored - 1, d->allocated - 1, &d->high_bit));
  RA_TRY(number(d, RA_DICOM_SIGNED, "Pixel Representation (0028,0103)", 0, 0, 1, &d->is_signed));
  text_of(d->value[RA_DICOM_PHOTOMETRIC], d->photometric, sizeof d->photometric);
  if (d->allocated != 1 && d->allocated != 8 && d->allocated != 12 && d->allocated != 16 && d->allocated != 32)
    return ra_fail(RA_ERR_FORMAT, "Bits Allocated (0028,0100) is %d, wanted 1, 8, 12, 16 or 32", d->allocated);
  return frames_of(d);
}

/* A table's descriptor: entries, first stored value, bits; 0 entries stand for 65536. */
static int32_t table(const ra_dicom *d, int32_t descriptor, int32_t data, const char *name, ra_dicom_lut *t) {
  ra_dicom_span s = d->value[descriptor];
  if (!s.at) return RA_OK;
  bool big = d->syntax->big;
  if (s.size < 6 || !d->value[data].at) return ra_fail(RA_ERR_FORMAT, "the %s table has no data", name);
  int32_t n = (int32_t)ra_dicom_word(s.at, 2, big), first = (int32_t)ra_dicom_word(s.at + 2, 2, big);
  *t = (ra_dicom_lut){.data = d->value[data], .entries = n > 0 ? n : 65536, .first = d->is_signed && first > 32767 ? first - 65536 : first,
                      .bits = (int32_t)ra_dicom_word(s.at + 4, 2, big), .big = big};
  t->wide = t->data.size >= 2 * (size_t)t->entries;
  if (t->bits < 1 || t->bits > 16 || t->data.size < (size_t)t->entries || (!t->wide && t->bits > 8))
    return ra_fail(RA_ERR_FORMAT, "the %s table has %zu bytes, wanted %d entries of %d bits: broken", name, t->data.size, t->entries,
                   t->bits);
  return RA_OK;
}

static int32_t tables(ra_dicom *d) {
  static const char *const name[3] = {"red", "green", "blue"};
  RA_TRY(table(d, RA_DICOM_LUT, RA_DICOM_LUT_DATA, "modality", &d->modality));
  if (strcmp(d->photometric, "PALETTE COLOR") != 0) return RA_OK;
  for (int32_t k = 0; k < 3; k++) {
    if (!d->value[RA_DICOM_RED + k].at || !d->value[RA_DICOM_RED_DATA + k].at)
      return ra_fail(RA_ERR_FORMAT, "the palette has no %s table (0028,120%d); segmented palettes are not read", name[k], k + 1);
    RA_TRY(table(d, RA_DICOM_RED + k, RA_DICOM_RED_DATA + k, name[k], &d->palette[k]));
    const ra_dicom_lut *a = &d->palette[0], *b = &d->palette[k];
    if (a->entries != b->entries || a->first != b->first || a->bits != b->bits)
      return ra_fail(RA_ERR_FORMAT, "the palette's tables differ in length, first value or bits");
  }
  return RA_OK;
}

/* ---- numbers, window, spacing ---- */

static int32_t rescaling(ra_dicom *d) {
  d->slope = 1;
  static const struct { int32_t k; const char *name; } part[] = {
    {RA_DICOM_SLOPE, "Slope (0028,1053)"}, {RA_DICOM_INTERCEPT, "Intercept (0028,1052)"},
  };
  for (int32_t i = 0; i < 2; i++) {
    ra_dicom_span s = d->value[part[i].k];
    double *to = i == 0 ? &d->slope : &d->intercept;
    char text[20];
    text_of(s, text, sizeof text);
    if (s.at && text[0] && (!ra_dicom_decimal(s, 0, to) || (i == 0 && *to == 0)))
      return ra_fail(RA_ERR_FORMAT, "Rescale %s is '%s', which rescales nothing", part[i].name, text);
  }
  return RA_OK;
}

/* The numbers that become 0 and 1 (PS3.3, C.11.2.1.2 and C.11.2.1.3): the file's first window, else all that the bits can hold. */
static void window_of(ra_dicom *d) {
  double c, w;
  char function[20];
  text_of(d->value[RA_DICOM_WINDOW_FUNCTION], function, sizeof function);
  d->sigmoid = strcmp(function, "SIGMOID") == 0;
  bool exact = d->sigmoid || strcmp(function, "LINEAR_EXACT") == 0;
  if (ra_dicom_decimal(d->value[RA_DICOM_WINDOW_CENTER], 0, &c) && ra_dicom_decimal(d->value[RA_DICOM_WINDOW_WIDTH], 0, &w) &&
      (exact ? w > 0 : w >= 1)) {
    d->window[0] = exact ? c - w / 2 : c - 0.5 - (w - 1) / 2;
    d->window[1] = exact ? c + w / 2 : c - 0.5 + (w - 1) / 2;
    return;
  }
  d->sigmoid = false;
  d->windowless = true;
  double top = ldexp(1, d->stored) - 1, half = ldexp(1, d->stored - 1);
  double a = d->is_signed ? -half : 0, b = d->is_signed ? half - 1 : top;
  if (d->modality.entries > 0) {
    d->window[0] = 0;
    d->window[1] = ldexp(1, d->modality.bits) - 1;
    return;
  }
  a = a * d->slope + d->intercept;
  b = b * d->slope + d->intercept;
  d->window[0] = fmin(a, b);
  d->window[1] = fmax(a, b);
}

static double real_of(ra_dicom_span s, bool big) {
  if (s.size != 8) return 0;
  uint64_t high = ra_dicom_word(s.at + (big ? 0 : 4), 4, big), low = ra_dicom_word(s.at + (big ? 4 : 0), 4, big), bits = high << 32 | low;
  double v;
  memcpy(&v, &bits, sizeof v);
  return isfinite(v) ? fabs(v) : 0;
}

static bool pair_of(ra_dicom_span s, double out[2]) {
  return ra_dicom_decimal(s, 0, &out[0]) && ra_dicom_decimal(s, 1, &out[1]) && out[0] > 0 && out[1] > 0;
}

/* mm from row to row and from column to column: Pixel Spacing, else Imager Pixel Spacing (at the detector), else an ultrasound's region.
 * Where the first two are equal nothing was calibrated (PS3.3, 10.7.1.3), so that it is the detector's. */
static void spacing_of(ra_dicom *d) {
  double imager[2];
  bool at_detector = pair_of(d->value[RA_DICOM_IMAGER_SPACING], imager);
  d->spacing_of = RA_SPACING_PIXEL;
  if (pair_of(d->value[RA_DICOM_PIXEL_SPACING], d->spacing) &&
      !(at_detector && imager[0] == d->spacing[0] && imager[1] == d->spacing[1])) return;
  d->spacing_of = at_detector ? RA_SPACING_DETECTOR : RA_SPACING_REGION;
  d->spacing[0] = at_detector ? imager[0] : 0;
  d->spacing[1] = at_detector ? imager[1] : 0;
  if (at_detector) return;
  bool big = d->syntax->big;
  double x = 10 * real_of(d->value[RA_DICOM_REGION_DELTA_X], big), y = 10 * real_of(d->value[RA_DICOM_REGION_DELTA_Y], big);
  if (!(x > 0 && y > 0)) return;
  d->spacing[0] = y;
  d->spacing[1] = x;
}

int32_t ra_dicom_facts(ra_dicom *d) {
  char modality[17];
  text_of(d->value[RA_DICOM_MODALITY], modality, sizeof modality);
  if (!d->value[RA_DICOM_PIXELS].at)
    return ra_fail(RA_ERR_FORMAT, "there is no image in the file (no Pixel Data, 7FE0,0010)%s%s",
                   modality[0] ? "; its modality is " : "", modality);
  RA_TRY(layout(d));
  RA_TRY(tables(d));
  RA_TRY(rescaling(d));
  window_of(d);
  spacing_of(d);
  return ra_dicom_room(d);
}
