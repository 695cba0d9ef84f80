/* run.c: setting the pointers of a plan and running its steps. Where values are computed again, pointers are set anew before each step. */
#include <string.h>

#include "../op/call.h"
#include "../tensor/arena.h"
#include "../tensor/tensor.h"
#include "plan.h"

static ra_real *place(const ra_plan *p, int32_t buffer, char *start) {
  return buffer < 0 ? NULL : (ra_real *)(void *)(start + p->buffer[buffer].offset);
}

static ra_real *value_of(const ra_plan *p, int32_t node, char *start) {
  const ra_plan_node *n = &p->node[node];
  if (n->kind == RA_NODE_OP) return place(p, n->current, start);
  return n->tensor ? n->tensor->data : NULL;
}

/* Appends the arrays that readers of `node` read: its own, or its sources. */
static void add_segments(const ra_plan *p, int32_t node, char *start, ra_input *x) {
  const ra_plan_node *n = &p->node[node];
  if (n->segmented) {
    for (int32_t k = 0; k < n->call.n_in; k++) add_segments(p, n->in[k], start, x);
    return;
  }
  const ra_call *c = &n->call;
  bool deferred = c->fused.deferred;
  x->segment[x->count].channels = c->out.dim[1];
  x->segment[x->count].data = value_of(p, deferred ? n->in[0] : node, start);
  x->segment[x->count].prologue = (ra_affine_act){0};
  if (deferred)
    x->segment[x->count].prologue =
      (ra_affine_act){place(p, n->saved[0], start), place(p, n->saved[1], start), c->fused.act, c->fused.slope};
  x->count++;
}

/* The gradients of the inputs of `from`, a concat that is not written. */
static void set_targets(const ra_plan *p, const ra_plan_node *from, char *start, ra_target *t) {
  for (int32_t j = 0; j < t->count; j++) {
    const ra_plan_node *to = &p->node[from->in[j]];
    t->segment[j].channels = to->call.out.dim[1];
    t->segment[j].data = to->wants_grad ? place(p, to->grad, start) : NULL;
  }
}

static void set_inputs(ra_plan *p, int32_t s, char *start) {
  ra_plan_node *n = &p->node[p->step[s].node];
  ra_call *c = &n->call;
  for (int32_t k = 0; k < c->n_in; k++) {
    if (n->in[k] < 0) continue;
    const ra_plan_node *from = &p->node[n->in[k]];
    c->in[k].data = value_of(p, n->in[k], start);
    if (k == 0) c->fused.x.count = 0;
    if (k == 0 && ra_plan_unwritten(from)) add_segments(p, n->in[k], start, &c->fused.x);
    if (!ra_pass_is_backward(p->step[s].pass)) continue;
    c->din[k] = c->in[k];
    c->din[k].data = NULL;
    if (!ra_plan_wants_din(p, n, k)) continue;
    if (from->segmented) set_targets(p, from, start, &c->fused.dx);
    else c->din[k].data = from->kind == RA_NODE_OP ? place(p, from->grad, start) : from->leaf_grad->data;
  }
}

static void set_pointers(ra_plan *p, int32_t s, char *start) {
  int32_t i = p->step[s].node;
  ra_plan_node *n = &p->node[i];
  ra_call *c = &n->call;
  ra_fusion *f = &c->fused;
  if (!ra_pass_is_backward(p->step[s].pass)) n->current = p->step[s].value;
  c->again = p->step[s].pass == RA_PASS_AGAIN;
  c->out.data = place(p, n->current, start);
  for (int32_t k = 0; k < c->n_saved; k++) c->saved[k].data = place(p, n->saved[k], start);
  set_inputs(p, s, start);
  for (int32_t k = 0; k < 4; k++)
    if (n->norm[k] >= 0) f->norm[k].data = value_of(p, n->norm[k], start);
  if (n->residual >= 0) f->residual = value_of(p, n->residual, start);
  f->moments = c->again ? NULL : (ra_moments *)(void *)place(p, n->moments, start);
  if (f->moments_in_chunks > 0) f->moments_in = (ra_moments *)(void *)place(p, p->node[n->in[0]].moments, start);
  c->dout = c->out;
  c->dout.data = i == p->loss ? &p->seed : place(p, n->grad, start);
  c->norm2 = &n->norm2;
}

int32_t ra_plan_bind(ra_plan *p, int32_t node, ra_tensor *t) {
  char a[80], b[80];
  if (node < 0 || node >= p->n_nodes || p->node[node].kind != RA_NODE_INPUT)
    return ra_fail(RA_ERR_ARG, "node %d of the plan is not an input", node);
  ra_plan_node *n = &p->node[node];
  const ra_array *want = &n->call.out;
  const ra_array array = ra_array_of(t);
  if (!ra_same_shape(&array, want))
    return ra_fail(RA_ERR_SHAPE, "the plan was made for an input of shape %s, given %s",
                   ra_shape_text(want->rank, want->dim, a), ra_shape_text(t->rank, t->dim, b));
  if (!ra_tensor_contiguous(t)) return ra_fail(RA_ERR_STATE, "an input of a plan must be contiguous; clone the view first");
  if (n->tensor && n->tensor->data == t->data) return RA_OK;
  ra_tensor *held = ra_tensor_slice(t, 0, t->rank, t->dim);
  if (!held) return ra_error_code();
  ra_tensor_release(n->tensor);
  n->tensor = held;
  p->bound_to = NULL;
  return RA_OK;
}

