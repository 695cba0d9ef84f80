/* overlay.h: a prediction painted on an image, pixel by pixel. */
#ifndef RA_OVERLAY_H
#define RA_OVERLAY_H

#include <stddef.h>

#include "../ramus.h"

typedef struct ra_overlay {
  const ra_real *x, *prediction, *truth; /* truth [opt] */
  size_t area;                           /* H W */
  bool coloured;                         /* x has three channels */
  double threshold, alpha;
  const double *colour; /* [4][3] */
} ra_overlay;

/* Whether the sizes fit: a message where they do not. */
int32_t ra_overlay_check(const ra_image_out *o);
ra_overlay ra_overlay_of(const ra_image_out *o); /* of an image that has a prediction */

/* Index of the colour of pixel i, or -1. */
static inline int32_t ra_overlay_colour(const ra_overlay *o, size_t i) {
  bool positive = (double)o->prediction[i] >= o->threshold;
  if (!o->truth) return positive ? 3 : -1;
  bool foreground = o->truth[i] >= (ra_real)0.5;
  return positive ? (foreground ? 0 : 1) : foreground ? 2 : -1;
}

/* y = v + alpha (colour - v), v = x clamped to 0..1, where a colour applies; else v. c: the channel of y, of three. */
static inline ra_real ra_overlay_value(const ra_overlay *o, size_t c, size_t i) {
  double v = (double)o->x[(o->coloured ? c * o->area : 0) + i];
  v = v < 1 ? v : 1;
  v = v > 0 ? v : 0;
  int32_t k = ra_overlay_colour(o, i);
  return (ra_real)(k < 0 ? v : v + o->alpha * (o->colour[3 * k + (int32_t)c] - v));
}

#endif
