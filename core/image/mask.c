/* Masks: [H,W] of 0 and 1 from a declared threshold, with a report of the
 * file's values, so that a mask that is not binary is never used silently. */
#include <math.h>
#include <string.h>

#include "image.h"

/* Pixel i in units of 0..255, before rounding; *coloured when its channels differ. */
static double level(const ra_pixels *p, size_t i, size_t area, bool *coloured) {
  size_t C = (size_t)p->channels;
  double sum = 0;
  *coloured = false;
  if (p->value) {
    for (size_t c = 0; c < C; c++) {
      sum += (double)p->value[c * area + i];
      if (p->value[c * area + i] != p->value[i]) *coloured = true;
    }
    return sum / (double)C * 255;
  }
  for (size_t c = 0; c < C; c++) {
    sum += p->sample[i * C + c];
    if (p->sample[i * C + c] != p->sample[i * C]) *coloured = true;
  }
  return sum / (double)C * 255 / p->max_value;
}

void ra_pixels_mask(const ra_pixels *p, double threshold, ra_real *mask, ra_mask_report *report) {
  size_t area = (size_t)p->height * (size_t)p->width;
  ra_mask_report r = {.pixels = (double)area, .low = INFINITY, .high = -INFINITY, .threshold = threshold};
  for (size_t i = 0; i < area; i++) {
    bool coloured;
    double v = level(p, i, area, &coloured);
    mask[i] = v >= threshold ? 1 : 0;
    r.ones += v >= threshold;
    r.coloured += coloured;
    if (v < r.low) r.low = v;
    if (v > r.high) r.high = v;
    double bin = floor(v / 16);
    r.histogram[!(bin > 0) ? 0 : bin > 15 ? 15 : (int)bin]++;
  }
  for (size_t i = 0; i < area; i++) {
    bool coloured;
    double v = level(p, i, area, &coloured);
    if (!(v == r.low || v == r.high)) r.between++;
  }
  *report = r;
}

ra_tensor *ra_mask_load(const char *path, double threshold, ra_mask_report *report) {
  ra_pixels p;
  if (ra_pixels_read(path, 0, false, &p) != RA_OK) return NULL;
  int32_t dim[2] = {p.height, p.width};
  ra_mask_report unused;
  ra_tensor *t = ra_tensor_new(2, dim);
  if (t) ra_pixels_mask(&p, threshold, t->data, report ? report : &unused);
  ra_pixels_free(&p);
  return t;
}
