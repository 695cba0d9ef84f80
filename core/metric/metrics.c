/* ra_metrics: every score of one picture. The rules for 0/0 are in metric.h. */
#include "metric.h"

#include <math.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"

void ra_metric_ratios(double *out) {
  double tp = out[RA_METRIC_TP], fp = out[RA_METRIC_FP], fn = out[RA_METRIC_FN], tn = out[RA_METRIC_TN];
  double n = tp + fp + fn + tn, nothing = fp + fn == 0 ? 1 : 0; /* the value of 0/0 */
  double root = sqrt(tp + fp) * sqrt(tp + fn) * sqrt(tn + fp) * sqrt(tn + fn);
  out[RA_METRIC_DICE] = tp + fp + fn > 0 ? 2 * tp / (2 * tp + fp + fn) : nothing;
  out[RA_METRIC_IOU] = tp + fp + fn > 0 ? tp / (tp + fp + fn) : nothing;
  out[RA_METRIC_ACCURACY] = n > 0 ? (tp + tn) / n : (double)NAN;
  out[RA_METRIC_SENSITIVITY] = tp + fn > 0 ? tp / (tp + fn) : nothing;
  out[RA_METRIC_SPECIFICITY] = tn + fp > 0 ? tn / (tn + fp) : nothing;
  out[RA_METRIC_PRECISION] = tp + fp > 0 ? tp / (tp + fp) : nothing;
  out[RA_METRIC_MCC] = root > 0 ? (tp * tn - fp * fn) / root : nothing;
}

/* Shit et al., "clDice: a novel topology-preserving loss function for tubular structure segmentation", CVPR 2021. */
double ra_metric_cldice(double hit_p, double size_p, double hit_m, double size_m, bool agree) {
  if (size_p == 0 || size_m == 0) return agree ? 1 : 0;
  double precision = hit_p / size_p, sensitivity = hit_m / size_m;
  return precision + sensitivity > 0 ? 2 * precision * sensitivity / (precision + sensitivity) : 0;
}

