/* api_test.h: what only tests and benchmarks of the core call. Plain declarations like api.h, which it follows: read by C
 * after ramus.h, and by ffi.testing(). Not installed; its pointers are not checked (no RA_OPT). */

void ra_mem_fail_after(double n);            /* lets n more allocations succeed, then fails one; < 0: never fails */
double ra_mem_count(void);                   /* allocations so far */
double ra_mem_failures(void);                /* allocations that ra_mem_fail_after made fail so far */
int32_t ra_metric_bin(double probability);   /* 0-based bin of the histogram of ra_metrics */

/* ---- tables of ops (core/graph/registry.c, ops.c) ---- */

int32_t ra_op_check(const ra_op *op);        /* capacities, defaults within bounds, role and flags that fit together */
int32_t ra_op_check_all(void);               /* of every op and loss */
/* Ops that are in no list, by name: "slots" (too many), "saves" (too much), "bounds", "act" have a mistake in their table;
 * "forgets" is a square whose table does not say that backward reads its input, "sound" the same without the mistake. */
const ra_op *ra_op_faulty(const char *name);

/* ---- single kernels (kernel_run.c) ---- */

/* x [B,C,H,W], w [O,C/groups,kh,kw], y [B,O,Ho,Wo] */
typedef struct ra_conv_shape {
  int32_t B, C, H, W, O, kh, kw, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups;
} ra_conv_shape;

/* Prologue, epilogue and segments of a run; all optional. */
typedef struct ra_conv_extras {
  const ra_real *scale, *shift;       /* [O] forward: y = act(scale * y + shift) */
  const char *act;                    /* NULL or "none", "relu", "leaky_relu" (0.01) */
  const ra_real *in_scale, *in_shift; /* [C] the same of x, when it is read */
  const char *in_act;
  int32_t split;                      /* x or dx as two segments, of channels 0..split-1 and the rest; 0: one array */
  const ra_real *residual;            /* as y; forward: added before act; excludes moments */
  ra_real *mean, *var, *rstd;         /* [O] forward: statistics of y, where the algorithm emits partial moments; else untouched */
} ra_conv_extras;

/* The algorithms of a convolution by index, NULL beyond the last; the first is the reference. */
const char *ra_conv_algo_name(int32_t algo);

/* Runs one convolution kernel of an instruction set ("generic", "avx2", "avx512"; NULL: the active one).
 * kind "forward": a = x, b = w, out = y; "data gradient": a = dy, b = w, out = dx; "weight gradient": a = x, b = dy,
 * out = dw. algo NULL: the chosen one. `rounds` runs are made (add adds each time); seconds [opt] gets the fastest.
 * RA_ERR_ARG where the kernel cannot do this shape. */
int32_t ra_conv_run(const char *isa, const char *kind, const char *algo, const ra_conv_shape *shape, const ra_real *a,
                    const ra_real *b, const ra_conv_extras *extras, ra_real *out, _Bool add, int32_t rounds, double *seconds);
/* The algorithm that is chosen for a shape; NULL: no such instruction set. */
const char *ra_conv_chosen(const char *isa, const char *kind, const ra_conv_shape *shape);
_Bool ra_conv_can(const char *isa, const char *kind, const char *algo, const ra_conv_shape *shape);
/* C [M,N] (+)= A B; A is [M,K] or, with at, [K,M]; B [K,N] or, with bt, [N,K]. */
int32_t ra_gemm_run(const char *isa, _Bool at, _Bool bt, int32_t M, int32_t N, int32_t K, const ra_real *A,
                    const ra_real *B, _Bool add, ra_real *C, int32_t rounds, double *seconds);
/* The same as ops compute it (core/op/product.c): by OpenBLAS or our kernel, as ra_blas_set and the shape say, on all threads. */
int32_t ra_product_run(_Bool at, _Bool bt, int32_t M, int32_t N, int32_t K, const ra_real *A, const ra_real *B, _Bool add, ra_real *C,
                       int32_t rounds, double *seconds);
