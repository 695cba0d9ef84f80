/* fuse.c: the rules by which ops are fused into their neighbours. The rules match ops by their role (op.h).
 *
 * Into the producer, if no other op reads the value in between (rules):
 *   batch_norm -> relu             one pass over memory (training and inference)
 *   convolution -> batch_norm      inference: scale and shift in the convolution's epilogue
 *   convolution -> relu            inference: likewise
 *   convolution -> add             inference: the other summand is its residual, added before an activation behind the add
 *
 * Into the readers, if every one accepts that form (reader_rules):
 *   concat -> convolutions         its inputs are read, and their gradients written, as segments
 *   batch_norm (+ relu) -> ...     deferred: scale, shift and activation while x is read; the normalised array is neither
 *                                  written nor kept for backward
 *   convolution -> batch_norm      training: the convolution's epilogue writes partial statistics */
#include <string.h>

#include "plan.h"

/* Counts the reads of every node's value by used ops, as they were recorded. Fusing i into its producer moves i's count
 * there: who read i's value reads the producer's from then on. */
static void count_readers(ra_plan *p) {
  for (int32_t i = 0; i < p->n_nodes; i++) {
    const ra_plan_node *r = &p->node[i];
    if (!r->used || r->kind != RA_NODE_OP) continue;
    for (int32_t k = 0; k < r->call.n_in; k++)
      if (r->in[k] >= 0) p->node[r->in[k]].readers++;
  }
}

/* ---- into the producer: n into `before`; other is n's other input, or RA_NONE ---- */

typedef bool fuse_fn(const ra_plan *p, ra_plan_node *before, const ra_plan_node *n, int32_t other);

static bool has_epilogue(const ra_plan_node *n) { return n->call.fused.act != RA_ACT_NONE || n->residual >= 0; }

static bool fuse_act(const ra_plan *p, ra_plan_node *before, const ra_plan_node *n, int32_t other) {
  (void)p, (void)other;
  ra_fusion *f = &before->call.fused;
  bool leaky = n->call.op->act == RA_ACT_LEAKY_RELU;
  if (before->wants_grad && !(before->call.op->flags & RA_OP_ACT_GRAD)) return false;
  if (f->act != RA_ACT_NONE || (leaky && !(n->call.param[0] > 0))) return false;
  f->act = n->call.op->act;
  if (leaky) f->slope = (ra_real)n->call.param[0];
  return true;
}

/* A normalisation by running statistics that are leaves. */
static bool fold_norm(const ra_plan *p, ra_plan_node *before, const ra_plan_node *n, int32_t other) {
  (void)other;
  ra_fusion *f = &before->call.fused;
  int32_t train = ra_param_slot(n->call.op, "train"), eps = ra_param_slot(n->call.op, "eps");
  if (train < 0 || n->call.param[train] != 0 || f->folded || has_epilogue(before)) return false;
  for (int32_t k = 1; k < n->call.n_in; k++)
    if (n->in[k] >= 0 && p->node[n->in[k]].kind == RA_NODE_OP) return false;
  for (int32_t k = 0; k < 4; k++) before->norm[k] = k + 1 < n->call.n_in ? n->in[k + 1] : RA_NONE;
  f->folded = true;
  f->norm_eps = n->call.param[eps];
  return true;
}

/* n adds the value of `other`, an older node, to that of `before`. */
static bool fuse_residual(const ra_plan *p, ra_plan_node *before, const ra_plan_node *n, int32_t other) {
  const ra_array *out = &n->call.out;
  if (other < 0 || has_epilogue(before)) return false;
  if (!ra_same_shape(&before->call.out, out) || !ra_same_shape(&p->node[other].call.out, out)) return false;
  before->residual = other;
  return true;
}

typedef struct {
  ra_role producer, reader;
  bool inference; /* only if neither has a gradient */
  fuse_fn *fuse;
} rule;

static const rule rules[] = {
  {RA_ROLE_CONV, RA_ROLE_NORM, true, fold_norm},
  {RA_ROLE_CONV, RA_ROLE_ACT, false, fuse_act},
  {RA_ROLE_NORM, RA_ROLE_ACT, false, fuse_act},
  {RA_ROLE_CONV, RA_ROLE_ADD, true, fuse_residual},
};

/* Fuses node i into the producer of its input; an add goes into its later producer, when the other operand is already
 * computed. */
