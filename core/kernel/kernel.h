/* kernel.h: the hot loops, one table of functions per instruction set.
 *
 * Every file of this folder but kernel.c is compiled once per instruction set
 * (RA_ISA = generic, avx2, avx512); K(name) gives each build its own symbol.
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

/* act(scale[c] * v + shift[c]) for channel c; scale or shift NULL: 1 or 0. What a convolution does to its output
 * (ra_finish), and to an input whose normalisation was never written out. */
typedef struct ra_pointwise {
  const ra_real *scale, *shift; /* [channels] */
  ra_act act;
  ra_real slope; /* of leaky_relu */
} ra_pointwise;

/* The input of an op in up to RA_MAX_PARTS ranges of its channels, each an array [B,channels,..] of its own (a concat
 * that was never written out), each with what is done to it while it is read. */
enum { RA_MAX_PARTS = 6 };
typedef struct ra_input {
  int32_t count;
  struct {
    const ra_real *data;
    int32_t channels;
    ra_pointwise with;
  } part[RA_MAX_PARTS];
} ra_input;

/* Where an output, or the gradient of such an input, goes; data NULL: not wanted. */
typedef struct ra_target {
  int32_t count;
  struct {
    ra_real *data;
    int32_t channels;
    bool add;
    const ra_real *residual; /* of an output, see ra_finish; NULL: none */
  } part[RA_MAX_PARTS];
} ra_target;

/* Count, mean and sum of squared deviations of some numbers. */
typedef struct ra_moments {
  double n, mean, m2;
} ra_moments;

/* What a convolution does on the way out: y = act(scale[o] * sum + shift[o] + residual). */
typedef struct ra_finish {
  ra_pointwise with;
  const ra_real *residual; /* as y, and may be y; NULL: none */
  ra_moments *moments;     /* [pieces][O] of what is written to y; NULL: not wanted; never with a residual */
} ra_finish;

/* A convolution: x [B,C,H,W], w [O,C/groups,kh,kw], y [B,O,Ho,Wo]. */
typedef struct ra_conv {
  int32_t B, C, H, W, O, Ho, Wo;
  int32_t kh, kw, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups;
} ra_conv;

