/* build.h: an ONNX graph while it is put together: nodes, their attributes, constants.
 *
 * A value of the graph is its name. Everything that is made belongs to the builder. Where memory runs out, functions return ""
 * or NULL, take both without harm, and the builder keeps the error (ra_onnx_build.code), so that only its end is checked. */
#ifndef RA_EXPORT_BUILD_H
#define RA_EXPORT_BUILD_H

#include "../op/op.h"
#include "onnx.pb-c.h"

typedef struct ra_onnx_list {
  size_t count, room;
  void **item;
} ra_onnx_list;

typedef struct ra_onnx_build {
  int32_t code;        /* RA_OK, or the first failure */
  int32_t values;      /* made so far: their names are numbered */
  ra_onnx_list blocks; /* all memory */
  ra_onnx_list nodes, constants;
} ra_onnx_build;

typedef struct ra_onnx_attribute {
  const char *name;
  Onnx__AttributeType type;
  int64_t i;
  double f;
  const char *s;
  int32_t n;
  const int64_t *ints;
} ra_onnx_attribute;

#define RA_A_INT(key, value) {.name = key, .type = ONNX__ATTRIBUTE_TYPE__ATTRIBUTE_INT, .i = value}
#define RA_A_FLOAT(key, value) {.name = key, .type = ONNX__ATTRIBUTE_TYPE__ATTRIBUTE_FLOAT, .f = value}
#define RA_A_TEXT(key, value) {.name = key, .type = ONNX__ATTRIBUTE_TYPE__ATTRIBUTE_STRING, .s = value}
#define RA_A_INTS(key, count, values) {.name = key, .type = ONNX__ATTRIBUTE_TYPE__ATTRIBUTE_INTS, .n = count, .ints = values}

/* Names of inputs ("": absent) and attributes, as arguments of ra_onnx_node. */
#define RA_IN(...) (const char *const[]){__VA_ARGS__, NULL}
#define RA_WITH(...) (const ra_onnx_attribute[]){__VA_ARGS__, {0}}

/* Adds a node with one output and returns that value; attributes: NULL, or a list that ends with a NULL name. */
const char *ra_onnx_node(ra_onnx_build *o, const char *type, const char *const *in, const ra_onnx_attribute *attributes);

/* A constant of floats to be filled in, and its name; NULL on failure. name: [opt] its own, else a numbered one. */
float *ra_onnx_floats(ra_onnx_build *o, const char *name, int32_t rank, const int32_t *dim, const char **value);
const char *ra_onnx_number(ra_onnx_build *o, double number);                     /* of rank 0 */
const char *ra_onnx_filled(ra_onnx_build *o, int32_t n, double number);          /* [n] */
const char *ra_onnx_ints(ra_onnx_build *o, int32_t n, const int64_t *number);    /* int64 [n] */
const char *ra_onnx_int(ra_onnx_build *o, int64_t number);                       /* int64 [1] */

/* Memory of the builder, zeroed; NULL on failure. */
void *ra_onnx_keep(ra_onnx_build *o, size_t count, size_t size);
const char *ra_onnx_text(ra_onnx_build *o, const char *text); /* a copy; "" on failure */
void ra_onnx_add(ra_onnx_build *o, ra_onnx_list *list, void *item);
void ra_onnx_free(ra_onnx_build *o);

#endif
