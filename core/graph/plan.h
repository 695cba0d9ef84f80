/* plan.h: the structs of a plan; included by the files of this folder only.
 *
 *   plan.c      from graph to plan: used nodes, gradients
 *   fuse.c      the rules by which ops are fused into their neighbours
 *   layout.c    the order of steps, the lifetime of every buffer and its place in the arena
 *   budget.c    which values are dropped and computed again, so that the arena fits into a budget
 *   run.c       pointers, and running the steps
 *   describe.c  the plan as text */
#ifndef RA_PLAN_H
#define RA_PLAN_H

#include "graph.h"
#include "pack.h"

enum { RA_NONE = -1 };

/* Of a value that backward reads: kept until then; dropped after forward and computed again once; dropped also between the steps of
 * backward that read it, where these are far apart. */
typedef enum { RA_LIFE_KEPT, RA_LIFE_AGAIN, RA_LIFE_FLEETING } ra_life;

typedef struct ra_plan_node {
  ra_node_kind kind;
  bool used;
  bool wants_grad;       /* a gradient flows through it to a leaf */
  int32_t into;          /* fused into this node, whose value is its value; itself where not */
  int32_t readers;       /* ops that read the value, while ops are fused */
  int32_t in[RA_MAX_IN]; /* inputs after fusion */
  int32_t norm[4];       /* tensors of a folded normalisation, or RA_NONE */
  int32_t residual;      /* the other input of an add that was fused into this node, or RA_NONE */
  bool segmented;        /* a concat that is not written: its readers read its inputs as segments */
  ra_life life;
  bool done, wanted;     /* while steps are made: the value is there; it has to be computed again */
  int32_t touched;       /* while steps are made: the last backward step that read or wrote the value */
  ra_call call;
  ra_tensor *tensor;     /* a tensor that the graph holds or the caller bound; NULL for an op */
  ra_tensor *leaf_grad;  /* a leaf's gradient goes here */
  bool reached;          /* a leaf to which a gradient flows; that of others is 0 */
  int32_t value, current, grad, saved[RA_MAX_SAVED], moments; /* buffers, or RA_NONE; current: where the value is at the step that is
                                                               * laid out or run */
  double norm2;
} ra_plan_node;

typedef struct ra_plan_step {
  int32_t node;
  ra_pass pass;
  uint32_t first_leaf; /* bit k: the first contribution of a run to the leaf behind input k */
  int32_t value, work; /* buffers: of the value that a forward call writes, of scratch */
  double seconds;      /* profile */
} ra_plan_step;

struct ra_plan {
  ra_arena *arena;
  void *bound_to; /* start of the arena's block when pointers were set; NULL: set them again */
  int32_t n_nodes, n_steps, n_forward, n_again, n_buffers, n_outputs, loss;
  int32_t step_room, buffer_room;
  ra_plan_node *node;
  ra_plan_step *step;
  ra_buffer *buffer;
  int32_t *output;
  size_t bytes, lower_bound;
  int32_t fullest;     /* the step at which lower_bound bytes live */
  size_t bytes_before; /* without the budget */
  double *statistics; /* [n_statistics] of the last run, of all ops that move leaves; NULL: they move them */
  int32_t n_statistics;
  ra_real seed;      /* d(loss)/d(loss), times the caller's scale */
  bool poison;       /* tests: buffers hold NaN before and after their life */
  bool profile;
  int32_t runs;      /* profiled */
  char *text;
};

/* Fuses ops into their producers and readers; see fuse.c. */
void ra_plan_fuse(ra_plan *p);

/* Decides steps, lifetimes and places; may be called again after the life of a node changed. */
int32_t ra_plan_lay_out(ra_plan *p);
/* Drops values until the arena needs at most `budget` bytes. Fails, and says what is the least, where that cannot be. */
int32_t ra_plan_fit(ra_plan *p, size_t budget);

/* Input k of op node n is differentiated. */
bool ra_plan_wants_din(const ra_plan *p, const ra_plan_node *n, int32_t k);

/* each(p, i, to) for every value that a pass of `node` reads: of its inputs, through those that are not written, and its own where
 * backward reads it. */
void ra_plan_reads(ra_plan *p, int32_t node, ra_pass pass, void (*each)(ra_plan *p, int32_t i, void *to), void *to);
/* each(p, i, to), in the order of the graph, for all that has to be computed again before a pass of `node` can run. */
void ra_plan_redo(ra_plan *p, int32_t node, ra_pass pass, void (*each)(ra_plan *p, int32_t i, void *to), void *to);

/* Fleeting values are dropped where this many steps or more do not read them. */
enum { RA_FAR = 4 };

/* Gradients are computed in the pass. */
static inline bool ra_pass_is_backward(ra_pass pass) { return pass == RA_PASS_BACKWARD || pass == RA_PASS_WEIGHTS; }
/* What a backward pass of an op reads. */
static inline int32_t ra_pass_reads(const ra_op *op, ra_pass pass) { return pass == RA_PASS_WEIGHTS ? op->reads_weights : op->reads; }

/* The value of node is not written to an array of its own: readers read its sources. */
static inline bool ra_plan_unwritten(const ra_plan_node *n) { return n->segmented || n->call.fused.deferred; }

/* The node that makes the value of `node`. */
int32_t ra_plan_source(const ra_plan *p, int32_t node);
/* True if the value of `node` is an output of the plan or its loss. */
bool ra_plan_is_output(const ra_plan *p, int32_t node);

#endif
