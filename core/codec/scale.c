/* The scale of an image: the numbers of its file that become 0 and 1.
 *   declared       (v - low) / (high - low), cut to 0..1
 *   automatic      the same between the percentiles 0.5 and 99.5 of all its numbers (by rank); of its extremes where these are equal
 *                  (a DICOM file's in which the larger number is the darker one the other way round)
 *   nothing said   a DICOM file's window, else the file's type: 8 and 16 bits are divided by their largest value, other numbers are
 *                  as they are
 * A type says nothing of 12 bits that lie in 16, and of real numbers or integers of 32 bits that are not in 0..1. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "codec.h"

/* Bits below which the numbers of a 16-bit file are taken for those of a detector. */
enum { DETECTOR_BITS = 14, WORD_MAX = 32767 };
static const double AS_01 = 1e-3; /* how far real numbers may lie beyond 0..1 */

static size_t count_of(const ra_pixels *p) { return (size_t)p->height * (size_t)p->width * (size_t)p->channels; }

/* The number of the file that became this value. */
static double number_of(const ra_pixels *p, ra_real value) {
  if (p->curve != RA_CURVE_NONE) return (double)value;
  double v = (double)value * p->max_value;
  return p->max_value > 1 ? floor(v + 0.5) : v;
}

/* The i-th number of the file, in the order of the planes [C,H,W] or of the samples [H,W,C]. */
static double number(const ra_pixels *p, size_t i) {
  if (p->value) return number_of(p, p->value[i]);
  size_t C = (size_t)p->channels;
  return ra_pixels_number(p, i / C, (int32_t)(i % C) + 1);
}

