/* augment.h: shared by the files of augmentation (augment.c, augment_space.c,
 * augment_tone.c). The public side is in api.h. */
#ifndef RA_AUGMENT_H
#define RA_AUGMENT_H

#include <stddef.h>

#include "../base/random.h"
#include "../ramus.h"

enum { RA_AUGMENT_CROP_NUMBER = 1000 /* of the crop's draws */ };

/* The number that keys a step's draws: its kind (plus 16 for each earlier step of that kind), so that adding or removing
 * other steps does not change what this one draws. */
int32_t ra_augment_number(const ra_augment *program, int32_t step);

/* Grows the scratch to hold n values; NULL on failure. What it held is lost. */
ra_real *ra_augment_reserve(ra_augment_scratch *s, size_t n);

/* Draw number `draw` of a step with that number, in [low, high). */
double ra_augment_draw(const ra_random_key *key, int32_t number, int32_t draw, double low, double high);
/* First of 2^32 elements for a step that needs many. */
uint64_t ra_augment_many(int32_t number);

/* Draw 0 of a step decides whether it acts. */
bool ra_augment_acts(const ra_augment *program, int32_t step, const ra_random_key *key);

/* The geometric steps and the crop as one warp from in to out (of the output's size). */
int32_t ra_augment_space(const ra_augment *program, const ra_sample_planes *in, const ra_sample_planes *out,
                         const ra_random_key *key, ra_augment_scratch *s);
/* The steps on grey values, in order, in place, on every field of kind image. */
int32_t ra_augment_tone(const ra_augment *program, const ra_sample_planes *out, const ra_random_key *key,
                        ra_augment_scratch *s);

bool ra_augment_is_space(int32_t kind);

#endif
