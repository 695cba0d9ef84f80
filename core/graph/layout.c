/* layout.c: the order of a plan's steps, the lifetime of every buffer and its place in the arena.
 *
 * Steps 0..F-1 are the used ops in the order of recording, then come their backward calls in reverse, of some ops in two (op.h).
 * Before a backward call that reads a dropped value stand the forward calls that compute it again. A buffer is a value, a
 * gradient, an array saved for backward or scratch; it lives from its first step to its last. A dropped value has a buffer for
 * each of its lives. */
#include "../base/math.h"
#include "../base/mem.h"
#include "plan.h"

/* ---- what a step reads ---- */

/* The value of `node`, or those that its readers read in its place. */
static void read_value(ra_plan *p, int32_t node, void (*each)(ra_plan *p, int32_t i, void *to), void *to) {
  const ra_plan_node *n = &p->node[node];
  if (n->kind != RA_NODE_OP) return;
  if (!ra_plan_unwritten(n)) each(p, node, to);
  else
    for (int32_t k = 0; k < (n->segmented ? n->call.n_in : 1); k++) read_value(p, n->in[k], each, to);
}

void ra_plan_reads(ra_plan *p, int32_t node, ra_pass pass, void (*each)(ra_plan *p, int32_t i, void *to), void *to) {
  const ra_plan_node *n = &p->node[node];
  bool backward = ra_pass_is_backward(pass);
  int32_t reads = ra_pass_reads(n->call.op, pass);
  if (backward && reads & RA_READS_OUT) read_value(p, node, each, to);
  for (int32_t k = 0; k < n->call.n_in; k++)
    if (n->in[k] >= 0 && (!backward || reads >> k & 1)) read_value(p, n->in[k], each, to);
  if (!backward && n->residual >= 0) read_value(p, n->residual, each, to);
}

/* ---- steps ---- */

/* Marks a value that is needed and not there. */
static void want(ra_plan *p, int32_t i, void *wanted) {
  ra_plan_node *n = &p->node[i];
  bool there = n->life == RA_LIFE_KEPT || (n->done && (n->life == RA_LIFE_AGAIN || p->n_steps - n->touched < RA_FAR));
  if (there || n->wanted) return;
  n->wanted = true;
  ++*(int32_t *)wanted;
}

void ra_plan_redo(ra_plan *p, int32_t node, ra_pass pass, void (*each)(ra_plan *p, int32_t i, void *to), void *to) {
  int32_t wanted = 0, i = node + 1;
  ra_plan_reads(p, node, pass, want, &wanted);
  while (wanted > 0) {
    if (!p->node[--i].wanted) continue;
    wanted--;
    ra_plan_reads(p, i, RA_PASS_AGAIN, want, &wanted);
  }
  for (; i <= node; i++) {
    if (!p->node[i].wanted) continue;
    p->node[i].wanted = false;
    each(p, i, to);
  }
}

static void touch(ra_plan *p, int32_t i, void *step) { p->node[i].touched = *(int32_t *)step; }

static int32_t add_step(ra_plan *p, int32_t node, ra_pass pass) {
  if (p->n_steps == p->step_room) {
    int32_t room = 2 * p->step_room + 64;
    ra_plan_step *grown = ra_mem_realloc(p->step, (size_t)room, sizeof *grown);
    if (!grown) return RA_ERR_MEMORY;
    p->step = grown;
    p->step_room = room;
  }
  p->step[p->n_steps] = (ra_plan_step){.node = node, .pass = pass, .value = RA_NONE, .work = RA_NONE};
  if (pass != RA_PASS_FORWARD) ra_plan_reads(p, node, pass, touch, &p->n_steps);
  p->n_steps++;
  p->n_again += pass == RA_PASS_AGAIN;
  return RA_OK;
}

static void add_again(ra_plan *p, int32_t i, void *code) {
  int32_t *c = code;
  if (*c != RA_OK || (*c = add_step(p, i, RA_PASS_AGAIN)) != RA_OK) return;
  p->node[i].done = true;
  p->node[i].touched = p->n_steps - 1;
}

