/* field.h: one field of one sample, decoded from its source as its kind says. */
#ifndef RA_LOADER_FIELD_H
#define RA_LOADER_FIELD_H

#include "../codec/codec.h"

/* Checks field[count]: at least one, the first an image, each with channels that its kind allows. */
int32_t ra_fields_check(int32_t count, const ra_field *field);

/* The field whose values at or above one half are foreground: the first named "mask", else the first label; -1: none. */
int32_t ra_fields_foreground(int32_t count, const ra_field *field);

/* The decoded pixels of a source. Those of a tensor are borrowed: p->value = NULL before ra_pixels_free. */
int32_t ra_source_pixels(const ra_source *source, ra_pixels *p);

/* *out [own] <- [C,H,W]; NULL where the source has none. report [opt] is written for masks. */
int32_t ra_field_decode(const ra_field *field, const ra_source *source, ra_tensor **out, ra_mask_report *report);

/* A source with its own copies of path, tensor and rules. */
typedef struct ra_kept_source {
  ra_source source;
  char *path;
  ra_value_rule *rule;
  ra_tensor *tensor;
} ra_kept_source;
int32_t ra_kept_source_set(ra_kept_source *k, const ra_source *from);
void ra_kept_source_free(ra_kept_source *k);

#endif
