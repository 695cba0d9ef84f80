/* upsample: x [B,C,H,W] resampled to [B,C,Ho,Wo], by a factor or to a size (also smaller).
 *   nearest   y[i] = x[floor(i * step)]
 *   bilinear  at position (i + 0.5) * step - 0.5, or i * (H-1)/(Ho-1) with align_corners
 * step = 1 / scale where a scale is given (Ho = floor(H * scale)), else H / Ho: as PyTorch. */
#include <limits.h>
#include <math.h>

#include "op.h"

enum { SCALE, SIZE, MODE = 3, ALIGN }; /* slots */
enum { NEAREST, BILINEAR };

static const ra_param params[] = {
  {.name = "scale", .kind = RA_PARAM_NUMBER, .default_value = NAN, .low = 1e-3, .high = 4096, .help = "factor for both sides"},
  {.name = "size", .kind = RA_PARAM_PAIR, .default_value = NAN, .low = 1, .high = 1 << 24, .help = "height and width of the output"},
  {.name = "mode", .kind = RA_PARAM_CHOICE, .default_value = NEAREST, .low = 0, .high = 1, .choices = "nearest|bilinear",
   .help = "how to interpolate"},
  {.name = "align_corners", .kind = RA_PARAM_BOOL, .default_value = 0, .low = 0, .high = 1,
   .help = "bilinear: centres of the corner pixels coincide, not their outer corners"},
  {0}};

static double step_of(const ra_call *c, int32_t in, int32_t out) {
  bool align = c->param[MODE] == BILINEAR && c->param[ALIGN] != 0;
  if (align) return out > 1 ? (double)(in - 1) / (out - 1) : 0;
  return isnan(c->param[SCALE]) ? (double)in / out : 1 / c->param[SCALE];
}

static ra_upsample shape_of(const ra_call *c) {
  const int32_t *x = c->in[0].dim, *y = c->out.dim;
  return (ra_upsample){.planes = (int32_t)((int64_t)x[0] * x[1]), .H = x[2], .W = x[3], .Ho = y[2], .Wo = y[3],
                       .bilinear = c->param[MODE] == BILINEAR, .align_corners = c->param[ALIGN] != 0,
                       .step_h = step_of(c, x[2], y[2]), .step_w = step_of(c, x[3], y[3])};
}

static int32_t infer(ra_call *c) {
  char text[80];
  const double *p = c->param;
  RA_TRY(ra_want_rank(c, 0, 4));
  if (isnan(p[SCALE]) == isnan(p[SIZE])) return ra_fail(RA_ERR_ARG, "upsample: give either scale or size = {H, W}");
  const int32_t *x = c->in[0].dim;
  double H = isnan(p[SCALE]) ? p[SIZE] : floor(x[2] * p[SCALE]), W = isnan(p[SCALE]) ? p[SIZE + 1] : floor(x[3] * p[SCALE]);
  if (x[2] < 1 || x[3] < 1 || !(H >= 1 && W >= 1 && H <= INT_MAX && W <= INT_MAX))
    return ra_fail(RA_ERR_SHAPE, "upsample: x %s cannot become %gx%g", ra_in_text(c, 0, text), H, W);
  RA_TRY(ra_out(c, 4, (int32_t[]){x[0], x[1], (int32_t)H, (int32_t)W}));
  ra_upsample s = shape_of(c);
  c->work_forward = c->work_backward = ra_kernel()->upsample_work(&s);
  return RA_OK;
}

static void forward(ra_call *c) {
  ra_upsample s = shape_of(c);
  ra_kernel()->upsample(&s, c->in[0].data, c->out.data, c->work);
}

static void backward(ra_call *c) {
  ra_upsample s = shape_of(c);
  ra_kernel()->upsample_grad(&s, c->dout.data, c->add[0], c->din[0].data, c->work);
}

const ra_op ra_op_upsample = {
  .name = "upsample",
  .help = "resampling by a factor or to a size (also smaller), nearest or bilinear, as PyTorch's interpolate\n"
          "x [B,C,H,W] -> [B,C,floor(H scale),floor(W scale)], or [B,C,size]",
  .inputs = "x",
  .params = params,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,2,3,4 | scale=2\n1,2,3,4 | size={5,9}\n2,2,3,4 | scale=2 mode=bilinear\n1,2,4,3 | scale=4 mode=bilinear\n"
             "1,1,3,5 | size={7,8} mode=bilinear align_corners=true\n1,1,6,5 | size={4,2} mode=bilinear\n"
             "1,1,5,4 | scale=1.5 mode=bilinear",
};
