/* Areas under the ROC and the precision-recall curve, exact and from a
 * histogram, and calibration errors.
 *
 * roc_auc is the trapezoid area, pixels of equal probability sharing one point;
 * pr_auc is average precision, sum over distinct probabilities, from the
 * highest, of (recall step) x (precision). Both as scikit-learn's
 * roc_auc_score and average_precision_score.
 *
 * The histogram makes areas of many pictures at once and threshold searches
 * cheap: RA_METRIC_BINS half-open bins [edge(k), edge(k+1)) of relative width 2^-7 in
 * min(p, 1-p), down to 2^-24: fine at both ends, where networks put most
 * pixels. Areas from it differ from the exact ones by less than 1e-3. */
#include <math.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "metric.h"

enum {
  KEY_SHIFT = 16,          /* keeps 7 bits of the mantissa */
  KEY_SMALLEST = 0x3380,   /* 2^-24 */
  KEY_HALF = 0x3F00,       /* 0.5 */
  HALF_BINS = KEY_HALF - KEY_SMALLEST
};
_Static_assert(RA_METRIC_BINS == 2 * HALF_BINS + 3, "bins: zero and below 2^-24, two halves, one");

static uint32_t bits_of(float v) {
  uint32_t bits;
  memcpy(&bits, &v, sizeof bits);
  return bits;
}

static double value_of(uint32_t bits) {
  float v;
  memcpy(&v, &bits, sizeof v);
  return (double)v;
}

int32_t ra_metric_bin(double probability) {
  if (probability < 0.5) {
    uint32_t key = bits_of((float)probability) >> KEY_SHIFT;
    return key < KEY_SMALLEST || !(probability > 0) ? 0 : (int32_t)(key - KEY_SMALLEST) + 1;
  }
  float rest = (float)(1 - probability); /* exact for a float32 probability; the key is rounded up so that a bin holds its lower edge */
  if (!(rest > 0)) return RA_METRIC_BINS - 1;
  uint32_t key = (bits_of(rest) + 0xFFFFu) >> KEY_SHIFT;
  return 2 * HALF_BINS + 1 - (int32_t)(key - KEY_SMALLEST);
}

double ra_metric_bin_edge(int32_t bin) {
  if (bin <= 0) return 0;
  if (bin >= RA_METRIC_BINS - 1) return 1;
  if (bin <= HALF_BINS) return value_of((uint32_t)(bin - 1 + KEY_SMALLEST) << KEY_SHIFT);
  return 1 - value_of((uint32_t)(2 * HALF_BINS + 1 - bin + KEY_SMALLEST) << KEY_SHIFT);
}

/* Running areas while groups of equal probability arrive from the highest. */
typedef struct areas {
  double positives, negatives, tp, fp, roc, pr;
} areas;

static void add_group(areas *a, double positive, double negative) {
  a->roc += negative * (a->tp + positive / 2);
  a->tp += positive;
  a->fp += negative;
  if (positive > 0) a->pr += positive * (a->tp / (a->tp + a->fp));
}

static void areas_out(const areas *a, double *roc, double *pr) {
  *roc = a->tp > 0 && a->fp > 0 ? a->roc / (a->tp * a->fp) : (double)NAN;
  *pr = a->tp > 0 ? a->pr / a->tp : (double)NAN;
}

/* Sorts n keys by three passes over 11 bits; other is scratch of the same length. The result is in `other`. */
static void radix_sort(uint32_t *keys, uint32_t *other, int32_t n) {
  enum { BITS = 11, BUCKETS = 1 << BITS, PASSES = 3 };
  uint32_t *from = keys, *to = other;
  for (int pass = 0; pass < PASSES; pass++) {
    int32_t start[BUCKETS] = {0}, total = 0;
    for (int32_t i = 0; i < n; i++) start[from[i] >> (pass * BITS) & (BUCKETS - 1)]++;
    for (int32_t k = 0; k < BUCKETS; k++) {
      int32_t count = start[k];
      start[k] = total;
      total += count;
    }
    for (int32_t i = 0; i < n; i++) to[start[from[i] >> (pass * BITS) & (BUCKETS - 1)]++] = from[i];
    uint32_t *swap = from;
    from = to;
    to = swap;
  }
}

int32_t ra_curve_exact(const float *probability, const uint8_t *label, int32_t n, double *roc, double *pr) {
  uint32_t *keys = ra_mem_alloc((size_t)n, sizeof *keys), *sorted = ra_mem_alloc((size_t)n, sizeof *sorted);
  int32_t code = keys && sorted ? RA_OK : RA_ERR_MEMORY;
  if (code == RA_OK) {
    /* floats of 0 to 1 order as their bits do and leave a bit for the label below them */
    for (int32_t i = 0; i < n; i++) keys[i] = bits_of(probability[i] > 0 ? probability[i] : 0) << 1 | label[i];
    radix_sort(keys, sorted, n);
    areas a = {0};
    for (int32_t i = n - 1; i >= 0;) {
      uint32_t key = sorted[i] >> 1;
      int32_t group[2] = {0, 0};
      for (; i >= 0 && sorted[i] >> 1 == key; i--) group[sorted[i] & 1]++;
      add_group(&a, group[1], group[0]);
    }
    areas_out(&a, roc, pr);
  }
  ra_mem_free(sorted);
  ra_mem_free(keys);
  return code;
}

void ra_metric_curve(const double *histogram, double *out) {
  areas a = {0};
  for (int32_t k = RA_METRIC_BINS - 1; k >= 0; k--) add_group(&a, histogram[RA_METRIC_BINS + k], histogram[k]);
  areas_out(&a, out, out + 1);
}

double ra_metric_ece(const double *calibration) {
  double total = 0, error = 0;
  for (int32_t k = 0; k < RA_METRIC_CALIBRATION; k++) {
    total += calibration[3 * k];
    error += fabs(calibration[3 * k + 1] - calibration[3 * k + 2]);
  }
  return total > 0 ? error / total : (double)NAN;
}
