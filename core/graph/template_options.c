/* template_options.c: options of an op by name, as JSON has them, into the slots of its parameters. */
#include <math.h>
#include <string.h>

#include "template_options.h"

static int32_t bad(const ra_op *op, const ra_param *p, const char *wanted) {
  return ra_fail(RA_ERR_FORMAT, "%s: %s must be %s", ra_op_name(op), p->name, wanted);
}

static int32_t whole(const ra_op *op, const ra_param *p, const json_t *v, double *out) {
  if (!json_is_number(v)) return bad(op, p, "a whole number");
  *out = json_number_value(v);
  return *out == floor(*out) && fabs(*out) <= 2147483647 ? RA_OK : bad(op, p, "a whole number below 2^31");
}

static int32_t choice(const ra_op *op, const ra_param *p, const json_t *v, double *out) {
  const char *text = json_string_value(v), *c = p->choices;
  for (int32_t i = 0; text && *c; i++) {
    size_t length = strcspn(c, "|");
    if (strlen(text) == length && strncmp(text, c, length) == 0) {
      *out = i;
      return RA_OK;
    }
    c += length + (c[length] == '|');
  }
  return ra_fail(RA_ERR_FORMAT, "%s: %s must be one of %s", ra_op_name(op), p->name, p->choices);
}

/* A list of 1 to RA_MAX_LIST numbers, or one number; dimensions count from 1 in JSON. */
static int32_t list(const ra_op *op, const ra_param *p, const json_t *v, double *out) {
  int shift = p->kind == RA_PARAM_DIMS;
  size_t n = json_is_array(v) ? json_array_size(v) : 1;
  if (n < 1 || n > RA_MAX_LIST) return bad(op, p, "a list of 1 to 5 whole numbers");
  out[0] = (double)n;
  for (size_t i = 0; i < n; i++) {
    RA_TRY(whole(op, p, json_is_array(v) ? json_array_get(v, i) : v, &out[i + 1]));
    out[i + 1] -= shift;
  }
  return RA_OK;
}

static int32_t pair(const ra_op *op, const ra_param *p, const json_t *v, double *out) {
  if (!json_is_array(v)) {
    RA_TRY(whole(op, p, v, out));
    out[1] = out[0];
    return RA_OK;
  }
  if (json_array_size(v) != 2) return bad(op, p, "a whole number or a pair of them");
  RA_TRY(whole(op, p, json_array_get(v, 0), out));
  return whole(op, p, json_array_get(v, 1), out + 1);
}

static int32_t read_option(const ra_op *op, const ra_param *p, const json_t *v, double *out) {
  switch (p->kind) {
    case RA_PARAM_NUMBER:
      *out = json_number_value(v);
      return json_is_number(v) ? RA_OK : bad(op, p, "a number");
    case RA_PARAM_BOOL:
      *out = json_is_true(v);
      return json_is_boolean(v) ? RA_OK : bad(op, p, "true or false");
    case RA_PARAM_CHOICE: return choice(op, p, v, out);
    case RA_PARAM_PAIR: return pair(op, p, v, out);
    case RA_PARAM_DIMS:
    case RA_PARAM_INTS: return list(op, p, v, out);
    default: break;
  }
  RA_TRY(whole(op, p, v, out));
  *out -= p->kind == RA_PARAM_DIM;
  return RA_OK;
}

static void set_defaults(const ra_op *op, double *slot) {
  for (int32_t i = 0; i < ra_op_param_count(op); i++) {
    const ra_param *p = ra_op_param(op, i);
    double *at = slot + ra_op_param_slot(op, i);
    bool is_list = p->kind == RA_PARAM_DIMS || p->kind == RA_PARAM_INTS;
    at[0] = is_list && isnan(p->default_value) ? 0 : p->default_value;
    if (p->kind == RA_PARAM_PAIR) at[1] = p->default_value;
  }
}

int32_t ra_options_read(const ra_op *op, json_t *options, double slot[RA_MAX_SLOTS]) {
  const char *name;
  json_t *value;
  bool empty_list = json_is_array(options) && json_array_size(options) == 0; /* some JSON writers write an empty object as [] */
  if (!json_is_object(options) && !empty_list) return ra_fail(RA_ERR_FORMAT, "%s: options must be an object", ra_op_name(op));
  memset(slot, 0, RA_MAX_SLOTS * sizeof *slot);
  set_defaults(op, slot);
  json_object_foreach(options, name, value) {
    int32_t i = 0, n = ra_op_param_count(op);
    while (i < n && strcmp(ra_op_param(op, i)->name, name) != 0) i++;
    if (i == n) return ra_fail(RA_ERR_FORMAT, "%s: unknown option '%.40s'", ra_op_name(op), name);
    RA_TRY(read_option(op, ra_op_param(op, i), value, slot + ra_op_param_slot(op, i)));
  }
  return RA_OK;
}
