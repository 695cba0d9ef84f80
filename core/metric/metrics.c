/* ra_metrics: what the scores of one image are computed from, then the scores (scores.c). */
#include "metric.h"

#include <math.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"

static int32_t check(const ra_real *probability, const ra_real *mask, int32_t H, int32_t W, double threshold) {
  if (H < 1 || W < 1 || (int64_t)(H + 2) * (W + 2) > INT32_MAX)
    return ra_fail(RA_ERR_SHAPE, "metrics: an image of %d x %d pixels; both must be at least 1", H, W);
  if (!(threshold >= 0 && threshold <= 1))
    return ra_fail(RA_ERR_ARG, "metrics: threshold must be 0 to 1, given %g", threshold);
  for (int32_t i = 0; i < H * W; i++) {
    if (!(probability[i] >= 0 && probability[i] <= 1))
      return ra_fail(RA_ERR_ARG, "metrics: probability %g in row %d, column %d; wanted 0 to 1 (a sigmoid makes them from logits)",
                     (double)probability[i], i / W + 1, i % W + 1);
    if (mask[i] != 0 && mask[i] != 1)
      return ra_fail(RA_ERR_ARG, "metrics: mask has %g in row %d, column %d; wanted 0 or 1 (apply the data set's threshold)",
                     (double)mask[i], i / W + 1, i % W + 1);
  }
  return RA_OK;
}

/* The pixels that count, as a list and as images. */
typedef struct pixels {
  uint8_t *prediction, *mask, *skeleton; /* [H,W] bytes */
  float *probability;                    /* [n] of those that count */
  uint8_t *label;                        /* [n] */
  int32_t n;
} pixels;

static void collect(pixels *p, const ra_real *probability, const ra_real *mask, const ra_real *fov, int32_t size,
                    double threshold, double *count, double *histogram, double *calibration) {
  double seen[4] = {0};
  for (int32_t i = 0; i < size; i++) {
    p->prediction[i] = p->mask[i] = 0;
    if (fov && fov[i] < (ra_real)0.5) continue;
    uint8_t hit = (double)probability[i] >= threshold, truth = mask[i] > 0;
    p->prediction[i] = hit;
    p->mask[i] = truth;
    seen[hit * 2 + truth]++;
    p->probability[p->n] = (float)probability[i];
    p->label[p->n++] = truth;
    if (histogram) histogram[truth * RA_METRIC_BINS + ra_metric_bin((double)probability[i])]++;
    int32_t bin = (int32_t)((double)probability[i] * RA_METRIC_CALIBRATION);
    if (bin == RA_METRIC_CALIBRATION) bin--;
    calibration[3 * bin]++;
    calibration[3 * bin + 1] += (double)probability[i];
    calibration[3 * bin + 2] += truth;
  }
  count[RA_METRIC_TN] = seen[0];
  count[RA_METRIC_FN] = seen[1];
  count[RA_METRIC_FP] = seen[2];
  count[RA_METRIC_TP] = seen[3];
}

/* *size <- pixels of the skeleton of `of`; *hit <- how many of them lie inside `in`. */
static int32_t skeleton_hits(const uint8_t *of, const uint8_t *in, uint8_t *skeleton, int32_t H, int32_t W, double *hit,
                             double *size) {
  RA_TRY(ra_skeleton(of, H, W, skeleton));
  *hit = *size = 0;
  for (int32_t i = 0; i < H * W; i++)
    if (skeleton[i]) {
      *size += 1;
      *hit += in[i];
    }
  return RA_OK;
}

static int32_t skeletons(pixels *p, int32_t H, int32_t W, double *count) {
  RA_TRY(skeleton_hits(p->prediction, p->mask, p->skeleton, H, W, &count[RA_METRIC_SKELETON_HIT_P], &count[RA_METRIC_SKELETON_P]));
  return skeleton_hits(p->mask, p->prediction, p->skeleton, H, W, &count[RA_METRIC_SKELETON_HIT_M], &count[RA_METRIC_SKELETON_M]);
}

static int32_t score_image(pixels *p, int32_t H, int32_t W, const double *calibration, double *score, double *count) {
  ra_scored s = {.H = H, .W = W, .prediction = p->prediction, .mask = p->mask, .count = count, .calibration = calibration};
  RA_TRY(ra_curve_exact(p->probability, p->label, p->n, &s.roc_auc, &s.pr_auc));
  RA_TRY(skeletons(p, H, W, count));
  return ra_score_all(&s, score);
}

int32_t ra_metrics(const ra_real *probability, const ra_real *mask, const ra_real *fov, int32_t H, int32_t W, double threshold,
                   double *score, double *count, double *histogram, double *calibration) {
  RA_TRY(check(probability, mask, H, W, threshold));
  size_t size = (size_t)H * (size_t)W;
  double own[3 * RA_METRIC_CALIBRATION] = {0}, *bins = calibration ? calibration : own;
  pixels p = {.prediction = ra_mem_alloc(size, 1), .mask = ra_mem_alloc(size, 1), .skeleton = ra_mem_alloc(size, 1),
              .probability = ra_mem_alloc(size, sizeof(float)), .label = ra_mem_alloc(size, 1)};
  int32_t code = p.prediction && p.mask && p.skeleton && p.probability && p.label ? RA_OK : RA_ERR_MEMORY;
  if (code == RA_OK) {
    if (histogram) memset(histogram, 0, 2 * RA_METRIC_BINS * sizeof *histogram);
    memset(bins, 0, sizeof own);
    collect(&p, probability, mask, fov, H * W, threshold, count, histogram, bins);
    code = score_image(&p, H, W, bins, score, count);
    for (int32_t i = 0; code == RA_OK && p.n == 0 && i < ra_metric_count(); i++) score[i] = (double)NAN;
  }
  ra_mem_free(p.label);
  ra_mem_free(p.probability);
  ra_mem_free(p.skeleton);
  ra_mem_free(p.mask);
  ra_mem_free(p.prediction);
  return code;
}

double ra_metric_dice(const ra_real *score, const ra_real *mask, const ra_real *fov, int32_t n, double cut) {
  double both = 0, sum = 0;
  int32_t seen = 0;
  for (int32_t i = 0; i < n; i++) {
    if (fov && !(fov[i] >= (ra_real)0.5)) continue;
    double hit = (double)score[i] >= cut, truth = (double)mask[i];
    seen++;
    both += hit * truth;
    sum += hit + truth;
  }
  return sum > 0 ? 2 * both / sum : seen > 0 ? 1 : (double)NAN;
}

int32_t ra_metrics_pooled(const double *count, const double *histogram, const double *calibration, double *score) {
  double area[2] = {(double)NAN, (double)NAN};
  if (histogram) ra_metric_curve(histogram, area);
  ra_scored s = {.count = count, .calibration = calibration, .roc_auc = area[0], .pr_auc = area[1]};
  return ra_score_all(&s, score);
}
