/* soft_skeleton.h: the soft skeleton of a plane [H,W] of numbers in 0..1 (Shit et al., CVPR 2021). With erosion E (the least of a pixel
 * and its four neighbours) and dilation D (the greatest of 3x3),
 *   x_0 = x, x_j = E(x_(j-1)), d_j = max(x_j - D(x_(j+1)), 0), s_0 = d_0, s_j = s_(j-1) + d_j (1 - s_(j-1))
 * Beyond the border there is nothing, neither least nor greatest. */
#ifndef RA_LOSS_SOFT_SKELETON_H
#define RA_LOSS_SOFT_SKELETON_H

#include "loss.h"

typedef struct ra_soft_skeleton {
  int32_t H, W, levels; /* s_0 to s_(levels - 1) */
} ra_soft_skeleton;

static inline int64_t ra_soft_area(const ra_soft_skeleton *j) { return (int64_t)j->H * j->W; }

/* The soft skeleton of x[0], whose erosions are written to x[1], x[2], .. and stages to s, one behind the other; step 0: in place. */
void ra_soft_skeleton_forward(const ra_soft_skeleton *j, ra_real *x, ra_real *s, int64_t step_x, int64_t step_s);

/* From gs, the gradient of s_k: what d_k gets is added to now (of x_k) and, behind the dilation, next (of x_(k+1)); gs becomes that of
 * s_(k-1). */
void ra_soft_skeleton_backward(const ra_soft_skeleton *j, int32_t k, const ra_real *x, const ra_real *s, ra_real *gs, ra_real *now,
                               ra_real *next);

#endif
