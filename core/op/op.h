/* op.h: what an op is.
 *
 * An op knows shapes, forward and backward, and nothing of graphs, Lua or
 * files. To add one: a file core/op/NAME.c that defines `const ra_op
 * ra_op_NAME` and a line RA_OP(NAME) in ops.def (losses: core/loss/NAME.c and
 * losses.def). Lua constructor, module, ?help, reference page, gradient check
 * and shape errors come from the table.
 *
 * One call of an op is a ra_call. infer() reads input shapes and parameters,
 * checks them and fills in the output's shape, the arrays that forward keeps
 * for backward (saved) and how much scratch both want (work). Eager code or a
 * plan then sets the data pointers and calls forward and, if gradients are
 * wanted, backward.
 *
 * The author of an op sees op, param, in, out, saved, work, and in backward
 * dout, din, add; random ops read key, losses write norm2. The rest belongs to
 * plans: `fused` holds the prologue and epilogue that a plan may ask of an op
 * with a role or a flag below. An op without them never reads it. */
#ifndef RA_OP_H
#define RA_OP_H

#include <string.h>

#include "../base/error.h"
#include "../base/random.h"
#include "../kernel/kernel.h"

/* A dense array as ops see it. */
typedef struct ra_array {
  ra_real *data;
  int32_t rank; /* -1: this optional input is absent */
  int32_t dim[RA_MAX_RANK];
  int32_t size;
} ra_array;

static inline bool ra_same_shape(const ra_array *a, const ra_array *b) {
  return a->rank == b->rank && (a->rank <= 0 || memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim) == 0);
}

/* Prologue and epilogue that the plan's fusions add to a call. All zero: none. */
typedef struct ra_fusion {
  /* Prologue: how in[0] is read. */
  ra_input x;                  /* segments of in[0] if it is not one plain array, each with a deferred normalisation; count 0: it is one */
  ra_target dx;                /* segments of din[0] if x has several; count 0: din[0] */
  const ra_moments *moments_in; /* [moments_in_chunks][channels] partial moments of in[0], from its producer; NULL: none */
  int32_t moments_in_chunks;

  /* Epilogue: what is done to the result before it is written to out. */
  bool folded;                 /* a normalisation with running statistics: */
  ra_array norm[4];            /* its weight, bias, mean, variance; the first two may be absent */
  double norm_eps;
  const ra_real *residual;     /* as out, added before the activation; NULL: none */
  ra_act act;
  ra_real slope;               /* of leaky_relu */
  ra_moments *moments;         /* [moment_chunks][channels] partial moments of out, written by forward; NULL: not wanted */
  bool deferred;               /* out is not written: its readers apply scale saved[0], shift saved[1] and act */
} ra_fusion;

/* What an output pixel reads of an input along an axis: position o of the output reads positions o * step - before to o * step + after
 * of the input. align: positions of the input of which windows into a picture have to begin at a multiple. */
typedef struct ra_sight {
  double step, before, after, align;
} ra_sight;
/* How: all of the plane, as global pooling; the window of a ra_sight; only its shape; what must be the same for every picture (weights). */
typedef enum { RA_SEES_ALL, RA_SEES_NEAR, RA_SEES_SHAPE, RA_SEES_WEIGHTS } ra_sees;

typedef struct ra_call {
  const ra_op *op;
  double param[RA_MAX_SLOTS]; /* by slot, see ra_param; NaN where absent */
  int32_t n_in;
  ra_array in[RA_MAX_IN];
  ra_array out;
  int32_t n_saved;
  ra_array saved[RA_MAX_SAVED]; /* written by forward, read by backward */
  size_t work_forward, work_weights, work_backward; /* bytes */
  void *work;
  ra_conv_choice conv[RA_CONV_KINDS]; /* convolutions: the algorithm of each direction */
  int32_t numerics;            /* RA_NUMERICS_* */

  /* Set by infer for the plan; 0: the op supports neither. */
  int32_t accepts;             /* RA_ACCEPTS_*: forms of in[0] besides a plain array */
  int32_t moment_chunks;       /* chunks per channel for which forward can write partial moments of out */
  ra_fusion fused;

  /* Backward: din[k] is wanted if its data is not NULL. */
  ra_array dout;
  ra_array din[RA_MAX_IN];
  bool add[RA_MAX_IN]; /* add to din[k] instead of overwriting it */
  bool again;          /* forward: once more in this run, in[] as before; saved[] holds its arrays already, and no leaf is moved twice */
  double *statistics;  /* ops that move leaves: forward writes here what it would move them by, and leaves them; NULL: it moves them */
  double *norm2;       /* losses: receives the squared norm of d(loss)/d(in[0]); may be NULL */

  ra_random_key key; /* random ops: seed, epoch, step, number of the op among the random ops of its graph */
} ra_call;

