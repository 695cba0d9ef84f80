/* soft_target: the pixel-wise self-knowledge distillation loss (Lin 2025,
 * equations 5 and 6 of docs/explanation/method.md), mean over pixels,
 *   h = alpha p_T + (1 - alpha) y        -h log p - (1 - h) log(1 - p)
 *   prediction, mask, teacher of any one shape -> rank 0
 * K exclusive classes (classes.h): h_k = alpha p_T,k + (1 - alpha) [y = k], -sum_k h_k log p_k.
 * Label smoothing s takes (1 - s) y + s / 2 for y, and (1 - s) [y = k] + s / K for [y = k].
 * Without a teacher, or with alpha = 0, this is plain bce, or cross_entropy. */
#include "classes.h"

enum { ALPHA = 1, SMOOTHING }; /* slots */

static const ra_param params[] = {
  RA_PARAM_INPUT,
  {.name = "alpha", .kind = RA_PARAM_NUMBER, .default_value = 0.5, .low = 0, .high = 1, .live = true,
   .help = "weight of the teacher in the target; 0 needs no teacher"},
  RA_PARAM_SMOOTHING,
  {0}};

static int32_t infer(ra_call *c) {
  if (ra_has(c, RA_TEACHER)) RA_TRY(ra_loss_want(c, RA_TEACHER));
  else if (c->param[ALPHA] != 0)
    return ra_fail(RA_ERR_ARG, "soft_target: alpha = %g needs a teacher; call loss(prediction, mask, teacher), or set "
                   "alpha = 0", c->param[ALPHA]);
  return ra_loss_classes(c) ? ra_class_pixel_infer(c) : ra_pixel_infer(c, RA_MASK);
}

static void pixels(const ra_call *c, int32_t n, const ra_real *x, const ra_real *y, const ra_real *t, ra_real *value,
                   ra_real *grad) {
  ra_bernoulli s, teacher;
  ra_real target[RA_TILE], smooth[RA_TILE], alpha = (ra_real)c->param[ALPHA];
  y = ra_loss_smooth(n, (ra_real)c->param[SMOOTHING], y, smooth);
  const ra_real *h = y;
  if (t && alpha != 0) {
    ra_bernoulli_input(c, n, t, false, &teacher);
    RA_SIMD
    for (int32_t i = 0; i < n; i++) target[i] = alpha * teacher.p[i] + (1 - alpha) * y[i];
    h = target;
  }
  ra_bernoulli_input(c, n, x, value != NULL, &s);
  ra_cross_entropy(c, n, &s, h, 1, value, grad);
}

static void classes(const ra_call *c, const ra_class_tile *t, ra_real *value, ra_real *g, ra_real *share) {
  ra_class_values h;
  bool taught = ra_has(c, RA_TEACHER) && c->param[ALPHA] != 0;
  ra_real alpha = taught ? (ra_real)c->param[ALPHA] : 0, s = (ra_real)c->param[SMOOTHING], spread = (1 - alpha) * s / (ra_real)t->classes;
  (void)share;
  if (taught) ra_class_probabilities(c, t, RA_TEACHER, h, NULL);
  if (taught || s != 0) {
    for (int32_t i = 0; i < t->classes * RA_CLASSES_TILE; i++) h[i] = (taught ? alpha * h[i] : 0) + spread;
    for (int32_t i = 0; i < t->n; i++) h[t->label[i] * RA_CLASSES_TILE + i] += (1 - alpha) * (1 - s);
  }
  ra_class_cross_entropy(c, t, taught || s != 0 ? h : NULL, value, g);
}

RA_PIXEL_AND_CLASS_LOSS(pixels, classes)

const ra_op ra_op_soft_target = {
  .name = "soft_target",
  .help = "pixel-wise self-knowledge distillation: cross-entropy against h = alpha p_teacher + (1-alpha) mask\n"
          "prediction, mask, teacher of any one shape; mean over pixels; alpha = 0 is bce and needs no teacher\n"
          "K logits [B,K,H,W] against a label map [B,1,H,W]: the same of K exclusive classes, p the softmax\n"
          "Lin 2025, arXiv 2509.03173",
  RA_LOSS_TABLE,
  .params = params,
  .reads = RA_READS_IN0 | RA_READS_IN1 | RA_READS_IN2 | RA_READS_WEIGHTS,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,1,5,4 2,1,5,4:mask 2,1,5,4 | alpha=0.5\n2,1,3,4 2,1,3,4:mask - | alpha=0\n9 9:mask 9 | alpha=1\n"
             "9 9:mask 9 | smoothing=0.2 alpha=0.4\n"
             "1,1,3,5:prob 1,1,3,5:mask 1,1,3,5:prob | input=\"prob\" alpha=0.3\n"
             "2,1,5,4 2,1,5,4:mask 2,1,5,4 2,1,5,4:mask\n"
             "2,1,3,5 2,1,3,5:mask 2,1,3,5 2,1,3,5:mask 2,1,3,5:var | alpha=0.3\n"
             "2,3,5,4 2,1,5,4:label 2,3,5,4\n1,3,3,4 1,1,3,4:label | alpha=0\n1,3,3,4 1,1,3,4:label - | alpha=0 smoothing=0.2\n"
             "2,3,5,4 2,1,5,4:label 2,3,5,4 | smoothing=0.1\n"
             "1,3,3,5:prob 1,1,3,5:label 1,3,3,5:prob 1,1,3,5:mask 1,1,3,5:var | input=\"prob\" alpha=0.3",
};
