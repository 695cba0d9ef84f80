/* plan.h: the structs of a plan; included by the files of this folder only.
 *
 *   plan.c      from graph to plan: used nodes, gradients, lifetimes, memory
 *   fuse.c      the rules by which ops are fused into their neighbours
 *   run.c       pointers, and running the steps
 *   describe.c  the plan as text */
#ifndef RA_PLAN_H
#define RA_PLAN_H

#include "graph.h"
#include "pack.h"

enum { RA_NONE = -1 };

typedef struct ra_plan_node {
  ra_node_kind kind;
  bool used;
  bool wants_grad;       /* a gradient flows through it to a leaf */
  int32_t into;          /* fused into this node, whose value is its value; itself where not */
  int32_t in[RA_MAX_IN]; /* inputs after fusion */
  int32_t norm[4];       /* tensors of a folded normalisation, or RA_NONE */
  int32_t residual;      /* the other input of an add that was fused into this node, or RA_NONE */
  bool segmented;        /* a concat that is not written: its readers read its inputs as segments */
  ra_call call;
  ra_tensor *tensor;     /* a tensor that the graph holds or the caller bound; NULL for an op */
  ra_tensor *leaf_grad;  /* a leaf's gradient goes here */
  bool reached;          /* a leaf to which a gradient flows; that of others is 0 */
  int32_t value, grad, saved[RA_MAX_SAVED], work[2], moments; /* buffers, or RA_NONE */
  double norm2;
  double seconds[2];     /* profile: forward, backward */
} ra_plan_node;

typedef struct ra_plan_step {
  int32_t node;
  bool backward;
  uint32_t first_leaf; /* bit k: the first contribution of a run to the leaf behind input k */
} ra_plan_step;

struct ra_plan {
  ra_arena *arena;
  void *bound_to; /* start of the arena's block when pointers were set; NULL: set them again */
  int32_t n_nodes, n_steps, n_forward, n_buffers, n_outputs, loss;
  ra_plan_node *node;
  ra_plan_step *step;
  ra_buffer *buffer;
  int32_t *output;
  size_t bytes, lower_bound;
  ra_real seed;      /* d(loss)/d(loss), times the caller's scale */
  bool poison;       /* tests: buffers hold NaN before and after their life */
  bool profile;
  int32_t runs;      /* profiled */
  char *text;
};

/* Fuses ops into their producers and readers; see fuse.c. */
void ra_plan_fuse(ra_plan *p);

/* The value of node is not written to an array of its own: readers read its sources. */
static inline bool ra_plan_unwritten(const ra_plan_node *n) { return n->segmented || n->call.fused.deferred; }

/* The node that makes the value of `node`. */
int32_t ra_plan_source(const ra_plan *p, int32_t node);
/* True if the value of `node` is an output of the plan or its loss. */
bool ra_plan_is_output(const ra_plan *p, int32_t node);

#endif