/* Arrays that backward reads: the plan keeps them alive until then. */
enum {
  RA_READS_IN0 = 1, RA_READS_IN1 = 2, RA_READS_IN2 = 4, RA_READS_IN3 = 8, RA_READS_IN4 = 16,
  RA_READS_IN5 = 32,
  RA_READS_OUT = 1 << RA_MAX_IN
};

enum {
  RA_OP_INPLACE = 1,      /* out may be the memory of in[0] */
  RA_OP_INPLACE_GRAD = 2, /* din[0] may be the memory of dout */
  RA_OP_DEFER = 4,        /* honours fused.deferred; the first two saved arrays are scale and shift */
  RA_OP_ACT_GRAD = 8,     /* backward honours fused.act and slope too */
  RA_OP_LOSS = 16,        /* a loss: scalar output, inputs as in loss.h; fills norm2 */
  RA_OP_RANDOM = 32,      /* reads key */
  RA_OP_PRODUCT = 64      /* computes by ra_product (product.h), so its bits depend on ra_blas() */
};

/* The kind of op that the fusion rules of core/graph/fuse.c match. */
typedef enum {
  RA_ROLE_NONE,
  RA_ROLE_CONV,   /* forward honours fused.act; where no gradient is wanted also folded, norm and residual */
  RA_ROLE_NORM,   /* forward honours fused.act. With inputs x, weight, bias, mean, var and parameters train, eps it can be folded if
                   * train = false, and reads fused.moments_in if train = true */
  RA_ROLE_ACT,    /* elementwise, ra_op.act says which; leaky_relu: the slope is slot 0 */
  RA_ROLE_ADD,    /* the sum of its two inputs */
  RA_ROLE_CONCAT  /* its inputs along the parameter dim */
} ra_role;

/* Forms of in[0] that an op accepts besides a plain array: DEFERRED, a tensor whose normalisation is deferred to its
 * readers; SEGMENTS, channel segments of a concat that is not written. */
enum { RA_ACCEPTS_DEFERRED = 1, RA_ACCEPTS_SEGMENTS = 2 };

/* The calls of an op. AGAIN: forward once more, of a value that was dropped. */
typedef enum { RA_PASS_FORWARD, RA_PASS_WEIGHTS, RA_PASS_BACKWARD, RA_PASS_AGAIN } ra_pass;

enum { RA_HOW_TEXT = 256 };