/* The gradient of input k of node n is computed in the pass. */
static bool computes(const ra_plan *p, const ra_plan_node *n, int32_t k, ra_pass pass) {
  bool apart = n->call.op->backward_weights && k > 0;
  return ra_plan_wants_din(p, n, k) && apart == (pass == RA_PASS_WEIGHTS);
}

static bool computes_any(const ra_plan *p, int32_t i, ra_pass pass) {
  const ra_plan_node *n = &p->node[i];
  for (int32_t k = 0; k < n->call.n_in; k++)
    if (computes(p, n, k, pass)) return true;
  return false;
}

static int32_t make_steps(ra_plan *p) {
  int32_t code = RA_OK;
  for (int32_t i = 0; i < p->n_nodes; i++)
    if (p->node[i].used && p->node[i].kind == RA_NODE_OP && !p->node[i].segmented) RA_TRY(add_step(p, i, RA_PASS_FORWARD));
  p->n_forward = p->n_steps;
  for (int32_t s = p->n_forward - 1; p->loss >= 0 && s >= 0; s--) {
    int32_t i = p->step[s].node;
    if (!p->node[i].wants_grad) continue;
    for (ra_pass pass = RA_PASS_WEIGHTS; pass <= RA_PASS_BACKWARD; pass++) {
      if (!computes_any(p, i, pass)) continue;
      ra_plan_redo(p, i, pass, add_again, &code);
      RA_TRY(code);
      RA_TRY(add_step(p, i, pass));
    }
  }
  return RA_OK;
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
  live_until(p, n->current, step);
  if (n->segmented)
    for (int32_t k = 0; k < n->call.n_in; k++) read_in_step(p, n->in[k], step);
  if (n->call.fused.deferred) {
    read_in_step(p, n->in[0], step);
    for (int32_t k = 0; k < 2; k++) live_until(p, n->saved[k], step);
  }
}

/* The value that forward step s writes, its scratch, and what it reads. */
static void call_forward(ra_plan *p, int32_t s) {
  int32_t i = p->step[s].node;
  ra_plan_node *n = &p->node[i];
  ra_call *c = &n->call;
  if (!c->fused.deferred) n->current = p->step[s].value = add_buffer(p, bytes_of(&c->out), s, ra_plan_is_output(p, i) ? p->n_steps : s);
  if (c->work_forward) p->step[s].work = add_buffer(p, c->work_forward, s, s);
  for (int32_t k = 0; k < c->n_in; k++)
    if (n->in[k] >= 0) read_in_step(p, n->in[k], s);
  if (n->residual >= 0) read_in_step(p, n->residual, s);
}

static void make_forward_buffers(ra_plan *p) {
  for (int32_t s = 0; s < p->n_forward; s++) {
    ra_plan_node *n = &p->node[p->step[s].node];
    ra_call *c = &n->call;
    call_forward(p, s);
    n->value = n->current;
    for (int32_t k = 0; k < c->n_saved; k++) n->saved[k] = add_buffer(p, bytes_of(&c->saved[k]), s, s);
    if (c->fused.moments_in_chunks > 0) {
      ra_plan_node *before = &p->node[n->in[0]];
      if (before->moments < 0) before->moments = add_moments(p, before, n);
      live_until(p, before->moments, s);
    }
  }
}

/* Step s contributes to the gradient of op node `to`; returns whether it adds to earlier contributions. */
static bool contribute(ra_plan *p, ra_plan_node *to, int32_t s) {
  bool add = to->grad >= 0;
  if (add) live_until(p, to->grad, s);
  else to->grad = add_buffer(p, bytes_of(&to->call.out), s, s);
  return add;
}

/* Backward step s contributes to the gradient of input k. */
static void contribute_to_input(ra_plan *p, int32_t s, int32_t k) {
  ra_plan_node *n = &p->node[p->step[s].node], *from = &p->node[n->in[k]];
  ra_call *c = &n->call;
  if (from->kind != RA_NODE_OP) {
    if (!from->reached) p->step[s].first_leaf |= 1u << k;
    c->add[k] = from->reached;
    from->reached = true;
  } else if (from->segmented) {
    c->fused.dx.count = from->call.n_in;
    for (int32_t j = 0; j < from->call.n_in; j++)
      if (ra_plan_wants_din(p, from, j)) c->fused.dx.segment[j].add = contribute(p, &p->node[from->in[j]], s);
  } else {
    c->add[k] = contribute(p, from, s);
  }
}

