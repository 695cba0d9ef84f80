/* bce: binary cross-entropy, mean over pixels,
 *   -weight y log p - (1 - y) log(1 - p)
 *   prediction, mask of any one shape -> rank 0 */
#include "loss.h"

enum { WEIGHT = 1 }; /* slot */

static const ra_param params[] = {
  RA_PARAM_INPUT,
  {.name = "weight", .kind = RA_PARAM_NUMBER, .default_value = 1, .low = 0, .high = 1e6, .live = true,
   .help = "weight of vessel pixels; background has 1"},
  {0}};

static int32_t infer(ra_call *c) {
  RA_TRY(ra_loss_want(c, RA_MASK));
  ra_pixel_work(c);
  return ra_loss_infer(c);
}

static void pixels(const ra_call *c, int32_t n, const ra_real *x, const ra_real *y, const ra_real *t, ra_real *value,
                   ra_real *grad) {
  ra_bernoulli s;
  ra_real w = (ra_real)c->param[WEIGHT];
  (void)t;
  ra_bernoulli_input(c, n, x, value != NULL, &s);
  if (value) {
    RA_SIMD
    for (int32_t i = 0; i < n; i++) value[i] = -w * y[i] * s.lp[i] - (1 - y[i]) * s.lq[i];
    return;
  }
  RA_SIMD
  for (int32_t i = 0; i < n; i++) grad[i] = (1 - y[i]) * s.p[i] - w * y[i] * s.q[i];
  ra_from_logit(c, n, &s, grad);
}

RA_PIXEL_LOSS(pixels)

const ra_op ra_op_bce = {
  .name = "bce",
  .help = "binary cross-entropy: mean over pixels of -weight y log p - (1-y) log(1-p)\n"
          "prediction, mask of any one shape; stable for logits of any size",
  .inputs = "prediction,mask?,teacher?",
  .params = params,
  .flags = RA_OP_LOSS,
  .reads = RA_READS_IN0 | RA_READS_IN1,
  .no_grad = 1 << RA_MASK | 1 << RA_TEACHER,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,1,5,4 2,1,5,4:mask\n7 7:mask | weight=3.5\n1,1,3,5:prob 1,1,3,5:mask | input=\"prob\" weight=2",
};
