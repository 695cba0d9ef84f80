/* Facts: what the pixels of a mask's file are, without any declaration: its values, colours, palette and alpha. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/error.h"
#include "codec.h"

/* Counts v in a list of at most RA_FACTS_MAX; *n becomes RA_FACTS_MAX + 1 where it is full. *last: where the last one was. */
static void count_in(double v, double *list, double *count, int32_t *n, int32_t *last) {
  int32_t listed = *n > RA_FACTS_MAX ? RA_FACTS_MAX : *n, k = *last;
  if (!(k < listed && list[k] == v))
    for (k = 0; k < listed && list[k] != v; k++) {}
  if (k == RA_FACTS_MAX) *n = RA_FACTS_MAX + 1;
  else {
    if (k == listed) {
      list[k] = v;
      count[k] = 0;
      *n = listed + 1;
    }
    count[k]++;
    *last = k;
  }
}

static void swap(double *list, int32_t a, int32_t b) {
  double t = list[a];
  list[a] = list[b];
  list[b] = t;
}

/* By level, ascending: at most 64 entries. */
static void sort_values(ra_mask_facts *f, int32_t listed) {
  for (int32_t i = 1; i < listed; i++)
    for (int32_t k = i; k > 0 && f->level[k - 1] > f->level[k]; k--) {
      swap(f->level, k - 1, k);
      swap(f->number, k - 1, k);
      swap(f->count, k - 1, k);
    }
}

/* 0: no alpha, 1: the same everywhere, 2: it varies. */
static int32_t alpha_of(const ra_pixels *p) {
  size_t area = (size_t)p->height * (size_t)p->width;
  for (size_t i = 1; p->alpha && i < area; i++)
    if (p->alpha[i] != p->alpha[0]) return 2;
  return p->alpha ? 1 : 0;
}

/* Do the channels differ so much that the colour can be seen? */
static bool is_tinted(uint32_t rgb) {
  int32_t r = (int32_t)(rgb >> 16), g = (int32_t)(rgb >> 8 & 255), b = (int32_t)(rgb & 255), seen = 8;
  return abs(r - g) > seen || abs(g - b) > seen || abs(r - b) > seen;
}

/* The values: levels, the numbers behind them, and how many pixels have each. */
static int32_t collect(const ra_pixels *p, const ra_source *source, ra_mask_facts *f) {
  int32_t area = p->height * p->width, last_value = 0, last_colour = 0;
  f->low = INFINITY;
  f->high = -INFINITY;
  for (int32_t i = 0; i < area; i++) {
    bool coloured;
    double v = ra_pixels_level(p, (size_t)i, source->channel, &coloured);
    if (ra_pixels_void(p, source, (size_t)i)) continue;
    f->pixels++;
    if (!isfinite(v)) return ra_fail(RA_ERR_FORMAT, "row %d, column %d holds %g", i / p->width + 1, i % p->width + 1, v);
    int32_t before = f->values;
    count_in(v, f->level, f->count, &f->values, &last_value);
    if (f->values > before && f->values <= RA_FACTS_MAX) f->number[before] = ra_pixels_number(p, (size_t)i, source->channel);
    f->low = fmin(f->low, v);
    f->high = fmax(f->high, v);
    f->coloured += coloured;
    f->tinted += coloured && is_tinted(ra_pixels_colour(p, (size_t)i));
    if (p->channels >= 3 && source->channel == 0)
      count_in(ra_pixels_colour(p, (size_t)i), f->colour, f->colour_count, &f->colours, &last_colour);
  }
  return RA_OK;
}

int32_t ra_pixels_facts(const ra_pixels *p, const ra_source *source, ra_mask_facts *f) {
  *f = (ra_mask_facts){.details = p->details, .palette = p->entry ? p->entries : 0, .alpha = alpha_of(p)};
  f->details.channels = source->channel > 0 ? 1 : p->channels;
  f->details.height = p->height;
  f->details.width = p->width;
  f->details.bits = p->bits;
  RA_TRY(collect(p, source, f));
  if (f->pixels == 0) f->low = f->high = 0; /* void everywhere */
  double near = f->high / 8, range = f->high - f->low;
  for (int32_t i = 0; i < p->height * p->width; i++) {
    bool coloured;
    double v = ra_pixels_level(p, (size_t)i, source->channel, &coloured);
    if (ra_pixels_void(p, source, (size_t)i)) continue;
    f->upper += v >= f->high / 2;
    f->far += fabs(v) > near && v < f->high - near;
    int bin = range > 0 ? (int)((v - f->low) / range * 16) : 0;
    f->histogram[bin > 15 ? 15 : bin]++;
  }
  int32_t listed = f->values > RA_FACTS_MAX ? RA_FACTS_MAX : f->values;
  sort_values(f, listed);
  for (int32_t k = 0; k < listed; k++)
    if (fabs(f->level[k]) > near && f->level[k] < f->high - near) f->far_most = fmax(f->far_most, f->count[k]);
  return RA_OK;
}
