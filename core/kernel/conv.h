/* conv.h: what the convolution files share. Every algorithm has the same six
 * functions; conv.c dispatches to them. x [B,C,H,W], w [O,C/groups,kh,kw],
 * y [B,O,Ho,Wo]; see kernel.h. */
#ifndef RA_KERNEL_CONV_H
#define RA_KERNEL_CONV_H

#include "kernel.h"

bool K(conv_can)(const ra_conv *s, ra_conv_kind kind, ra_conv_algo algo);
ra_conv_algo K(conv_choose)(const ra_conv *s, ra_conv_kind kind);
size_t K(conv_work)(const ra_conv *s, ra_conv_kind kind, ra_conv_algo algo);
void K(conv_forward)(const ra_conv *s, ra_conv_algo algo, const ra_real *x, const ra_real *w, const ra_epilogue *e,
                     ra_real *y, void *work);
void K(conv_backward_data)(const ra_conv *s, ra_conv_algo algo, const ra_real *dy, const ra_real *w, bool add,
                           ra_real *dx, void *work);
void K(conv_backward_weight)(const ra_conv *s, ra_conv_algo algo, const ra_real *x, const ra_real *dy, bool add,
                             ra_real *dw, void *work);
void K(gemm)(bool at, bool bt, int32_t M, int32_t N, int32_t K_, const ra_real *A, const ra_real *B, bool add, ra_real *C);

/* Each algorithm: whether it can, its scratch in bytes, and the three directions. */
#define RA_CONV_DECLARE(name)                                                                                         \
  bool K(name##_can)(const ra_conv *s, ra_conv_kind kind);                                                            \
  size_t K(name##_work)(const ra_conv *s, ra_conv_kind kind);                                                         \
  void K(name##_forward)(const ra_conv *s, const ra_real *x, const ra_real *w, const ra_epilogue *e, ra_real *y,      \
                         void *work);                                                                                 \
  void K(name##_backward_data)(const ra_conv *s, const ra_real *dy, const ra_real *w, bool add, ra_real *dx,          \
                               void *work);                                                                           \
  void K(name##_backward_weight)(const ra_conv *s, const ra_real *x, const ra_real *dy, bool add, ra_real *dw,        \
                                 void *work);
RA_CONV_DECLARE(conv_plain)
#ifndef RA_DOUBLE
RA_CONV_DECLARE(conv_direct)
RA_CONV_DECLARE(conv_gemm)
RA_CONV_DECLARE(winograd)
/* conv_double.c: what conv_gemm does for 2x2 with stride 2, the forward step of a transposed convolution */
bool K(conv_double_can)(const ra_conv *s);
size_t K(conv_double_work)(const ra_conv *s);
void K(conv_double_backward_data)(const ra_conv *s, const ra_real *dy, const ra_real *w, bool add, ra_real *dx, void *work);
#endif

/* Scratch sizes are multiples of this, so that every part starts on a cache line. */
static inline size_t conv_align(size_t bytes) { return (bytes + 63) / 64 * 64; }

static inline ra_real conv_act(const ra_epilogue *e, ra_real v) {
  switch (e->act) {
    case RA_ACT_RELU: return v > 0 ? v : 0;
    case RA_ACT_LEAKY_RELU: return v > 0 ? v : v * e->slope;
    default: return v;
  }
}
/* Scale and shift of output o; e may be NULL. */
static inline ra_real conv_scale(const ra_epilogue *e, int32_t o) { return e && e->scale ? e->scale[o] : 1; }
static inline ra_real conv_shift(const ra_epilogue *e, int32_t o) { return e && e->shift ? e->shift[o] : 0; }

#endif
