/* Scores of a probability map against a mask.
 *
 * Images are [H,W]; a field of view says which pixels count (>= 0.5). A
 * pixel is predicted foreground when probability >= threshold. Inside the core
 * binary images are bytes of 0 and 1; outside the field of view both are 0.
 *
 * The rules for 0/0, all in one place (tests/test_metric.lua holds them):
 *   dice, iou, accuracy, sensitivity, specificity, precision, mcc, cldice
 *              0/0 is 1 when prediction and mask agree on every pixel, else 0;
 *              so both empty: 1, and an empty prediction has precision 0
 *   cldice     one skeleton empty, the other not: 0
 *   hd95       both empty: 0; one of them empty: the diagonal sqrt(H^2 + W^2)
 *   roc_auc    not a number unless both classes are present
 *   pr_auc     not a number when the mask is empty
 *   no pixel counts   every score is not a number
 * A value that is not a number is left out of means over images. */
#ifndef RA_METRIC_H
#define RA_METRIC_H

#include "../geometry/geometry.h"

/* What scores are computed from: one image, or the sums over several (pooled). */
typedef struct ra_scored {
  int32_t H, W;
  const uint8_t *prediction, *mask; /* [H,W] of 0 and 1, 0 outside of the field of view; NULL: pooled */
  const double *count;              /* [RA_METRIC_COUNTS] */
  const double *calibration;        /* see ra_metrics; NULL: unknown */
  double roc_auc, pr_auc;
} ra_scored;

/* All scores of the table, out [ra_metric_count()]; pooled, those without a pooled value are not a number. */
int32_t ra_score_all(const ra_scored *s, double *out);
double ra_metric_ece(const double *calibration); /* sum over bins of |sum p - foreground| / pixels */

/* *out <- 95th percentile of the distances between the two boundaries. */
int32_t ra_hd95(const uint8_t *a, const uint8_t *b, int32_t H, int32_t W, double *out);

/* *roc, *pr <- exact areas for n probabilities in [0,1] and labels 0 or 1. */
int32_t ra_curve_exact(const float *probability, const uint8_t *label, int32_t n, double *roc, double *pr);
void ra_sort(double *values, int32_t n); /* ascending */
/* The p-th quantile (0..1) of sorted values, between neighbours linear as NumPy does. */
double ra_quantile(const double *sorted, int32_t n, double p);

/* For tests, see core/testing/api_test.h: 0-based bin of the histogram. */
int32_t ra_metric_bin(double probability);

#endif
