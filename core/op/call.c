/* call.c: preparing one call of an op (parameters checked, shapes inferred),
 * and running one at once. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../base/math.h"
#include "../base/mem.h"
#include "../tensor/arena.h"
#include "../tensor/tensor.h"
#include "call.h"

/* True if the parameter is optional: it may be NaN (not given). */
static bool may_be_absent(const ra_param *p) { return isnan(p->default_value) && !p->required; }

static int32_t check_value(const ra_op *op, const ra_param *p, double v) {
  bool whole = p->kind != RA_PARAM_NUMBER;
  if (isnan(v) && may_be_absent(p)) return RA_OK;
  if (isnan(v)) return ra_fail(RA_ERR_ARG, "%s: %s is needed: %s", op->name, p->name, p->help);
  if (whole && v != floor(v)) return ra_fail(RA_ERR_ARG, "%s: %s must be a whole number, given %g", op->name, p->name, v);
  if (p->kind == RA_PARAM_CHOICE) {
    int n = 1;
    for (const char *s = p->choices; *s; s++) n += *s == '|';
    if (v < 0 || v >= n) return ra_fail(RA_ERR_ARG, "%s: %s must be one of %s", op->name, p->name, p->choices);
    return RA_OK;
  }
  int shift = p->kind == RA_PARAM_DIM || p->kind == RA_PARAM_DIMS; /* users count dimensions from 1 */
  if (!(v >= p->low && v <= p->high))
    return ra_fail(RA_ERR_ARG, "%s: %s must be from %g to %g, given %g", op->name, p->name, p->low + shift,
                   p->high + shift, v + shift);
  return RA_OK;
}

int32_t ra_check_param(const ra_op *op, int32_t slot, double value) {
  for (int32_t i = 0; i < ra_op_param_count(op); i++) {
    if (slot < ra_op_param_slot(op, i + 1)) return check_value(op, &op->params[i], value);
  }
  return ra_fail(RA_ERR_ARG, "%s: there is no parameter slot %d", op->name, slot);
}

int32_t ra_op_check_params(const ra_op *op, const double *value) {
  for (int32_t i = 0; i < ra_op_param_count(op); i++) {
    const ra_param *p = &op->params[i];
    const double *v = value + ra_op_param_slot(op, i);
    if (p->kind == RA_PARAM_DIMS || p->kind == RA_PARAM_INTS) {
      int32_t n = v[0] >= 0 && v[0] <= RA_MAX_LIST ? (int32_t)v[0] : -1;
      if (isnan(v[0]) || (n == 0 && !p->required)) continue;
      if (n < 0 || (n == 0 && p->required))
        return ra_fail(RA_ERR_ARG, "%s: %s wants a list of 1 to %d numbers", op->name, p->name, RA_MAX_LIST);
      for (int32_t k = 1; k <= n; k++) RA_TRY(check_value(op, p, v[k]));
      continue;
    }
    RA_TRY(check_value(op, p, v[0]));
    if (p->kind == RA_PARAM_PAIR) RA_TRY(check_value(op, p, v[1]));
  }
  return op->check ? op->check(value) : RA_OK;
}

/* Required and allowed numbers of inputs, parsed from "x,weight,bias?". */
static void input_range(const ra_op *op, int32_t *least, int32_t *most) {
  int32_t n = 0, optional = 0;
  bool open = false;
  for (const char *p = op->inputs; *p;) {
    size_t length = strcspn(p, ",");
    if (strncmp(p, "...", 3) == 0) open = true;
    else {
      n++;
      optional += p[length - 1] == '?';
    }
    p += length + (p[length] == ',');
  }
  *least = n - optional;
  *most = open ? RA_MAX_IN : n;
}

int32_t ra_call_prepare(ra_call *c, const ra_op *op, const double *param, int32_t n_in, const ra_array *in, int32_t numerics) {
  int32_t least, most;
  char name[32];
  memset(c, 0, sizeof *c);
  c->op = op;
  c->numerics = numerics;
  input_range(op, &least, &most);
  if (n_in < least || n_in > most)
    return ra_fail(RA_ERR_ARG, "%s: given %d inputs, wanted %d%s (%s)", op->name, n_in, least,
                   most > least ? " or more" : "", op->inputs);
  int32_t slots = ra_op_param_slot(op, ra_op_param_count(op));
  if (slots > RA_MAX_SLOTS)
    return ra_fail(RA_ERR_STATE, "%s: its parameters need %d slots, at most %d", op->name, slots, RA_MAX_SLOTS);
  RA_TRY(ra_op_check_params(op, param));
  memcpy(c->param, param, (size_t)slots * sizeof *param);
  c->n_in = n_in;
  for (int32_t k = 0; k < n_in; k++) {
    c->in[k] = in[k];
    if (k < least && in[k].rank < 0)
      return ra_fail(RA_ERR_ARG, "%s: %s is missing", op->name, ra_input_name(op, k, name));
  }
  for (int32_t k = n_in; k < RA_MAX_IN; k++) c->in[k].rank = -1;
  return op->infer(c);
}

ra_array ra_array_of(const ra_tensor *t) {
  ra_array a = {.rank = -1};
  if (!t) return a;
  a.data = t->data;
  a.rank = t->rank;
  memcpy(a.dim, t->dim, sizeof a.dim);
  a.size = t->size;
  return a;
}

static size_t padded(size_t bytes) { return ra_round_up(bytes, (size_t)RA_MEM_ALIGN); }

ra_tensor *ra_op_run(const ra_op *op, const double *param, int32_t n_in, ra_tensor *const *in, ra_arena *arena,
                     double seed, int32_t number) {
  ra_call c;
  ra_array array[RA_MAX_IN] = {0};
  ra_tensor *dense[RA_MAX_IN] = {0}, *out = NULL; /* dense: copies of inputs that are not contiguous */
  if (n_in > RA_MAX_IN) {
    ra_fail(RA_ERR_ARG, "%s: given %d inputs, at most %d", op->name, n_in, RA_MAX_IN);
    return NULL;
  }
  for (int32_t k = 0; k < n_in; k++) {
    if (in[k] && ra_tensor_alive(in[k], op->name) != RA_OK) goto done;
    if (in[k] && !ra_tensor_contiguous(in[k]) && !(dense[k] = ra_tensor_clone(in[k]))) goto done;
    array[k] = ra_array_of(dense[k] ? dense[k] : in[k]);
  }
  if (ra_call_prepare(&c, op, param, n_in, array, false) != RA_OK) goto done;
  size_t bytes = padded(c.work_forward);
  for (int32_t k = 0; k < c.n_saved; k++) bytes += padded((size_t)c.saved[k].size * sizeof(ra_real));
  char *scratch;
  if (ra_arena_reserve(arena, bytes, (void **)&scratch) != RA_OK) goto done;
  if (!(out = ra_tensor_new(c.out.rank, c.out.dim))) goto done;
  c.work = scratch;
  scratch += padded(c.work_forward);
  for (int32_t k = 0; k < c.n_saved; k++) {
    c.saved[k].data = (ra_real *)(void *)scratch;
    scratch += padded((size_t)c.saved[k].size * sizeof(ra_real));
  }
  c.out.data = out->data;
  c.key = (ra_random_key){.seed = (uint64_t)(int64_t)seed, .b = (uint32_t)number, .stream = RA_RANDOM_OP};
  if (c.out.size > 0) op->forward(&c);
done:
  for (int32_t k = 0; k < n_in; k++) ra_tensor_release(dense[k]);
  return out;
}
