/* export.c: a model as an ONNX file (opset 17): its ops in evaluation mode, for any batch, height and width. */
#include <stdio.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../library/protobuf.h"
#include "../file/file.h"
#include "../graph/graph.h"
#include "../graph/template.h"
#include "../tensor/tensor.h"
#include "rows.h"

enum { IR_VERSION = 8, OPSET = 17, SIZES = 2 };
static const char input_name[] = "image";

/* An output of the file: output `from` of the model, as it is or behind an activation. */
typedef struct {
  int32_t from;
  const char *name;
  const char *activation; /* ONNX op, or NULL */
} output;

struct ra_onnx {
  const ra_template *t; /* the caller's */
  bool fold;
  int32_t leaves;       /* of t, which may be gone when this is released */
  ra_tensor **value;    /* [leaves] own views */
  ra_graph *graph[SIZES];
  int32_t image[SIZES], *entry[SIZES], *out[SIZES]; /* nodes at two sizes: what differs depends on the image */
  int32_t *uses;        /* [entries] by other entries that are needed and by outputs; 0: not needed */
  const char **done;    /* [entries] values */
  const char **leaf;    /* [leaves] values, once they are in the file */
  ra_onnx_list outputs, entries;
  ra_onnx_build b;
};

bool ra_onnx_knows(const ra_op *op) { return ra_onnx_row_of(op) != NULL; }

void ra_onnx_release(ra_onnx *o) {
  if (!o) return;
  for (int32_t i = 0; o->value && i < o->leaves; i++) ra_tensor_release(o->value[i]);
  ra_mem_free(o->value);
  for (int k = 0; k < SIZES; k++) ra_graph_release(o->graph[k]);
  ra_mem_free(o->outputs.item);
  ra_mem_free(o->entries.item);
  ra_onnx_free(&o->b);
  ra_mem_free(o);
}

/* The model recorded at a size, for shapes. */
static int32_t record(ra_onnx *o, int k, int32_t batch, int32_t height, int32_t width) {
  const ra_template *t = o->t;
  int32_t *leaf = ra_onnx_keep(&o->b, (size_t)t->leaves + 1, sizeof *leaf);
  o->entry[k] = ra_onnx_keep(&o->b, (size_t)t->entries + 1, sizeof *o->entry[k]);
  o->out[k] = ra_onnx_keep(&o->b, (size_t)t->outputs + 1, sizeof *o->out[k]);
  o->graph[k] = ra_graph_new();
  if (!leaf || !o->entry[k] || !o->out[k] || !o->graph[k]) return RA_ERR_MEMORY;
  for (int32_t i = 0; i < t->leaves; i++) leaf[i] = -1;
  o->image[k] = ra_graph_input(o->graph[k], 4, (int32_t[]){batch, t->channels, height, width});
  if (o->image[k] < 0) return o->image[k];
  return ra_template_record(t, o->graph[k], o->image[k], false, o->value, leaf, o->entry[k], o->out[k]);
}

static int32_t prepare(ra_onnx *o, ra_tensor *const *value) {
  const ra_template *t = o->t;
  o->value = ra_mem_zalloc((size_t)t->leaves + 1, sizeof *o->value);
  o->uses = ra_onnx_keep(&o->b, (size_t)t->entries + 1, sizeof *o->uses);
  o->done = ra_onnx_keep(&o->b, (size_t)t->entries + 1, sizeof *o->done);
  o->leaf = ra_onnx_keep(&o->b, (size_t)t->leaves + 1, sizeof *o->leaf);
  if (!o->value || !o->uses || !o->done || !o->leaf) return RA_ERR_MEMORY;
  for (int32_t i = 0; i < t->leaves; i++) {
    if (!value[i]) return ra_fail(RA_ERR_ARG, "the model's '%s' has no value", t->leaf[i].name);
    RA_TRY(ra_tensor_alive(value[i], t->leaf[i].name));
    o->value[i] = ra_tensor_reshape(value[i], value[i]->rank, value[i]->dim);
    if (!o->value[i]) return ra_error_code();
  }
  RA_TRY(record(o, 0, 2, 96, 160));
  return record(o, 1, 3, 192, 128);
}

