/* bce: binary cross-entropy, mean over pixels,
 *   -weight h log p - (1 - h) log(1 - p)     h = (1 - s) y + s / 2
 * s the label smoothing (Szegedy, Vanhoucke, Ioffe, Shlens, Wojna, CVPR 2016)
 *   prediction, mask of any one shape -> rank 0 */
#include "loss.h"

enum { WEIGHT = 1, SMOOTHING }; /* slots */

static const ra_param params[] = {
  RA_PARAM_INPUT,
  {.name = "weight", .kind = RA_PARAM_NUMBER, .default_value = 1, .low = 0, .high = 1e6, .live = true,
   .help = "weight of foreground pixels; background has 1"},
  RA_PARAM_SMOOTHING,
  {0}};

static int32_t infer(ra_call *c) { return ra_pixel_infer(c, RA_MASK); }

static void pixels(const ra_call *c, int32_t n, const ra_real *x, const ra_real *y, const ra_real *t, ra_real *value,
                   ra_real *grad) {
  ra_bernoulli s;
  ra_real smooth[RA_TILE];
  (void)t;
  ra_bernoulli_input(c, n, x, value != NULL, &s);
  ra_cross_entropy(c, n, &s, ra_loss_smooth(n, (ra_real)c->param[SMOOTHING], y, smooth), (ra_real)c->param[WEIGHT], value, grad);
}

RA_PIXEL_LOSS(pixels)

const ra_op ra_op_bce = {
  .name = "bce",
  .help = "binary cross-entropy: mean over pixels of -weight y log p - (1-y) log(1-p)\n"
          "prediction, mask of any one shape; stable for logits of any size; smoothing s takes (1-s) y + s/2 for y",
  RA_LOSS_TABLE,
  .params = params,
  .reads = RA_READS_IN0 | RA_READS_IN1 | RA_READS_WEIGHTS,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,1,5,4 2,1,5,4:mask\n7 7:mask | weight=3.5\n1,1,3,5:prob 1,1,3,5:mask | input=\"prob\" weight=2\n"
             "2,1,5,4 2,1,5,4:mask - 2,1,5,4:mask | weight=2\n9 9:mask | smoothing=0.1 weight=2\n"
             "2,1,3,5 2,1,3,5:mask - - 2,1,3,5:var\n"
             "1,1,5,4:prob 1,1,5,4:mask - 1,1,5,4:mask 1,1,5,4:var | input=\"prob\"",
};
