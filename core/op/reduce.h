/* What sum, mean, max and min share: `dim` (a list; all unless given) and `keepdim`
 * as the first slots, the shape rule, and the spread of a gradient. */
#ifndef RA_OP_REDUCE_H
#define RA_OP_REDUCE_H

#include <math.h>

#include "broadcast.h"

enum { RA_REDUCE_DIM = 0, RA_REDUCE_KEEPDIM = 1 + RA_MAX_LIST }; /* slots */

#define RA_REDUCE_PARAMS \
  {.name = "dim", .kind = RA_PARAM_DIMS, .default_value = NAN, .low = 0, .high = RA_MAX_RANK - 1, \
   .help = "over which dimensions; all unless given"}, \
  {.name = "keepdim", .kind = RA_PARAM_BOOL, .default_value = 0, .low = 0, .high = 1, .help = "they stay, with size 1"}

int32_t ra_reduce_infer(ra_call *c);
/* Pixel by pixel where the plane, the last two dimensions, stays. */
ra_sees ra_sees_reduce(const ra_call *c, int32_t k, int32_t axis, ra_sight *s);
/* Space over x with the output as array 0. */
ra_space ra_reduce_space(const ra_call *c);
int64_t ra_reduce_count(const ra_call *c); /* elements of x to one of the output */
void ra_reduce_sum(ra_call *c, double scale);
/* dx (+)= scale * dy, stretched to the shape of x */
void ra_reduce_spread(ra_call *c, double scale);

#endif
