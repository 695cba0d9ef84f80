/* build.c: nodes, attributes and constants of an ONNX graph. */
#include "build.h"

#include <stdio.h>

#include "../base/mem.h"
#include "../tensor/tensor.h"

/* True if the list has room for one more. */
static bool grow(ra_onnx_build *o, ra_onnx_list *list) {
  if (list->count < list->room) return true;
  size_t room = list->room ? 2 * list->room : 64;
  void **item = ra_mem_realloc(list->item, room, sizeof *item);
  if (!item) {
    o->code = RA_ERR_MEMORY;
    return false;
  }
  list->item = item;
  list->room = room;
  return true;
}

void ra_onnx_add(ra_onnx_build *o, ra_onnx_list *list, void *item) {
  if (item && grow(o, list)) list->item[list->count++] = item;
}

void *ra_onnx_keep(ra_onnx_build *o, size_t count, size_t size) {
  void *block = grow(o, &o->blocks) ? ra_mem_zalloc(count, size) : NULL;
  if (block) o->blocks.item[o->blocks.count++] = block;
  else o->code = RA_ERR_MEMORY;
  return block;
}

const char *ra_onnx_text(ra_onnx_build *o, const char *text) {
  size_t n = strlen(text) + 1;
  char *copy = ra_onnx_keep(o, n, 1);
  return copy ? memcpy(copy, text, n) : "";
}

void ra_onnx_free(ra_onnx_build *o) {
  for (size_t i = 0; i < o->blocks.count; i++) ra_mem_free(o->blocks.item[i]);
  ra_mem_free(o->blocks.item);
  ra_mem_free(o->nodes.item);
  ra_mem_free(o->constants.item);
  *o = (ra_onnx_build){0};
}

/* The name of a new value: its kind and a number. */
static const char *new_name(ra_onnx_build *o, const char *kind) {
  char text[64];
  snprintf(text, sizeof text, "/%s_%d", kind, ++o->values); /* no parameter begins like that */
  return ra_onnx_text(o, text);
}

/* ---- nodes ---- */

static Onnx__Attribute *attribute_of(ra_onnx_build *o, const ra_onnx_attribute *a) {
  Onnx__Attribute *out = ra_onnx_keep(o, 1, sizeof *out);
  if (!out) return NULL;
  onnx__attribute__init(out);
  out->name = a->name; /* a literal */
  out->has_type = 1;
  out->type = a->type;
  switch (a->type) {
    case ONNX__ATTRIBUTE_TYPE__ATTRIBUTE_INT: out->has_i = 1, out->i = a->i; break;
    case ONNX__ATTRIBUTE_TYPE__ATTRIBUTE_FLOAT: out->has_f = 1, out->f = (float)a->f; break;
    case ONNX__ATTRIBUTE_TYPE__ATTRIBUTE_STRING:
      out->has_s = 1;
      out->s = (ProtobufCBinaryData){strlen(a->s), (uint8_t *)(uintptr_t)ra_onnx_text(o, a->s)};
      break;
    default:
      out->ints = ra_onnx_keep(o, (size_t)a->n, sizeof *out->ints);
      if (out->ints) memcpy(out->ints, a->ints, (size_t)a->n * sizeof *out->ints);
      out->n_ints = out->ints ? (size_t)a->n : 0;
  }
  return out;
}

const char *ra_onnx_node(ra_onnx_build *o, const char *type, const char *const *in, const ra_onnx_attribute *attributes) {
  size_t n_in = 0, n_with = 0;
  while (in[n_in]) n_in++;
  while (attributes && attributes[n_with].name) n_with++;
  while (n_in > 0 && in[n_in - 1][0] == 0) n_in--; /* what is absent at the end */
  Onnx__Node *node = ra_onnx_keep(o, 1, sizeof *node);
  const char **input = ra_onnx_keep(o, n_in, sizeof *input), **output = ra_onnx_keep(o, 1, sizeof *output);
  Onnx__Attribute **attribute = ra_onnx_keep(o, n_with, sizeof *attribute);
  if (!node || !input || !output || !attribute) return "";
  onnx__node__init(node);
  memcpy(input, in, n_in * sizeof *in);
  output[0] = new_name(o, type);
  for (size_t i = 0; i < n_with; i++) {
    attribute[i] = attribute_of(o, &attributes[i]);
    if (!attribute[i]) return "";
  }
  node->n_input = n_in, node->input = input;
  node->n_output = 1, node->output = output;
  node->n_attribute = n_with, node->attribute = attribute;
  node->name = output[0];
  node->op_type = type; /* a literal */
  ra_onnx_add(o, &o->nodes, node);
  return output[0];
}

/* ---- constants ---- */

/* A constant of `count` elements of `size` bytes, to be filled in; NULL on failure. */
static void *constant(ra_onnx_build *o, const char *name, Onnx__ElementType type, int32_t rank, const int32_t *dim, size_t size,
                      const char **value) {
  *value = "";
  size_t count = 1;
  for (int32_t i = 0; i < rank; i++) count *= (size_t)dim[i];
  Onnx__Tensor *t = ra_onnx_keep(o, 1, sizeof *t);
  int64_t *dims = ra_onnx_keep(o, (size_t)rank, sizeof *dims);
  void *data = ra_onnx_keep(o, count, size);
  if (!t || !dims || !data) return NULL;
  onnx__tensor__init(t);
  for (int32_t i = 0; i < rank; i++) dims[i] = dim[i];
  t->n_dims = (size_t)rank, t->dims = dims;
  t->has_data_type = 1, t->data_type = type;
  t->has_raw_data = 1, t->raw_data = (ProtobufCBinaryData){count * size, data};
  t->name = name ? ra_onnx_text(o, name) : new_name(o, "constant");
  ra_onnx_add(o, &o->constants, t);
  *value = t->name;
  return data;
}

float *ra_onnx_floats(ra_onnx_build *o, const char *name, int32_t rank, const int32_t *dim, const char **value) {
  return constant(o, name, ONNX__ELEMENT_TYPE__ELEMENT_FLOAT, rank, dim, sizeof(float), value);
}

const char *ra_onnx_number(ra_onnx_build *o, double number) {
  const char *value;
  float *data = ra_onnx_floats(o, NULL, 0, NULL, &value);
  if (data) *data = (float)number;
  return value;
}

const char *ra_onnx_filled(ra_onnx_build *o, int32_t n, double number) {
  const char *value;
  float *data = ra_onnx_floats(o, NULL, 1, &n, &value);
  for (int32_t i = 0; data && i < n; i++) data[i] = (float)number;
  return value;
}

const char *ra_onnx_ints(ra_onnx_build *o, int32_t n, const int64_t *number) {
  const char *value;
  int64_t *data = constant(o, NULL, ONNX__ELEMENT_TYPE__ELEMENT_INT64, 1, &n, sizeof *data, &value);
  if (data) memcpy(data, number, (size_t)n * sizeof *data);
  return value;
}

const char *ra_onnx_int(ra_onnx_build *o, int64_t number) { return ra_onnx_ints(o, 1, &number); }