static int32_t check(const ra_real *probability, const ra_real *mask, int32_t H, int32_t W, double threshold) {
  if (H < 1 || W < 1 || (int64_t)(H + 2) * (W + 2) > INT32_MAX)
    return ra_fail(RA_ERR_SHAPE, "metrics: a picture of %d x %d pixels; both must be at least 1", H, W);
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

/* The pixels that count, as a list and as pictures. */
typedef struct pixels {
  uint8_t *prediction, *mask, *skeleton; /* [H,W] bytes */
  float *probability;                    /* [n] of those that count */
  uint8_t *label;                        /* [n] */
  int32_t n;
} pixels;

static void gather(pixels *p, const ra_real *probability, const ra_real *mask, const ra_real *fov, int32_t size,
                   double threshold, double *out, double *histogram, double *calibration) {
  double count[4] = {0};
  for (int32_t i = 0; i < size; i++) {
    p->prediction[i] = p->mask[i] = 0;
    if (fov && fov[i] < (ra_real)0.5) continue;
    uint8_t hit = (double)probability[i] >= threshold, truth = mask[i] > 0;
    p->prediction[i] = hit;
    p->mask[i] = truth;
    count[hit * 2 + truth]++;
    p->probability[p->n] = (float)probability[i];
    p->label[p->n++] = truth;
    if (histogram) histogram[truth * RA_METRIC_BINS + ra_metric_bin((double)probability[i])]++;
    int32_t bin = (int32_t)((double)probability[i] * RA_METRIC_CALIBRATION);
    if (bin == RA_METRIC_CALIBRATION) bin--;
    calibration[3 * bin]++;
    calibration[3 * bin + 1] += (double)probability[i];
    calibration[3 * bin + 2] += truth;
  }
  out[RA_METRIC_TN] = count[0];
  out[RA_METRIC_FN] = count[1];
  out[RA_METRIC_FP] = count[2];
  out[RA_METRIC_TP] = count[3];
}

/* *size <- pixels of the skeleton of `of`; *hit <- those of them inside `in`. */
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

static int32_t shapes(pixels *p, int32_t H, int32_t W, double *out) {
  int32_t found = 0, wanted = 0;
  RA_TRY(skeleton_hits(p->prediction, p->mask, p->skeleton, H, W, &out[RA_METRIC_SKELETON_HIT_P], &out[RA_METRIC_SKELETON_P]));
  RA_TRY(skeleton_hits(p->mask, p->prediction, p->skeleton, H, W, &out[RA_METRIC_SKELETON_HIT_M], &out[RA_METRIC_SKELETON_M]));
  out[RA_METRIC_CLDICE] =
    ra_metric_cldice(out[RA_METRIC_SKELETON_HIT_P], out[RA_METRIC_SKELETON_P], out[RA_METRIC_SKELETON_HIT_M],
                     out[RA_METRIC_SKELETON_M], out[RA_METRIC_FP] + out[RA_METRIC_FN] == 0);
  RA_TRY(ra_components(p->prediction, H, W, &found));
  RA_TRY(ra_components(p->mask, H, W, &wanted));
  out[RA_METRIC_COMPONENT_ERROR] = fabs((double)found - wanted);
  return ra_hd95(p->prediction, p->mask, H, W, &out[RA_METRIC_HD95]);
}

int32_t ra_metrics(const ra_real *probability, const ra_real *mask, const ra_real *fov, int32_t H, int32_t W,
                   double threshold, double *out, double *histogram, double *calibration) {
  RA_TRY(check(probability, mask, H, W, threshold));
  size_t size = (size_t)H * (size_t)W;
  double own[3 * RA_METRIC_CALIBRATION] = {0}, *bins = calibration ? calibration : own;
  pixels p = {.prediction = ra_mem_alloc(size, 1), .mask = ra_mem_alloc(size, 1), .skeleton = ra_mem_alloc(size, 1),
              .probability = ra_mem_alloc(size, sizeof(float)), .label = ra_mem_alloc(size, 1)};
  int32_t code = p.prediction && p.mask && p.skeleton && p.probability && p.label ? RA_OK : RA_ERR_MEMORY;
  if (code == RA_OK) {
    if (histogram) memset(histogram, 0, 2 * RA_METRIC_BINS * sizeof *histogram);
    memset(bins, 0, sizeof own);
    gather(&p, probability, mask, fov, H * W, threshold, out, histogram, bins);
    ra_metric_ratios(out);
    out[RA_METRIC_ECE] = ra_metric_ece(bins);
    code = ra_curve_exact(p.probability, p.label, p.n, &out[RA_METRIC_ROC_AUC], &out[RA_METRIC_PR_AUC]);
  }
  if (code == RA_OK) code = shapes(&p, H, W, out);
  ra_mem_free(p.label);
  ra_mem_free(p.probability);
  ra_mem_free(p.skeleton);
  ra_mem_free(p.mask);
  ra_mem_free(p.prediction);
  return code;
}

double ra_metric_dice(const ra_real *score, const ra_real *mask, const ra_real *fov, int32_t n, double cut) {
  double both = 0, sum = 0;
  for (int32_t i = 0; i < n; i++) {
    if (fov && !(fov[i] >= (ra_real)0.5)) continue;
    double hit = (double)score[i] >= cut, truth = (double)mask[i];
    both += hit * truth;
    sum += hit + truth;
  }
  return sum > 0 ? 2 * both / sum : 1;
}

int32_t ra_metrics_pooled(double *out) {
  ra_metric_ratios(out);
  out[RA_METRIC_CLDICE] =
    ra_metric_cldice(out[RA_METRIC_SKELETON_HIT_P], out[RA_METRIC_SKELETON_P], out[RA_METRIC_SKELETON_HIT_M],
                     out[RA_METRIC_SKELETON_M], out[RA_METRIC_FP] + out[RA_METRIC_FN] == 0);
  return RA_OK;
}
