/* op.c: reading and checking the table of an op, and the helpers that ops share. */
#include "op.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../tensor/tensor.h"

const char *ra_op_name(const ra_op *op) { return op->name; }
const char *ra_op_help(const ra_op *op) { return op->help; }
const char *ra_op_inputs(const ra_op *op) { return op->inputs; }
const char *ra_op_samples(const ra_op *op) { return op->samples ? op->samples : ""; }
bool ra_op_is_loss(const ra_op *op) { return (op->flags & RA_OP_LOSS) != 0; }
bool ra_op_has_products(const ra_op *op) { return (op->flags & RA_OP_PRODUCT) != 0; }
bool ra_op_differentiable(const ra_op *op, int32_t input) { return op->backward && !(op->no_grad >> input & 1); }

int32_t ra_op_param_count(const ra_op *op) {
  int32_t n = 0;
  while (op->params && op->params[n].name) n++;
  return n;
}

const ra_param *ra_op_param(const ra_op *op, int32_t index) { return &op->params[index]; }

static int32_t slots_of(const ra_param *p) {
  if (p->kind == RA_PARAM_PAIR) return 2;
  return p->kind == RA_PARAM_DIMS || p->kind == RA_PARAM_INTS ? 1 + RA_MAX_LIST : 1;
}

int32_t ra_op_param_slot(const ra_op *op, int32_t index) {
  int32_t slot = 0;
  for (int32_t i = 0; i < index; i++) slot += slots_of(&op->params[i]);
  return slot;
}

int32_t ra_param_slot(const ra_op *op, const char *name) {
  int32_t n = ra_op_param_count(op);
  for (int32_t i = 0; i < n; i++)
    if (strcmp(op->params[i].name, name) == 0) return ra_op_param_slot(op, i);
  return -1;
}

int32_t ra_list(const ra_call *c, int32_t slot, int32_t v[RA_MAX_LIST]) {
  double length = c->param[slot];
  int32_t n = length >= 0 && length <= RA_MAX_LIST ? (int32_t)length : 0;
  for (int32_t i = 0; i < n; i++) v[i] = (int32_t)c->param[slot + 1 + i];
  return n;
}

const char *ra_input_name(const ra_op *op, int32_t k, char name[32]) {
  const char *p = op->inputs;
  for (int32_t i = 0; i < k && p; i++) {
    p = strchr(p, ',');
    if (p) p++;
  }
  if (!p || strncmp(p, "...", 3) == 0) {
    snprintf(name, 32, "input %d", k + 1);
    return name;
  }
  size_t n = strcspn(p, ",?");
  snprintf(name, 32, "%.*s", (int)(n < 31 ? n : 31), p);
  return name;
}

const char *ra_in_text(const ra_call *c, int32_t k, char text[80]) {
  return ra_shape_text(c->in[k].rank < 0 ? 0 : c->in[k].rank, c->in[k].dim, text);
}

bool ra_has(const ra_call *c, int32_t k) { return k < c->n_in && c->in[k].rank >= 0; }

int32_t ra_want_rank(const ra_call *c, int32_t k, int32_t rank) {
  char name[32], text[80];
  if (c->in[k].rank == rank) return RA_OK;
  return ra_fail(RA_ERR_SHAPE, "%s: %s wants %d dimensions, given %s", c->op->name, ra_input_name(c->op, k, name), rank,
                 ra_in_text(c, k, text));
}

int32_t ra_want_same(const ra_call *c, int32_t k, int32_t j) {
  char a[32], b[32], s[80], t[80];
  if (ra_same_shape(&c->in[k], &c->in[j])) return RA_OK;
  return ra_fail(RA_ERR_SHAPE, "%s: %s %s and %s %s must have one shape", c->op->name, ra_input_name(c->op, j, a),
                 ra_in_text(c, j, s), ra_input_name(c->op, k, b), ra_in_text(c, k, t));
}

int32_t ra_want_vector(const ra_call *c, int32_t k, int32_t n, const char *as) {
  char name[32], text[80];
  if (!ra_has(c, k) || (c->in[k].rank == 1 && c->in[k].dim[0] == n)) return RA_OK;
  return ra_fail(RA_ERR_SHAPE, "%s: %s is %s, wanted [%d] (%s)", c->op->name, ra_input_name(c->op, k, name),
                 ra_in_text(c, k, text), n, as);
}

static int32_t set_array(ra_call *c, ra_array *a, int32_t rank, const int32_t *dim) {
  char text[80];
  int32_t size = ra_shape_size(rank, dim);
  if (size < 0)
    return ra_fail(RA_ERR_SHAPE, "%s: the result would have shape %s, with 2^31 elements or more", c->op->name,
                   ra_shape_text(rank, dim, text));
  a->data = NULL;
  a->rank = rank;
  if (rank > 0) memmove(a->dim, dim, (size_t)rank * sizeof *dim);
  a->size = size;
  return RA_OK;
}

int32_t ra_out(ra_call *c, int32_t rank, const int32_t *dim) { return set_array(c, &c->out, rank, dim); }
int32_t ra_out_like(ra_call *c, int32_t k) { return ra_out(c, c->in[k].rank, c->in[k].dim); }

