/* mse: mean over pixels of (p - target)^2, p the probability; target is the
 * teacher's probability where a teacher is given, else the mask.
 *   prediction, mask, teacher of any one shape -> rank 0
 * K exclusive classes (classes.h): the mean over pixels and classes of (p_k - target_k)^2, the label's target 1, the others' 0 */
#include "classes.h"

static const ra_param params[] = {RA_PARAM_INPUT, {0}};

static int32_t infer(ra_call *c) {
  return ra_loss_classes(c) ? ra_class_pixel_infer(c) : ra_pixel_infer(c, ra_loss_target(c));
}

static void pixels(const ra_call *c, int32_t n, const ra_real *x, const ra_real *y, const ra_real *t, ra_real *value,
                   ra_real *grad) {
  ra_bernoulli s, teacher;
  if (t) ra_bernoulli_input(c, n, t, false, &teacher);
  const ra_real *target = t ? teacher.p : y;
  ra_bernoulli_input(c, n, x, false, &s);
  if (value) {
    RA_SIMD
    for (int32_t i = 0; i < n; i++) value[i] = (s.p[i] - target[i]) * (s.p[i] - target[i]);
    return;
  }
  RA_SIMD
  for (int32_t i = 0; i < n; i++) grad[i] = 2 * (s.p[i] - target[i]);
  ra_from_prob(c, n, &s, grad);
}

static void classes(const ra_call *c, const ra_class_tile *t, ra_real *value, ra_real *g, ra_real *share) {
  ra_class_values p, d; /* d: the difference */
  int32_t size = t->classes * RA_CLASSES_TILE;
  bool taught = ra_has(c, RA_TEACHER);
  (void)share;
  if (taught) ra_class_probabilities(c, t, RA_TEACHER, d, NULL);
  else memset(d, 0, (size_t)size * sizeof *d);
  for (int32_t i = 0; !taught && i < t->n; i++) d[t->label[i] * RA_CLASSES_TILE + i] = 1;
  ra_class_probabilities(c, t, RA_PREDICTION, p, NULL);
  for (int32_t i = 0; i < size; i++) d[i] = p[i] - d[i];
  for (int32_t i = 0; value && i < t->n; i++) {
    ra_real sum = 0;
    for (int32_t k = 0; k < t->classes; k++) sum += d[k * RA_CLASSES_TILE + i] * d[k * RA_CLASSES_TILE + i];
    value[i] = sum / (ra_real)t->classes;
  }
  if (value) return;
  for (int32_t i = 0; i < size; i++) g[i] = 2 * p[i] * d[i] / (ra_real)t->classes;
  ra_class_from_log_input(c, t, p, g);
}

RA_PIXEL_AND_CLASS_LOSS(pixels, classes)

const ra_op ra_op_mse = {
  .name = "mse",
  .help = "mean squared difference of probabilities (Brier score), to the teacher where one is given, else to the mask\n"
          "prediction, mask, teacher of any one shape\n"
          "K logits [B,K,H,W] with a label map [B,1,H,W]: the mean over pixels and K exclusive classes, p the softmax",
  RA_LOSS_TABLE,
  .params = params,
  .reads = RA_READS_IN0 | RA_READS_IN1 | RA_READS_IN2 | RA_READS_WEIGHTS,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,1,5,4 2,1,5,4:mask\n2,1,3,4 2,1,3,4:mask 2,1,3,4\n7:prob - 7:prob | input=\"prob\"\n"
             "2,1,5,4 2,1,5,4:mask - 2,1,5,4:mask\n"
             "2,1,3,5 - 2,1,3,5 - 2,1,3,5:var\n"
             "7 7:mask - 7:mask 7:var\n"
             "2,3,5,4 2,1,5,4:label\n1,3,3,5:prob 1,1,3,5:label 1,3,3,5:prob 1,1,3,5:mask | input=\"prob\"",
};
