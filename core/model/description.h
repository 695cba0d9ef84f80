/* description.h: what a checkpoint says of its model's input and output ("ramus.input", "ramus.output"). */
#ifndef RA_MODEL_DESCRIPTION_H
#define RA_MODEL_DESCRIPTION_H

#include "../ramus.h"

enum { RA_CHECKPOINT_FORMAT = 2 };

typedef struct ra_description {
  ra_augment prepare;   /* what is done to an image once; count 0: nothing */
  int32_t main;         /* index of the main output in the template */
  int32_t numerics;     /* RA_NUMERICS_* */
  double threshold;
  bool averaged;        /* the weights' average is what is scored */
} ra_description;

int32_t ra_description_read(ra_description *d, const ra_bundle *b, const ra_template *t);

#endif
