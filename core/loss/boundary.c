/* boundary (Kervadec, Bouchtiba, Desrosiers, Granger, Dolz, Ben Ayed, MIDL 2019): probability times signed distance,
 *   sum w phi p / sum w     phi = D outside of the mask, 1 - D' inside
 * D is the distance of a pixel to the nearest pixel of the mask, D' that to the nearest pixel outside, in pixels; so phi is 0 on the
 * mask's outermost pixels and 1 just outside, as in the authors' program. Where the mask is empty or all of the picture, phi is 0.
 *   prediction, mask [B,C,H,W] -> rank 0, each plane with its own phi; K logits against a label map (classes.h): p the softmax, phi of
 *   each class, and the mean over the classes that `average` names
 * phi is made from the mask as it reaches the loss, so that augmentation cannot bend it; or it is given as the input `distance`, of the
 * shape of the prediction: the field of a data set in a recipe. A pixel of weight 0 belongs to no mask. Forward keeps the share of each
 * class, [K], and phi. */
#include "../base/math.h"
#include "../base/thread.h"
#include "../geometry/geometry.h"
#include "classes.h"

enum { AVERAGE = 1 };               /* slot */
enum { DISTANCE = RA_WEIGHT + 1 };  /* input */

static const ra_param params[] = {
  RA_PARAM_INPUT,
  RA_PARAM_AVERAGE_OF(RA_AVERAGE_FOREGROUND),
  {0}};

/* The two saved arrays of this loss come behind those of the mean over pixels. */
static ra_real *shares(const ra_call *c) { return c->saved[c->n_saved - (ra_has(c, DISTANCE) ? 1 : 2)].data; }
static ra_real *own_phi(const ra_call *c) { return c->saved[c->n_saved - 1].data; }
static const ra_real *phi_of(const ra_call *c) { return ra_has(c, DISTANCE) ? c->in[DISTANCE].data : own_phi(c); }

static size_t plane_work(int32_t H, int32_t W) {
  size_t area = (size_t)H * (size_t)W;
  return ra_round_up(ra_distance_work(H, W) + area * (sizeof(float) + 1), sizeof(double));
}

static int32_t infer(ra_call *c) {
  const ra_array *x = &c->in[RA_PREDICTION];
  int32_t K = ra_loss_classes(c), given = ra_has(c, DISTANCE);
  if (!given) RA_TRY(ra_want_rank(c, RA_PREDICTION, 4));
  if (given) RA_TRY(ra_want_same(c, DISTANCE, RA_PREDICTION));
  RA_TRY(K ? ra_class_pixel_infer(c) : ra_pixel_infer(c, given ? DISTANCE : RA_MASK));
  RA_TRY(ra_save(c, 1, (int32_t[]){ra_max(K, 1)}));
  if (given) return RA_OK;
  RA_TRY(ra_save(c, x->rank, x->dim));
  c->work_forward = ra_max(c->work_forward, (size_t)x->dim[0] * (size_t)x->dim[1] * plane_work(x->dim[2], x->dim[3]));
  return RA_OK;
}

/* ---- signed distance ---- */

/* set <- 1 where plane `unit` of the mask, or its class, is; returns their number. */
static int64_t inside_of(const ra_call *c, int32_t unit, int64_t area, uint8_t *set) {
  int32_t K = ra_loss_classes(c);
  return K ? ra_loss_set(c, unit / K * area, area, unit % K, unit % K + 1, set) : ra_loss_set(c, unit * area, area, 0, 0, set);
}

static void signed_distance(void *context, int32_t unit) {
  const ra_call *c = context;
  int32_t H = c->in[RA_PREDICTION].dim[2], W = c->in[RA_PREDICTION].dim[3];
  int64_t area = (int64_t)H * W;
  char *work = (char *)c->work + (size_t)unit * plane_work(H, W);
  float *distance = (float *)(void *)(work + ra_round_up(ra_distance_work(H, W), sizeof(float)));
  void *behind = distance + area;
  uint8_t *set = behind;
  ra_real *phi = own_phi(c) + unit * area;
  int64_t count = inside_of(c, unit, area, set);
  for (int64_t i = 0; i < area; i++) phi[i] = 0;
  if (count == 0 || count == area) return;
  ra_distance_in(set, H, W, distance, NULL, work);
  for (int64_t i = 0; i < area; i++) {
    phi[i] = (ra_real)distance[i];
    set[i] = !set[i];
  }
  ra_distance_in(set, H, W, distance, NULL, work);
  for (int64_t i = 0; i < area; i++) phi[i] += set[i] ? 0 : 1 - (ra_real)distance[i];
}

/* ---- the mean ---- */

static void pixels(const ra_call *c, int32_t n, const ra_real *x, const ra_real *y, const ra_real *t, ra_real *value, ra_real *grad) {
  ra_bernoulli s; /* y: phi */
  (void)t;
  ra_bernoulli_input(c, n, x, false, &s);
  for (int32_t i = 0; value && i < n; i++) value[i] = s.p[i] * y[i];
  if (value) return;
  memcpy(grad, y, (size_t)n * sizeof *y);
  ra_from_prob(c, n, &s, grad);
}

