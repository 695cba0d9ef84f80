/* What softmax and log_softmax share: checks, and the shape as [outer, dim, inner] for their kernel. */
#ifndef RA_SOFTEN_H
#define RA_SOFTEN_H

#include "op.h"

extern const ra_param ra_softmax_common_params[]; /* dim */

int32_t ra_softmax_common_infer(ra_call *c);
/* logarithm: log_softmax */
void ra_softmax_common_forward(ra_call *c, bool logarithm);
void ra_softmax_common_backward(ra_call *c, bool logarithm);

#endif
