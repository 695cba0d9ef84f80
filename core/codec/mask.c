/* Masks and labels: from the pixels of a file to foreground or classes, as a source declares it.
 *   mask   [H,W] of 0 and 1, with a report of the file's values
 *   label  [H,W] of class numbers, RA_VOID where the truth is not known
 * A threshold looks at levels (the mean of the channels in units of 0..255), rules at keys: numbers of the file, or colours. */
#include <math.h>
#include <string.h>

#include "../base/error.h"
#include "codec.h"

/* Entry of sample or value that holds channel c (0-based) of pixel i. */
static size_t entry_of(const ra_pixels *p, size_t i, size_t c) {
  return p->value ? c * (size_t)p->height * (size_t)p->width + i : i * (size_t)p->channels + c;
}

double ra_pixels_level(const ra_pixels *p, size_t i, int32_t channel, bool *coloured) {
  size_t first = channel > 0 ? (size_t)channel - 1 : 0, last = channel > 0 ? first + 1 : (size_t)p->channels;
  double sum = 0, count = (double)(last - first);
  *coloured = false;
  if (first >= (size_t)p->channels) return (double)p->alpha[i] * 255 / p->max_value;
  if (p->value) {
    for (size_t c = first; c < last; c++) {
      ra_real v = p->value[entry_of(p, i, c)];
      sum += ra_pixels_shown(p, (double)v);
      if (v != p->value[entry_of(p, i, first)]) *coloured = true;
    }
    return sum / count * 255;
  }
  for (size_t c = first; c < last; c++) {
    uint16_t v = p->sample[entry_of(p, i, c)];
    sum += v;
    if (v != p->sample[entry_of(p, i, first)]) *coloured = true;
  }
  return sum / count * 255 / p->max_value;
}

/* ---- rules ---- */

/* 8 bits of channel c of pixel i. */
static uint32_t eight_bits(const ra_pixels *p, size_t i, size_t c) {
  size_t e = entry_of(p, i, p->channels > 1 ? c : 0);
  double v = p->value ? ra_pixels_shown(p, (double)p->value[e]) : (double)p->sample[e] / p->max_value;
  return v > 0 ? v < 1 ? (uint32_t)(v * 255 + 0.5) : 255 : 0;
}

uint32_t ra_pixels_colour(const ra_pixels *p, size_t i) {
  return eight_bits(p, i, 0) << 16 | eight_bits(p, i, 1) << 8 | eight_bits(p, i, 2);
}

/* *key <- what the rules of a source look at in pixel i. */
static int32_t key_of(const ra_pixels *p, const ra_source *s, size_t i, double *key) {
  if (s->key == RA_KEY_COLOUR) {
    *key = ra_pixels_colour(p, i);
    return RA_OK;
  }
  bool coloured;
  (void)ra_pixels_level(p, i, s->channel, &coloured);
  if (coloured && !p->entry)
    return ra_fail(RA_ERR_FORMAT, "the pixel in row %d, column %d has the colour #%06x: colours are no classes by themselves; declare "
                   "`colours`, or the `channel` that holds the classes", (int32_t)i / p->width + 1, (int32_t)i % p->width + 1,
                   ra_pixels_colour(p, i));
  *key = ra_pixels_number(p, i, s->channel);
  return RA_OK;
}

static bool names_class(const ra_source *s) {
  for (int32_t k = 0; k < s->rules; k++)
    if (s->rule[k].becomes >= 0) return true;
  return false;
}

/* *class <- that of a pixel by the rules; NaN where no rule covers it and none names a class. */
static int32_t class_of(const ra_pixels *p, const ra_source *s, bool named, size_t i, double *class) {
  double key = 0;
  *class = (double)NAN;
  if (s->rules > 0 || s->key != RA_KEY_VALUE) RA_TRY(key_of(p, s, i, &key));
  for (int32_t k = 0; k < s->rules; k++)
    if (key >= s->rule[k].low && key <= s->rule[k].high) {
      *class = s->rule[k].becomes;
      return RA_OK;
    }
  int32_t row = (int32_t)i / p->width + 1, column = (int32_t)i % p->width + 1;
  if (named && s->key == RA_KEY_COLOUR)
    return ra_fail(RA_ERR_FORMAT, "no rule of `colours` covers #%06x in row %d, column %d", (uint32_t)key, row, column);
  if (named) return ra_fail(RA_ERR_FORMAT, "no rule of `values` covers %g in row %d, column %d", key, row, column);
  return RA_OK;
}