/* Arrays that backward reads live until then; gradients live from their first contribution to their use. */
static void make_backward_buffers(ra_plan *p) {
  for (int32_t s = p->n_forward; s < p->n_steps; s++) {
    ra_plan_node *n = &p->node[p->step[s].node];
    ra_call *c = &n->call;
    for (int32_t k = 0; k < c->n_saved; k++) live_until(p, n->saved[k], s);
    if (p->step[s].pass == RA_PASS_AGAIN) {
      call_forward(p, s);
      continue;
    }
    ra_pass pass = p->step[s].pass;
    int32_t reads = ra_pass_reads(c->op, pass);
    size_t work = pass == RA_PASS_WEIGHTS ? c->work_weights : c->work_backward;
    if (reads & RA_READS_OUT) live_until(p, n->current, s);
    if (work) p->step[s].work = add_buffer(p, work, s, s);
    if (n->grad >= 0) live_until(p, n->grad, s);
    for (int32_t k = 0; k < c->n_in; k++) {
      if (n->in[k] < 0) continue;
      if (reads >> k & 1) read_in_step(p, n->in[k], s);
      if (computes(p, n, k, pass)) contribute_to_input(p, s, k);
    }
  }
}

/* ---- memory that two buffers share ---- */

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
    if (n->in[0] < 0 || p->step[s].pass == RA_PASS_AGAIN || p->step[s].pass == RA_PASS_WEIGHTS) continue;
    ra_plan_node *from = &p->node[n->in[0]];
    if (from->kind != RA_NODE_OP || from->segmented) continue;
    if (p->step[s].pass == RA_PASS_FORWARD) {
      if (from->value < 0 || n->value < 0) continue;
      if (!(n->call.op->flags & RA_OP_INPLACE) || ra_plan_is_output(p, n->in[0])) continue;
      if (bytes_of(&n->call.out) != bytes_of(&n->call.in[0])) continue;
      if (p->buffer[root_of(p, from->value)].last == s) share(p, n->value, from->value);
    } else if (n->call.op->flags & RA_OP_INPLACE_GRAD && ra_plan_wants_din(p, n, 0) && !n->call.add[0] && n->grad >= 0) {
      if (p->buffer[root_of(p, n->grad)].last == s && p->buffer[from->grad].first == s && from->grad != n->grad &&
          bytes_of(&n->call.out) == bytes_of(&n->call.in[0]))
        share(p, from->grad, n->grad);
    }
  }
}

static void forget(ra_plan *p) {
  p->n_steps = p->n_forward = p->n_again = p->n_buffers = 0;
  p->bound_to = NULL;
  for (int32_t i = 0; i < p->n_nodes; i++) {
    ra_plan_node *n = &p->node[i];
    n->value = n->current = n->grad = n->moments = RA_NONE;
    for (int k = 0; k < RA_MAX_SAVED; k++) n->saved[k] = RA_NONE;
    n->done = n->reached = false;
  }
}

/* A value and scratch a step; a gradient, moments and saved arrays a node. */
static int32_t reserve_buffers(ra_plan *p) {
  int32_t room = 2 * p->n_steps + (2 + RA_MAX_SAVED) * p->n_nodes + 1;
  if (room <= p->buffer_room) return RA_OK;
  ra_buffer *grown = ra_mem_realloc(p->buffer, (size_t)room, sizeof *grown);
  if (!grown) return RA_ERR_MEMORY;
  p->buffer = grown;
  p->buffer_room = room;
  return RA_OK;
}

int32_t ra_plan_lay_out(ra_plan *p) {
  forget(p);
  RA_TRY(make_steps(p));
  RA_TRY(reserve_buffers(p));
  make_forward_buffers(p);
  make_backward_buffers(p);
  share_in_place(p);
  RA_TRY(ra_pack_lower_bound(p->buffer, p->n_buffers, p->n_steps, &p->lower_bound, &p->fullest));
  RA_TRY(ra_pack(p->buffer, p->n_buffers, &p->bytes));
  for (int32_t b = 0; b < p->n_buffers; b++) p->buffer[b].offset = p->buffer[root_of(p, b)].offset;
  return RA_OK;
}
