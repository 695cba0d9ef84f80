/* tversky (Salehi, Erdogmus, Gholipour, MLMI 2017): overlap with separate
 * weights for false positives and false negatives,
 *   1 - (I + smooth) / (I + alpha FP + beta FN + smooth)
 *   I = sum(p y), FP = sum p - I, FN = sum y - I
 *   prediction, mask of any one shape -> rank 0, or K logits against a label map (classes.h)
 * alpha = beta = 0.5 is dice with twice the smooth; alpha = beta = 1 is jaccard. */
#include "loss.h"

enum { ALPHA = 3, BETA, SMOOTH }; /* slots */

static const ra_param params[] = {
  RA_PARAM_INPUT,
  RA_PARAM_REDUCE,
  RA_PARAM_AVERAGE,
  {.name = "alpha", .kind = RA_PARAM_NUMBER, .default_value = 0.5, .low = 0, .high = 100, .live = true,
   .help = "price of false positives"},
  {.name = "beta", .kind = RA_PARAM_NUMBER, .default_value = 0.5, .low = 0, .high = 100, .live = true,
   .help = "price of false negatives"},
  {.name = "smooth", .kind = RA_PARAM_NUMBER, .default_value = 1, .low = 1e-6, .high = 1e6, .live = true,
   .help = "added above and below, in pixels"},
  {0}};

static double loss(const ra_call *c, ra_overlap *o) {
  double alpha = c->param[ALPHA], beta = c->param[BETA], smooth = c->param[SMOOTH];
  double above = o->both + smooth, below = o->both + alpha * (o->p - o->both) + beta * (o->y - o->both) + smooth;
  o->d_both = -1 / below + above * (1 - alpha - beta) / (below * below);
  o->d_p = above * alpha / (below * below);
  return 1 - above / below;
}

static void forward(ra_call *c) { ra_overlap_forward(c, loss); }

const ra_op ra_op_tversky = {
  .name = "tversky",
  .help = "Tversky loss (Salehi et al. 2017): 1 - (I + smooth) / (I + alpha FP + beta FN + smooth)\n"
          "prediction, mask of any one shape; sums over the batch, or per image (the first dimension) and averaged\n"
          "K logits [B,K,H,W] against a label map [B,1,H,W]: the mean over classes, p the softmax",
  RA_LOSS_TABLE,
  .params = params,
  .reads = RA_READS_IN0 | RA_READS_IN1 | RA_READS_WEIGHTS,
  .infer = ra_overlap_infer,
  .forward = forward,
  .backward = ra_overlap_backward,
  .samples = "2,1,5,4 2,1,5,4:mask | alpha=0.3 beta=0.7\n3,1,3,4 3,1,3,4:mask | reduce=\"image\" alpha=0.8 beta=0.4\n"
             "2,1,3,5:prob 2,1,3,5:mask | input=\"prob\" smooth=2\n"
             "2,1,5,4 2,1,5,4:mask - 2,1,5,4:mask\n"
             "3,1,3,4 3,1,3,4:mask - - 3,1,3,4:var | reduce=\"image\"\n"
             "2,3,5,4 2,1,5,4:label | alpha=0.3 beta=0.7\n"
             "1,3,5,4:prob 1,1,5,4:label | input=\"prob\" average=\"present\"",
};
