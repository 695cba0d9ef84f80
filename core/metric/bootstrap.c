/* Means of scores with intervals by the percentile bootstrap (B. Efron, R. Tibshirani, "An introduction to the bootstrap", 1993,
 * chapter 13), over pictures alone or over seeds and pictures within them. Pictures of one group (a patient) are drawn together:
 * they are no evidence beside each other (C. A. Field, A. H. Welsh, J. R. Statist. Soc. B 69(3), 2007). */
#include <math.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../base/random.h"
#include "../base/thread.h"
#include "metric.h"

/* The pictures of group g are member[start[g]] to member[start[g + 1] - 1]. */
typedef struct groups {
  int32_t count, *start, *member;
} groups;

/* group: the number of each picture's group, from 0 and below n; NULL: each picture is one of its own. Free start alone. */
static int32_t groups_of(const int32_t *group, int32_t n, groups *g) {
  for (int32_t i = 0; group && i < n; i++)
    if (group[i] < 0 || group[i] >= n)
      return ra_fail(RA_ERR_ARG, "bootstrap: picture %d is in group %d; wanted 0 to %d", i, group[i], n - 1);
  int32_t *start = ra_mem_zalloc(2 * (size_t)n + 1, sizeof *start);
  if (!start) return RA_ERR_MEMORY;
  *g = (groups){.start = start, .member = start + n + 1};
  for (int32_t i = 0; i < n; i++) start[(group ? group[i] : i) + 1]++;
  for (int32_t k = 0; k < n; k++) start[k + 1] += start[k]; /* where the group of each number begins */
  for (int32_t i = 0; i < n; i++) g->member[start[group ? group[i] : i]++] = i;
  for (int32_t k = n; k > 0; k--) start[k] = start[k - 1]; /* filling moved each to its end */
  start[0] = 0;
  for (int32_t k = 0; k < n; k++) /* numbers that no picture has */
    if (start[k + 1] > start[k]) start[++g->count] = start[k + 1];
  return RA_OK;
}

/* Mean of the numbers that are some, NaN where none is. */
static double mean_of(const double *value, int32_t n) {
  double sum = 0;
  int32_t used = 0;
  for (int32_t i = 0; i < n; i++)
    if (value[i] == value[i]) sum += value[i], used++;
  return used > 0 ? sum / used : (double)NAN;
}

/* Standard deviation (n - 1) of the numbers that are some, 0 for one or none. */
static double deviation_of(const double *value, int32_t n) {
  double mean = mean_of(value, n), squares = 0;
  int32_t used = 0;
  for (int32_t i = 0; i < n; i++)
    if (value[i] == value[i]) squares += (value[i] - mean) * (value[i] - mean), used++;
  return used > 1 ? sqrt(squares / (used - 1)) : 0;
}

/* The mean of as many groups as there are, drawn with replacement. */
static double drawn_mean(const double *value, const groups *g, const ra_random_key *key) {
  uint32_t word[4] = {0};
  double sum = 0;
  int32_t used = 0;
  for (int32_t i = 0; i < g->count; i++) {
    if ((i & 3) == 0) ra_random_block(key, (uint64_t)i >> 2, word);
    int32_t drawn = (int32_t)((uint64_t)word[i & 3] * (uint64_t)g->count >> 32);
    for (int32_t k = g->start[drawn]; k < g->start[drawn + 1]; k++) {
      double v = value[g->member[k]];
      if (v == v) sum += v, used++;
    }
  }
  return used > 0 ? sum / used : (double)NAN;
}

/* out[2], out[3]: the interval of the first `kept` means, which are put in order. */
static void interval_of(double *mean, int32_t kept, double level, double *out) {
  ra_sort(mean, kept);
  out[2] = kept > 0 ? ra_quantile(mean, kept, (1 - level) / 2) : (double)NAN;
  out[3] = kept > 0 ? ra_quantile(mean, kept, (1 + level) / 2) : (double)NAN;
}

static int32_t check_level(double level) {
  if (level > 0 && level < 1) return RA_OK;
  return ra_fail(RA_ERR_ARG, "bootstrap: level must be between 0 and 1, given %g", level);
}

