/* plan.c: from a graph to a plan. Everything is decided here, once: which nodes
 * are needed and which want gradients; then what is fused (fuse.c), the order
 * of steps and the places of buffers (layout.c), and what is computed twice to
 * save memory (budget.c). Running it (run.c) allocates nothing. */
#include "plan.h"

#include <math.h>
#include <string.h>

#include "../base/mem.h"
#include "../op/call.h"
#include "../tensor/tensor.h"

int32_t ra_plan_source(const ra_plan *p, int32_t node) {
  while (node >= 0 && p->node[node].into != node) node = p->node[node].into;
  return node;
}

bool ra_plan_is_output(const ra_plan *p, int32_t node) {
  for (int32_t i = 0; i < p->n_outputs; i++)
    if (ra_plan_source(p, p->output[i]) == node) return true;
  return node == p->loss;
}

/* ---- nodes: copied from the graph, marked ---- */

static int32_t copy_nodes(ra_plan *p, const ra_graph *g, int32_t numerics) {
  int32_t random = 0; /* random ops so far: their keys do not depend on other ops of the graph */
  for (int32_t i = 0; i < g->size; i++) {
    const ra_node *from = &g->node[i];
    ra_plan_node *n = &p->node[i];
    n->kind = from->kind;
    n->into = i;
    n->residual = RA_NONE;
    for (int k = 0; k < 4; k++) n->norm[k] = RA_NONE;
    for (int k = 0; k < RA_MAX_IN; k++) n->in[k] = k < from->n_in ? from->in[k] : RA_NONE;
    if (from->kind == RA_NODE_OP) {
      ra_array in[RA_MAX_IN] = {0};
      for (int32_t k = 0; k < from->n_in; k++)
        in[k] = from->in[k] >= 0 ? p->node[from->in[k]].call.out : (ra_array){.rank = -1};
      RA_TRY(ra_call_prepare(&n->call, from->op, from->param, from->n_in, in, numerics));
      if (from->op->flags & RA_OP_RANDOM) n->call.key.stream = (uint32_t)(RA_RANDOM_OP + random++);
      continue;
    }
    n->call.out = (ra_array){.rank = from->rank, .size = from->size};
    memcpy(n->call.out.dim, from->dim, sizeof from->dim);
    if (from->tensor && !(n->tensor = ra_tensor_slice(from->tensor, 0, from->rank, from->dim))) return ra_error_code();
  }
  return RA_OK;
}

static void mark_used(ra_plan *p) {
  for (int32_t i = 0; i < p->n_outputs; i++) p->node[p->output[i]].used = true;
  if (p->loss >= 0) p->node[p->loss].used = true;
  for (int32_t i = p->n_nodes - 1; i >= 0; i--) {
    const ra_plan_node *n = &p->node[i];
    if (!n->used || n->kind != RA_NODE_OP) continue;
    for (int32_t k = 0; k < n->call.n_in; k++)
      if (n->in[k] >= 0) p->node[n->in[k]].used = true;
  }
}

bool ra_plan_wants_din(const ra_plan *p, const ra_plan_node *n, int32_t k) {
  return n->wants_grad && n->in[k] >= 0 && ra_op_differentiable(n->call.op, k) && p->node[n->in[k]].wants_grad;
}

static int32_t mark_gradients(ra_plan *p, const ra_plan_options *o) {
  char a[80], b[80];
  for (int32_t i = 0; i < o->gradients; i++) {
    int32_t leaf = o->leaf[i];
    if (leaf < 0 || leaf >= p->n_nodes || p->node[leaf].kind == RA_NODE_OP)
      return ra_fail(RA_ERR_ARG, "a gradient is wanted of node %d, which is no input or tensor", leaf);
    ra_plan_node *n = &p->node[leaf];
    ra_tensor *t = o->gradient[i];
    RA_TRY(ra_tensor_alive(t, "plan"));
    const ra_array array = ra_array_of(t);
    if (!ra_same_shape(&array, &n->call.out))
      return ra_fail(RA_ERR_SHAPE, "the gradient of a leaf %s must have its shape, given %s",
                     ra_shape_text(n->call.out.rank, n->call.out.dim, a), ra_shape_text(t->rank, t->dim, b));
    if (!(n->leaf_grad = ra_tensor_slice(t, 0, t->rank, t->dim))) return ra_error_code();
    n->wants_grad = true;
  }
  if (p->loss < 0) return RA_OK;
  for (int32_t i = 0; i < p->n_nodes; i++) {
    ra_plan_node *n = &p->node[i];
    if (n->kind != RA_NODE_OP || !n->used) continue;
    for (int32_t k = 0; k < n->call.n_in; k++)
      if (n->in[k] >= 0 && p->node[n->in[k]].wants_grad && ra_op_differentiable(n->call.op, k)) n->wants_grad = true;
  }
  return RA_OK;
}

