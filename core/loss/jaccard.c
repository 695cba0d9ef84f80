/* jaccard: soft intersection over union,
 *   1 - (sum(p y) + smooth) / (sum p + sum y - sum(p y) + smooth)
 *   prediction, mask of any one shape -> rank 0, or K logits against a label map (classes.h) */
#include "loss.h"

enum { SMOOTH = 3 }; /* slot */

static const ra_param params[] = {
  RA_PARAM_INPUT,
  RA_PARAM_REDUCE,
  RA_PARAM_AVERAGE,
  {.name = "smooth", .kind = RA_PARAM_NUMBER, .default_value = 1, .low = 1e-6, .high = 1e6, .live = true,
   .help = "added above and below, in pixels"},
  {0}};

static double loss(const ra_call *c, ra_overlap *o) {
  double smooth = c->param[SMOOTH], above = o->both + smooth, below = o->p + o->y - o->both + smooth;
  o->d_both = -1 / below - above / (below * below);
  o->d_p = above / (below * below);
  return 1 - above / below;
}

static void forward(ra_call *c) { ra_overlap_forward(c, loss); }

const ra_op ra_op_jaccard = {
  .name = "jaccard",
  .help = "soft Jaccard (IoU) loss: 1 - (sum(p y) + smooth) / (sum p + sum y - sum(p y) + smooth)\n"
          "prediction, mask of any one shape; sums over the batch, or per image (the first dimension) and averaged\n"
          "K logits [B,K,H,W] against a label map [B,1,H,W]: the mean over classes, p the softmax",
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
             "2,3,5,4 2,1,5,4:label - 2,1,5,4:mask\n"
             "2,3,3,4 2,1,3,4:label | reduce=\"image\" average=\"foreground\"",
};
