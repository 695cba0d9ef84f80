/* Mean, deviation and an image-bootstrap interval of one score over pictures:
 * the percentile method (B. Efron, R. Tibshirani, "An introduction to the
 * bootstrap", 1993, chapter 13), pictures drawn with replacement. */
#include <math.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../base/random.h"
#include "metric.h"

int32_t ra_metric_bootstrap(const double *values, int32_t n, int32_t resamples, double level, double seed, double *out) {
  if (n < 1 || resamples < 1) return ra_fail(RA_ERR_ARG, "bootstrap: %d values and %d resamples; wanted at least 1 of each", n, resamples);
  if (!(level > 0 && level < 1)) return ra_fail(RA_ERR_ARG, "bootstrap: level must be between 0 and 1, given %g", level);
  double *means = ra_mem_alloc((size_t)resamples, sizeof *means);
  if (!means) return RA_ERR_MEMORY;
  double sum = 0, squares = 0;
  for (int32_t i = 0; i < n; i++) sum += values[i];
  double mean = sum / n;
  for (int32_t i = 0; i < n; i++) squares += (values[i] - mean) * (values[i] - mean);
  for (int32_t r = 0; r < resamples; r++) {
    ra_random_key key = {.seed = (uint64_t)(int64_t)seed, .a = (uint32_t)r, .stream = RA_RANDOM_METRIC};
    uint32_t word[4] = {0};
    double total = 0;
    for (int32_t i = 0; i < n; i++) {
      if ((i & 3) == 0) ra_random_block(&key, (uint64_t)i >> 2, word);
      total += values[(uint64_t)word[i & 3] * (uint64_t)n >> 32];
    }
    means[r] = total / n;
  }
  ra_sort(means, resamples);
  out[0] = mean;
  out[1] = n > 1 ? sqrt(squares / (n - 1)) : 0;
  out[2] = ra_quantile(means, resamples, (1 - level) / 2);
  out[3] = ra_quantile(means, resamples, (1 + level) / 2);
  ra_mem_free(means);
  return RA_OK;
}
