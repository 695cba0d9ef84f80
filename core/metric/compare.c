/* Are the scores of one experiment higher than those of another? A score of every picture under every seed: its mean with a nested
 * bootstrap interval, and Wilcoxon's signed-rank test of paired differences. */
#include <math.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../base/random.h"
#include "metric.h"

/* ---- seeds, and pictures within them ---- */

/* Mean of the numbers of one seed, NaN left out; NaN where none is left. */
static double mean_of(const double *value, int32_t n) {
  double sum = 0;
  int32_t used = 0;
  for (int32_t i = 0; i < n; i++)
    if (value[i] == value[i]) sum += value[i], used++;
  return used > 0 ? sum / used : (double)NAN;
}

static double mean_of_seeds(const double *value, int32_t seeds, int32_t pictures) {
  double sum = 0;
  int32_t used = 0;
  for (int32_t s = 0; s < seeds; s++) {
    double m = mean_of(value + (size_t)s * (size_t)pictures, pictures);
    if (m == m) sum += m, used++;
  }
  return used > 0 ? sum / used : (double)NAN;
}

/* One resample: seeds with replacement, and within each of them pictures with replacement. */
static double resample(const double *value, int32_t seeds, int32_t pictures, ra_random_key key, double *row) {
  double sum = 0;
  int32_t used = 0;
  for (int32_t s = 0; s < seeds; s++) {
    key.b = 0;
    int32_t from = (int32_t)(ra_random_uniform_at(&key, (uint64_t)s) * seeds);
    key.b = (uint32_t)s + 1;
    uint32_t word[4] = {0};
    for (int32_t i = 0; i < pictures; i++) {
      if ((i & 3) == 0) ra_random_block(&key, (uint64_t)i >> 2, word);
      row[i] = value[(size_t)from * (size_t)pictures + ((uint64_t)word[i & 3] * (uint64_t)pictures >> 32)];
    }
    double m = mean_of(row, pictures);
    if (m == m) sum += m, used++;
  }
  return used > 0 ? sum / used : (double)NAN;
}

int32_t ra_bootstrap_nested(const double *values, int32_t seeds, int32_t pictures, int32_t resamples, double level, double seed,
                            double *out) {
  if (seeds < 1 || pictures < 1 || resamples < 1)
    return ra_fail(RA_ERR_ARG, "bootstrap: %d seeds, %d pictures and %d resamples; wanted at least 1 of each", seeds, pictures, resamples);
  if (!(level > 0 && level < 1)) return ra_fail(RA_ERR_ARG, "bootstrap: level must be between 0 and 1, given %g", level);
  double *means = ra_mem_alloc((size_t)resamples + (size_t)pictures, sizeof *means);
  if (!means) return RA_ERR_MEMORY;
  double squares = 0, mean = mean_of_seeds(values, seeds, pictures);
  int32_t used = 0, kept = 0;
  for (int32_t s = 0; s < seeds; s++) {
    double m = mean_of(values + (size_t)s * (size_t)pictures, pictures);
    if (m == m) squares += (m - mean) * (m - mean), used++;
  }
  for (int32_t r = 0; r < resamples; r++) {
    ra_random_key key = {.seed = (uint64_t)(int64_t)seed, .a = (uint32_t)r, .stream = RA_RANDOM_COMPARE};
    double m = resample(values, seeds, pictures, key, means + resamples);
    if (m == m) means[kept++] = m;
  }
  ra_sort(means, kept);
  out[0] = mean;
  out[1] = used > 1 ? sqrt(squares / (used - 1)) : 0;
  out[2] = kept > 0 ? ra_quantile(means, kept, (1 - level) / 2) : (double)NAN;
  out[3] = kept > 0 ? ra_quantile(means, kept, (1 + level) / 2) : (double)NAN;
  ra_mem_free(means);
  return RA_OK;
}

/* ---- Wilcoxon's signed-rank test ---- */

enum { EXACT_MAX = 50 };

/* P(W <= w) where each of the ranks 1..n is in W with probability one half, for whole w. count: n(n+1)/2 + 1 doubles of scratch. */
static double exact_tail(int32_t n, double w, double *count) {
  int32_t most = n * (n + 1) / 2;
  memset(count, 0, ((size_t)most + 1) * sizeof *count);
  count[0] = 1;
  for (int32_t rank = 1; rank <= n; rank++)
    for (int32_t sum = rank * (rank + 1) / 2; sum >= rank; sum--) count[sum] += count[sum - rank];
  double tail = 0;
  for (int32_t sum = 0; sum <= most && sum <= w; sum++) tail += count[sum];
  return tail / ldexp(1, n);
}

/* The sums of the ranks of |d| of positive and of negative d; *ties: sum of t^3 - t over groups of equal |d|. sorted: |d|, ascending. */
static void rank_sums(const double *d, const double *sorted, int32_t n, double sum[2], double *ties) {
  sum[0] = sum[1] = *ties = 0;
  for (int32_t i = 0; i < n; i++) {
    double size = fabs(d[i]);
    int32_t low = 0, high = n; /* the first not below, then the first above */
    while (low < high) {
      int32_t middle = (low + high) / 2;
      if (sorted[middle] < size) low = middle + 1; else high = middle;
    }
    int32_t end = low;
    while (end < n && sorted[end] == size) end++;
    sum[d[i] < 0] += 0.5 * (low + 1 + end);
    double t = end - low;
    *ties += (t * t * t - t) / t; /* each of its t members adds one part */
  }
}

int32_t ra_wilcoxon(const double *difference, int32_t n, double *out) {
  if (n < 0) return ra_fail(RA_ERR_ARG, "wilcoxon: %d differences", n);
  double *d = ra_mem_alloc(2 * (size_t)n + EXACT_MAX * (EXACT_MAX + 1) / 2 + 1, sizeof *d);
  if (!d) return RA_ERR_MEMORY;
  int32_t used = 0;
  bool zeros = false;
  for (int32_t i = 0; i < n; i++) {
    if (difference[i] == 0) zeros = true;
    else if (difference[i] == difference[i]) d[used++] = difference[i];
  }
  double *sorted = d + n, sum[2], ties;
  for (int32_t i = 0; i < used; i++) sorted[i] = fabs(d[i]);
  ra_sort(sorted, used);
  rank_sums(d, sorted, used, sum, &ties);
  double w = sum[0] < sum[1] ? sum[0] : sum[1], p = 1;
  if (used > 0 && used <= EXACT_MAX && !zeros && ties == 0) {
    p = 2 * exact_tail(used, w, sorted + n);
  } else if (used > 0) {
    double m = used, variance = m * (m + 1) * (2 * m + 1) / 24 - ties / 48;
    p = variance > 0 ? erfc(fabs(w - m * (m + 1) / 4) / sqrt(2 * variance)) : 1;
  }
  out[0] = w;
  out[1] = p < 1 ? p : 1;
  out[2] = used;
  ra_mem_free(d);
  return RA_OK;
}
