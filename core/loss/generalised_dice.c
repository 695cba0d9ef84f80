/* generalised_dice (Sudre, Li, Vercauteren, Ourselin, Cardoso, DLMIA 2017): one overlap of all labels l, each with the weight
 * w_l = 1 / (sum y_l)^2, so that a small structure counts as much as a large one,
 *   1 - 2 sum_l w_l sum(p_l y_l) / sum_l w_l (sum p_l + sum y_l)
 *   prediction, mask of any one shape -> rank 0; one channel has two labels, vessel and background; K planes are the mean of K such
 *   losses; K logits against a label map (classes.h) have K labels
 * A label without a pixel would have an infinite weight; it gets that of the smallest label that has one (as in NiftyNet, the authors'
 * program). Where no pixel counts the loss is 0. */
#include "classes.h"

static const ra_param params[] = {
  RA_PARAM_INPUT,
  RA_PARAM_REDUCE,
  {0}};

static double labels(const ra_call *c, int32_t n, ra_overlap *o) {
  double all = 0, least = 0, above = 0, below = 0;
  (void)c;
  for (int32_t k = 0; k < n; k++) all += o[k].y;
  for (int32_t k = 0; k < n; k++)
    if (o[k].y > 1e-9 * all && (least == 0 || o[k].y < least)) least = o[k].y;
  for (int32_t k = 0; k < n; k++) {
    double ratio = o[k].y > 1e-9 * all ? least / o[k].y : 1; /* only ratios of weights matter: the largest is 1 */
    o[k].d_p = ratio * ratio;
    above += o[k].d_p * o[k].both;
    below += o[k].d_p * (o[k].p + o[k].y);
  }
  bool any = below > 0;
  for (int32_t k = 0; k < n; k++) {
    double w = o[k].d_p;
    o[k].d_both = any ? -2 * w / below : 0;
    o[k].d_p = any ? 2 * w * above / (below * below) : 0;
  }
  return any ? 1 - 2 * above / below : 0;
}

/* One channel: with q = 1 - p of the background, dL/dp = d_both y + d_p - (its d_both (1 - y) + its d_p). */
static double plane(const ra_call *c, ra_overlap *o) {
  ra_overlap two[2] = {{.both = o->all - o->p - o->y + o->both, .p = o->all - o->p, .y = o->all - o->y}, *o};
  double loss = labels(c, 2, two);
  o->d_both = two[1].d_both + two[0].d_both;
  o->d_p = two[1].d_p - two[0].d_both - two[0].d_p;
  return loss;
}

static void forward(ra_call *c) {
  if (ra_loss_classes(c)) ra_class_overlap_forward_all(c, labels);
  else ra_overlap_forward(c, plane);
}

const ra_op ra_op_generalised_dice = {
  .name = "generalised_dice",
  .help = "generalised Dice loss: 1 - 2 sum_l w_l sum(p_l y_l) / sum_l w_l (sum p_l + sum y_l), w_l = 1 / (sum y_l)^2, over labels l\n"
          "prediction, mask of any one shape: two labels, foreground and background; K planes [B,K,H,W]: the mean of K such losses\n"
          "K logits [B,K,H,W] against a label map [B,1,H,W]: K labels, p the softmax\n"
          "a label that the mask lacks has the weight of the smallest that it has; Sudre et al. 2017",
  RA_LOSS_TABLE,
  .params = params,
  .reads = RA_READS_IN0 | RA_READS_IN1 | RA_READS_WEIGHTS,
  .infer = ra_overlap_infer_planes,
  .forward = forward,
  .backward = ra_overlap_backward,
  .samples = "2,1,5,4 2,1,5,4:mask\n3,2,3,4 3,2,3,4:mask | reduce=\"image\"\n3,2,3,4 3,2,3,4:mask\n8 8:mask\n"
             "2,1,3,5:prob 2,1,3,5:mask | input=\"prob\"\n"
             "2,1,5,4 2,1,5,4:mask - 2,1,5,4:mask 2,1,5,4:var\n"
             "2,3,5,4 2,1,5,4:label\n"
             "3,3,3,4 3,1,3,4:label - - 3,1,3,4:var | reduce=\"image\"\n"
             "1,3,5,4:prob 1,1,5,4:label - 1,1,5,4:mask | input=\"prob\"",
};