bool ra_pixels_void(const ra_pixels *p, const ra_source *source, size_t i) {
  double class;
  return source->rules > 0 && class_of(p, source, false, i, &class) == RA_OK && class == RA_VOID;
}

static int32_t check(const ra_pixels *p, const ra_source *s) {
  if (!ra_pixels_has_channel(p, s->channel))
    return ra_fail(RA_ERR_ARG, "channel %d was asked for, the file has %d%s", s->channel, p->channels, p->alpha ? " and alpha (4)" : "");
  if (s->key < 0 || s->key >= RA_KEY_COUNT) return ra_fail(RA_ERR_ARG, "there is no key %d", s->key);
  return RA_OK;
}

/* ---- masks ---- */

/* The threshold that tells two values apart, or half of the largest where there are more. */
static double found_threshold(const ra_pixels *p, const ra_source *s) {
  size_t area = (size_t)p->height * (size_t)p->width;
  double low = INFINITY, high = -INFINITY;
  bool coloured, more = false;
  for (int pass = 0; pass < 2; pass++)
    for (size_t i = 0; i < area; i++) {
      double v = ra_pixels_level(p, i, s->channel, &coloured);
      if (ra_pixels_void(p, s, i)) continue;
      if (pass == 1) more = more || !(v == low || v == high);
      else {
        low = fmin(low, v);
        high = fmax(high, v);
      }
    }
  if (low == high) return high > 0 ? high : 1;
  return more ? high / 2 : (low + high) / 2;
}

static void note(ra_mask_report *r, double v, bool coloured, bool one) {
  r->ones += one;
  r->coloured += coloured;
  if (v < r->low) r->low = v;
  if (v > r->high) r->high = v;
  double bin = floor(v / 16);
  r->histogram[!(bin > 0) ? 0 : bin > 15 ? 15 : (int)bin]++;
}

int32_t ra_pixels_mask(const ra_pixels *p, const ra_source *source, ra_real *mask, ra_mask_report *report) {
  RA_TRY(check(p, source));
  size_t area = (size_t)p->height * (size_t)p->width;
  bool named = names_class(source), coloured;
  ra_mask_report r = {.pixels = (double)area, .low = INFINITY, .high = -INFINITY, .threshold = source->threshold};
  if (isnan(r.threshold) && !named) r.threshold = found_threshold(p, source);
  for (size_t i = 0; i < area; i++) {
    double class = (double)NAN, v = ra_pixels_level(p, i, source->channel, &coloured);
    if (source->rules > 0) RA_TRY(class_of(p, source, named, i, &class));
    if (class == RA_VOID) {
      mask[i] = 0;
      r.voids++;
      continue;
    }
    bool one = (isnan(class) ? v >= r.threshold : class > 0) != source->invert;
    mask[i] = one ? 1 : 0;
    note(&r, v, coloured, one);
  }
  for (size_t i = 0; i < area; i++) {
    double v = ra_pixels_level(p, i, source->channel, &coloured);
    if (r.voids > 0 && ra_pixels_void(p, source, i)) continue;
    if (!(v == r.low || v == r.high)) r.between++;
  }
  *report = r;
  return RA_OK;
}

ra_tensor *ra_mask_load(const char *path, double threshold, ra_mask_report *report) {
  ra_pixels p;
  if (ra_pixels_read(path, 0, false, &p) != RA_OK) return NULL;
  int32_t dim[2] = {p.height, p.width};
  ra_mask_report unused;
  const ra_source source = {.threshold = threshold};
  ra_tensor *t = ra_tensor_new(2, dim);
  if (t && ra_pixels_mask(&p, &source, t->data, report ? report : &unused) != RA_OK) {
    ra_tensor_release(t);
    t = NULL;
  }
  ra_pixels_free(&p);
  return t;
}

/* ---- labels ---- */

int32_t ra_pixels_label(const ra_pixels *p, const ra_source *source, ra_real *label) {
  RA_TRY(check(p, source));
  int32_t area = p->height * p->width;
  bool named = names_class(source);
  for (int32_t i = 0; i < area; i++) {
    double c;
    RA_TRY(class_of(p, source, named, (size_t)i, &c));
    if (isnan(c)) RA_TRY(key_of(p, source, (size_t)i, &c));
    else if (c == RA_VOID) {
      label[i] = RA_VOID;
      continue;
    }
    if (!(c >= 0 && c == floor(c) && c < (1 << 24)))
      return ra_fail(RA_ERR_FORMAT, "%g in row %d, column %d is no class; classes are whole numbers from 0 on", c, i / p->width + 1,
                     i % p->width + 1);
    label[i] = (ra_real)c;
  }
  return RA_OK;
}
