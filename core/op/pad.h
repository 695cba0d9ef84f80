/* What pad and pad_to share: a border around the last two dimensions. */
#ifndef RA_OP_PAD_H
#define RA_OP_PAD_H

#include "op.h"

enum { RA_PAD_CONSTANT, RA_PAD_EDGE, RA_PAD_REFLECT };

typedef struct ra_border {
  int32_t left, right, top, bottom, mode;
  ra_real value; /* of mode constant */
} ra_border;

int32_t ra_pad_infer(ra_call *c, const ra_border *b);
void ra_pad_forward(ra_call *c, const ra_border *b);
void ra_pad_backward(ra_call *c, const ra_border *b);

#endif