ra_onnx *ra_onnx_new(const ra_template *t, ra_tensor *const *value, bool fold) {
  ra_onnx *o = ra_mem_zalloc(1, sizeof *o);
  if (!o) return NULL;
  o->t = t;
  o->leaves = t->leaves;
  o->fold = fold;
  if (prepare(o, value) == RA_OK) return o;
  ra_onnx_release(o);
  return NULL;
}

int32_t ra_onnx_output(ra_onnx *o, int32_t index, const char *name, const char *activation) {
  static const char *const known[][2] = {{"none", NULL}, {"sigmoid", "Sigmoid"}, {"softmax", "Softmax"}};
  if (index < 0 || index >= o->t->outputs) return ra_fail(RA_ERR_ARG, "output %d: the model has %d", index, o->t->outputs);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (strcmp(known[i][0], activation) != 0) continue;
    output *made = ra_onnx_keep(&o->b, 1, sizeof *made);
    if (!made) return RA_ERR_MEMORY;
    *made = (output){.from = index, .name = ra_onnx_text(&o->b, name), .activation = known[i][1]};
    ra_onnx_add(&o->b, &o->outputs, made);
    return o->b.code;
  }
  return ra_fail(RA_ERR_ARG, "an output's activation is none, sigmoid or softmax, given '%.40s'", activation);
}

int32_t ra_onnx_meta(ra_onnx *o, const char *key, const char *text) {
  Onnx__Entry *entry = ra_onnx_keep(&o->b, 1, sizeof *entry);
  if (!entry) return RA_ERR_MEMORY;
  onnx__entry__init(entry);
  entry->key = ra_onnx_text(&o->b, key);
  entry->value = ra_onnx_text(&o->b, text);
  ra_onnx_add(&o->b, &o->entries, entry);
  return o->b.code;
}

/* ---- the ops ---- */

/* Counts who uses each entry, beginning with the outputs that are wanted. */
static void count_uses(ra_onnx *o) {
  const ra_template *t = o->t;
  memset(o->uses, 0, (size_t)t->entries * sizeof *o->uses);
  for (size_t i = 0; i < o->outputs.count; i++) {
    ra_ref ref = t->output[((output *)o->outputs.item[i])->from];
    if (ref.kind == RA_REF_ENTRY) o->uses[ref.index] += 2; /* it must be there: nothing is folded into it */
  }
  for (int32_t i = t->entries - 1; i >= 0; i--)
    for (int32_t k = 0; o->uses[i] > 0 && k < t->entry[i].n_in; k++)
      if (t->entry[i].in[k].kind == RA_REF_ENTRY) o->uses[t->entry[i].in[k].index]++;
}

static void shape_into(const ra_onnx *o, int32_t node, ra_array *a) {
  a->rank = ra_graph_shape(o->graph[0], node, a->dim);
  a->size = 1;
  for (int32_t i = 0; i < a->rank; i++) a->size *= a->dim[i];
}

/* The value of a leaf, which is put into the file at its first use. */
static const char *leaf_of(ra_onnx *o, int32_t i) {
  const ra_tensor *t = o->value[i];
  if (o->leaf[i]) return o->leaf[i];
  float *data = ra_onnx_floats(&o->b, o->t->leaf[i].name, t->rank, t->dim, &o->leaf[i]);
  for (int32_t k = 0; data && k < t->size; k++) data[k] = (float)t->data[k];
  return o->leaf[i];
}

/* Entry i as a call with shapes; values: put its leaves into the file too. */
static void call_of(ra_onnx *o, int32_t i, bool values, ra_onnx_call *c) {
  const ra_template_entry *e = &o->t->entry[i];
  *c = (ra_onnx_call){.call = {.op = e->op, .n_in = e->n_in}};
  memcpy(c->call.param, e->param, sizeof e->param);
  shape_into(o, o->entry[0][i], &c->call.out);
  for (int32_t k = 0; k < RA_MAX_IN; k++) {
    ra_ref ref = k < e->n_in ? e->in[k] : (ra_ref){0};
    ra_array *a = &c->call.in[k];
    c->in[k] = "";
    a->rank = -1;
    if (ref.kind == RA_REF_IMAGE) c->in[k] = input_name, shape_into(o, o->image[0], a);
    if (ref.kind == RA_REF_ENTRY) c->in[k] = o->done[ref.index], shape_into(o, o->entry[0][ref.index], a);
    if (ref.kind != RA_REF_LEAF) continue;
    const ra_tensor *t = o->value[ref.index];
    a->rank = t->rank, a->size = t->size, a->data = t->data;
    memcpy(a->dim, t->dim, sizeof a->dim);
    if (values) c->in[k] = leaf_of(o, ref.index);
  }
}

