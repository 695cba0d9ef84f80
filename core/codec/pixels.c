/* Decoded pixels: their size, and their conversion to planes in 0..1 or to the
 * numbers of the file. */
#include <math.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "codec.h"

void ra_pixels_free(ra_pixels *p) {
  ra_mem_free(p->sample);
  if (!p->borrowed) ra_mem_free(p->value);
  ra_mem_free(p->alpha);
  ra_mem_free(p->entry);
  p->sample = p->alpha = NULL;
  p->value = NULL;
  p->entry = NULL;
}

bool ra_pixels_has_channel(const ra_pixels *p, int32_t channel) {
  return channel >= 0 && (channel <= p->channels || (channel == 4 && p->alpha));
}

int32_t ra_pixels_size(ra_pixels *p, int32_t channels, double width, double height, double most, bool header_only) {
  if (!(width >= 1 && height >= 1)) return ra_fail(RA_ERR_FORMAT, "an image of %.0f x %.0f pixels is empty", width, height);
  double samples = width * height * channels;
  if (width > RA_IMAGE_SIDE_MAX || height > RA_IMAGE_SIDE_MAX || samples > RA_IMAGE_SAMPLES_MAX)
    return ra_fail(RA_ERR_FORMAT, "%.0f x %.0f pixels of %d channel%s are more than Ramus reads (2^28 samples, sides of 2^20)",
                   width, height, channels, channels == 1 ? "" : "s");
  if (samples > most)
    return ra_fail(RA_ERR_FORMAT, "the header promises %.0f x %.0f pixels, the file is too short for that: broken or cut off",
                   width, height);
  p->channels = channels;
  p->width = (int32_t)width;
  p->height = (int32_t)height;
  if (header_only) return RA_OK;
  p->sample = ra_mem_alloc((size_t)samples, sizeof *p->sample);
  return p->sample ? RA_OK : RA_ERR_MEMORY;
}

double ra_pixels_shown(const ra_pixels *p, double number) {
  double low = p->details.window[0], range = p->details.window[1] - low, v;
  if (p->curve == RA_CURVE_NONE) return number;
  if (p->curve == RA_CURVE_SIGMOID && range > 0) v = 1 / (1 + exp(-4 * ((number - low) / range - 0.5)));
  else v = range > 0 ? fmin(fmax((number - low) / range, 0), 1) : number > low;
  return p->inverted ? 1 - v : v;
}

ra_image_details ra_pixels_details(const ra_pixels *p) {
  ra_image_details d = p->details;
  d.channels = p->channels, d.height = p->height, d.width = p->width, d.bits = p->bits;
  return d;
}

int32_t ra_pixels_is_image(const ra_pixels *p) {
  if (p->channels == 1 || p->channels == 3) return RA_OK;
  return ra_fail(RA_ERR_SHAPE, "the file holds %d channels of %dx%d pixels, an image has 1 or 3; an array is [H,W], [C,H,W], or "
                 "[H,W,C] where only the last is 1, 3 or 4: take the channels, or the slice, that are meant", p->channels, p->width,
                 p->height);
}

void ra_pixels_planes(const ra_pixels *p, ra_real *data) {
  size_t area = (size_t)p->height * (size_t)p->width, C = (size_t)p->channels;
  if (p->value && p->curve != RA_CURVE_NONE) {
    for (size_t i = 0; i < area * C; i++) data[i] = (ra_real)ra_pixels_shown(p, (double)p->value[i]);
    return;
  }
  if (p->value) {
    memcpy(data, p->value, area * C * sizeof *data);
    return;
  }
  ra_real max_value = (ra_real)p->max_value; /* divided, not multiplied by 1/max_value: 255/255 must be 1 */
  if (C == 1) {
    const uint16_t *sample = p->sample;
    _Pragma("omp simd")
    for (size_t i = 0; i < area; i++) data[i] = (ra_real)sample[i] / max_value;
    return;
  }
  for (size_t c = 0; c < C; c++)
    for (size_t i = 0; i < area; i++) data[c * area + i] = (ra_real)p->sample[i * C + c] / max_value;
}

double ra_pixels_number(const ra_pixels *p, size_t i, int32_t channel) {
  size_t c = channel > 0 ? (size_t)channel - 1 : 0, C = (size_t)p->channels;
  if (channel == 0 && p->entry) return p->entry[i];
  if (c >= C) return p->alpha[i];
  if (p->value && p->curve != RA_CURVE_NONE) return (double)p->value[c * (size_t)p->height * (size_t)p->width + i];
  if (p->value) {
    double v = (double)p->value[c * (size_t)p->height * (size_t)p->width + i] * p->max_value, whole = floor(v + 0.5);
    return p->max_value > 1 ? whole : v;
  }
  /* PNG with less than 8 bits was widened to 0..255 */
  if (p->bits < 8 && p->max_value == 255 && !p->entry) return (double)p->sample[i * C + c] * ((1 << p->bits) - 1) / 255;
  return p->sample[i * C + c];
}