int32_t ra_plan_set(ra_plan *p, int32_t node, int32_t slot, double value) {
  if (node < 0 || node >= p->n_nodes || p->node[node].kind != RA_NODE_OP)
    return ra_fail(RA_ERR_ARG, "node %d of the plan is not an op", node);
  ra_call *c = &p->node[node].call;
  RA_TRY(ra_check_param(c->op, slot, value));
  c->param[slot] = value;
  return RA_OK;
}

static void run_step(ra_plan *p, int32_t s, bool accumulate) {
  ra_plan_step *step = &p->step[s];
  ra_plan_node *n = &p->node[step->node];
  ra_call *c = &n->call;
  if (c->out.size == 0) return;
  double start = p->profile ? ra_clock() : 0;
  if (p->n_again > 0) set_pointers(p, s, p->bound_to); /* a value is not where it was */
  c->work = place(p, step->work, p->bound_to);
  for (int32_t k = 0; step->first_leaf >> k; k++)
    if (step->first_leaf >> k & 1) c->add[k] = accumulate;
  (step->pass == RA_PASS_WEIGHTS ? c->op->backward_weights : step->pass == RA_PASS_BACKWARD ? c->op->backward : c->op->forward)(c);
  if (p->profile) step->seconds += ra_clock() - start;
}

/* A NaN as float and as double, positive so that Lua takes it for a number, and no index. */
static void poison(char *start, size_t bytes) {
  const uint32_t word = 0x7ff80000;
  for (size_t i = 0; i + sizeof word <= bytes; i += sizeof word) memcpy(start + i, &word, sizeof word);
}

/* Buffers whose life ended with step s. */
static void poison_after(ra_plan *p, int32_t s) {
  for (int32_t b = 0; b < p->n_buffers; b++)
    if (p->buffer[b].root == b && p->buffer[b].last == s) poison((char *)p->bound_to + p->buffer[b].offset, p->buffer[b].bytes);
}

int32_t ra_plan_run(ra_plan *p, bool accumulate, double scale, double seed, int32_t epoch, int32_t step) {
  void *start;
  RA_TRY(ra_arena_reserve(p->arena, p->bytes, &start));
  for (int32_t i = 0; i < p->n_nodes; i++)
    if (p->node[i].used && p->node[i].kind == RA_NODE_INPUT && !p->node[i].tensor)
      return ra_fail(RA_ERR_STATE, "input node %d of the plan has no tensor; bind one first", i);
  for (int32_t s = 0; p->bound_to != start && s < p->n_steps; s++) set_pointers(p, s, start);
  p->bound_to = start;
  p->seed = (ra_real)scale;
  for (int32_t i = 0; i < p->n_nodes; i++) {
    ra_plan_node *n = &p->node[i];
    if (n->kind == RA_NODE_OP && n->call.op->flags & RA_OP_RANDOM) {
      n->call.key.seed = (uint64_t)(int64_t)seed;
      n->call.key.a = (uint32_t)epoch;
      n->call.key.b = (uint32_t)step;
    }
    if (n->leaf_grad && !n->reached && !accumulate) ra_tensor_fill(n->leaf_grad, 0);
  }
  if (p->poison) poison(start, p->bytes);
  for (int32_t s = 0; s < p->n_steps; s++) {
    run_step(p, s, accumulate);
    if (p->poison) poison_after(p, s);
  }
  p->runs += p->profile;
  return RA_OK;
}

ra_tensor *ra_plan_output(ra_plan *p, int32_t index) {
  if (index < 0 || index >= p->n_outputs || !p->bound_to) {
    ra_fail(RA_ERR_STATE, "the plan has no output %d, or did not run yet", index);
    return NULL;
  }
  const ra_plan_node *n = &p->node[ra_plan_source(p, p->output[index])];
  if (n->kind != RA_NODE_OP) return ra_tensor_slice(n->tensor, 0, n->tensor->rank, n->tensor->dim);
  return ra_arena_view(p->arena, p->buffer[n->value].offset, n->call.out.rank, n->call.out.dim);
}

double ra_plan_scalar(ra_plan *p, int32_t index) {
  if (index < 0 || index >= p->n_outputs || !p->bound_to) return 0;
  const ra_real *v = value_of(p, ra_plan_source(p, p->output[index]), p->bound_to);
  return v ? (double)v[0] : 0;
}

double ra_plan_gradient_norm(ra_plan *p, int32_t node) {
  return node >= 0 && node < p->n_nodes ? __builtin_sqrt(p->node[node].norm2) : 0;
}

void ra_plan_profile(ra_plan *p, bool on) {
  p->profile = on;
  p->runs = 0;
  for (int32_t s = 0; s < p->n_steps; s++) p->step[s].seconds = 0;
}
