/* rows_shape.c: ops that resample, pad, cut and reorder in ONNX, for any height and width: sizes are computed in the graph. */
#include <math.h>

#include "rows.h"

static int32_t rank_of(const ra_onnx_call *c, int32_t k) { return c->call.in[k].rank; }

/* ---- resampling ---- */

/* By a factor, or to the size of ref, or to one that is given. */
const char *ra_onnx_upsample(ra_onnx_build *o, const ra_onnx_call *c) {
  static const char *const modes[] = {"nearest", "linear"};
  bool like = c->call.n_in > 1, linear = ra_onnx_param(c, "mode") != 0, corners = linear && ra_onnx_param(c, "align_corners") != 0;
  const ra_onnx_attribute attributes[] = {RA_A_TEXT("mode", ra_onnx_choice(c, "mode", modes)),
    RA_A_TEXT("coordinate_transformation_mode", corners ? "align_corners" : linear ? "half_pixel" : "asymmetric"),
    RA_A_TEXT("nearest_mode", "floor"), {0}};
  double scale = like ? NAN : ra_onnx_param(c, "scale");
  if (!isnan(scale)) {
    const char *scales;
    float *v = ra_onnx_floats(o, NULL, 1, (int32_t[]){4}, &scales);
    if (v) v[0] = v[1] = 1, v[2] = v[3] = (float)scale;
    return ra_onnx_node(o, "Resize", RA_IN(c->in[0], "", scales), attributes);
  }
  const double *size = like ? NULL : c->call.param + ra_param_slot(c->call.op, "size");
  const char *side = like ? ra_onnx_shape(o, c->in[1], rank_of(c, 1) - 2, rank_of(c, 1))
                          : ra_onnx_ints(o, 2, (int64_t[]){(int64_t)size[0], (int64_t)size[1]});
  const char *sizes = ra_onnx_join(o, RA_IN(ra_onnx_shape(o, c->in[0], 0, 2), side), 0);
  return ra_onnx_node(o, "Resize", RA_IN(c->in[0], "", "", sizes), attributes);
}

/* ---- borders ---- */

static const char *border(ra_onnx_build *o, const ra_onnx_call *c, const char *pads) {
  static const char *const modes[] = {"constant", "edge", "reflect"};
  bool constant = ra_onnx_param(c, "mode") == 0;
  return ra_onnx_node(o, "Pad", RA_IN(c->in[0], pads, constant ? ra_onnx_number(o, ra_onnx_param(c, "value")) : ""),
                      RA_WITH(RA_A_TEXT("mode", ra_onnx_choice(c, "mode", modes))));
}

const char *ra_onnx_pad(ra_onnx_build *o, const ra_onnx_call *c) {
  int32_t rank = rank_of(c, 0), v[RA_MAX_LIST] = {0};
  int64_t pads[2 * RA_MAX_RANK] = {0};
  ra_list(&c->call, ra_param_slot(c->call.op, "pad"), v); /* left, right, top, bottom */
  pads[rank - 2] = v[2], pads[rank - 1] = v[0];
  pads[2 * rank - 2] = v[3], pads[2 * rank - 1] = v[1];
  return border(o, c, ra_onnx_ints(o, 2 * rank, pads));
}

/* The border is (-size) mod multiple, at the bottom and right. */
const char *ra_onnx_pad_to(ra_onnx_build *o, const ra_onnx_call *c) {
  int32_t rank = rank_of(c, 0);
  int64_t zeros[2 * RA_MAX_RANK] = {0};
  const double *multiple = c->call.param + ra_param_slot(c->call.op, "multiple");
  const char *size = ra_onnx_node(o, "Neg", RA_IN(ra_onnx_shape(o, c->in[0], rank - 2, rank)), NULL);
  const char *missing = ra_onnx_binary(o, "Mod", size, ra_onnx_ints(o, 2, (int64_t[]){(int64_t)multiple[0], (int64_t)multiple[1]}));
  return border(o, c, ra_onnx_join(o, RA_IN(ra_onnx_ints(o, 2 * rank - 2, zeros), missing), 0));
}

