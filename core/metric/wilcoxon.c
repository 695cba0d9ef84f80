/* Are the scores of one experiment higher than those of another? Wilcoxon's signed-rank test of paired differences. */
#include <math.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "metric.h"

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
