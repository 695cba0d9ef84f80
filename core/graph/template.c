/* template.c: parsing a template from JSON, and recording it into a graph. */
#include "template.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/mem.h"
#include "../base/limits.h"
#include "../tensor/tensor.h"
#include "template_options.h"

void ra_template_release(ra_template *t) {
  if (!t) return;
  for (int32_t i = 0; t->leaf && i < t->leaves; i++) ra_mem_free(t->leaf[i].name);
  for (int32_t i = 0; t->output_name && i < t->outputs; i++) ra_mem_free(t->output_name[i]);
  ra_mem_free(t->entry);
  ra_mem_free(t->leaf);
  ra_mem_free(t->output_name);
  ra_mem_free(t->output);
  ra_mem_free(t);
}

/* An integer of an object in low..high; `otherwise` where it is absent (below low: it is required). */
static int32_t read_int(const json_t *object, const char *name, int32_t low, int32_t high, int32_t otherwise, int32_t *out) {
  const json_t *v = json_object_get(object, name);
  double number = v ? json_number_value(v) : otherwise;
  if ((v && !json_is_number(v)) || !(number >= low && number <= high) || number != (double)(int32_t)number)
    return ra_fail(RA_ERR_FORMAT, "the model's %s must be a whole number from %d to %d", name, low, high);
  *out = (int32_t)number;
  return RA_OK;
}

/* The length of a list of at most `most`, or -1 where it is none. An empty list may be written as an empty object. */
static int32_t length_of(const json_t *v, int32_t most) {
  if (json_is_object(v) && json_object_size(v) == 0) return 0;
  return json_is_array(v) && json_array_size(v) <= (size_t)most ? (int32_t)json_array_size(v) : -1;
}

static int32_t read_shape(const char *name, const json_t *shape, ra_template_leaf *leaf) {
  leaf->rank = length_of(shape, RA_MAX_RANK);
  if (leaf->rank < 0) return ra_fail(RA_ERR_FORMAT, "the shape of '%.60s' must be a list of at most %d sizes", name, RA_MAX_RANK);
  for (int32_t i = 0; i < leaf->rank; i++) {
    const json_t *d = json_array_get(shape, (size_t)i);
    double size = json_number_value(d);
    if (!json_is_number(d) || !(size >= 1 && size < 2147483648.0) || size != (double)(int32_t)size)
      return ra_fail(RA_ERR_FORMAT, "size %d of '%.60s' must be a whole number from 1 to 2^31 - 1", i + 1, name);
    leaf->dim[i] = (int32_t)size;
  }
  if (ra_shape_size(leaf->rank, leaf->dim) < 0) return ra_fail(RA_ERR_FORMAT, "'%.60s' has 2^31 elements or more", name);
  return RA_OK;
}

static int32_t name_leaf(ra_template_leaf *leaf, const char *name) {
  leaf->name = ra_mem_strdup(name);
  return leaf->name ? RA_OK : RA_ERR_MEMORY;
}

/* Parameters, then constants; index: name of a parameter -> its number. */
static int32_t read_leaves(ra_template *t, const json_t *root, json_t *index) {
  const json_t *list = json_object_get(root, "parameters");
  int32_t constants = 0;
  t->parameters = length_of(list, RA_LIMIT_TEMPLATE_ENTRIES);
  if (t->parameters < 0)
    return ra_fail(RA_ERR_FORMAT, "the model's parameters must be a list of at most %d", RA_LIMIT_TEMPLATE_ENTRIES);
  /* a constant is an input of an op, so that there are no more than those */
  int32_t most = t->entries < RA_LIMIT_TEMPLATE_ENTRIES / RA_MAX_IN ? t->entries * RA_MAX_IN : RA_LIMIT_TEMPLATE_ENTRIES;
  RA_TRY(read_int(root, "constants", 0, most, 0, &constants));
  t->leaf = ra_mem_zalloc((size_t)(t->parameters + constants) + 1, sizeof *t->leaf);
  if (!t->leaf) return RA_ERR_MEMORY;
  t->leaves = t->parameters + constants;
  for (int32_t i = 0; i < t->parameters; i++) {
    const json_t *p = json_array_get(list, (size_t)i);
    const char *name = json_string_value(json_object_get(p, "name"));
    if (!name || !*name) return ra_fail(RA_ERR_FORMAT, "parameter %d of the model has no name", i + 1);
    if (json_object_get(index, name)) return ra_fail(RA_ERR_FORMAT, "two parameters are named '%.60s'", name);
    if (json_object_set_new(index, name, json_integer(i)) != 0) return ra_fail(RA_ERR_MEMORY, "no memory for the model's names");
    RA_TRY(read_shape(name, json_object_get(p, "shape"), &t->leaf[i]));
    RA_TRY(name_leaf(&t->leaf[i], name));
  }
  for (int32_t i = 0; i < constants; i++) {
    char name[32];
    snprintf(name, sizeof name, "constant.%d", i + 1);
    t->leaf[t->parameters + i].rank = -1;
    RA_TRY(name_leaf(&t->leaf[t->parameters + i], name));
  }
  return RA_OK;
}