/* The least and the greatest number: those of the least and the greatest value or sample, since numbers grow with them. */
static void extremes(const ra_pixels *p, double *low, double *high) {
  size_t n = count_of(p), least = 0, most = 0;
  if (p->value) {
    ra_real a = p->value[0], b = p->value[0];
    _Pragma("omp simd reduction(min : a) reduction(max : b)")
    for (size_t i = 0; i < n; i++) {
      ra_real v = p->value[i];
      a = v < a ? v : a;
      b = v > b ? v : b;
    }
    *low = number_of(p, a), *high = number_of(p, b);
    return;
  }
  uint16_t a = p->sample[0], b = p->sample[0]; /* NOLINT: samples or values, one of the two is there */
  _Pragma("omp simd reduction(min : a) reduction(max : b)")
  for (size_t i = 0; i < n; i++) {
    uint16_t v = p->sample[i];
    a = v < a ? v : a;
    b = v > b ? v : b;
  }
  while (p->sample[least] != a) least++;
  while (p->sample[most] != b) most++;
  *low = number(p, least), *high = number(p, most);
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The percentiles of the numbers by nearest rank, so that they are numbers of the file. */
static int32_t percentiles(const ra_pixels *p, ra_image_report *r) {
  size_t n = count_of(p), cut = n / 200;
  double *all = ra_mem_alloc(n, sizeof *all);
  if (!all) return RA_ERR_MEMORY;
  for (size_t i = 0; i < n; i++) all[i] = number(p, i);
  qsort(all, n, sizeof *all, by_value);
  r->from = all[cut], r->to = all[n - 1 - cut];
  if (r->from == r->to) r->from = all[0], r->to = all[n - 1];
  if (p->inverted) {
    double from = r->from;
    r->from = r->to, r->to = from;
  }
  ra_mem_free(all);
  return RA_OK;
}

enum { WHY = sizeof ((ra_image_report *)0)->unclear };

/* Why the file's type does not say its scale, or "", and what is likely meant. A DICOM file without a window is judged as others whose
 * numbers go as far as its bits can hold. */
static void judge(const ra_pixels *p, ra_image_report *r) {
  int used = 1;
  while (r->high >= (double)(1LL << used) && used < 62) used++;
  double top = p->curve == RA_CURVE_NONE ? p->max_value : p->details.window[1];
  double quarter = (double)(1 << DETECTOR_BITS) / (2 * WORD_MAX + 2);
  int32_t half = p->max_value / 2;
  bool is_word = p->max_value >= WORD_MAX, whole = top == p->max_value || top == half; /* the bits with and without a sign */
  if (r->low < (p->max_value > 1 ? 0 : -AS_01) || (p->max_value == 1 && r->high > 1 + AS_01))
    snprintf(r->unclear, WHY, "its numbers go from %.10g to %.10g, and nothing says which are black and white", r->low, r->high);
  else if (is_word && whole && r->high > 0 && used <= DETECTOR_BITS)
    snprintf(r->unclear, WHY, "its numbers go from %.0f to %.0f, which takes %d of its %d bits", r->low, r->high, used, p->bits);
  else if (is_word && !whole && r->high > 0 && r->high < quarter * top)
    snprintf(r->unclear, WHY, "its numbers go from %.10g to %.10g, and its bits can hold up to %.10g", r->low, r->high, top);
  if (!*r->unclear) return;
  int bits = used <= 8 ? 8 : used <= 10 ? 10 : used <= 12 ? 12 : used <= DETECTOR_BITS ? DETECTOR_BITS : used <= 16 ? 16 : 0;
  r->advised[0] = r->low < 0 ? r->low : 0;
  r->advised[1] = r->low < 0 || !bits || !whole ? r->high : (double)((1 << bits) - 1);
  if (!p->inverted) return;
  double black = r->advised[1];
  r->advised[1] = r->advised[0], r->advised[0] = black;
}

int32_t ra_pixels_unclear(const ra_image_report *r) {
  return !*r->unclear ? RA_OK
         : ra_fail(RA_ERR_ARG, "%s; declare the numbers of black and white, as range = { %.10g, %.10g }, or range = \"auto\"", r->unclear,
                   r->advised[0], r->advised[1]);
}

double ra_pixels_coloured(const ra_pixels *p) {
  size_t area = (size_t)p->height * (size_t)p->width, count = 0;
  if (p->channels != 3) return 0;
  double limit = (p->curve != RA_CURVE_NONE ? p->details.window[1] - p->details.window[0] : p->sample ? p->max_value : 1) / 32;
  for (size_t i = 0; i < area; i++) {
    double v[3];
    for (size_t c = 0; c < 3; c++) v[c] = p->value ? (double)p->value[c * area + i] : p->sample[3 * i + c]; /* NOLINT: as above */
    count += fabs(v[0] - v[1]) > limit || fabs(v[1] - v[2]) > limit || fabs(v[0] - v[2]) > limit;
  }
  return (double)count / (double)area;
}

/* The planes in 0..1 take the place of the samples. */
static int32_t rescale(ra_pixels *p, ra_image_report *r) {
  size_t n = count_of(p), C = (size_t)p->channels, area = n / C;
  ra_real *value = ra_mem_alloc(n, sizeof *value);
  if (!value) return RA_ERR_MEMORY;
  double outside = 0, low = fmin(r->from, r->to), high = fmax(r->from, r->to);
  for (size_t i = 0; i < n; i++) {
    double v = number(p, i), x = r->from == r->to ? 0 : (v - r->from) / (r->to - r->from);
    outside += v < low || v > high;
    value[p->value ? i : i % C * area + i / C] = (ra_real)(x > 0 ? x < 1 ? x : 1 : 0);
  }
  r->outside = outside / (double)n;
  ra_mem_free(p->sample);
  if (!p->borrowed) ra_mem_free(p->value);
  p->sample = NULL;
  p->value = value;
  p->curve = RA_CURVE_NONE;
  p->borrowed = false;
  p->max_value = 1;
  return RA_OK;
}

int32_t ra_pixels_scale(ra_pixels *p, const ra_source *source, ra_image_report *r) {
  const double *range = source->range;
  bool declared = isfinite(range[0]) && isfinite(range[1]) && range[0] != range[1];
  *r = (ra_image_report){.details = ra_pixels_details(p), .low = NAN, .high = NAN, .from = 0, .to = p->max_value};
  if (p->curve != RA_CURVE_NONE) r->from = p->details.window[p->inverted], r->to = p->details.window[!p->inverted];
  if (p->bits < 8 && !p->entry && p->max_value == 255) r->to = (1 << p->bits) - 1;
  /* of a program; by a window; 8 bits, and the maxima and bits that a header says */
  bool stated = p->curve == RA_CURVE_NONE ? p->sample && p->max_value < WORD_MAX : !p->windowless || p->max_value < WORD_MAX;
  bool clear = p->borrowed || stated;
  if (!declared && !source->automatic && clear) return RA_OK;
  extremes(p, &r->low, &r->high);
  if (source->automatic) RA_TRY(percentiles(p, r));
  else if (declared) r->from = range[0], r->to = range[1];
  else {
    judge(p, r);
    return RA_OK;
  }
  return rescale(p, r);
}
