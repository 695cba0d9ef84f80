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
 * for backward (saved) and how much scratch both want (work). Later somebody,
 * eager code or a plan, fills in the data pointers and calls forward and
 * perhaps backward. */
#ifndef RA_OP_H
#define RA_OP_H

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

typedef struct ra_call {
  const ra_op *op;
  double param[RA_MAX_SLOTS]; /* by slot, see ra_param; NaN where absent */
  int32_t n_in;
  ra_array in[RA_MAX_IN];
  ra_array out;
  int32_t n_saved;
  ra_array saved[RA_MAX_SAVED]; /* written by forward, read by backward */
  size_t work_forward, work_backward; /* bytes */
  void *work;
  ra_conv_choice conv[RA_CONV_KINDS]; /* convolutions: how, by direction */
  int32_t numerics;            /* RA_NUMERICS_* */
  int32_t takes;               /* RA_TAKES_*: how in[0] may come besides as an array; set by infer */
  int32_t pieces;              /* of the moments of its output that forward can gather; 0: none; set by infer */

  /* Fused into this op by the plan (ops with RA_OP_FUSE_*): */
  ra_act act;
  ra_real slope;
  ra_array fold[4]; /* convolution in inference: weight, bias, mean, variance of the normalisation behind it */
  double fold_eps;
  bool folded;
  const ra_real *residual; /* an array as out, added before act; NULL: none */
  ra_input x;            /* in[0] where it is no array as it is; count 0: it is */
  bool lazy;             /* out is not written: who reads it applies saved[0] and saved[1], scale and shift, and act */
  ra_moments *moments;   /* [pieces][channels] of out: forward gathers them */
  const ra_moments *gathered; /* those of in[0], from its producer; NULL: not there */
  int32_t gathered_pieces;

  /* Backward: din[k] wanted where data is not NULL. */
  ra_array dout;
  ra_array din[RA_MAX_IN];
  bool add[RA_MAX_IN]; /* add to din[k] instead of overwriting it */
  ra_target dx;        /* the parts of din[0] where x has several; count 0: din[0] */
  double *norm2;       /* losses: receives the squared norm of d(loss)/d(in[0]); may be NULL */

  ra_random_key key; /* dropout: seed, epoch, step, node */
} ra_call;

/* What backward reads, so that the plan knows what must live until then. */
enum {
  RA_READS_IN0 = 1, RA_READS_IN1 = 2, RA_READS_IN2 = 4, RA_READS_IN3 = 8, RA_READS_IN4 = 16,
  RA_READS_OUT = 1 << RA_MAX_IN
};

enum {
  RA_OP_INPLACE = 1,        /* out may be the memory of in[0] */
  RA_OP_INPLACE_GRAD = 2,   /* din[0] may be the memory of dout */
  RA_OP_LAZY = 4,           /* honours lazy; the first two saved arrays are scale and shift */
  RA_OP_FUSE_ACT = 8,       /* forward and backward honour act and slope */
  RA_OP_FUSE_ACT_EVAL = 16, /* forward honours act and slope; backward does not */
  RA_OP_FUSE_NORM = 32,     /* forward honours fold */
  RA_OP_FUSE_ADD = 64,      /* forward honours residual */
  RA_OP_LOSS = 128,         /* a loss: scalar output, inputs prediction, mask, teacher; fills norm2 */
  RA_OP_RANDOM = 256        /* reads key */
};

/* What else than an array in[0] may be: an array to which a lazy op's scale, shift and activation are still to be
 * applied, or several of them, channel ranges of what would be a concat. */
enum { RA_TAKES_LAZY = 1, RA_TAKES_PARTS = 2 };

struct ra_op {
  const char *name;
  const char *help;     /* one line, then shapes, formula and source; shown by ?name */
  const char *inputs;   /* names, comma separated; '?' behind a name: optional; "..." at the end: any number */
  const ra_param *params; /* ends with a NULL name; NULL: none */
  int32_t flags;
  int32_t reads;        /* RA_READS_* of backward */
  int32_t no_grad;      /* bit k: input k has no gradient (masks, buffers) */
  int32_t (*infer)(ra_call *c);
  void (*forward)(ra_call *c);
  void (*backward)(ra_call *c); /* NULL: not differentiable */
  /* Sample calls for the gradient check and the shape tests, one a line:
   * "2,3,5,4 4,3,3,3 4 | pad=1": shapes of the inputs, then options. Behind a
   * shape: ":pos" values in 0.5..2, ":mask" 0 or 1, ":prob" in 0.05..0.95, ":var" 0.5..2 and not differentiated, "-" absent. */
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
/* Sets the shape of out, or adds a saved array (its index is returned through *index). */
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

/* in[0] and din[0] in parts: as the plan left them, or the one array. */
ra_input ra_input_of(const ra_call *c);
ra_target ra_target_of(const ra_call *c);
/* What is still to be done to in[0], a single array at *x; NULL: nothing. */
const ra_affine_act *ra_pending(const ra_call *c, const ra_real **x);

/* dst (+)= src */
void ra_store(bool add, int64_t n, const ra_real *src, ra_real *dst);

#endif