struct ra_op {
  const char *name;
  const char *help;     /* one line, then shapes, formula and source; shown by ?name */
  const char *inputs;   /* names, comma separated; '?' behind a name: optional; "..." at the end: any number */
  const ra_param *params; /* ends with a NULL name; NULL: none */
  int32_t flags;
  ra_role role;
  ra_act act;           /* of role ACT */
  int32_t reads;        /* RA_READS_* of backward */
  int32_t reads_weights; /* of backward_weights */
  int32_t no_grad;      /* bit k: input k has no gradient (masks, buffers) */
  int32_t (*check)(const double *param); /* conditions on several parameters, checked before shapes are known; NULL: none */
  int32_t (*infer)(ra_call *c);
  void (*forward)(ra_call *c);
  void (*backward)(ra_call *c); /* NULL: not differentiable */
  /* The gradients of all inputs but in[0], before backward, which is then called for that of in[0] alone. So what only one of the two
   * reads or writes need not live through the other. NULL: backward does it all. */
  void (*backward_weights)(ra_call *c);
  /* What output pixels read of input k along axis 0 (height, the last dimension but one) or 1 (width); *s is {1, 0, 0, 1} before.
   * NULL: all. */
  ra_sees (*sees)(const ra_call *c, int32_t k, int32_t axis, ra_sight *s);
  /* Of an op whose forward moves leaves, as running averages: how many doubles describe the move (0: it moves none), and the move. */
  int32_t (*statistics)(const ra_call *c);
  void (*move)(const ra_call *c, const double *statistics);
  double (*flops)(const ra_call *c); /* multiply-adds x 2 of one forward call; NULL: not counted */
  /* Writes the algorithm of a call to text, for ra_plan_describe, and returns it; NULL: nothing to report. */
  const char *(*how)(const ra_call *c, ra_pass pass, char text[RA_HOW_TEXT]);
  /* Sample calls for the gradient check and the shape tests, one a line:
   * "2,3,5,4 4,3,3,3 4 | pad=1": shapes of the inputs, then options. Behind a
   * shape: ":pos" values in 0.5..2, ":mask" 0 or 1, ":label" -1 to 2,
   * ":prob" in 0.05..0.95, ":var" 0.5..2 and not differentiated, "-" absent. */
  const char *samples;
};

/* ---- for writing infer() ---- */

/* Fails unless input k has this rank. */
int32_t ra_want_rank(const ra_call *c, int32_t k, int32_t rank);
/* Fails unless input k has the shape of input j. */
int32_t ra_want_same(const ra_call *c, int32_t k, int32_t j);
/* Fails unless input k is absent or has rank 1 and n elements ("weight has 3, wants 8 as the channels of x"). */
int32_t ra_want_vector(const ra_call *c, int32_t k, int32_t n, const char *as);
bool ra_has(const ra_call *c, int32_t k); /* input k is present */
/* Sets the shape of out; adds a saved array, at most RA_MAX_SAVED. */
int32_t ra_out(ra_call *c, int32_t rank, const int32_t *dim);
int32_t ra_out_like(ra_call *c, int32_t k);
int32_t ra_save(ra_call *c, int32_t rank, const int32_t *dim);
/* "x", "weight" ...: the name of input k. */
const char *ra_input_name(const ra_op *op, int32_t k, char name[32]);
/* "[2,3]" of input k. */
const char *ra_in_text(const ra_call *c, int32_t k, char text[80]);

/* Parameter `name` of the call: the index of its first slot. Ops use their own enum of slots instead. */
int32_t ra_param_slot(const ra_op *op, const char *name);
/* A list parameter (RA_PARAM_INTS, RA_PARAM_DIMS) at slot: its length, values into v. */
int32_t ra_list(const ra_call *c, int32_t slot, int32_t v[RA_MAX_LIST]);

/* ---- for forward and backward ---- */

/* in[0] and din[0] as segments: those that the plan set, or the one array. */
ra_input ra_input_of(const ra_call *c);
ra_target ra_target_of(const ra_call *c);
bool ra_wants_dx(const ra_call *c); /* din[0] is wanted, whatever its form */
/* Returns the deferred normalisation of in[0], a single array, or NULL; *x receives its data. */
const ra_affine_act *ra_deferred(const ra_call *c, const ra_real **x);

/* sees() of an op that computes pixel by pixel and lets shapes broadcast; of one that works along the dimension in slot 0, pixel by pixel
 * where that is not of the plane. */
ra_sees ra_sees_pixel(const ra_call *c, int32_t k, int32_t axis, ra_sight *s);
ra_sees ra_sees_along(const ra_call *c, int32_t k, int32_t axis, ra_sight *s);
/* The window of n positions, `dilation` apart, that moves by `stride` and begins `pad` before its input. */
ra_sees ra_sees_window(ra_sight *s, int32_t n, int32_t dilation, int32_t stride, int32_t pad);

/* ---- for the registry and for callers ---- */

/* Checks an op's table: capacities, defaults within their bounds, role and flags that fit together; called by tests. */
int32_t ra_op_check(const ra_op *op);
double ra_call_flops(const ra_call *c);

/* dst (+)= src */
void ra_store(bool add, int64_t n, const ra_real *src, ra_real *dst);

#endif