typedef enum { RA_CONV_FORWARD, RA_CONV_BACKWARD_DATA, RA_CONV_BACKWARD_WEIGHT, RA_CONV_KINDS } ra_conv_kind;
typedef enum {
  RA_CONV_PLAIN,    /* the reference: nested loops, any shape */
  RA_CONV_DIRECT,   /* register-blocked, few input channels */
  RA_CONV_GEMM,     /* implicit or im2col + matrix product: 1x1, strided, dilated, large kernels */
  RA_CONV_WINOGRAD, /* F(4x4,3x3), stride 1 */
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

typedef struct ra_kernels {
  const char *isa;

  /* -- convolution (conv*.c) -- */
  /* Whether algo can compute this shape and direction. */
  bool (*conv_can)(const ra_conv *s, ra_conv_kind kind, ra_conv_algo algo);
  /* The fastest algorithm that `numerics` (RA_NUMERICS_*) allows, by shape alone, from a measured table. */
  ra_conv_choice (*conv_choose)(const ra_conv *s, ra_conv_kind kind, int32_t numerics);
  /* Bytes of scratch; enough for any number of threads that ra_set_threads takes. */
  size_t (*conv_work)(const ra_conv *s, ra_conv_kind kind, ra_conv_algo algo);
  /* Into how many pieces of y a forward pass cuts the pixels of every channel, whose moments it can gather on the
   * way out; 0: it cannot. */
  int32_t (*conv_pieces)(const ra_conv *s, ra_conv_algo algo);
  void (*conv_forward)(const ra_conv *s, ra_conv_algo algo, const ra_input *x, const ra_real *w, const ra_finish *f,
                       ra_real *y, void *work);
  void (*conv_backward_data)(const ra_conv *s, ra_conv_algo algo, const ra_real *dy, const ra_real *w,
                             const ra_target *dx, void *work);
  void (*conv_backward_weight)(const ra_conv *s, ra_conv_algo algo, const ra_input *x, const ra_real *dy, bool add,
                               ra_real *dw, void *work);

  /* Floating-point operations of `rounds` turns of nothing but fused multiply-adds (peak.c). */
  double (*peak_flops)(int64_t rounds);

  /* -- elementwise (elementwise.c, vmath.h) -- */
  void (*unary)(ra_unary f, ra_real p, ra_real q, int64_t n, const ra_real *x, ra_real *y);
  /* dx (+)= dy * f'(x); x and y as of the forward pass (each f uses the one it declares, see ra_unary_needs) */
  void (*unary_grad)(ra_unary f, ra_real p, ra_real q, int64_t n, const ra_real *x, const ra_real *y, const ra_real *dy,
                     bool add, ra_real *dx);
  void (*binary)(ra_binary f, int64_t n, const ra_real *a, const ra_real *b, ra_real *y); /* same shapes */
  void (*axpy)(int64_t n, ra_real a, const ra_real *x, bool add, ra_real *y);           /* y (+)= a*x */
  double (*sum)(int64_t n, const ra_real *x);                                           /* in double, fixed chunks */
  double (*dot)(int64_t n, const ra_real *x, const ra_real *y);                         /* likewise */
  /* The same in one thread; a_one, b_one: a, b is one number for all n. */
  void (*binary_row)(ra_binary f, int64_t n, const ra_real *a, bool a_one, const ra_real *b, bool b_one, ra_real *y);
  /* y (+)= x / (1 - p) where number i of key is p or more, else 0 */
  void (*dropout)(int64_t n, double p, const ra_random_key *key, const ra_real *x, bool add, ra_real *y);

  /* -- softmax over n of x [outer,n,inner] (softmax.c); y may be x, dx may be dy -- */
  void (*softmax)(bool log, int64_t outer, int32_t n, int64_t inner, const ra_real *x, ra_real *y);
  void (*softmax_grad)(bool log, int64_t outer, int32_t n, int64_t inner, const ra_real *y, const ra_real *dy, bool add,
                       ra_real *dx);

  /* -- pooling (pool.c): which [planes,Ho,Wo], the position of the maximum in its window: bytes where kh*kw <= 256, else int32_t -- */
  /* planes is B*C; `with` of channel plane % C is done to x first; NULL: nothing */
  void (*max_pool)(const ra_pool *s, const ra_real *x, int32_t C, const ra_pointwise *with, ra_real *y, void *which);
  void (*max_pool_grad)(const ra_pool *s, const ra_real *dy, const void *which, bool add, ra_real *dx);
  void (*avg_pool)(const ra_pool *s, const ra_real *x, ra_real *y);
  void (*avg_pool_grad)(const ra_pool *s, const ra_real *dy, bool add, ra_real *dx);

  /* -- resampling to another size (upsample.c) -- */
  size_t (*upsample_work)(const ra_upsample *s); /* bytes, either direction */
  void (*upsample)(const ra_upsample *s, const ra_real *x, ra_real *y, void *work);
  void (*upsample_grad)(const ra_upsample *s, const ra_real *dy, bool add, ra_real *dx, void *work);

  /* -- transposed convolution whose windows do not overlap (deconv.c): x [B,C,H,W], w [C,O,kh,kw], y [B,O,H*kh,W*kw] -- */
  size_t (*deconv_work)(const ra_deconv *s); /* bytes, either direction */
  void (*deconv_forward)(const ra_deconv *s, const ra_real *x, const ra_pointwise *with, const ra_real *w,
                         const ra_real *bias, bool add, ra_real *y, void *work);
  /* dx, dw NULL: not wanted; `with` is done to x first, NULL: nothing */
  void (*deconv_backward)(const ra_deconv *s, const ra_real *x, const ra_pointwise *with, const ra_real *w,
                          const ra_real *dy, bool add_dx, ra_real *dx, bool add_dw, ra_real *dw, void *work);

  /* -- matrix product (gemm.c): C [M,N] (+)= op(A) op(B), row-major; A is [M,K] or its transpose -- */
  void (*gemm)(bool at, bool bt, int32_t M, int32_t N, int32_t K, const ra_real *A, const ra_real *B, bool add, ra_real *C);

  /* -- normalisation (norm.c): x as [outer, channels, inner]; one mean per group of consecutive elements -- */
  /* mean and 1/sqrt(var+eps) of each channel over outer and inner; var is the biased one */
  void (*channel_stats)(int32_t B, int32_t C, int32_t N, const ra_real *x, double eps, ra_real *mean, ra_real *var,
                        ra_real *rstd);
  /* the same from the moments [pieces][C] that a convolution gathered */
  void (*merge_moments)(int32_t pieces, int32_t C, const ra_moments *moments, double eps, ra_real *mean, ra_real *var,
                        ra_real *rstd);
  /* y = act(x * scale[c] + shift[c]) */
  void (*channel_affine)(int32_t B, int32_t C, int32_t N, const ra_real *x, const ra_pointwise *e, ra_real *y);
  /* backward of y = act(g * (x-mean)*rstd + b) with batch statistics; the activation's mask is recomputed from x.
   * dg, db may be NULL. */
  void (*batch_norm_grad)(int32_t B, int32_t C, int32_t N, const ra_real *x, const ra_real *dy, const ra_real *mean,
                          const ra_real *rstd, const ra_real *g, const ra_real *b, ra_act act, ra_real slope,
                          bool add_dx, ra_real *dx, bool add_dg, ra_real *dg, bool add_db, ra_real *db);
  /* For rows of N: sums[2r] = sum of dy, sums[2r+1] = sum of dy * (x - mean[r]) */
  void (*row_sums)(int32_t rows, int32_t N, const ra_real *x, const ra_real *dy, const ra_real *mean, double *sums);
  /* dx (+)= a[r] * dy + b[r] * (x - mean[r]) + c[r]; dx may be dy */
  void (*row_combine)(int32_t rows, int32_t N, const ra_real *x, const ra_real *dy, const ra_real *mean, const ra_real *a,
                      const ra_real *b, const ra_real *c, bool add, ra_real *dx);
  /* layer normalisation of rows: y = (x - mean[r]) * rstd[r] * w[i] + b[i]; w, b NULL: 1, 0 */
  void (*layer_affine)(int32_t rows, int32_t N, const ra_real *x, const ra_real *mean, const ra_real *rstd,
                       const ra_real *w, const ra_real *b, ra_real *y);
  /* its gradient; dx, dw, db may be NULL; dx may be dy */
  size_t (*layer_grad_work)(int32_t rows, int32_t N);
  void (*layer_grad)(int32_t rows, int32_t N, const ra_real *x, const ra_real *dy, const ra_real *mean, const ra_real *rstd,
                     const ra_real *w, bool add_dx, ra_real *dx, bool add_dw, ra_real *dw, bool add_db, ra_real *db,
                     void *work);

  /* -- optimizers over flat blocks (optimizer.c) -- */
  void (*sgd)(int64_t n, ra_real *p, const ra_real *g, ra_real *m, double lr, double wd, double momentum, bool nesterov,
              bool first, double gscale);
  /* AdamW where decoupled, else Adam; c1 = 1 - beta1^t, c2 = 1 - beta2^t */
  void (*adam)(int64_t n, ra_real *p, const ra_real *g, ra_real *m, ra_real *v, double lr, double wd, double beta1,
               double beta2, double eps, double c1, double c2, bool decoupled, double gscale);
} ra_kernels;

const ra_kernels *ra_kernel(void);
const ra_kernels *ra_kernel_of(int32_t isa); /* ra_isa_kind; NULL where this build or processor lacks it */

/* Chunk lengths shared by kernels that cut work by size. */
enum { RA_CHUNK = 16384 };

#endif
