/* template.h: a model as data: the list of its ops, the names of its parameters, its outputs.
 *
 * A checkpoint holds a template as JSON ("ramus.model"). It has no sizes of images: it is recorded into a graph for one
 * batch, height and width, in one mode. Everything in the JSON is checked when it is parsed: names of ops and options,
 * kinds and bounds of values, references (an op reads only earlier entries), shapes. */
#ifndef RA_GRAPH_TEMPLATE_H
#define RA_GRAPH_TEMPLATE_H

#include "../op/op.h"

typedef enum { RA_REF_NONE, RA_REF_IMAGE, RA_REF_LEAF, RA_REF_ENTRY } ra_ref_kind;

/* What an op or an output refers to: the image, leaf or entry `index`. */
typedef struct ra_ref {
  ra_ref_kind kind;
  int32_t index;
} ra_ref;

typedef struct ra_template_entry {
  const ra_op *op;
  double param[RA_MAX_SLOTS];
  int32_t mode; /* slot of the parameter "train", or -1 */
  int32_t n_in;
  ra_ref in[RA_MAX_IN];
} ra_template_entry;

/* A leaf: a parameter or buffer by its name, or constant K, "constant.K", whose shape is that of the tensor. */
typedef struct ra_template_leaf {
  char *name;
  int32_t rank, dim[RA_MAX_RANK]; /* rank -1: a constant */
} ra_template_leaf;

struct ra_template {
  int32_t channels;
  int32_t entries, leaves, outputs, parameters; /* the leaves from `parameters` on are constants */
  ra_template_entry *entry;
  ra_template_leaf *leaf;
  char **output_name;
  ra_ref *output;
};

#endif