static void classes(const ra_call *c, const ra_class_tile *t, ra_real *value, ra_real *g, ra_real *share) {
  ra_class_values p, a;
  (void)share;
  ra_class_probabilities(c, t, RA_PREDICTION, p, NULL);
  for (int32_t k = 0; k < t->classes; k++) {
    const ra_real *phi = phi_of(c) + t->first + k * t->stride, part = shares(c)[k];
    ra_real *row = a + k * RA_CLASSES_TILE;
    for (int32_t i = 0; i < RA_CLASSES_TILE; i++) row[i] = i < t->n && part > 0 ? part * phi[i] * p[k * RA_CLASSES_TILE + i] : 0;
  }
  if (value) {
    for (int32_t i = 0; i < t->n; i++) value[i] = 0;
    for (int32_t k = 0; k < t->classes; k++)
      for (int32_t i = 0; i < t->n; i++) value[i] += a[k * RA_CLASSES_TILE + i];
    return;
  }
  memcpy(g, a, (size_t)t->classes * RA_CLASSES_TILE * sizeof *a);
  ra_class_from_log_input(c, t, p, g);
}

/* The share of each class in the mean: 1 over the number of those that count. */
static void share_classes(const ra_call *c, int32_t K) {
  bool occurs[RA_CLASSES_MAX] = {false};
  const ra_array *y = &c->in[RA_MASK];
  for (int32_t i = 0; i < y->size; i += RA_TILE) {
    ra_real memory[RA_TILE];
    int32_t n = ra_min(y->size - i, (int32_t)RA_TILE);
    const ra_real *w = ra_loss_weights(c, i, n, memory);
    for (int32_t k = 0; k < n; k++)
      if (y->data[i + k] >= 0 && y->data[i + k] < (ra_real)K && (!w || w[k] != 0)) occurs[(int32_t)y->data[i + k]] = true;
  }
  int32_t average = (int32_t)c->param[AVERAGE], used = 0;
  for (int32_t k = 0; k < K; k++) used += ra_class_counts(average, k, occurs[k]);
  for (int32_t k = 0; k < K; k++) shares(c)[k] = ra_class_counts(average, k, occurs[k]) ? 1 / (ra_real)used : 0;
}

/* The call with phi in the place of the mask. */
static ra_call with_phi(const ra_call *c) {
  ra_call inner = *c;
  inner.in[RA_MASK] = c->in[RA_PREDICTION];
  inner.in[RA_MASK].data = (ra_real *)phi_of(c);
  inner.in[RA_TEACHER].rank = -1;
  return inner;
}

static void forward(ra_call *c) {
  int32_t K = ra_loss_classes(c);
  if (!ra_has(c, DISTANCE)) ra_parallel(c->in[RA_PREDICTION].dim[0] * c->in[RA_PREDICTION].dim[1], signed_distance, c);
  if (K) {
    share_classes(c, K);
    ra_class_pixel_forward(c, classes);
  } else {
    ra_call inner = with_phi(c);
    shares(c)[0] = 1;
    ra_pixel_forward(&inner, pixels);
  }
}

static void backward(ra_call *c) {
  if (ra_loss_classes(c)) {
    ra_class_pixel_backward(c, classes);
    return;
  }
  ra_call inner = with_phi(c);
  ra_pixel_backward(&inner, pixels);
}

const ra_op ra_op_boundary = {
  .name = "boundary",
  .help = "boundary loss: mean over pixels of phi p, phi the signed distance to the mask's boundary in pixels, negative inside\n"
          "prediction, mask [B,C,H,W]; or prediction and distance (phi) of any one shape. Alone it finds little: add it to an overlap\n"
          "loss with a weight that grows from 0.01 (the paper's schedule)\n"
          "K logits [B,K,H,W] against a label map [B,1,H,W]: the mean over classes, each with its phi, p the softmax\n"
          "Kervadec et al. 2019",
  .inputs = "prediction,mask?,teacher?,inside?,weight?,distance?",
  .flags = RA_OP_LOSS,
  .no_grad = 1 << RA_MASK | 1 << RA_TEACHER | 1 << RA_INSIDE | 1 << RA_WEIGHT | 1 << DISTANCE,
  .params = params,
  .reads = RA_READS_IN0 | RA_READS_IN1 | RA_READS_WEIGHTS | RA_READS_IN5,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,1,5,4 2,1,5,4:mask\n3,2,3,4 3,2,3,4:mask\n"
             "2,1,3,5:prob 2,1,3,5:mask | input=\"prob\"\n"
             "2,1,5,4 2,1,5,4:mask - 2,1,5,4:mask 2,1,5,4:var\n"
             "7 - - - - 7:var\n"
             "2,3,5,4 2,1,5,4:label\n"
             "2,3,5,4 2,1,5,4:label - - - 2,3,5,4:var | average=\"all\"\n"
             "1,3,5,4:prob 1,1,5,4:label - 1,1,5,4:mask | input=\"prob\" average=\"present\"",
};
