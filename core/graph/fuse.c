/* fuse.c: ops that disappear into their neighbours.
 *
 * Into the op before, where nobody else reads the value in between:
 *   batch_norm -> relu             one pass over memory (training and inference)
 *   convolution -> batch_norm      inference: scale and shift in the convolution's output step
 *   convolution -> relu            inference: likewise
 *   convolution -> add             inference: the other summand is added there, before an activation behind the add
 *   convolution -> batch_norm      training: the statistics are gathered in the convolution's output step
 *
 * Into the ops behind, where all of them can read so (ra_call.takes):
 *   batch_norm (+ relu) -> ...     lazy: scale, shift and activation while x is read; the normalised array is neither
 *                                  written nor kept for backward
 *   concat -> convolutions         parts: they read its inputs, and write their gradients, where those lie */
#include <string.h>

#include "plan.h"

int32_t ra_plan_source(const ra_plan *p, int32_t node) {
  while (node >= 0 && p->node[node].into != node) node = p->node[node].into;
  return node;
}

static bool is_output(const ra_plan *p, int32_t node) {
  for (int32_t i = 0; i < p->n_outputs; i++)
    if (ra_plan_source(p, p->output[i]) == node) return true;
  return node == p->loss;
}

/* How many used nodes read `node`. */
static int32_t readers(const ra_plan *p, int32_t node) {
  int32_t n = 0;
  for (int32_t i = 0; i < p->n_nodes; i++) {
    const ra_plan_node *r = &p->node[i];
    if (!r->used || r->kind != RA_NODE_OP || r->into != i) continue;
    for (int32_t k = 0; k < r->call.n_in; k++) n += r->in[k] == node;
    n += r->residual == node;
  }
  return n;
}

static bool fuse_activation(ra_plan_node *before, const ra_plan_node *n) {
  int32_t flags = before->call.op->flags;
  bool can = (flags & RA_OP_FUSE_ACT) || ((flags & RA_OP_FUSE_ACT_EVAL) && !before->wants_grad);
  if (!can || before->call.act != RA_ACT_NONE) return false;
  if (strcmp(n->call.op->name, "relu") == 0) before->call.act = RA_ACT_RELU;
  else if (strcmp(n->call.op->name, "leaky_relu") == 0 && n->call.param[0] > 0) {
    before->call.act = RA_ACT_LEAKY_RELU;
    before->call.slope = (ra_real)n->call.param[0];
  } else return false;
  return true;
}

static bool fuse_norm(const ra_plan *p, ra_plan_node *before, const ra_plan_node *n) {
  const ra_op *op = n->call.op;
  if (strcmp(op->name, "batch_norm") != 0 || n->call.param[ra_param_slot(op, "train")] != 0) return false;
  if (!(before->call.op->flags & RA_OP_FUSE_NORM) || before->wants_grad || n->wants_grad) return false;
  if (before->call.folded || before->call.act != RA_ACT_NONE || before->residual >= 0) return false;
  for (int32_t k = 1; k < n->call.n_in; k++)
    if (n->in[k] >= 0 && p->node[n->in[k]].kind == RA_NODE_OP) return false;
  for (int32_t k = 0; k < 4; k++) before->fold[k] = k + 1 < n->call.n_in ? n->in[k + 1] : RA_NONE;
  before->call.folded = true;
  before->call.fold_eps = n->call.param[ra_param_slot(op, "eps")];
  return true;
}

static bool same_shape(const ra_array *a, const ra_array *b) {
  return a->rank == b->rank && memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim) == 0;
}

/* n adds the value of `other`, an older node, to what `before` made: that becomes its residual. */
static bool fuse_add(const ra_plan *p, ra_plan_node *before, const ra_plan_node *n, int32_t other) {
  if (strcmp(n->call.op->name, "add") != 0 || !(before->call.op->flags & RA_OP_FUSE_ADD) || before->wants_grad || n->wants_grad) return false;
  if (before->call.act != RA_ACT_NONE || before->residual >= 0) return false;
  if (!same_shape(&before->call.out, &n->call.out) || !same_shape(&p->node[other].call.out, &n->call.out)) return false;
  before->residual = other;
  return true;
}