int32_t ra_save(ra_call *c, int32_t rank, const int32_t *dim) {
  if (c->n_saved >= RA_MAX_SAVED)
    return ra_fail(RA_ERR_STATE, "%s: infer saves more than %d arrays; save less, or raise RA_MAX_SAVED", c->op->name, RA_MAX_SAVED);
  return set_array(c, &c->saved[c->n_saved++], rank, dim);
}

void ra_store(bool add, int64_t n, const ra_real *src, ra_real *dst) {
  if (add) ra_kernel()->axpy(n, 1, src, true, dst);
  else if (dst != src) memcpy(dst, src, (size_t)n * sizeof *dst);
}

ra_input ra_input_of(const ra_call *c) {
  if (c->fused.x.count > 0) return c->fused.x;
  return (ra_input){.count = 1, .segment = {{.data = c->in[0].data, .channels = c->in[0].dim[1]}}};
}

bool ra_wants_dx(const ra_call *c) { return c->din[0].data || c->fused.dx.count > 0; }

ra_target ra_target_of(const ra_call *c) {
  if (c->fused.dx.count > 0 || !c->din[0].data) return c->fused.dx;
  return (ra_target){.count = 1, .segment = {{.data = c->din[0].data, .channels = c->in[0].dim[1], .add = c->add[0]}}};
}

const ra_affine_act *ra_deferred(const ra_call *c, const ra_real **x) {
  const ra_input *in = &c->fused.x;
  *x = in->count > 0 ? in->segment[0].data : c->in[0].data;
  return in->count > 0 ? &in->segment[0].prologue : NULL;
}

double ra_call_flops(const ra_call *c) { return c->op->flops ? c->op->flops(c) : 0; }

/* ---- checking a table ---- */

static int32_t count_inputs(const ra_op *op) {
  int32_t n = 1;
  for (const char *p = op->inputs; *p; p++) n += *p == ',';
  return n;
}

static int32_t check_default(const ra_op *op, const ra_param *p) {
  double v = p->default_value;
  if (!p->help) return ra_fail(RA_ERR_STATE, "%s: parameter %s has no help", op->name, p->name);
  if (p->kind == RA_PARAM_CHOICE) return p->choices ? RA_OK : ra_fail(RA_ERR_STATE, "%s: %s has no choices", op->name, p->name);
  if (isnan(v) || p->required || p->kind == RA_PARAM_DIMS || p->kind == RA_PARAM_INTS || (v >= p->low && v <= p->high)) return RA_OK;
  return ra_fail(RA_ERR_STATE, "%s: the default of %s, %g, is not from %g to %g", op->name, p->name, v, p->low, p->high);
}

int32_t ra_op_check(const ra_op *op) {
  int32_t slots = ra_op_param_slot(op, ra_op_param_count(op));
  if (slots > RA_MAX_SLOTS)
    return ra_fail(RA_ERR_STATE, "%s: its parameters need %d slots, at most %d; raise RA_MAX_SLOTS", op->name, slots, RA_MAX_SLOTS);
  if (count_inputs(op) > RA_MAX_IN)
    return ra_fail(RA_ERR_STATE, "%s: it names %d inputs, at most %d; raise RA_MAX_IN", op->name, count_inputs(op), RA_MAX_IN);
  if (!op->help || !op->infer || !op->forward) return ra_fail(RA_ERR_STATE, "%s: help, infer and forward are needed", op->name);
  for (int32_t i = 0; i < ra_op_param_count(op); i++) RA_TRY(check_default(op, &op->params[i]));
  if ((op->role == RA_ROLE_ACT) != (op->act != RA_ACT_NONE))
    return ra_fail(RA_ERR_STATE, "%s: act goes with role RA_ROLE_ACT, and only with it", op->name);
  if (op->flags & RA_OP_DEFER && op->role != RA_ROLE_NORM)
    return ra_fail(RA_ERR_STATE, "%s: RA_OP_DEFER is for RA_ROLE_NORM", op->name);
  if (op->role == RA_ROLE_CONCAT && ra_param_slot(op, "dim") < 0)
    return ra_fail(RA_ERR_STATE, "%s: RA_ROLE_CONCAT needs a parameter dim", op->name);
  return RA_OK;
}

/* ---- what an op sees ---- */

/* Size of a along axis 0 or 1 of the plane, its last two dimensions; 1 where it has fewer. */
static int32_t along(const ra_array *a, int32_t axis) { return a->rank > 1 - axis ? a->dim[a->rank - 2 + axis] : 1; }

ra_sees ra_sees_pixel(const ra_call *c, int32_t k, int32_t axis, ra_sight *s) {
  (void)s;
  if (c->out.rank < 3) return RA_SEES_ALL;
  return along(&c->in[k], axis) == along(&c->out, axis) ? RA_SEES_NEAR : RA_SEES_WEIGHTS;
}

ra_sees ra_sees_along(const ra_call *c, int32_t k, int32_t axis, ra_sight *s) {
  (void)k;
  (void)axis;
  (void)s;
  int32_t rank = c->in[0].rank;
  return rank < 3 || (int32_t)c->param[0] >= rank - 2 ? RA_SEES_ALL : RA_SEES_NEAR;
}

ra_sees ra_sees_window(ra_sight *s, int32_t n, int32_t dilation, int32_t stride, int32_t pad) {
  *s = (ra_sight){.step = stride, .before = pad, .after = dilation * (n - 1) - pad, .align = 1};
  return RA_SEES_NEAR;
}
