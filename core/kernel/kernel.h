/* kernel.h: the hot loops, one table of functions per instruction set.
 *
 * Every file of this folder but kernel.c is compiled once per instruction set
 * (RA_ISA = one of base/isa.def); K(name) gives each build its own symbol.
 * kernels.def lists the kernels, algos.def the algorithms of a convolution.
 * table.c of each build fills a ra_kernels; ra_kernel() returns the active one.
 *
 * All arrays are NCHW ra_real. Results have the same bits for any number of
 * threads: work is cut by shape. `add` means: add to the target instead of
 * overwriting it. Scratch memory comes from the caller, 64-byte aligned; the
 * *_work functions say how many bytes. */
#ifndef RA_KERNEL_H
#define RA_KERNEL_H

#include <stddef.h>

#include "../base/random.h"
#include "../ramus.h"

#ifdef RA_ISA
#define RA_KERNEL_JOIN2(name, isa) ra_##name##_##isa
#define RA_KERNEL_JOIN(name, isa) RA_KERNEL_JOIN2(name, isa)
#define K(name) RA_KERNEL_JOIN(name, RA_ISA)
#endif

/* Activations that a convolution or a normalisation can apply to its own output. */
typedef enum { RA_ACT_NONE, RA_ACT_RELU, RA_ACT_LEAKY_RELU, RA_ACT_COUNT } ra_act;

/* act(scale[c] * v + shift[c]) for channel c; scale or shift NULL: 1 or 0. The affine part of an epilogue, and the
 * prologue of an input whose normalisation is deferred to its readers. */
typedef struct ra_affine_act {
  const ra_real *scale, *shift; /* [channels] */
  ra_act act;
  ra_real slope; /* of leaky_relu */
} ra_affine_act;

/* The input of an op as up to RA_MAX_SEGMENTS channel segments of a virtual concat, each an array [B,channels,..] of its
 * own with a prologue that is applied when it is read. */
enum { RA_MAX_SEGMENTS = 6 };
typedef struct ra_input {
  int32_t count;
  struct {
    const ra_real *data;
    int32_t channels;
    ra_affine_act prologue;
  } segment[RA_MAX_SEGMENTS];
} ra_input;

/* The arrays of an output, or of the gradient of such an input; data NULL: not wanted. */
typedef struct ra_target {
  int32_t count;
  struct {
    ra_real *data;
    int32_t channels;
    bool add;
    const ra_real *residual; /* of an output, see ra_epilogue; NULL: none */
  } segment[RA_MAX_SEGMENTS];
} ra_target;

/* Count, mean and sum of squared deviations of some numbers. */
typedef struct ra_moments {
  double n, mean, m2;
} ra_moments;

/* The epilogue of a convolution: y = act(scale[o] * sum + shift[o] + residual). */
typedef struct ra_epilogue {
  ra_affine_act affine;
  const ra_real *residual; /* as y, and may be y; NULL: none */
  ra_moments *moments;     /* [chunks][O] partial moments of y; NULL: not wanted; never with a residual */
} ra_epilogue;

/* A convolution: x [B,C,H,W], w [O,C/groups,kh,kw], y [B,O,Ho,Wo]. */
typedef struct ra_conv {
  int32_t B, C, H, W, O, Ho, Wo;
  int32_t kh, kw, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups;
} ra_conv;

/* The windows neither overlap nor leave gaps: kernel = stride, no border. The 2x2 up-convolution of a U-Net is the transpose. */
static inline bool ra_conv_disjoint(const ra_conv *s) {
  return s->kh == s->stride_h && s->kw == s->stride_w && s->pad_h == 0 && s->pad_w == 0 && s->dilation_h == 1 &&
         s->dilation_w == 1 && s->groups == 1 && s->H == s->Ho * s->kh && s->W == s->Wo * s->kw;
}

typedef enum { RA_CONV_FORWARD, RA_CONV_BACKWARD_DATA, RA_CONV_BACKWARD_WEIGHT, RA_CONV_KINDS } ra_conv_kind;
typedef enum {
#define RA_CONV_ALGO(NAME, prefix, text) RA_CONV_##NAME,
#include "algos.def"
#undef RA_CONV_ALGO
  RA_CONV_ALGOS
} ra_conv_algo;

typedef struct ra_conv_choice {
  ra_conv_algo algo;
  const char *why; /* a few words, for ra_plan_describe */
} ra_conv_choice;

/* Elementwise functions; `p`, `q` are their parameters. */
typedef enum {
  RA_UNARY_RELU, RA_UNARY_LEAKY_RELU /* p = slope */, RA_UNARY_GELU /* exact, erf */, RA_UNARY_SILU, RA_UNARY_SIGMOID,
  RA_UNARY_TANH, RA_UNARY_EXP, RA_UNARY_LOG, RA_UNARY_POW /* x^p */, RA_UNARY_CLAMP /* [p,q] */,
  RA_UNARY_AFFINE /* p*x + q */, RA_UNARY_SOFTPLUS, RA_UNARY_ABS, RA_UNARY_SQRT, RA_UNARY_COUNT
} ra_unary;
typedef enum { RA_BINARY_ADD, RA_BINARY_SUB, RA_BINARY_MUL, RA_BINARY_DIV, RA_BINARY_COUNT } ra_binary;

/* Pooling of planes [H,W] to [Ho,Wo]; the borders of pad hold -infinity or, averaging, 0. */
typedef struct ra_pool {
  int32_t planes, H, W, Ho, Wo, kh, kw, stride_h, stride_w, pad_h, pad_w;
  bool count_pad; /* average: divide by kh*kw even where the window hangs over x */
} ra_pool;

/* Resampling of planes [H,W] to [Ho,Wo]. Output i comes from i * step (nearest, and bilinear with
 * aligned corners) or (i + 0.5) * step - 0.5 (bilinear). */
typedef struct ra_upsample {
  int32_t planes, H, W, Ho, Wo;
  bool bilinear, align_corners;
  double step_h, step_w;
} ra_upsample;

typedef struct ra_deconv {
  int32_t B, C, H, W, O, kh, kw;
} ra_deconv;

/* The kernels of one instruction set. */
typedef struct ra_kernels {
  const char *isa;
#define RA_KERNEL(result, name, arguments) result (*name) arguments;
#include "kernels.def"
#undef RA_KERNEL
} ra_kernels;

#ifdef RA_ISA
#define RA_KERNEL(result, name, arguments) result K(name) arguments;
#include "kernels.def"
#undef RA_KERNEL
#endif

const char *ra_conv_algo_name(int32_t algo); /* of a ra_conv_algo; NULL beyond the last */

const ra_kernels *ra_kernel(void);
const ra_kernels *ra_kernel_of(int32_t isa); /* ra_isa_kind; NULL where this build or processor lacks it */

/* Chunk lengths shared by kernels that cut work by size. */
enum { RA_CHUNK = 16384 };

#endif
