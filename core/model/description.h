/* description.h: a checkpoint's description of its model's input and output ("ramus.input", "ramus.output"). */
#ifndef RA_MODEL_DESCRIPTION_H
#define RA_MODEL_DESCRIPTION_H

#include "../ramus.h"

enum { RA_CHECKPOINT_FORMAT = 2 };

/* A class of the main output's softmax. */
typedef struct ra_class {
  char *name;       /* [own] */
  int32_t colour;   /* r << 16 | g << 8 | b */
} ra_class;

typedef struct ra_description {
  ra_augment prepare;   /* the preparation of an image; count 0: none */
  double range[2];      /* the numbers of the training's files that became 0 and 1; equal: as their types say */
  bool automatic;       /* in place of range: the percentiles of each image */
  int32_t bits[8], bit_counts; /* of the samples of files for which range holds */
  int32_t main;         /* index of the main output in the template */
  int32_t numerics;     /* RA_NUMERICS_* */
  double threshold;
  int32_t classes;      /* channels of a softmax; 0: one channel, a sigmoid */
  ra_class *class_list; /* [classes] [own] */
  bool averaged;        /* the averaged weights are scored, not the last ones */
} ra_description;

int32_t ra_description_read(ra_description *d, const ra_bundle *b, const ra_template *t); /* d zeroed; to be freed also on failure */
void ra_description_free(ra_description *d);

#endif
