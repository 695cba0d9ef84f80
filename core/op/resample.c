/* resample.c: x [B,C,H,W] to [B,C,Ho,Wo], nearest or bilinear; see upsample.c for the formulas. */
#include "resample.h"

#include <limits.h>
#include <math.h>

enum { NEAREST, BILINEAR };

static double step_of(bool align, double scale, int32_t in, int32_t out) {
  if (align) return out > 1 ? (double)(in - 1) / (out - 1) : 0;
  return isnan(scale) ? (double)in / out : 1 / scale;
}

static ra_upsample shape_of(const ra_call *c, int32_t slot, double scale) {
  const int32_t *x = c->in[0].dim, *y = c->out.dim;
  bool bilinear = c->param[slot] == BILINEAR, align = c->param[slot + 1] != 0;
  return (ra_upsample){.planes = (int32_t)((int64_t)x[0] * x[1]), .H = x[2], .W = x[3], .Ho = y[2], .Wo = y[3], .bilinear = bilinear,
                       .align_corners = align, .step_h = step_of(bilinear && align, scale, x[2], y[2]),
                       .step_w = step_of(bilinear && align, scale, x[3], y[3])};
}

int32_t ra_resample_infer(ra_call *c, int32_t slot, double scale, double H, double W) {
  char text[80];
  const int32_t *x = c->in[0].dim;
  if (x[2] < 1 || x[3] < 1 || !(H >= 1 && W >= 1 && H <= INT_MAX && W <= INT_MAX))
    return ra_fail(RA_ERR_SHAPE, "%s: x %s cannot become %gx%g", c->op->name, ra_in_text(c, 0, text), H, W);
  RA_TRY(ra_out(c, 4, (int32_t[]){x[0], x[1], (int32_t)H, (int32_t)W}));
  ra_upsample s = shape_of(c, slot, scale);
  c->work_forward = c->work_backward = ra_kernel()->upsample_work(&s);
  return RA_OK;
}

/* A corner that is kept in its place moves all others with the size. */
ra_sees ra_resample_sees(const ra_call *c, int32_t slot, double scale, int32_t axis, ra_sight *s) {
  bool bilinear = c->param[slot] == BILINEAR;
  if (bilinear && c->param[slot + 1] != 0) return RA_SEES_ALL;
  s->step = step_of(false, scale, c->in[0].dim[2 + axis], c->out.dim[2 + axis]);
  s->before = bilinear ? 1.5 : 1;
  s->after = bilinear ? 0.5 + s->step / 2 : 0;
  return RA_SEES_NEAR;
}

void ra_resample_forward(ra_call *c, int32_t slot, double scale) {
  ra_upsample s = shape_of(c, slot, scale);
  ra_kernel()->upsample(&s, c->in[0].data, c->out.data, c->work);
}

void ra_resample_backward(ra_call *c, int32_t slot, double scale) {
  ra_upsample s = shape_of(c, slot, scale);
  ra_kernel()->upsample_grad(&s, c->dout.data, c->add[0], c->din[0].data, c->work);
}