/* The number behind "n:" or "c:" in 1..most as 0-based; -1: it is none. */
static int32_t number_of(const char *text, int32_t most) {
  char *end;
  if (*text < '1' || *text > '9') return -1;
  long n = strtol(text, &end, 10);
  return *end == 0 && n <= most ? (int32_t)n - 1 : -1;
}

/* "x", "p:NAME", "c:K" or "n:K"; entries: the number of entries before it. */
static int32_t read_ref(const ra_template *t, const json_t *index, const char *text, int32_t entries, ra_ref *out) {
  ra_ref_kind kind = RA_REF_NONE;
  int32_t at = -1;
  if (strcmp(text, "x") == 0) kind = RA_REF_IMAGE, at = 0;
  else if (strncmp(text, "n:", 2) == 0) kind = RA_REF_ENTRY, at = number_of(text + 2, entries);
  else if (strncmp(text, "c:", 2) == 0) {
    int32_t k = number_of(text + 2, t->leaves - t->parameters);
    kind = RA_REF_LEAF, at = k < 0 ? -1 : t->parameters + k;
  } else if (strncmp(text, "p:", 2) == 0) {
    const json_t *found = json_object_get(index, text + 2);
    kind = RA_REF_LEAF, at = found ? (int32_t)json_integer_value(found) : -1;
  }
  if (at < 0) return ra_fail(RA_ERR_FORMAT, "the model refers to '%.60s', which it does not have", text);
  *out = (ra_ref){kind, at};
  return RA_OK;
}

static int32_t mode_slot(const ra_op *op) {
  for (int32_t i = 0; i < ra_op_param_count(op); i++)
    if (strcmp(ra_op_param(op, i)->name, "train") == 0) return ra_op_param_slot(op, i);
  return -1;
}

static int32_t read_entry(const ra_template *t, const json_t *index, const json_t *e, int32_t i, ra_template_entry *out) {
  const char *name = json_string_value(json_object_get(e, "op"));
  const json_t *inputs = json_object_get(e, "inputs");
  out->op = name ? ra_op_find(name) : NULL;
  if (!out->op) return ra_fail(RA_ERR_FORMAT, "it is no op that this build knows: '%.40s'", name ? name : "no name");
  out->n_in = length_of(inputs, RA_MAX_IN);
  if (out->n_in < 0) return ra_fail(RA_ERR_FORMAT, "%s: inputs must be a list of at most %d", name, RA_MAX_IN);
  for (int32_t k = 0; k < out->n_in; k++) {
    const char *text = json_string_value(json_array_get(inputs, (size_t)k));
    if (!text) return ra_fail(RA_ERR_FORMAT, "%s: input %d is no text", name, k + 1);
    if (*text) RA_TRY(read_ref(t, index, text, i, &out->in[k]));
  }
  out->mode = json_is_true(json_object_get(e, "frozen")) ? -1 : mode_slot(out->op);
  return ra_options_read(out->op, json_object_get(e, "options"), out->param);
}

static int32_t read_entries(ra_template *t, const json_t *root, const json_t *index) {
  const json_t *list = json_object_get(root, "entries");
  t->entry = ra_mem_zalloc((size_t)t->entries + 1, sizeof *t->entry);
  if (!t->entry) return RA_ERR_MEMORY;
  for (int32_t i = 0; i < t->entries; i++) {
    int32_t code = read_entry(t, index, json_array_get(list, (size_t)i), i, &t->entry[i]);
    if (code != RA_OK) return ra_fail_in(code, "entry %d of the model", i + 1);
  }
  return RA_OK;
}

static int32_t read_outputs(ra_template *t, const json_t *root, const json_t *index) {
  json_t *object = json_object_get(root, "outputs"), *value;
  const char *name;
  size_t n = json_object_size(object);
  if (n < 1 || n > RA_LIMIT_TEMPLATE_ENTRIES) return ra_fail(RA_ERR_FORMAT, "the model has no outputs by name");
  t->output = ra_mem_zalloc(n, sizeof *t->output);
  t->output_name = ra_mem_zalloc(n, sizeof *t->output_name);
  if (!t->output || !t->output_name) return RA_ERR_MEMORY;
  json_object_foreach(object, name, value) {
    const char *text = json_string_value(value);
    if (!text || !*text) return ra_fail(RA_ERR_FORMAT, "output '%.60s' of the model refers to nothing", name);
    RA_TRY(read_ref(t, index, text, t->entries, &t->output[t->outputs]));
    t->output_name[t->outputs] = ra_mem_strdup(name);
    if (!t->output_name[t->outputs]) return RA_ERR_MEMORY;
    t->outputs++;
  }
  return RA_OK;
}

