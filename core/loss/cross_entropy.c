/* cross_entropy: of K exclusive classes, the mean over pixels as PyTorch's CrossEntropyLoss takes it,
 *   sum_i w_i [(1 - s) c_y (-log p_y) + s / K sum_k c_k (-log p_k)] / sum_i w_i c_y
 *   p the softmax, y the label of pixel i, c the class weights (1 unless given), s the label smoothing, w as in loss.h
 *   prediction [B,K,H,W], mask [B,1,H,W] class numbers, class_weights [K] -> rank 0 */
#include "classes.h"

enum { CLASS_WEIGHTS = RA_WEIGHT + 1 }; /* input */
enum { SMOOTHING = 1 };                 /* slot */
enum { TILE = RA_CLASSES_TILE };

static const ra_param params[] = {
  RA_PARAM_INPUT,
  RA_PARAM_SMOOTHING,
  {0}};

static int32_t infer(ra_call *c) {
  char text[80];
  if (!ra_has(c, RA_MASK)) RA_TRY(ra_loss_want(c, RA_MASK));
  if (!ra_loss_classes(c))
    return ra_fail(RA_ERR_SHAPE, "cross_entropy: wants logits [B,K,H,W] of K > 1 classes and a label map [B,1,H,W], given prediction %s; "
                   "for one channel, or for planes of 0 and 1, use bce", ra_in_text(c, RA_PREDICTION, text));
  if (ra_has(c, CLASS_WEIGHTS)) RA_TRY(ra_want_vector(c, CLASS_WEIGHTS, c->in[RA_PREDICTION].dim[1], "the channels of prediction"));
  return ra_class_pixel_infer(c);
}

/* h: the target of every class, with its weight. */
static void target(const ra_call *c, const ra_class_tile *t, ra_real *h) {
  const ra_real *weight = ra_has(c, CLASS_WEIGHTS) ? c->in[CLASS_WEIGHTS].data : NULL;
  ra_real spread = (ra_real)(c->param[SMOOTHING] / t->classes), own = (ra_real)(1 - c->param[SMOOTHING]);
  for (int32_t k = 0; k < t->classes; k++) {
    ra_real w = weight ? weight[k] : 1;
    for (int32_t i = 0; i < TILE; i++) h[k * TILE + i] = w * spread;
    for (int32_t i = 0; i < t->n; i++) h[k * TILE + i] += t->label[i] == k ? w * own : 0;
  }
}

static void pixels(const ra_call *c, const ra_class_tile *t, ra_real *value, ra_real *g, ra_real *share) {
  ra_class_values h;
  bool plain = !ra_has(c, CLASS_WEIGHTS) && c->param[SMOOTHING] == 0;
  if (!plain) target(c, t, h);
  if (ra_has(c, CLASS_WEIGHTS))
    for (int32_t i = 0; i < t->n; i++) share[i] = c->in[CLASS_WEIGHTS].data[t->label[i]];
  ra_class_cross_entropy(c, t, plain ? NULL : h, value, g);
}

static void forward(ra_call *c) { ra_class_pixel_forward(c, pixels); }
static void backward(ra_call *c) { ra_class_pixel_backward(c, pixels); }

const ra_op ra_op_cross_entropy = {
  .name = "cross_entropy",
  .help = "cross-entropy of K exclusive classes, the mean over pixels of -log p_y, p the softmax, y the label\n"
          "prediction [B,K,H,W], mask a label map [B,1,H,W]; void pixels are left out\n"
          "option class_weights = { a number for each class }: its pixels count by it, and the mean is divided by the sum over pixels",
  .inputs = "prediction,mask?,teacher?,inside?,weight?,class_weights?",
  .flags = RA_OP_LOSS,
  .no_grad = ~(1 << RA_PREDICTION),
  .params = params,
  .reads = RA_READS_IN0 | RA_READS_IN1 | RA_READS_WEIGHTS | RA_READS_IN5,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,5,4 2,1,5,4:label\n1,3,3,5:prob 1,1,3,5:label | input=\"prob\"\n"
             "2,3,5,4 2,1,5,4:label - 2,1,5,4:mask 2,1,5,4:var 3:var | smoothing=0.1\n"
             "1,3,9,8 1,1,9,8:label - - - 3:var\n1,3,3,4:prob 1,1,3,4:label - - - 3:var | input=\"prob\" smoothing=0.3",
};
