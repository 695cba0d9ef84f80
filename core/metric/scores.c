/* scores.c: the table of scores. A new score is a function and a row here; names, help, tables, JSON and `?metrics` come
 * from the row. The rules for 0/0 are in metric.h. */
#include <math.h>
#include <stddef.h>

#include "../base/error.h"
#include "metric.h"

/* The value of 0/0: 1 when prediction and mask agree on every pixel; none over no pixel. */
static double nothing(const ra_scored *s) {
  double wrong = s->count[RA_METRIC_FP] + s->count[RA_METRIC_FN];
  if (wrong + s->count[RA_METRIC_TP] + s->count[RA_METRIC_TN] == 0) return (double)NAN;
  return wrong == 0 ? 1 : 0;
}

static int32_t dice(const ra_scored *s, double *out) {
  double tp = s->count[RA_METRIC_TP], fp = s->count[RA_METRIC_FP], fn = s->count[RA_METRIC_FN];
  *out = tp + fp + fn > 0 ? 2 * tp / (2 * tp + fp + fn) : nothing(s);
  return RA_OK;
}

static int32_t iou(const ra_scored *s, double *out) {
  double tp = s->count[RA_METRIC_TP], fp = s->count[RA_METRIC_FP], fn = s->count[RA_METRIC_FN];
  *out = tp + fp + fn > 0 ? tp / (tp + fp + fn) : nothing(s);
  return RA_OK;
}

static int32_t accuracy(const ra_scored *s, double *out) {
  double tp = s->count[RA_METRIC_TP], fp = s->count[RA_METRIC_FP], fn = s->count[RA_METRIC_FN], tn = s->count[RA_METRIC_TN];
  double n = tp + fp + fn + tn;
  *out = n > 0 ? (tp + tn) / n : (double)NAN;
  return RA_OK;
}

static int32_t sensitivity(const ra_scored *s, double *out) {
  double tp = s->count[RA_METRIC_TP], fn = s->count[RA_METRIC_FN];
  *out = tp + fn > 0 ? tp / (tp + fn) : nothing(s);
  return RA_OK;
}

static int32_t specificity(const ra_scored *s, double *out) {
  double tn = s->count[RA_METRIC_TN], fp = s->count[RA_METRIC_FP];
  *out = tn + fp > 0 ? tn / (tn + fp) : nothing(s);
  return RA_OK;
}

static int32_t precision(const ra_scored *s, double *out) {
  double tp = s->count[RA_METRIC_TP], fp = s->count[RA_METRIC_FP];
  *out = tp + fp > 0 ? tp / (tp + fp) : nothing(s);
  return RA_OK;
}

static int32_t mcc(const ra_scored *s, double *out) {
  double tp = s->count[RA_METRIC_TP], fp = s->count[RA_METRIC_FP], fn = s->count[RA_METRIC_FN], tn = s->count[RA_METRIC_TN];
  double root = sqrt(tp + fp) * sqrt(tp + fn) * sqrt(tn + fp) * sqrt(tn + fn);
  *out = root > 0 ? (tp * tn - fp * fn) / root : nothing(s);
  return RA_OK;
}

static int32_t roc_auc(const ra_scored *s, double *out) {
  *out = s->roc_auc;
  return RA_OK;
}
static int32_t pr_auc(const ra_scored *s, double *out) {
  *out = s->pr_auc;
  return RA_OK;
}

static int32_t cldice(const ra_scored *s, double *out) {
  double size_p = s->count[RA_METRIC_SKELETON_P], size_m = s->count[RA_METRIC_SKELETON_M];
  if (size_p == 0 || size_m == 0) {
    *out = nothing(s);
    return RA_OK;
  }
  double inside_m = s->count[RA_METRIC_SKELETON_HIT_P] / size_p, inside_p = s->count[RA_METRIC_SKELETON_HIT_M] / size_m;
  *out = inside_m + inside_p > 0 ? 2 * inside_m * inside_p / (inside_m + inside_p) : 0;
  return RA_OK;
}

static int32_t hd95(const ra_scored *s, double *out) { return ra_hd95(s->prediction, s->mask, s->H, s->W, out); }

static int32_t component_error(const ra_scored *s, double *out) {
  int32_t found = 0, wanted = 0;
  RA_TRY(ra_components(s->prediction, s->H, s->W, &found));
  RA_TRY(ra_components(s->mask, s->H, s->W, &wanted));
  *out = fabs((double)found - wanted);
  return RA_OK;
}

static int32_t ece(const ra_scored *s, double *out) {
  *out = s->calibration ? ra_metric_ece(s->calibration) : (double)NAN;
  return RA_OK;
}

/* P: predicted, M: mask, inside the field of view. In the order in which tables show them. */
static const struct {
  ra_metric_info info;
  int32_t (*score)(const ra_scored *s, double *out);
} scores[] = {
  {{.name = "dice", .pooled = true, .help = "2 tp / (2 tp + fp + fn)"}, dice},
  {{.name = "iou", .pooled = true, .help = "tp / (tp + fp + fn), the Jaccard index"}, iou},
  {{.name = "accuracy", .pooled = true, .help = "(tp + tn) / all pixels"}, accuracy},
  {{.name = "sensitivity", .pooled = true, .help = "tp / (tp + fn), also called recall"}, sensitivity},
  {{.name = "specificity", .pooled = true, .help = "tn / (tn + fp)"}, specificity},
  {{.name = "precision", .pooled = true, .help = "tp / (tp + fp)"}, precision},
  {{.name = "mcc", .pooled = true, .help = "Matthews correlation coefficient"}, mcc},
  {{.name = "roc_auc", .pooled = true, .help = "area under the ROC curve of the probabilities"}, roc_auc},
  {{.name = "pr_auc", .pooled = true, .help = "area under the precision-recall curve (average precision)"}, pr_auc},
  {{.name = "cldice", .pooled = true,
    .help = "centreline Dice: harmonic mean of the fractions of each skeleton that lie in the other mask (Shit et al., CVPR 2021)"},
   cldice},
  {{.name = "hd95", .lower_is_better = true, .help = "95th percentile of the distances between the two boundaries, in pixels"},
   hd95},
  {{.name = "component_error", .lower_is_better = true, .help = "|number of connected components of P - of M|"}, component_error},
  {{.name = "ece", .lower_is_better = true, .pooled = true, .help = "expected calibration error, 15 bins of equal width"}, ece},
};
enum { SCORES = sizeof scores / sizeof scores[0] };

int32_t ra_metric_count(void) { return SCORES; }

const ra_metric_info *ra_metric_at(int32_t i) { return i >= 0 && i < SCORES ? &scores[i].info : NULL; }

int32_t ra_score_all(const ra_scored *s, double *out) {
  for (int32_t i = 0; i < SCORES; i++) {
    if (s->prediction || scores[i].info.pooled) RA_TRY(scores[i].score(s, &out[i]));
    else out[i] = (double)NAN;
  }
  return RA_OK;
}
