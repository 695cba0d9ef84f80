/* pool.c: the shape rule of pooling. */
#include "pool.h"

enum { KERNEL, STRIDE = 2, PAD = 4 }; /* slots */

static int32_t stride(const ra_call *c, int side) {
  double s = c->param[STRIDE + side];
  return (int32_t)(isnan(s) ? c->param[KERNEL + side] : s);
}

ra_pool ra_pool_of(const ra_call *c) {
  const int32_t *x = c->in[0].dim;
  const double *p = c->param;
  ra_pool s = {.planes = (int32_t)((int64_t)x[0] * x[1]), .H = x[2], .W = x[3],
               .kh = (int32_t)p[KERNEL], .kw = (int32_t)p[KERNEL + 1],
               .stride_h = stride(c, 0), .stride_w = stride(c, 1), .pad_h = (int32_t)p[PAD], .pad_w = (int32_t)p[PAD + 1]};
  s.Ho = (s.H + 2 * s.pad_h - s.kh) / s.stride_h + 1;
  s.Wo = (s.W + 2 * s.pad_w - s.kw) / s.stride_w + 1;
  return s;
}

int32_t ra_pool_infer(ra_call *c) {
  char text[80];
  RA_TRY(ra_want_rank(c, 0, 4));
  ra_pool s = ra_pool_of(c);
  if (2 * s.pad_h > s.kh || 2 * s.pad_w > s.kw)
    return ra_fail(RA_ERR_ARG, "%s: pad = %d,%d must be at most half of k = %d,%d", c->op->name, s.pad_h, s.pad_w, s.kh, s.kw);
  if (s.H < 1 || s.W < 1 || s.H + 2 * s.pad_h < s.kh || s.W + 2 * s.pad_w < s.kw)
    return ra_fail(RA_ERR_SHAPE, "%s: a window of %dx%d does not fit x %s with pad %d,%d", c->op->name, s.kh, s.kw,
                   ra_in_text(c, 0, text), s.pad_h, s.pad_w);
  return ra_out(c, 4, (int32_t[]){c->in[0].dim[0], c->in[0].dim[1], s.Ho, s.Wo});
}

ra_sees ra_sees_pool(const ra_call *c, int32_t k, int32_t axis, ra_sight *s) {
  (void)k;
  return ra_sees_window(s, (int32_t)c->param[KERNEL + axis], 1, stride(c, axis), (int32_t)c->param[PAD + axis]);
}
