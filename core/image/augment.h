/* augment.h: shared by the files of augmentation (augment.c, augment_space.c,
 * augment_tone.c). The public side is in api.h. */
#ifndef RA_AUGMENT_H
#define RA_AUGMENT_H

#include <stddef.h>

#include "../base/random.h"
#include "../ramus.h"

enum { RA_AUGMENT_CROP_NUMBER = 1000 /* number that keys the crop's draws */ };

/* The number that keys a step's draws: its kind (plus 16 for each earlier step of that kind), so that adding or removing
 * other steps does not change what this one draws. */
int32_t ra_augment_number(const ra_augment *program, int32_t step);

/* Grows the scratch to hold n values; NULL on failure. Its earlier content is lost. */
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

/* x_in = xx*x + xy*y + bx, y_in = yx*x + yy*y + by */
typedef struct ra_affine {
  double xx, xy, yx, yy;
  double bx, by;
} ra_affine;

/* Arguments of a geometric step. */
typedef struct ra_space_step {
  const ra_augment_step *step;
  double value;              /* drawn in [a, b) */
  const ra_random_key *key;
  int32_t number;            /* keys its draws */
  bool any_turn;             /* quarter turns are allowed: the result keeps its size, because it is square or a crop */
  int32_t *canvas_h, *canvas_w;
} ra_space_step;

/* The planes that steps on grey values act on. */
typedef struct ra_tone_image {
  ra_real *data; /* [channels,H,W] */
  int32_t channels, height, width;
} ra_tone_image;

typedef struct ra_tone_step {
  const ra_augment_step *step;
  double value;              /* drawn in [a, b) */
  const ra_random_key *key;
  int32_t number;
  ra_augment_scratch *scratch;
} ra_tone_step;

/* A kind of step: its description and what it does, one of the two functions (elastic has none: it is no affine map). The rows
 * are in augment_space.c and augment_tone.c; a new step is a row there, with a kind of its own from RA_AUGMENT_COUNT on. */
typedef struct ra_augment_row {
  ra_augment_kind about;
  ra_affine (*space)(ra_affine m, const ra_space_step *s);
  int32_t (*tone)(const ra_tone_image *p, const ra_tone_step *s);
} ra_augment_row;
extern const ra_augment_row ra_augment_space_rows[], ra_augment_tone_rows[];
extern const int32_t ra_augment_space_count, ra_augment_tone_count;

/* The row of a kind, or NULL. */
const ra_augment_row *ra_augment_row_of(int32_t kind);
bool ra_augment_is_space(int32_t kind);

#endif
