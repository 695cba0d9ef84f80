/* rows.h: how each op is written in ONNX: a table of one row an op (rows.c), and the functions that it names. */
#ifndef RA_EXPORT_ROWS_H
#define RA_EXPORT_ROWS_H

#include "build.h"

/* A call to be written. The shapes in call are those at one size of image: of height, width and batch only the rank may be used. */
typedef struct ra_onnx_call {
  ra_call call;              /* op, param, shapes of in and out; in[k].data: of parameters and constants, else NULL */
  const char *in[RA_MAX_IN]; /* values; "": absent */
  const ra_call *norm;       /* the batch_norm of the result that is folded into the weights, or NULL */
  const char *type;          /* of the row */
} ra_onnx_call;

typedef const char *ra_onnx_write(ra_onnx_build *o, const ra_onnx_call *c); /* returns the result's value */

typedef struct ra_onnx_row {
  const char *op;
  ra_onnx_write *write;
  const char *type; /* [opt] the ONNX op, for functions that write several ops */
} ra_onnx_row;

const ra_onnx_row *ra_onnx_row_of(const ra_op *op); /* NULL: it has none */

/* What the functions share. */
double ra_onnx_param(const ra_onnx_call *c, const char *name);   /* of a parameter's first slot */
const char *ra_onnx_choice(const ra_onnx_call *c, const char *name, const char *const *names);
const char *ra_onnx_shape(ra_onnx_build *o, const char *x, int32_t from, int32_t to); /* int64 [to - from]: these dimensions */
const char *ra_onnx_binary(ra_onnx_build *o, const char *type, const char *a, const char *b);
const char *ra_onnx_join(ra_onnx_build *o, const char *const *in, int32_t axis);
const char *ra_onnx_permute(ra_onnx_build *o, const char *x, int32_t n, const int64_t *order);
const char *ra_onnx_slice(ra_onnx_build *o, const char *x, const char *from, const char *to, const char *axes);

/* rows_layers.c */
ra_onnx_write ra_onnx_conv, ra_onnx_batch_norm, ra_onnx_group_norm, ra_onnx_layer_norm, ra_onnx_linear, ra_onnx_attention;
/* rows_shape.c */
ra_onnx_write ra_onnx_upsample, ra_onnx_pad, ra_onnx_pad_to, ra_onnx_crop_like, ra_onnx_reshape, ra_onnx_reshape_like, ra_onnx_permute_op,
  ra_onnx_narrow, ra_onnx_concat, ra_onnx_reduce;
/* rows_windows.c */
ra_onnx_write ra_onnx_window_partition, ra_onnx_window_merge, ra_onnx_window_bias;

#endif