const char *ra_onnx_crop_like(ra_onnx_build *o, const ra_onnx_call *c) {
  int32_t rank = rank_of(c, 0), ref = rank_of(c, 1);
  return ra_onnx_slice(o, c->in[0], ra_onnx_ints(o, 2, (int64_t[]){0, 0}), ra_onnx_shape(o, c->in[1], ref - 2, ref),
                       ra_onnx_ints(o, 2, (int64_t[]){rank - 2, rank - 1}));
}

/* ---- shapes ---- */

const char *ra_onnx_reshape(ra_onnx_build *o, const ra_onnx_call *c) { /* -1 and 0 mean the same there */
  int32_t v[RA_MAX_LIST], n = ra_list(&c->call, ra_param_slot(c->call.op, "shape"), v);
  int64_t shape[RA_MAX_LIST];
  for (int32_t i = 0; i < n; i++) shape[i] = v[i];
  return ra_onnx_binary(o, "Reshape", c->in[0], ra_onnx_ints(o, n, shape));
}

const char *ra_onnx_reshape_like(ra_onnx_build *o, const ra_onnx_call *c) {
  int32_t dim = (int32_t)ra_onnx_param(c, "dim"), ref = rank_of(c, 1);
  const char *shape = ra_onnx_join(o, RA_IN(ra_onnx_shape(o, c->in[0], 0, dim), ra_onnx_shape(o, c->in[1], ref - 2, ref),
                                            ra_onnx_shape(o, c->in[0], dim + 1, rank_of(c, 0))), 0);
  return ra_onnx_binary(o, "Reshape", c->in[0], shape);
}

const char *ra_onnx_permute_op(ra_onnx_build *o, const ra_onnx_call *c) {
  int32_t v[RA_MAX_LIST], n = ra_list(&c->call, ra_param_slot(c->call.op, "dims"), v);
  int64_t order[RA_MAX_LIST];
  for (int32_t i = 0; i < n; i++) order[i] = v[i];
  return ra_onnx_permute(o, c->in[0], n, order);
}

const char *ra_onnx_narrow(ra_onnx_build *o, const ra_onnx_call *c) {
  int64_t first = (int64_t)ra_onnx_param(c, "first") - 1, count = (int64_t)ra_onnx_param(c, "count");
  return ra_onnx_slice(o, c->in[0], ra_onnx_int(o, first), ra_onnx_int(o, first + count), ra_onnx_int(o, (int64_t)ra_onnx_param(c, "dim")));
}

const char *ra_onnx_concat(ra_onnx_build *o, const ra_onnx_call *c) {
  const char *in[RA_MAX_IN + 1] = {0};
  memcpy(in, c->in, sizeof c->in[0] * (size_t)c->call.n_in);
  return ra_onnx_join(o, in, (int32_t)ra_onnx_param(c, "dim"));
}

/* In opset 17 the dimensions of ReduceSum are an input, those of the others an attribute. */
const char *ra_onnx_reduce(ra_onnx_build *o, const ra_onnx_call *c) {
  int32_t v[RA_MAX_LIST], n = ra_list(&c->call, ra_param_slot(c->call.op, "dim"), v);
  int64_t axes[RA_MAX_LIST];
  for (int32_t i = 0; i < n; i++) axes[i] = v[i];
  bool sum = strcmp(c->type, "ReduceSum") == 0;
  const ra_onnx_attribute attributes[] = {RA_A_INT("keepdims", ra_onnx_param(c, "keepdim") != 0),
                                          RA_A_INTS(sum || n == 0 ? NULL : "axes", n, axes), {0}};
  return ra_onnx_node(o, c->type, RA_IN(c->in[0], sum && n > 0 ? ra_onnx_ints(o, n, axes) : ""), attributes);
}
