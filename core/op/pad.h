/* What pad and pad_to share: a border around the last two dimensions. */
#ifndef RA_OP_PAD_H
#define RA_OP_PAD_H

#include <math.h>

#include "op.h"

enum { RA_PAD_CONSTANT, RA_PAD_EDGE, RA_PAD_REFLECT };

typedef struct ra_border {
  int32_t left, right, top, bottom, mode;
  ra_real value; /* of mode constant */
} ra_border;

/* The parameters mode and value, and the three functions of an op whose border_of(c) reads its border from the parameters. */
#define RA_BORDER_PARAMS(default_mode) \
  {.name = "mode", .kind = RA_PARAM_CHOICE, .default_value = default_mode, .low = 0, .high = 2, \
   .choices = "constant|edge|reflect", .help = "what the border holds"}, \
  {.name = "value", .kind = RA_PARAM_NUMBER, .default_value = 0, .low = -INFINITY, .high = INFINITY, .help = "of mode constant"}
#define RA_BORDER_OP(border_of) \
  static void forward(ra_call *c) { ra_pad_forward(c, &(ra_border[]){border_of(c)}[0]); } \
  static void backward(ra_call *c) { ra_pad_backward(c, &(ra_border[]){border_of(c)}[0]); }

int32_t ra_pad_infer(ra_call *c, const ra_border *b);
/* With first and last pixels added at the two ends of an axis. */
ra_sees ra_pad_sees(const ra_border *b, int32_t first, int32_t last, ra_sight *s);
void ra_pad_forward(ra_call *c, const ra_border *b);
void ra_pad_backward(ra_call *c, const ra_border *b);

#endif