/* The batch_norm that alone reads entry i, a convolution with constant weights, or -1: it can be folded into it. */
static int32_t norm_behind(const ra_onnx *o, int32_t i) {
  const ra_template *t = o->t;
  const ra_template_entry *e = &t->entry[i];
  const ra_onnx_row *row = ra_onnx_row_of(e->op);
  if (!o->fold || o->uses[i] != 1 || !row || row->write != ra_onnx_conv || e->in[1].kind != RA_REF_LEAF) return -1;
  if (e->n_in > 2 && e->in[2].kind == RA_REF_ENTRY) return -1;
  for (int32_t n = i + 1; n < t->entries; n++) {
    const ra_template_entry *f = &t->entry[n];
    bool reads = false, constant = strcmp(f->op->name, "batch_norm") == 0;
    for (int32_t k = 0; k < f->n_in; k++) {
      bool here = f->in[k].kind == RA_REF_ENTRY && f->in[k].index == i;
      reads = reads || (here && o->uses[n] > 0);
      constant = constant && (k == 0 ? here : f->in[k].kind == RA_REF_NONE || f->in[k].kind == RA_REF_LEAF);
    }
    if (reads) return constant ? n : -1;
  }
  return -1;
}

static int32_t write_entry(ra_onnx *o, int32_t i) {
  const ra_onnx_row *row = ra_onnx_row_of(o->t->entry[i].op);
  ra_onnx_call c, n;
  if (!row)
    return ra_fail(RA_ERR_ARG, "the op %s (entry %d of the model) has no counterpart in ONNX here; the table is core/export/rows.c",
                   o->t->entry[i].op->name, i + 1);
  int32_t norm = norm_behind(o, i);
  call_of(o, i, norm < 0, &c);
  if (norm >= 0) {
    call_of(o, norm, false, &n);
    c.norm = &n.call;
  }
  c.type = row->type;
  o->done[i] = row->write(&o->b, &c);
  if (norm >= 0) o->done[norm] = o->done[i];
  return o->b.code == RA_OK ? RA_OK : ra_fail(o->b.code, "no memory for the model's ops");
}

/* ---- inputs, outputs, the file ---- */

/* A value with its shape: sizes that are one at both recorded sizes, names for the others. */
static Onnx__Value *value_of(ra_onnx *o, const char *name, int32_t one, int32_t other) {
  static const char *const sides[] = {"batch", NULL, "height", "width"};
  int32_t a[RA_MAX_RANK], b[RA_MAX_RANK], x[RA_MAX_RANK], y[RA_MAX_RANK];
  int32_t rank = ra_graph_shape(o->graph[0], one, a);
  ra_graph_shape(o->graph[1], other, b);
  ra_graph_shape(o->graph[0], o->image[0], x);
  ra_graph_shape(o->graph[1], o->image[1], y);
  Onnx__Value *v = ra_onnx_keep(&o->b, 1, sizeof *v);
  Onnx__Type *type = ra_onnx_keep(&o->b, 1, sizeof *type);
  Onnx__TensorType *tensor = ra_onnx_keep(&o->b, 1, sizeof *tensor);
  Onnx__Shape *shape = ra_onnx_keep(&o->b, 1, sizeof *shape);
  Onnx__Dimension **list = ra_onnx_keep(&o->b, (size_t)rank, sizeof *list), *dim = ra_onnx_keep(&o->b, (size_t)rank, sizeof *dim);
  if (!v || !type || !tensor || !shape || !list || !dim) return NULL;
  onnx__value__init(v), onnx__type__init(type), onnx__tensor_type__init(tensor), onnx__shape__init(shape);
  for (int32_t i = 0; i < rank; i++) {
    char text[100];
    onnx__dimension__init(list[i] = &dim[i]);
    if (a[i] == b[i]) {
      dim[i].has_dim_value = 1, dim[i].dim_value = a[i];
      continue;
    }
    bool same = rank == 4 && a[i] == x[i] && b[i] == y[i] && sides[i];
    snprintf(text, sizeof text, "%.60s_%d", name, i + 1);
    dim[i].dim_param = same ? sides[i] : ra_onnx_text(&o->b, text);
  }
  shape->n_dim = (size_t)rank, shape->dim = list;
  tensor->has_elem_type = 1, tensor->elem_type = ONNX__ELEMENT_TYPE__ELEMENT_FLOAT, tensor->shape = shape;
  type->tensor_type = tensor;
  v->name = name, v->type = type;
  return v;
}

