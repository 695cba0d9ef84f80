/* What max, min and argmax share: the place of the greatest or least element over some dimensions. Of equal ones the
 * first counts; NaN wins. */
#ifndef RA_OP_EXTREME_H
#define RA_OP_EXTREME_H

#include "op.h"

/* The shape rule of max and min: as ra_reduce_infer, with something to choose from; saves the places. */
int32_t ra_extreme_infer(ra_call *c);
void ra_extreme_forward(ra_call *c, bool least);
void ra_extreme_backward(ra_call *c);

/* Does v come before the best so far? */
static inline bool ra_extreme_better(ra_real v, ra_real best, bool least) {
  return (least ? v < best : v > best) || (v != v && best == best);
}

#endif