static int32_t read_root(ra_template *t, const json_t *root, json_t *index) {
  const json_t *entries = json_object_get(root, "entries");
  t->entries = json_is_object(root) ? length_of(entries, RA_LIMIT_TEMPLATE_ENTRIES) : -1;
  if (t->entries < 0)
    return ra_fail(RA_ERR_FORMAT, "the file holds no model: it has no list of entries");
  RA_TRY(read_int(root, "channels", 1, RA_LIMIT_TEMPLATE_CHANNELS, 0, &t->channels));
  RA_TRY(read_leaves(t, root, index));
  RA_TRY(read_entries(t, root, index));
  return read_outputs(t, root, index);
}

ra_template *ra_template_parse(const char *text) {
  json_error_t error;
  json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
  if (!root) {
    ra_fail(RA_ERR_FORMAT, "the model is not valid JSON: %s", error.text);
    return NULL;
  }
  json_t *index = json_object();
  ra_template *t = ra_mem_zalloc(1, sizeof *t);
  int32_t code = t && index ? read_root(t, root, index) : RA_ERR_MEMORY;
  json_decref(index);
  json_decref(root);
  if (code == RA_OK) return t;
  ra_template_release(t);
  return NULL;
}

int32_t ra_template_channels(const ra_template *t) { return t->channels; }
int32_t ra_template_entries(const ra_template *t) { return t->entries; }
int32_t ra_template_leaves(const ra_template *t) { return t->leaves; }
int32_t ra_template_outputs(const ra_template *t) { return t->outputs; }

const char *ra_template_leaf_name(const ra_template *t, int32_t i) { return i >= 0 && i < t->leaves ? t->leaf[i].name : NULL; }
const char *ra_template_output_name(const ra_template *t, int32_t i) { return i >= 0 && i < t->outputs ? t->output_name[i] : NULL; }

int32_t ra_template_leaf_shape(const ra_template *t, int32_t i, int32_t *dim) {
  if (i < 0 || i >= t->leaves) return ra_fail(RA_ERR_ARG, "leaf %d: the model has %d", i, t->leaves);
  memcpy(dim, t->leaf[i].dim, sizeof t->leaf[i].dim);
  return t->leaf[i].rank;
}

/* ---- recording ---- */

typedef struct recording {
  const ra_template *t;
  ra_graph *g;
  int32_t image;
  ra_tensor *const *value;
  int32_t *leaf, *entry;
} recording;

/* The node of a reference; a leaf's is made at its first use. */
static int32_t node_of(recording *r, ra_ref ref, int32_t *node) {
  *node = -1;
  if (ref.kind == RA_REF_IMAGE) *node = r->image;
  if (ref.kind == RA_REF_ENTRY) *node = r->entry[ref.index];
  if (ref.kind != RA_REF_LEAF) return RA_OK;
  const ra_template_leaf *leaf = &r->t->leaf[ref.index];
  ra_tensor *t = r->value[ref.index];
  if (r->leaf[ref.index] < 0) {
    if (!t) return ra_fail(RA_ERR_ARG, "the model's '%s' has no value", leaf->name);
    if (leaf->rank >= 0 && (t->rank != leaf->rank || memcmp(t->dim, leaf->dim, (size_t)leaf->rank * sizeof *t->dim) != 0))
      return ra_fail(RA_ERR_SHAPE, "the value of the model's '%s' has another shape than the model says", leaf->name);
    int32_t made = ra_graph_tensor(r->g, t);
    if (made < 0) return made;
    r->leaf[ref.index] = made;
  }
  *node = r->leaf[ref.index];
  return RA_OK;
}

static int32_t record_entry(recording *r, int32_t i, bool train) {
  const ra_template_entry *e = &r->t->entry[i];
  double param[RA_MAX_SLOTS];
  int32_t in[RA_MAX_IN];
  memcpy(param, e->param, sizeof param);
  if (e->mode >= 0) param[e->mode] = train;
  for (int32_t k = 0; k < e->n_in; k++) RA_TRY(node_of(r, e->in[k], &in[k]));
  r->entry[i] = ra_graph_op(r->g, e->op, param, e->n_in, in);
  return r->entry[i] < 0 ? r->entry[i] : RA_OK;
}

int32_t ra_template_record(const ra_template *t, ra_graph *g, int32_t x, bool train, ra_tensor *const *value, int32_t *leaf,
                           int32_t *entry, int32_t *output) {
  recording r = {t, g, x, value, leaf, entry};
  int32_t dim[RA_MAX_RANK], rank = ra_graph_shape(g, x, dim);
  if (rank < 0) return rank;
  if (rank != 4 || dim[1] != t->channels)
    return ra_fail(RA_ERR_SHAPE, "the model reads [B,%d,H,W], the node given has another shape", t->channels);
  for (int32_t i = 0; i < t->entries; i++) {
    int32_t code = record_entry(&r, i, train);
    if (code != RA_OK) return ra_fail_in(code, "op %d of the model", i + 1);
  }
  for (int32_t i = 0; i < t->outputs; i++) RA_TRY(node_of(&r, t->output[i], &output[i]));
  return RA_OK;
}
