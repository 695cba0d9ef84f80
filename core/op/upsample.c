/* upsample: x [B,C,H,W] resampled to [B,C,Ho,Wo], by a factor or to a size (also smaller).
 *   nearest   y[i] = x[floor(i * step)]
 *   bilinear  at position (i + 0.5) * step - 0.5, or i * (H-1)/(Ho-1) with align_corners
 * step = 1 / scale where a scale is given (Ho = floor(H * scale)), else H / Ho: as PyTorch. */
#include <math.h>

#include "resample.h"

enum { SCALE, SIZE, MODE = 3 }; /* slots */

static const ra_param params[] = {
  {.name = "scale", .kind = RA_PARAM_NUMBER, .default_value = NAN, .low = 1e-3, .high = 4096, .help = "factor for both sides"},
  {.name = "size", .kind = RA_PARAM_PAIR, .default_value = NAN, .low = 1, .high = 1 << 24, .help = "height and width of the output"},
  RA_RESAMPLE_PARAMS,
  {0}};

static int32_t infer(ra_call *c) {
  const double *p = c->param;
  RA_TRY(ra_want_rank(c, 0, 4));
  if (isnan(p[SCALE]) == isnan(p[SIZE])) return ra_fail(RA_ERR_ARG, "upsample: give either scale or size = {H, W}");
  const int32_t *x = c->in[0].dim;
  double H = isnan(p[SCALE]) ? p[SIZE] : floor(x[2] * p[SCALE]), W = isnan(p[SCALE]) ? p[SIZE + 1] : floor(x[3] * p[SCALE]);
  return ra_resample_infer(c, MODE, p[SCALE], H, W);
}

static void forward(ra_call *c) { ra_resample_forward(c, MODE, c->param[SCALE]); }
static void backward(ra_call *c) { ra_resample_backward(c, MODE, c->param[SCALE]); }

static ra_sees sees(const ra_call *c, int32_t k, int32_t axis, ra_sight *s) {
  (void)k;
  return isnan(c->param[SCALE]) ? RA_SEES_ALL : ra_resample_sees(c, MODE, c->param[SCALE], axis, s);
}

const ra_op ra_op_upsample = {
  .name = "upsample",
  .help = "resampling by a factor or to a size (also smaller), nearest or bilinear, as PyTorch's interpolate\n"
          "x [B,C,H,W] -> [B,C,floor(H scale),floor(W scale)], or [B,C,size]",
  .inputs = "x",
  .params = params,
  .infer = infer,
  .sees = sees,
  .forward = forward,
  .backward = backward,
  .samples = "2,2,3,4 | scale=2\n1,2,3,4 | size={5,9}\n2,2,3,4 | scale=2 mode=bilinear\n1,2,4,3 | scale=4 mode=bilinear\n"
             "1,1,3,5 | size={7,8} mode=bilinear align_corners=true\n1,1,6,5 | size={4,2} mode=bilinear\n"
             "1,1,5,4 | scale=1.5 mode=bilinear",
};