int32_t ra_metric_bootstrap(const double *values, const int32_t *group, int32_t n, int32_t resamples, double level, double seed,
                            double *out) {
  if (n < 1 || resamples < 1) return ra_fail(RA_ERR_ARG, "bootstrap: %d values and %d resamples; wanted at least 1 of each", n, resamples);
  RA_TRY(check_level(level));
  groups g;
  RA_TRY(groups_of(group, n, &g));
  double *means = ra_mem_alloc((size_t)resamples, sizeof *means);
  int32_t code = means ? RA_OK : RA_ERR_MEMORY, kept = 0;
  for (int32_t r = 0; code == RA_OK && r < resamples; r++) {
    ra_random_key key = {.seed = (uint64_t)(int64_t)seed, .a = (uint32_t)r, .stream = RA_RANDOM_METRIC};
    double m = drawn_mean(values, &g, &key);
    if (m == m) means[kept++] = m;
  }
  if (code == RA_OK) {
    out[0] = mean_of(values, n);
    out[1] = deviation_of(values, n);
    interval_of(means, kept, level, out);
  }
  ra_mem_free(means);
  ra_mem_free(g.start);
  return code;
}

/* ---- seeds, and pictures within them ---- */

/* mean[r]: that of resample r. */
typedef struct resampling {
  const double *value;
  const groups *g;
  int32_t seeds, pictures, resamples;
  double seed, *mean;
} resampling;

/* One resample: seeds with replacement, and within each of them groups with replacement. */
static double resample(const resampling *t, int32_t r) {
  ra_random_key key = {.seed = (uint64_t)(int64_t)t->seed, .a = (uint32_t)r, .stream = RA_RANDOM_COMPARE};
  double sum = 0;
  int32_t used = 0;
  for (int32_t s = 0; s < t->seeds; s++) {
    key.b = 0;
    int32_t from = (int32_t)(ra_random_uniform_at(&key, (uint64_t)s) * t->seeds);
    key.b = (uint32_t)s + 1;
    double m = drawn_mean(t->value + (size_t)from * (size_t)t->pictures, t->g, &key);
    if (m == m) sum += m, used++;
  }
  return used > 0 ? sum / used : (double)NAN;
}

enum { CHUNK = 256 }; /* resamples */

static void resample_chunk(void *context, int32_t chunk) {
  const resampling *t = context;
  int32_t begin = chunk * CHUNK, end = t->resamples - begin < CHUNK ? t->resamples : begin + CHUNK;
  for (int32_t r = begin; r < end; r++) t->mean[r] = resample(t, r);
}

int32_t ra_bootstrap_nested(const double *values, const int32_t *group, int32_t seeds, int32_t pictures, int32_t resamples, double level,
                            double seed, double *out) {
  if (seeds < 1 || pictures < 1 || resamples < 1)
    return ra_fail(RA_ERR_ARG, "bootstrap: %d seeds, %d pictures and %d resamples; wanted at least 1 of each", seeds, pictures, resamples);
  RA_TRY(check_level(level));
  groups g;
  RA_TRY(groups_of(group, pictures, &g));
  double *means = ra_mem_alloc((size_t)resamples + (size_t)seeds, sizeof *means);
  int32_t code = means ? RA_OK : RA_ERR_MEMORY, kept = 0;
  if (code == RA_OK) {
    resampling t = {.value = values, .g = &g, .seeds = seeds, .pictures = pictures, .resamples = resamples, .seed = seed, .mean = means};
    ra_parallel(resamples / CHUNK + (resamples % CHUNK != 0), resample_chunk, &t);
    for (int32_t r = 0; r < resamples; r++)
      if (means[r] == means[r]) means[kept++] = means[r];
    double *of_seed = means + resamples;
    for (int32_t s = 0; s < seeds; s++) of_seed[s] = mean_of(values + (size_t)s * (size_t)pictures, pictures);
    out[0] = mean_of(of_seed, seeds);
    out[1] = deviation_of(of_seed, seeds);
    interval_of(means, kept, level, out);
  }
  ra_mem_free(means);
  ra_mem_free(g.start);
  return code;
}
