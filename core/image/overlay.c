/* overlay: y [3,H,W] <- image x, prediction and truth */
#include "overlay.h"

#include <string.h>

#include "../base/error.h"
#include "plane.h"

int32_t ra_overlay_check(const ra_image_out *o) {
  ra_planes x, p, t = {0};
  RA_TRY(ra_planes_of("overlay", o->image, &x));
  RA_TRY(ra_planes_of("overlay", o->prediction, &p));
  if (o->truth) RA_TRY(ra_planes_of("overlay", o->truth, &t));
  if (x.C != 1 && x.C != 3) return ra_fail(RA_ERR_SHAPE, "overlay: the image has %d channels, wanted 1 or 3", x.C);
  if (p.C != 1 || p.H != x.H || p.W != x.W || (o->truth && (t.C != 1 || t.H != x.H || t.W != x.W)))
    return ra_fail(RA_ERR_SHAPE, "overlay: sizes differ: image %dx%d, prediction %dx%d", x.H, x.W, p.H, p.W);
  return RA_OK;
}

ra_overlay ra_overlay_of(const ra_image_out *o) {
  const ra_tensor *x = o->image;
  bool coloured = x->rank == 3 && x->dim[0] == 3;
  return (ra_overlay){.x = x->data, .prediction = o->prediction->data, .truth = o->truth ? o->truth->data : NULL,
                      .area = (size_t)x->size / (coloured ? 3 : 1), .coloured = coloured, .threshold = o->threshold, .alpha = o->alpha,
                      .colour = o->colour};
}

ra_tensor *ra_image_overlay(const ra_tensor *x, const ra_tensor *prediction, const ra_tensor *truth, double threshold,
                            double alpha, const double *colour) {
  ra_image_out from = {.image = x, .prediction = prediction, .truth = truth, .threshold = threshold, .alpha = alpha};
  memcpy(from.colour, colour, sizeof from.colour);
  if (ra_overlay_check(&from) != RA_OK) return NULL;
  ra_overlay o = ra_overlay_of(&from);
  int32_t dim[3] = {3, x->dim[x->rank - 2], x->dim[x->rank - 1]};
  ra_tensor *y = ra_tensor_new(3, dim);
  for (size_t c = 0; y && c < 3; c++)
    for (size_t i = 0; i < o.area; i++) y->data[c * o.area + i] = ra_overlay_value(&o, c, i);
  return y;
}