/* The last node of an output, which bears its name. */
static Onnx__Value *write_output(ra_onnx *o, const output *out) {
  ra_ref ref = o->t->output[out->from];
  const char *from = ref.kind == RA_REF_ENTRY ? o->done[ref.index] : ref.kind == RA_REF_LEAF ? leaf_of(o, ref.index) : input_name;
  bool softmax = out->activation && strcmp(out->activation, "Softmax") == 0;
  ra_onnx_node(&o->b, out->activation ? out->activation : "Identity", RA_IN(from), softmax ? RA_WITH(RA_A_INT("axis", 1)) : NULL);
  if (o->b.code != RA_OK) return NULL;
  Onnx__Node *node = o->b.nodes.item[o->b.nodes.count - 1];
  node->output[0] = out->name;
  return value_of(o, out->name, o->out[0][out->from], o->out[1][out->from]);
}

static int32_t store(const Onnx__Model *m, const char *path) {
  RA_TRY(ra_protobuf_open());
  size_t size = protobuf_c_message_get_packed_size(&m->base);
  if (size > INT32_MAX) return ra_fail(RA_ERR_ARG, "the model has %.1f GB; an ONNX file holds at most 2", 1e-9 * (double)size);
  uint8_t *bytes = ra_mem_alloc(size, 1);
  if (!bytes) return RA_ERR_MEMORY;
  int32_t code = ra_file_store(path, bytes, (double)protobuf_c_message_pack(&m->base, bytes));
  ra_mem_free(bytes);
  return code;
}

int32_t ra_onnx_save(ra_onnx *o, const char *path) {
  Onnx__Graph graph = ONNX__GRAPH__INIT;
  Onnx__Model model = ONNX__MODEL__INIT;
  Onnx__OperatorSet set = ONNX__OPERATOR_SET__INIT, *sets = &set;
  if (o->outputs.count == 0) return ra_fail(RA_ERR_ARG, "no output is asked for; call ra_onnx_output first");
  if (o->b.nodes.count > 0) return ra_fail(RA_ERR_STATE, "this model is written already");
  count_uses(o);
  for (int32_t i = 0; i < o->t->entries; i++)
    if (o->uses[i] > 0 && !o->done[i]) RA_TRY(write_entry(o, i));
  Onnx__Value **outputs = ra_onnx_keep(&o->b, o->outputs.count, sizeof *outputs);
  Onnx__Value *input = value_of(o, input_name, o->image[0], o->image[1]);
  for (size_t i = 0; outputs && i < o->outputs.count; i++)
    if (!(outputs[i] = write_output(o, o->outputs.item[i]))) break;
  if (o->b.code != RA_OK || !outputs || !input) return ra_fail(RA_ERR_MEMORY, "no memory for the model's outputs");
  graph.name = "ramus";
  graph.n_node = o->b.nodes.count, graph.node = (Onnx__Node **)o->b.nodes.item;
  graph.n_initializer = o->b.constants.count, graph.initializer = (Onnx__Tensor **)o->b.constants.item;
  graph.n_input = 1, graph.input = &input;
  graph.n_output = o->outputs.count, graph.output = outputs;
  set.domain = "", set.has_version = 1, set.version = OPSET;
  model.has_ir_version = 1, model.ir_version = IR_VERSION;
  model.producer_name = "ramus", model.producer_version = ra_build_info("version");
  model.graph = &graph;
  model.n_opset_import = 1, model.opset_import = &sets;
  model.n_metadata_props = o->entries.count, model.metadata_props = (Onnx__Entry **)o->entries.item;
  return store(&model, path);
}
