/* focal: the focal loss (Lin, Goyal, Girshick, He, Dollar, ICCV 2017), mean over pixels,
 *   a m^gamma ce      ce = -y log p - (1 - y) log(1 - p)
 *   m = p (1 - y) + (1 - p) y (the error), a = alpha y + (1 - alpha)(1 - y), or 1 where alpha < 0
 *   prediction, mask of any one shape -> rank 0
 * K exclusive classes (classes.h): a (1 - p_y)^gamma (-log p_y), a = alpha where the label y is not the first class, else 1 - alpha */
#include "classes.h"

enum { GAMMA = 1, ALPHA }; /* slots */

static const ra_param params[] = {
  RA_PARAM_INPUT,
  {.name = "gamma", .kind = RA_PARAM_NUMBER, .default_value = 2, .low = 0, .high = 10, .live = true,
   .help = "how strongly easy pixels are discounted; 0 is bce"},
  {.name = "alpha", .kind = RA_PARAM_NUMBER, .default_value = 0.25, .low = -1, .high = 1, .live = true,
   .help = "weight of foreground pixels, background has 1 - alpha; negative: both have 1"},
  {0}};

static int32_t infer(ra_call *c) { return ra_loss_classes(c) ? ra_class_pixel_infer(c) : ra_pixel_infer(c, RA_MASK); }

static void pixels(const ra_call *c, int32_t n, const ra_real *x, const ra_real *y, const ra_real *t, ra_real *value,
                   ra_real *grad) {
  ra_bernoulli s;
  ra_real m[RA_TILE], power[RA_TILE], ce[RA_TILE];
  ra_real gamma = (ra_real)c->param[GAMMA], alpha = (ra_real)c->param[ALPHA];
  ra_real front = alpha < 0 ? 1 : alpha, back = alpha < 0 ? 1 : 1 - alpha;
  const ra_real tiny = (ra_real)1e-30; /* keeps m^gamma / m finite; where m is smaller the loss is 0 anyway */
  (void)t;
  ra_bernoulli_input(c, n, x, true, &s);
  RA_SIMD
  for (int32_t i = 0; i < n; i++) {
    ra_real wrong = s.p[i] * (1 - y[i]) + s.q[i] * y[i];
    m[i] = wrong > tiny ? wrong : tiny;
  }
  ra_tile_pow(n, m, gamma, power);
  RA_SIMD
  for (int32_t i = 0; i < n; i++) {
    power[i] *= front * y[i] + back * (1 - y[i]);
    ce[i] = -y[i] * s.lp[i] - (1 - y[i]) * s.lq[i];
  }
  if (value) {
    RA_SIMD
    for (int32_t i = 0; i < n; i++) value[i] = power[i] * ce[i];
    return;
  }
  RA_SIMD
  for (int32_t i = 0; i < n; i++) {
    ra_real d_ce = (1 - y[i]) * s.p[i] - y[i] * s.q[i], d_m = (1 - 2 * y[i]) * s.p[i] * s.q[i];
    grad[i] = power[i] * (d_ce + gamma * ce[i] * d_m / m[i]);
  }
  ra_from_logit(c, n, &s, grad);
}

/* d/d(log p) of -m^gamma log p with m = 1 - p is -m^gamma + gamma p m^(gamma - 1) log p */
static void classes(const ra_call *c, const ra_class_tile *t, ra_real *value, ra_real *g, ra_real *share) {
  ra_class_values p, lp;
  ra_real m[RA_CLASSES_TILE], power[RA_CLASSES_TILE], gamma = (ra_real)c->param[GAMMA], alpha = (ra_real)c->param[ALPHA];
  const ra_real tiny = (ra_real)1e-30;
  const bool given = c->param[RA_LOSS_INPUT] == RA_INPUT_PROB;
  (void)share;
  ra_class_probabilities(c, t, RA_PREDICTION, p, lp);
  if (!given) ra_class_others(t, p, m);
  for (int32_t i = 0; i < t->n; i++) {
    if (given) m[i] = 1 - p[t->label[i] * RA_CLASSES_TILE + i];
    m[i] = m[i] > tiny ? m[i] : tiny;
  }
  ra_tile_pow(t->n, m, gamma, power);
  for (int32_t i = 0; i < t->n; i++) power[i] *= alpha < 0 ? 1 : t->label[i] > 0 ? alpha : 1 - alpha;
  if (value) {
    for (int32_t i = 0; i < t->n; i++) value[i] = -power[i] * lp[t->label[i] * RA_CLASSES_TILE + i];
    return;
  }
  memset(g, 0, (size_t)(t->classes * RA_CLASSES_TILE) * sizeof *g);
  for (int32_t i = 0; i < t->n; i++) {
    int32_t own = t->label[i] * RA_CLASSES_TILE + i;
    g[own] = power[i] * (gamma * p[own] * lp[own] / m[i] - 1);
  }
  ra_class_from_log_input(c, t, p, g);
}

RA_PIXEL_AND_CLASS_LOSS(pixels, classes)

const ra_op ra_op_focal = {
  .name = "focal",
  .help = "focal loss (Lin et al. 2017): cross-entropy times m^gamma, m the probability given to the wrong class\n"
          "prediction, mask of any one shape; mean over pixels\n"
          "K logits [B,K,H,W] against a label map [B,1,H,W]: m = 1 - p of the label, p the softmax; classes but the first are foreground",
  RA_LOSS_TABLE,
  .params = params,
  .reads = RA_READS_IN0 | RA_READS_IN1 | RA_READS_WEIGHTS,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,1,5,4 2,1,5,4:mask\n2,1,3,4 2,1,3,4:mask | gamma=0.5 alpha=-1\n8 8:mask | gamma=0 alpha=0.75\n"
             "1,1,3,5:prob 1,1,3,5:mask | input=\"prob\" gamma=3\n"
             "2,1,5,4 2,1,5,4:mask - 2,1,5,4:mask\n"
             "2,1,3,5 2,1,3,5:mask - 2,1,3,5:mask 2,1,3,5:var\n"
             "2,3,5,4 2,1,5,4:label\n2,3,3,4 2,1,3,4:label - - 2,1,3,4:var | gamma=0.5 alpha=-1\n"
             "1,3,3,5:prob 1,1,3,5:label | input=\"prob\" gamma=3",
};
