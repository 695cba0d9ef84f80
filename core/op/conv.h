/* What conv2d and conv_transpose2d share: parameters, and the gradient of the bias. */
#ifndef RA_OP_CONV_H
#define RA_OP_CONV_H

#include "op.h"

#define RA_CONV_PARAMS \
  {.name = "dilation", .kind = RA_PARAM_PAIR, .default_value = 1, .low = 1, .high = 1024, .help = "distance of weights"}, \
  {.name = "groups", .kind = RA_PARAM_INT, .default_value = 1, .low = 1, .high = 65536, \
   .help = "channels are cut into so many independent groups"}

/* dbias[o] (+)= sum of dy over images and positions, for input 2 if its gradient is wanted. */
void ra_conv_bias_grad(ra_call *c);

#endif
