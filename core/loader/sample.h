/* The pictures of a data set, decoded and prepared once, kept in memory up to a
 * budget, and augmented by key. Safe to use from several threads. */
#ifndef RA_LOADER_SAMPLE_H
#define RA_LOADER_SAMPLE_H

#include <stddef.h>

#include "../ramus.h"

typedef struct ra_sample_set ra_sample_set;

/* One picture with its mask and field of view, ready for a batch. */
typedef struct ra_sample {
  ra_tensor *x;     /* [C,H,W] */
  ra_tensor *y;     /* [H,W] 0 or 1; NULL: no mask */
  ra_tensor *fov;   /* [H,W] 0 or 1; NULL: everywhere */
} ra_sample;

void ra_sample_clear(ra_sample *s); /* releases what it holds */

ra_sample_set *ra_sample_set_new(int32_t channels, double cache_bytes, const ra_augment *prepare, const ra_augment *augment);
void ra_sample_set_free(ra_sample_set *set);
int32_t ra_sample_set_add(ra_sample_set *set, const char *id, const char *image, const char *mask, const char *fov,
                          double threshold);
int32_t ra_sample_set_count(const ra_sample_set *set);
const char *ra_sample_set_id(const ra_sample_set *set, int32_t index);

/* Sample `index`, augmented by the key (seed, epoch, occurrence). Messages name the sample. */
int32_t ra_sample_make(ra_sample_set *set, int32_t index, double seed, int32_t epoch, int32_t occurrence, ra_sample *out);

/* What the mask's file held; false while it was not decoded yet or has no mask. */
bool ra_sample_report(ra_sample_set *set, int32_t index, ra_mask_report *report);

#endif
