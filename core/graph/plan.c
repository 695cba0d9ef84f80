/* plan.c: from a graph to a plan. Everything is decided here, once: which nodes
 * are needed, which want gradients, the order of steps, the lifetime of every
 * buffer and its place in the arena. Running it (run.c) allocates nothing.
 *
 * Steps 0..F-1 are the used ops in the order of recording, steps F.. their
 * backward calls in reverse. A buffer is a value, a gradient, an array saved
 * for backward or scratch; it lives from its first step to its last. */
#include "plan.h"

#include <string.h>

#include "../base/math.h"
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
    n->value = n->grad = n->work[0] = n->work[1] = n->moments = n->residual = RA_NONE;
    for (int k = 0; k < RA_MAX_SAVED; k++) n->saved[k] = RA_NONE;
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

/* Input k of op node n is differentiated. */
static bool wants_din(const ra_plan *p, const ra_plan_node *n, int32_t k) {
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

/* ---- steps ---- */

static void make_steps(ra_plan *p) {
  for (int32_t i = 0; i < p->n_nodes; i++)
    if (p->node[i].used && p->node[i].kind == RA_NODE_OP && !p->node[i].segmented) p->step[p->n_steps++] = (ra_plan_step){i, false, 0};
  p->n_forward = p->n_steps;
  for (int32_t s = p->n_forward - 1; p->loss >= 0 && s >= 0; s--)
    if (p->node[p->step[s].node].wants_grad) p->step[p->n_steps++] = (ra_plan_step){p->step[s].node, true, 0};
}

/* ---- buffers ---- */

static int32_t add_buffer(ra_plan *p, size_t bytes, int32_t first, int32_t last) {
  size_t whole = ra_round_up(bytes, (size_t)RA_MEM_ALIGN);
  p->buffer[p->n_buffers] = (ra_buffer){.bytes = whole, .first = first, .last = last, .root = p->n_buffers};
  return p->n_buffers++;
}

static size_t bytes_of(const ra_array *a) { return (size_t)a->size * sizeof(ra_real); }

static void live_until(ra_plan *p, int32_t buffer, int32_t step) {
  if (buffer >= 0 && p->buffer[buffer].last < step) p->buffer[buffer].last = step;
}

/* The partial moments that `before` writes for normalisation n: they live from its step on. */
static int32_t add_moments(ra_plan *p, const ra_plan_node *before, const ra_plan_node *n) {
  size_t bytes = (size_t)n->call.fused.moments_in_chunks * (size_t)before->call.out.dim[1] * sizeof(ra_moments);
  int32_t first = p->buffer[before->value].first;
  return add_buffer(p, bytes, first, first);
}

/* Extends the life of every buffer that a reader of `node` reads to this step. */
static void read_in_step(ra_plan *p, int32_t node, int32_t step) {
  const ra_plan_node *n = &p->node[node];
  live_until(p, n->value, step);
  if (n->segmented)
    for (int32_t k = 0; k < n->call.n_in; k++) read_in_step(p, n->in[k], step);
  if (n->call.fused.deferred) {
    read_in_step(p, n->in[0], step);
    for (int32_t k = 0; k < 2; k++) live_until(p, n->saved[k], step);
  }
}

static void make_forward_buffers(ra_plan *p) {
  for (int32_t s = 0; s < p->n_forward; s++) {
    int32_t i = p->step[s].node;
    ra_plan_node *n = &p->node[i];
    ra_call *c = &n->call;
    if (!c->fused.deferred) n->value = add_buffer(p, bytes_of(&c->out), s, ra_plan_is_output(p, i) ? p->n_steps : s);
    for (int32_t k = 0; k < c->n_saved; k++) n->saved[k] = add_buffer(p, bytes_of(&c->saved[k]), s, s);
    if (c->work_forward) n->work[0] = add_buffer(p, c->work_forward, s, s);
    for (int32_t k = 0; k < c->n_in; k++)
      if (n->in[k] >= 0) read_in_step(p, n->in[k], s);
    if (n->residual >= 0) read_in_step(p, n->residual, s);
    if (c->fused.moments_in_chunks > 0) {
      ra_plan_node *before = &p->node[n->in[0]];
      if (before->moments < 0) before->moments = add_moments(p, before, n);
      live_until(p, before->moments, s);
    }
  }
}

/* True if no step before s, and no input before k of it, adds to the leaf behind input k. */
static bool first_of_leaf(const ra_plan *p, int32_t s, int32_t k) {
  int32_t leaf = p->node[p->step[s].node].in[k];
  for (int32_t t = p->n_forward; t <= s; t++) {
    const ra_plan_node *m = &p->node[p->step[t].node];
    for (int32_t j = 0; j < (t == s ? k : m->call.n_in); j++)
      if (m->in[j] == leaf && wants_din(p, m, j)) return false;
  }
  return true;
}

/* Step s contributes to the gradient of op node `to`; returns whether it adds to earlier contributions. */
static bool contribute(ra_plan *p, ra_plan_node *to, int32_t s) {
  bool add = to->grad >= 0;
  if (add) live_until(p, to->grad, s);
  else to->grad = add_buffer(p, bytes_of(&to->call.out), s, s);
  return add;
}

/* Arrays that backward reads live until then; gradients live from their first contribution to their use. */
static void make_backward_buffers(ra_plan *p) {
  for (int32_t s = p->n_forward; s < p->n_steps; s++) {
    ra_plan_step *step = &p->step[s];
    ra_plan_node *n = &p->node[step->node];
    ra_call *c = &n->call;
    if (c->op->reads & RA_READS_OUT) live_until(p, n->value, s);
    for (int32_t k = 0; k < c->n_saved; k++) live_until(p, n->saved[k], s);
    if (c->work_backward) n->work[1] = add_buffer(p, c->work_backward, s, s);
    if (n->grad >= 0) live_until(p, n->grad, s);
    for (int32_t k = 0; k < c->n_in; k++) {
      if (n->in[k] < 0) continue;
      ra_plan_node *from = &p->node[n->in[k]];
      if (c->op->reads >> k & 1) read_in_step(p, n->in[k], s);
      if (!wants_din(p, n, k)) continue;
      if (from->kind != RA_NODE_OP) {
        bool first = first_of_leaf(p, s, k);
        if (first) step->first_leaf |= 1u << k;
        from->reached = true;
        c->add[k] = !first;
      } else if (from->segmented) {
        c->fused.dx.count = from->call.n_in;
        for (int32_t j = 0; j < from->call.n_in; j++)
          if (wants_din(p, from, j)) c->fused.dx.segment[j].add = contribute(p, &p->node[from->in[j]], s);
      } else {
        c->add[k] = contribute(p, from, s);
      }
    }
  }
}

static int32_t root_of(const ra_plan *p, int32_t b) {
  while (p->buffer[b].root != b) b = p->buffer[b].root;
  return b;
}

/* Lets buffer b use the memory of `host`, whose last step is b's first. */
static void share(ra_plan *p, int32_t b, int32_t host) {
  host = root_of(p, host);
  p->buffer[b].root = host;
  live_until(p, host, p->buffer[b].last);
}

/* Elementwise ops write over their input if no later step reads it. */
static void share_in_place(ra_plan *p) {
  for (int32_t s = 0; s < p->n_steps; s++) {
    ra_plan_node *n = &p->node[p->step[s].node];
    if (n->in[0] < 0) continue;
    ra_plan_node *from = &p->node[n->in[0]];
    if (from->kind != RA_NODE_OP || from->segmented) continue;
    if (!p->step[s].backward) {
      if (from->value < 0 || n->value < 0) continue;
      if (!(n->call.op->flags & RA_OP_INPLACE) || ra_plan_is_output(p, n->in[0])) continue;
      if (bytes_of(&n->call.out) != bytes_of(&n->call.in[0])) continue;
      if (p->buffer[root_of(p, from->value)].last == s) share(p, n->value, from->value);
    } else if (n->call.op->flags & RA_OP_INPLACE_GRAD && wants_din(p, n, 0) && !n->call.add[0] && n->grad >= 0) {
      if (p->buffer[root_of(p, n->grad)].last == s && p->buffer[from->grad].first == s && from->grad != n->grad &&
          bytes_of(&n->call.out) == bytes_of(&n->call.in[0]))
        share(p, from->grad, n->grad);
    }
  }
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
  p->step = ra_mem_alloc(2 * n, sizeof *p->step);
  p->buffer = ra_mem_alloc(n * (5 + RA_MAX_SAVED), sizeof *p->buffer);
  p->output = ra_mem_alloc((size_t)o->outputs + 1, sizeof *p->output);
  bool *reaches = ra_mem_alloc(n, sizeof *reaches);
  int32_t code = RA_ERR_MEMORY;
  if (!p->node || !p->step || !p->buffer || !p->output || !reaches) goto done;
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
  make_steps(p);
  make_forward_buffers(p);
  make_backward_buffers(p);
  share_in_place(p);
  p->lower_bound = ra_pack_lower_bound(p->buffer, p->n_buffers, p->n_steps);
  code = ra_pack(p->buffer, p->n_buffers, &p->bytes);
  for (int32_t b = 0; b < p->n_buffers; b++) p->buffer[b].offset = p->buffer[root_of(p, b)].offset;
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
  ra_mem_free(p);
}

double ra_plan_arena_bytes(const ra_plan *p) { return (double)p->bytes; }
double ra_plan_lower_bound(const ra_plan *p) { return (double)p->lower_bound; }
int32_t ra_plan_steps(const ra_plan *p) { return p->n_steps; }
