/* What the ops y = f(x) share: each such op is a file with its table, these
 * functions call the kernel `unary`. */
#ifndef RA_POINTWISE_H
#define RA_POINTWISE_H

#include "op.h"

int32_t ra_pointwise_infer(ra_call *c);
/* f with p and q from slots 0 and 1 (0 where the op has no such parameter). */
void ra_pointwise_forward(ra_call *c, ra_unary f);
void ra_pointwise_backward(ra_call *c, ra_unary f);

/* Defines forward and backward for an op's table. */
#define RA_POINTWISE(kind) \
  static void forward(ra_call *c) { ra_pointwise_forward(c, kind); } \
  static void backward(ra_call *c) { ra_pointwise_backward(c, kind); }

#endif
