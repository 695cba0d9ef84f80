/* What upsample and upsample_like share: mode and align_corners as two neighbouring slots, the shape rule, forward and backward. */
#ifndef RA_OP_RESAMPLE_H
#define RA_OP_RESAMPLE_H

#include "op.h"

#define RA_RESAMPLE_PARAMS \
  {.name = "mode", .kind = RA_PARAM_CHOICE, .default_value = 0, .low = 0, .high = 1, .choices = "nearest|bilinear", \
   .help = "how to interpolate"}, \
  {.name = "align_corners", .kind = RA_PARAM_BOOL, .default_value = 0, .low = 0, .high = 1, \
   .help = "bilinear: centres of the corner pixels coincide, not their outer corners"}

/* slot: of mode; scale: from x to y, NaN: by their sizes. The output is out; infer sets it to [B,C,H,W] of x [B,C,..]. */
int32_t ra_resample_infer(ra_call *c, int32_t slot, double scale, double H, double W);
void ra_resample_forward(ra_call *c, int32_t slot, double scale);
ra_sees ra_resample_sees(const ra_call *c, int32_t slot, double scale, int32_t axis, ra_sight *s);
void ra_resample_backward(ra_call *c, int32_t slot, double scale);

#endif
