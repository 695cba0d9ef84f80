/* mix.h: images of a batch mixed with each other: mixup and CutMix. */
#ifndef RA_LOADER_MIX_H
#define RA_LOADER_MIX_H

#include "../ramus.h"

/* What happens to one batch. */
typedef struct ra_mixture {
  bool acts, cut;
  double share;                     /* mixup: of an image itself; the rest is its partner's */
  int32_t top, left, bottom, right; /* CutMix: the window that is the partner's, from top, left to below bottom, right */
} ra_mixture;

/* Checks that the fields allow what the program asks for. */
int32_t ra_mix_check(const ra_augment *program, int32_t fields, const ra_field *field);

/* The mixture of batch `step` of an epoch, of count images of H x W, and each image's partner [count]: a function of its arguments. */
ra_mixture ra_mix_draw(const ra_augment *program, double seed, int32_t epoch, int32_t step, int32_t count, int32_t H, int32_t W,
                       int32_t *partner);

/* Mixes the partner's field [channels,H,W], NULL: full of field->absent, into that of an image. */
void ra_mix_put(const ra_mixture *m, const ra_field *field, const ra_real *partner, int32_t H, int32_t W, ra_real *to);

#endif
