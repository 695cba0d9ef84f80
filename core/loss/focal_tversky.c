/* focal_tversky (Abraham, Khan, ISBI 2019): the Tversky loss with an exponent,
 *   (1 - TI)^gamma     TI = (I + smooth) / (I + alpha FP + beta FN + smooth)
 *   I = sum(p y), FP = sum p - I, FN = sum y - I
 *   prediction, mask of any one shape -> rank 0, or K logits against a label map (classes.h)
 * The paper writes the exponent 1/gamma with gamma = 4/3, and its alpha = 0.7 is the price of a false negative; here,
 * as in its authors' program, gamma is the exponent itself, 0.75, and as in tversky alpha is the price of false positives. The paper
 * adds its classes, here their mean is taken. */
#include <math.h>

#include "loss.h"

enum { ALPHA = 3, BETA, GAMMA, SMOOTH }; /* slots */

static const ra_param params[] = {
  RA_PARAM_INPUT,
  RA_PARAM_REDUCE,
  RA_PARAM_AVERAGE,
  {.name = "alpha", .kind = RA_PARAM_NUMBER, .default_value = 0.3, .low = 0, .high = 100, .live = true,
   .help = "price of false positives (beta in the paper)"},
  {.name = "beta", .kind = RA_PARAM_NUMBER, .default_value = 0.7, .low = 0, .high = 100, .live = true,
   .help = "price of false negatives (alpha in the paper)"},
  {.name = "gamma", .kind = RA_PARAM_NUMBER, .default_value = 0.75, .low = 0.05, .high = 10, .live = true,
   .help = "the exponent: 1 / gamma of the paper, whose 4/3 is 0.75 here; 1 is tversky"},
  {.name = "smooth", .kind = RA_PARAM_NUMBER, .default_value = 1, .low = 1e-6, .high = 1e6, .live = true,
   .help = "added above and below, in pixels"},
  {0}};

static double loss(const ra_call *c, ra_overlap *o) {
  const double least = 1e-6; /* of 1 - TI in the derivative, which has no bound at 0 where gamma < 1 */
  double alpha = c->param[ALPHA], beta = c->param[BETA], gamma = c->param[GAMMA], smooth = c->param[SMOOTH];
  double wrong = alpha * (o->p - o->both) + beta * (o->y - o->both), above = o->both + smooth, below = above + wrong;
  double rest = fmax(wrong / below, 0); /* 1 - TI */
  double slope = gamma * pow(fmax(rest, least), gamma - 1) / (below * below);
  o->d_both = slope * (-below + above * (1 - alpha - beta));
  o->d_p = slope * above * alpha;
  return pow(rest, gamma);
}

static void forward(ra_call *c) { ra_overlap_forward(c, loss); }

const ra_op ra_op_focal_tversky = {
  .name = "focal_tversky",
  .help = "focal Tversky loss: (1 - TI)^gamma, TI = (I + smooth) / (I + alpha FP + beta FN + smooth)\n"
          "prediction, mask of any one shape; sums over the batch, or per image (the first dimension) and averaged\n"
          "K logits [B,K,H,W] against a label map [B,1,H,W]: the mean over classes, p the softmax\n"
          "Abraham, Khan 2019, who write 1/gamma for the exponent, with gamma = 4/3, and alpha for the price of false negatives",
  RA_LOSS_TABLE,
  .params = params,
  .reads = RA_READS_IN0 | RA_READS_IN1 | RA_READS_WEIGHTS,
  .infer = ra_overlap_infer,
  .forward = forward,
  .backward = ra_overlap_backward,
  .samples = "2,1,5,4 2,1,5,4:mask\n3,1,3,4 3,1,3,4:mask | reduce=\"image\" alpha=0.8 beta=0.4 gamma=2\n"
             "2,1,3,5:prob 2,1,3,5:mask | input=\"prob\" smooth=2\n"
             "2,1,5,4 2,1,5,4:mask - 2,1,5,4:mask 2,1,5,4:var | gamma=0.5\n"
             "2,3,5,4 2,1,5,4:label\n"
             "1,3,5,4:prob 1,1,5,4:label | input=\"prob\" average=\"present\" gamma=1.5",
};