/* Everybody who reads `node` does so as its first input and takes what `kind` says; somebody does. */
static bool all_take(const ra_plan *p, int32_t node, int32_t kind) {
  int32_t n = 0;
  for (int32_t i = 0; i < p->n_nodes; i++) {
    const ra_plan_node *r = &p->node[i];
    if (!r->used || r->kind != RA_NODE_OP) continue;
    if (r->residual == node) return false;
    for (int32_t k = 0; k < r->call.n_in; k++) {
      if (r->in[k] != node) continue;
      if (!(r->parts ? kind == RA_TAKES_LAZY : k == 0 && (r->call.takes & kind))) return false;
      n++;
    }
  }
  return n > 0;
}

/* Concats along channels of arrays that are each written whole. */
static bool can_be_parts(const ra_plan *p, const ra_plan_node *n, int32_t node) {
  const ra_op *op = n->call.op;
  if (strcmp(op->name, "concat") != 0 || n->call.out.rank != 4 || n->call.param[ra_param_slot(op, "dim")] != 1) return false;
  if (n->call.n_in > RA_MAX_SEGMENTS || is_output(p, node) || !all_take(p, node, RA_TAKES_PARTS)) return false;
  for (int32_t k = 0; k < n->call.n_in; k++) {
    const ra_plan_node *from = &p->node[n->in[k]];
    if (from->parts || (from->kind != RA_NODE_OP && from->wants_grad)) return false; /* gradients of leaves lie elsewhere */
    for (int32_t j = 0; j < k; j++)
      if (n->in[j] == n->in[k]) return false;
  }
  return true;
}

static void fuse_behind(ra_plan *p) {
  for (int32_t i = 0; i < p->n_nodes; i++) {
    ra_plan_node *n = &p->node[i];
    if (n->used && n->kind == RA_NODE_OP) n->parts = can_be_parts(p, n, i);
  }
  for (int32_t i = 0; i < p->n_nodes; i++) {
    ra_plan_node *n = &p->node[i];
    if (!n->used || n->kind != RA_NODE_OP || !(n->call.op->flags & RA_OP_LAZY)) continue;
    n->call.lazy = !is_output(p, i) && !ra_plan_unwritten(&p->node[n->in[0]]) && all_take(p, i, RA_TAKES_LAZY);
  }
}

/* batch_norm with the batch's statistics straight behind an op that can gather them. */
static void fuse_moments(ra_plan *p) {
  for (int32_t i = 0; i < p->n_nodes; i++) {
    ra_plan_node *n = &p->node[i];
    if (!n->used || n->kind != RA_NODE_OP || strcmp(n->call.op->name, "batch_norm") != 0) continue;
    const ra_plan_node *before = &p->node[n->in[0]];
    if (n->call.param[ra_param_slot(n->call.op, "train")] == 0 || before->kind != RA_NODE_OP) continue;
    if (before->call.act != RA_ACT_NONE || before->residual >= 0) continue;
    n->call.gathered_pieces = before->call.pieces;
  }
}

/* Nobody but one op reads the value of node b. */
static bool passed_on(const ra_plan *p, int32_t b) {
  return b >= 0 && p->node[b].kind == RA_NODE_OP && readers(p, b) == 1 && !is_output(p, b);
}

/* Node i into the op that made its input; of two summands into the one that was made last, when the other is there. */
static void fuse_before(ra_plan *p, int32_t i) {
  ra_plan_node *n = &p->node[i];
  int32_t b = n->call.n_in > 0 ? n->in[0] : RA_NONE;
  if (passed_on(p, b) && (fuse_norm(p, &p->node[b], n) || fuse_activation(&p->node[b], n))) n->into = b;
  if (n->call.n_in != 2 || n->into != i) return;
  int32_t last = n->in[0] > n->in[1] ? n->in[0] : n->in[1], first = n->in[0] > n->in[1] ? n->in[1] : n->in[0];
  if (first >= 0 && passed_on(p, last) && fuse_add(p, &p->node[last], n, first)) n->into = last;
}

void ra_plan_fuse(ra_plan *p) {
  for (int32_t i = 0; i < p->n_nodes; i++) {
    ra_plan_node *n = &p->node[i];
    if (!n->used || n->kind != RA_NODE_OP) continue;
    for (int32_t k = 0; k < n->call.n_in; k++) n->in[k] = ra_plan_source(p, n->in[k]);
    fuse_before(p, i);
  }
  for (int32_t i = 0; i < p->n_nodes; i++)
    if (p->node[i].into != i) p->node[i].used = false;
  fuse_behind(p);
  fuse_moments(p);
}
