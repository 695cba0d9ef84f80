/* What softmax and log_softmax share: checks, and the shape as [outer, dim, inner] for their kernel. */
#ifndef RA_SOFTEN_H
#define RA_SOFTEN_H

#include "op.h"

extern const ra_param ra_soften_params[]; /* dim */

int32_t ra_soften_infer(ra_call *c);
/* logarithm: log_softmax */
void ra_soften_forward(ra_call *c, bool logarithm);
void ra_soften_backward(ra_call *c, bool logarithm);

#endif
