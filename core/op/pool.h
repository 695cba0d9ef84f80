/* What max_pool2d and avg_pool2d share: k, stride (k unless given) and pad as
 * the first six slots, and the shape rule. */
#ifndef RA_OP_POOL_H
#define RA_OP_POOL_H

#include <math.h>

#include "op.h"

#define RA_POOL_PARAMS \
  {.name = "k", .kind = RA_PARAM_PAIR, .default_value = 2, .low = 1, .high = 4096, .help = "size of the window"}, \
  {.name = "stride", .kind = RA_PARAM_PAIR, .default_value = NAN, .low = 1, .high = 4096, .help = "step of the window; k unless given"}, \
  {.name = "pad", .kind = RA_PARAM_PAIR, .default_value = 0, .low = 0, .high = 2048, .help = "border on every side, at most k/2"}

ra_pool ra_pool_of(const ra_call *c);
/* x [B,C,H,W] -> out [B,C,Ho,Wo], Ho = floor((H + 2 pad - k) / stride) + 1 */
int32_t ra_pool_infer(ra_call *c);
ra_sees ra_sees_pool(const ra_call *c, int32_t k, int32_t axis, ra_sight *s);

#endif
