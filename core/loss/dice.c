/* dice: 1 - (2 sum(p y) + smooth) / (sum p + sum y + smooth), equation 8 of docs/explanation/method.md
 * (soft Dice, Milletari, Navab, Ahmadi, 3DV 2016, without squares)
 *   prediction, mask of any one shape -> rank 0, or K logits against a label map (classes.h) */
#include "loss.h"

enum { SMOOTH = 3 }; /* slot */

static const ra_param params[] = {
  RA_PARAM_INPUT,
  RA_PARAM_REDUCE,
  RA_PARAM_AVERAGE,
  {.name = "smooth", .kind = RA_PARAM_NUMBER, .default_value = 1, .low = 1e-6, .high = 1e6, .live = true,
   .help = "added above and below, in pixels: an empty image that is predicted empty costs 0"},
  {0}};

static double loss(const ra_call *c, ra_overlap *o) {
  double smooth = c->param[SMOOTH], above = 2 * o->both + smooth, below = o->p + o->y + smooth;
  o->d_both = -2 / below;
  o->d_p = above / (below * below);
  return 1 - above / below;
}

static void forward(ra_call *c) { ra_overlap_forward(c, loss); }

const ra_op ra_op_dice = {
  .name = "dice",
  .help = "soft Dice loss: 1 - (2 sum(p y) + smooth) / (sum p + sum y + smooth)\n"
          "prediction, mask of any one shape; sums over the batch, or per image (the first dimension) and averaged\n"
          "K logits [B,K,H,W] against a label map [B,1,H,W]: the mean over classes, p the softmax\n"
          "Milletari, Navab, Ahmadi 2016",
  RA_LOSS_TABLE,
  .params = params,
  .reads = RA_READS_IN0 | RA_READS_IN1 | RA_READS_WEIGHTS,
  .infer = ra_overlap_infer,
  .forward = forward,
  .backward = ra_overlap_backward,
  .samples = "2,1,5,4 2,1,5,4:mask\n3,1,3,4 3,1,3,4:mask | reduce=\"image\" smooth=0.5\n"
             "2,1,3,5:prob 2,1,3,5:mask | input=\"prob\"\n"
             "2,1,5,4 2,1,5,4:mask - 2,1,5,4:mask\n"
             "3,1,3,4 3,1,3,4:mask - - 3,1,3,4:var | reduce=\"image\"\n"
             "2,1,3,5:prob 2,1,3,5:mask - 2,1,3,5:mask 2,1,3,5:var | input=\"prob\"\n"
             "2,3,5,4 2,1,5,4:label\n"
             "3,3,3,4 3,1,3,4:label - - 3,1,3,4:var | reduce=\"image\" average=\"present\"\n"
             "1,3,5,4:prob 1,1,5,4:label - 1,1,5,4:mask | input=\"prob\" average=\"foreground\"",
};
