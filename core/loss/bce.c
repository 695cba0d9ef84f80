/* bce: binary cross-entropy, mean over pixels,
 *   -weight y log p - (1 - y) log(1 - p)
 *   prediction, mask of any one shape -> rank 0 */
#include "loss.h"

enum { WEIGHT = 1 }; /* slot */

static const ra_param params[] = {
  RA_PARAM_INPUT,
  {.name = "weight", .kind = RA_PARAM_NUMBER, .default_value = 1, .low = 0, .high = 1e6, .live = true,
   .help = "weight of foreground pixels; background has 1"},
  {0}};

static int32_t infer(ra_call *c) { return ra_pixel_infer(c, RA_MASK); }

static void pixels(const ra_call *c, int32_t n, const ra_real *x, const ra_real *y, const ra_real *t, ra_real *value,
                   ra_real *grad) {
  ra_bernoulli s;
  (void)t;
  ra_bernoulli_input(c, n, x, value != NULL, &s);
  ra_cross_entropy(c, n, &s, y, (ra_real)c->param[WEIGHT], value, grad);
}

RA_PIXEL_LOSS(pixels)

const ra_op ra_op_bce = {
  .name = "bce",
  .help = "binary cross-entropy: mean over pixels of -weight y log p - (1-y) log(1-p)\n"
          "prediction, mask of any one shape; stable for logits of any size",
  RA_LOSS_TABLE,
  .params = params,
  .reads = RA_READS_IN0 | RA_READS_IN1 | RA_READS_WEIGHTS,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,1,5,4 2,1,5,4:mask\n7 7:mask | weight=3.5\n1,1,3,5:prob 1,1,3,5:mask | input=\"prob\" weight=2\n"
             "2,1,5,4 2,1,5,4:mask - 2,1,5,4:mask | weight=2\n"
             "2,1,3,5 2,1,3,5:mask - - 2,1,3,5:var\n"
             "1,1,5,4:prob 1,1,5,4:mask - 1,1,5,4:mask 1,1,5,4:var | input=\"prob\"",
};
