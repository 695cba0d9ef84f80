/* mse: mean over pixels of (p - target)^2, p the probability; target is the
 * teacher's probability where a teacher is given, else the mask.
 *   prediction, mask, teacher of any one shape -> rank 0 */
#include "loss.h"

static const ra_param params[] = {RA_PARAM_INPUT, {0}};

static int32_t infer(ra_call *c) { return ra_pixel_infer(c, ra_loss_target(c)); }

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

RA_PIXEL_LOSS(pixels)

const ra_op ra_op_mse = {
  .name = "mse",
  .help = "mean squared difference of probabilities (Brier score), to the teacher where one is given, else to the mask\n"
          "prediction, mask, teacher of any one shape",
  RA_LOSS_TABLE,
  .params = params,
  .reads = RA_READS_IN0 | RA_READS_IN1 | RA_READS_IN2 | RA_READS_WEIGHTS,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,1,5,4 2,1,5,4:mask\n2,1,3,4 2,1,3,4:mask 2,1,3,4\n7:prob - 7:prob | input=\"prob\"\n"
             "2,1,5,4 2,1,5,4:mask - 2,1,5,4:mask\n"
             "2,1,3,5 - 2,1,3,5 - 2,1,3,5:var\n"
             "7 7:mask - 7:mask 7:var",
};