static void fuse_into_producer(ra_plan *p, int32_t i) {
  ra_plan_node *n = &p->node[i];
  int32_t before = n->call.n_in > 0 ? n->in[0] : RA_NONE, other = RA_NONE;
  if (n->call.op->role == RA_ROLE_ADD) {
    before = n->in[0] > n->in[1] ? n->in[0] : n->in[1];
    other = n->in[0] > n->in[1] ? n->in[1] : n->in[0];
  }
  if (before < 0 || p->node[before].kind != RA_NODE_OP || p->node[before].readers != 1 || ra_plan_is_output(p, before)) return;
  ra_plan_node *producer = &p->node[before];
  for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
    if (rules[r].producer != producer->call.op->role || rules[r].reader != n->call.op->role) continue;
    if (rules[r].inference && (producer->wants_grad || n->wants_grad)) continue;
    if (!rules[r].fuse(p, producer, n, other)) continue;
    n->into = before;
    producer->readers = n->readers;
    return;
  }
}

/* ---- into the readers ---- */

/* True if `node` has readers and every one reads it as input 0 and accepts `form`. */
static bool all_accept(const ra_plan *p, int32_t node, int32_t form) {
  int32_t n = 0;
  for (int32_t i = 0; i < p->n_nodes; i++) {
    const ra_plan_node *r = &p->node[i];
    if (!r->used || r->kind != RA_NODE_OP) continue;
    if (r->residual == node) return false;
    for (int32_t k = 0; k < r->call.n_in; k++) {
      if (r->in[k] != node) continue;
      if (!(r->segmented ? form == RA_ACCEPTS_DEFERRED : k == 0 && (r->call.accepts & form))) return false;
      n++;
    }
  }
  return n > 0;
}

/* A concat along channels of arrays that are each written whole becomes segments. */
static void segment(ra_plan *p, int32_t node) {
  ra_plan_node *n = &p->node[node];
  const ra_call *c = &n->call;
  if (c->out.rank != 4 || c->param[ra_param_slot(c->op, "dim")] != 1 || c->n_in > RA_MAX_SEGMENTS) return;
  if (ra_plan_is_output(p, node) || !all_accept(p, node, RA_ACCEPTS_SEGMENTS)) return;
  for (int32_t k = 0; k < c->n_in; k++) {
    const ra_plan_node *from = &p->node[n->in[k]];
    if (from->segmented || (from->kind != RA_NODE_OP && from->wants_grad)) return; /* gradients of leaves are not in the arena */
    for (int32_t j = 0; j < k; j++)
      if (n->in[j] == n->in[k]) return;
  }
  n->segmented = true;
}

/* A normalisation is deferred to its readers. */
static void defer(ra_plan *p, int32_t node) {
  ra_plan_node *n = &p->node[node];
  if (!(n->call.op->flags & RA_OP_DEFER) || ra_plan_is_output(p, node) || ra_plan_unwritten(&p->node[n->in[0]])) return;
  n->call.fused.deferred = all_accept(p, node, RA_ACCEPTS_DEFERRED);
}

/* A normalisation by the batch's statistics reads the partial moments of its producer, if that can write them. */
static void share_moments(ra_plan *p, int32_t node) {
  ra_plan_node *n = &p->node[node];
  const ra_plan_node *before = &p->node[n->in[0]];
  int32_t train = ra_param_slot(n->call.op, "train");
  if (train < 0 || n->call.param[train] == 0 || before->kind != RA_NODE_OP || has_epilogue(before)) return;
  n->call.fused.moments_in_chunks = before->call.moment_chunks;
}

static const struct {
  ra_role role;
  void (*fuse)(ra_plan *p, int32_t node);
} reader_rules[] = {
  {RA_ROLE_CONCAT, segment},
  {RA_ROLE_NORM, defer},
  {RA_ROLE_NORM, share_moments},
};

void ra_plan_fuse(ra_plan *p) {
  count_readers(p);
  for (int32_t i = 0; i < p->n_nodes; i++) {
    ra_plan_node *n = &p->node[i];
    if (!n->used || n->kind != RA_NODE_OP) continue;
    for (int32_t k = 0; k < n->call.n_in; k++) n->in[k] = ra_plan_source(p, n->in[k]);
    fuse_into_producer(p, i);
  }
  for (int32_t i = 0; i < p->n_nodes; i++)
    if (p->node[i].into != i) p->node[i].used = false;
  for (size_t r = 0; r < sizeof reader_rules / sizeof *reader_rules; r++)
    for (int32_t i = 0; i < p->n_nodes; i++)
      if (p->node[i].used && p->node[i].kind == RA_NODE_OP && p->node[i].call.op->role == reader_rules[r].role) reader_rules[r].fuse(p, i);
}
