/* What group_norm and instance_norm share: normalisation of x [B,C,...] over
 * each group of consecutive channels of one sample. */
#ifndef RA_OP_GROUP_H
#define RA_OP_GROUP_H

#include "op.h"

enum { RA_GROUP_X, RA_GROUP_WEIGHT, RA_GROUP_BIAS }; /* inputs of both */

int32_t ra_group_infer(ra_call *c, int32_t groups);
void ra_group_forward(ra_call *c, int32_t groups, double eps);
void ra_group_backward(ra_call *c, int32_t groups);

#endif
