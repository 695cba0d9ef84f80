/* The samples of a data set, decoded and prepared once, kept in memory up to a
 * budget, and augmented by key. Safe to use from several threads. */
#ifndef RA_LOADER_SAMPLE_H
#define RA_LOADER_SAMPLE_H

#include <stddef.h>

#include "../ramus.h"

typedef struct ra_sample_set ra_sample_set;

/* One sample, ready for a batch: a tensor [C,H,W] for each field of the set; NULL: it has no such field. */
typedef struct ra_sample {
  ra_tensor *field[RA_FIELDS_MAX];
} ra_sample;

void ra_sample_clear(ra_sample *s); /* releases its tensors */

/* Fields, prepare and augment are copied. */
ra_sample_set *ra_sample_set_new(int32_t fields, const ra_field *field, double cache_bytes, const ra_augment *prepare,
                                 const ra_augment *augment);
void ra_sample_set_free(ra_sample_set *set);
int32_t ra_sample_set_add(ra_sample_set *set, const char *id, const ra_source *source); /* source[fields] */
int32_t ra_sample_set_count(const ra_sample_set *set);
const char *ra_sample_set_id(const ra_sample_set *set, int32_t index);
int32_t ra_sample_set_fields(const ra_sample_set *set);
const ra_field *ra_sample_set_field(const ra_sample_set *set, int32_t f);

/* Sample `index`, augmented by the key (seed, epoch, occurrence). Messages name the sample. */
int32_t ra_sample_make(ra_sample_set *set, int32_t index, double seed, int32_t epoch, int32_t occurrence, ra_sample *out);

/* The report of a mask's file; false if it has not been decoded yet or the sample has no mask. */
bool ra_sample_report(ra_sample_set *set, int32_t index, int32_t field, ra_mask_report *report);

#endif