/* Nodes that have a gradient but do not reach the loss need none: keep it only on the loss' own ancestors. */
static void keep_ancestors_of_loss(ra_plan *p, bool *reaches) {
  if (p->loss < 0) return;
  memset(reaches, 0, (size_t)p->n_nodes * sizeof *reaches);
  reaches[p->loss] = true;
  for (int32_t i = p->loss; i >= 0; i--) {
    ra_plan_node *n = &p->node[i];
    if (!reaches[i] || n->kind != RA_NODE_OP || !n->wants_grad) continue;
    for (int32_t k = 0; k < n->call.n_in; k++)
      if (n->in[k] >= 0 && ra_op_differentiable(n->call.op, k)) reaches[n->in[k]] = true;
  }
  for (int32_t i = 0; i < p->n_nodes; i++)
    if (p->node[i].kind == RA_NODE_OP && !reaches[i]) p->node[i].wants_grad = false;
}

static int32_t check_options(const ra_graph *g, const ra_plan_options *o) {
  for (int32_t i = 0; i < o->outputs; i++)
    if (o->output[i] < 0 || o->output[i] >= g->size)
      return ra_fail(RA_ERR_ARG, "plan: output %d is not a node of the graph", o->output[i]);
  if (o->loss >= g->size || (o->loss >= 0 && g->node[o->loss].size != 1))
    return ra_fail(RA_ERR_SHAPE, "plan: only a value of one element can be differentiated");
  if (o->outputs == 0 && o->loss < 0) return ra_fail(RA_ERR_ARG, "plan: no output is wanted");
  return RA_OK;
}

static int32_t build(ra_plan *p, const ra_graph *g, const ra_plan_options *o) {
  size_t n = (size_t)g->size + 1;
  p->node = ra_mem_zalloc(n, sizeof *p->node);
  p->output = ra_mem_alloc((size_t)o->outputs + 1, sizeof *p->output);
  bool *reaches = ra_mem_alloc(n, sizeof *reaches);
  int32_t code = RA_ERR_MEMORY;
  if (!p->node || !p->output || !reaches) goto done;
  p->n_nodes = g->size;
  p->n_outputs = o->outputs;
  if (o->outputs > 0) memcpy(p->output, o->output, (size_t)o->outputs * sizeof *p->output);
  p->loss = o->loss < 0 ? RA_NONE : o->loss;
  p->poison = o->poison;
  if ((code = copy_nodes(p, g, o->numerics)) != RA_OK) goto done;
  mark_used(p);
  if ((code = mark_gradients(p, o)) != RA_OK) goto done;
  keep_ancestors_of_loss(p, reaches);
  if (o->fuse) ra_plan_fuse(p);
  if ((code = ra_plan_lay_out(p)) == RA_OK && o->budget > 0) code = ra_plan_fit(p, (size_t)fmin(o->budget, 1e18));
done:
  ra_mem_free(reaches);
  return code;
}

ra_plan *ra_plan_new(const ra_graph *g, const ra_plan_options *o) {
  if (check_options(g, o) != RA_OK) return NULL;
  ra_plan *p = ra_mem_zalloc(1, sizeof *p);
  if (!p) return NULL;
  p->arena = o->arena;
  if (build(p, g, o) == RA_OK) return p;
  ra_plan_release(p);
  return NULL;
}

void ra_plan_release(ra_plan *p) {
  if (!p) return;
  for (int32_t i = 0; i < p->n_nodes; i++) {
    ra_tensor_release(p->node[i].tensor);
    ra_tensor_release(p->node[i].leaf_grad);
  }
  ra_mem_free(p->node);
  ra_mem_free(p->step);
  ra_mem_free(p->buffer);
  ra_mem_free(p->output);
  ra_mem_free(p->text);
  ra_mem_free(p->statistics);
  ra_mem_free(p);
}

double ra_plan_arena_bytes(const ra_plan *p) { return (double)p->bytes; }
double ra_plan_lower_bound(const ra_plan *p) { return (double)p->lower_bound; }
int32_t ra_plan_steps(const ra_plan *p) { return p->n_steps; }
