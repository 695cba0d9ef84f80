/* rows_layers.c: convolutions, normalisations, products in ONNX. */
#include <math.h>

#include "rows.h"

/* ---- convolutions, with a normalisation folded into them ---- */

/* scale and shift of output channel k: y = scale * conv + shift, bias included (batch_norm's inputs: x, weight, bias, mean, var). */
static void fold(const ra_onnx_call *c, int32_t k, double *scale, double *shift) {
  const ra_array *n = c->norm->in;
  double bias = ra_has(&c->call, 2) ? (double)c->call.in[2].data[k] : 0;
  *scale = (n[1].rank >= 0 ? (double)n[1].data[k] : 1) / sqrt((double)n[4].data[k] + c->norm->param[ra_param_slot(c->norm->op, "eps")]);
  *shift = (n[2].rank >= 0 ? (double)n[2].data[k] : 0) + (bias - (double)n[3].data[k]) * *scale;
}

/* Weight and bias with the normalisation folded in. Weight [O,C/groups,..], of a transposed convolution [C,O/groups,..]. */
static void folded(ra_onnx_build *o, const ra_onnx_call *c, bool transposed, const char **weight, const char **bias) {
  const ra_array *w = &c->call.in[1];
  int32_t O = c->call.out.dim[1], groups = (int32_t)ra_onnx_param(c, "groups"), area = w->dim[2] * w->dim[3];
  float *to = ra_onnx_floats(o, NULL, 4, w->dim, weight), *shifts = ra_onnx_floats(o, NULL, 1, &O, bias);
  if (!to || !shifts) return;
  for (int32_t a = 0; a < w->dim[0]; a++)
    for (int32_t b = 0; b < w->dim[1]; b++) {
      double scale, shift;
      int32_t k = transposed ? a / (w->dim[0] / groups) * w->dim[1] + b : a;
      fold(c, k, &scale, &shift);
      shifts[k] = (float)shift;
      for (int32_t i = 0; i < area; i++, to++) *to = (float)(scale * (double)w->data[((int64_t)a * w->dim[1] + b) * area + i]);
    }
}

const char *ra_onnx_conv(ra_onnx_build *o, const ra_onnx_call *c) {
  bool transposed = strcmp(c->type, "ConvTranspose") == 0;
  const double *p = c->call.param;
  int32_t at = ra_param_slot(c->call.op, "dilation");
  const int64_t stride[] = {(int64_t)p[0], (int64_t)p[1]}, pad[] = {(int64_t)p[2], (int64_t)p[3], (int64_t)p[2], (int64_t)p[3]},
                dilation[] = {(int64_t)p[at], (int64_t)p[at + 1]}, more[] = {(int64_t)p[4], (int64_t)p[5]};
  const ra_onnx_attribute attributes[] = {RA_A_INTS("strides", 2, stride), RA_A_INTS("pads", 4, pad), RA_A_INTS("dilations", 2, dilation),
    RA_A_INT("group", (int64_t)ra_onnx_param(c, "groups")), RA_A_INTS(transposed ? "output_padding" : NULL, 2, more), {0}};
  const char *weight = c->in[1], *bias = ra_has(&c->call, 2) ? c->in[2] : "";
  if (c->norm) folded(o, c, transposed, &weight, &bias);
  return ra_onnx_node(o, c->type, RA_IN(c->in[0], weight, bias), attributes);
}

/* ---- normalisations ---- */

const char *ra_onnx_batch_norm(ra_onnx_build *o, const ra_onnx_call *c) {
  int32_t C = c->call.in[0].dim[1];
  const char *scale = ra_has(&c->call, 1) ? c->in[1] : ra_onnx_filled(o, C, 1);
  const char *bias = ra_has(&c->call, 2) ? c->in[2] : ra_onnx_filled(o, C, 0);
  return ra_onnx_node(o, "BatchNormalization", RA_IN(c->in[0], scale, bias, c->in[3], c->in[4]),
                      RA_WITH(RA_A_FLOAT("epsilon", ra_onnx_param(c, "eps"))));
}

/* y * weight + bias, both [C], along dimension 1 of so many. */
static const char *per_channel(ra_onnx_build *o, const ra_onnx_call *c, const char *y) {
  int64_t shape[RA_MAX_RANK] = {1, 1, 1, 1, 1};
  int32_t rank = c->call.in[0].rank;
  shape[0] = -1;
  for (int32_t k = 1; k <= 2; k++) {
    if (!ra_has(&c->call, k)) continue;
    const char *v = ra_onnx_binary(o, "Reshape", c->in[k], ra_onnx_ints(o, rank - 1, shape));
    y = ra_onnx_binary(o, k == 1 ? "Mul" : "Add", y, v);
  }
  return y;
}

/* Groups of channels as channels of an InstanceNormalization. */
const char *ra_onnx_group_norm(ra_onnx_build *o, const ra_onnx_call *c) {
  bool every = strcmp(c->call.op->name, "instance_norm") == 0;
  int32_t groups = every ? c->call.in[0].dim[1] : (int32_t)ra_onnx_param(c, "groups");
  const char *x = ra_onnx_binary(o, "Reshape", c->in[0], ra_onnx_ints(o, 3, (int64_t[]){0, groups, -1}));
  const char *y = ra_onnx_node(o, "InstanceNormalization", RA_IN(x, ra_onnx_filled(o, groups, 1), ra_onnx_filled(o, groups, 0)),
                               RA_WITH(RA_A_FLOAT("epsilon", ra_onnx_param(c, "eps"))));
  return per_channel(o, c, ra_onnx_binary(o, "Reshape", y, ra_onnx_shape(o, c->in[0], 0, c->call.in[0].rank)));
}

const char *ra_onnx_layer_norm(ra_onnx_build *o, const ra_onnx_call *c) {
  int32_t dims = (int32_t)ra_onnx_param(c, "dims");
  const char *scale = ra_has(&c->call, 1) ? c->in[1] : ra_onnx_filled(o, 1, 1); /* it may not be absent; a number is stretched */
  return ra_onnx_node(o, "LayerNormalization", RA_IN(c->in[0], scale, ra_has(&c->call, 2) ? c->in[2] : ""),
                      RA_WITH(RA_A_INT("axis", -dims), RA_A_FLOAT("epsilon", ra_onnx_param(c, "eps"))));
}

/* ---- products ---- */

const char *ra_onnx_linear(ra_onnx_build *o, const ra_onnx_call *c) {
  const char *turned = ra_onnx_permute(o, c->in[1], 2, (int64_t[]){1, 0});
  const char *y = ra_onnx_binary(o, "MatMul", c->in[0], turned);
  return ra_has(&c->call, 2) ? ra_onnx_binary(o, "Add", y, c->in[2]) : y;
}

/* [..,N,h D] -> [..,h,N,D] and back; lead: dimensions before N. */
static const char *swap_heads(ra_onnx_build *o, const char *x, int32_t lead) {
  int64_t order[RA_MAX_RANK + 1];
  for (int32_t i = 0; i < lead; i++) order[i] = i;
  order[lead] = lead + 1, order[lead + 1] = lead, order[lead + 2] = lead + 2;
  return ra_onnx_permute(o, x, lead + 3, order);
}

static const char *split_heads(ra_onnx_build *o, const char *x, int32_t lead, int32_t heads) {
  int64_t shape[RA_MAX_RANK + 1] = {0};
  shape[lead + 1] = heads, shape[lead + 2] = -1;
  return swap_heads(o, ra_onnx_binary(o, "Reshape", x, ra_onnx_ints(o, lead + 3, shape)), lead);
}

/* softmax(scale q k^T + bias) v */
const char *ra_onnx_attention(ra_onnx_build *o, const ra_onnx_call *c) {
  const ra_array *q = &c->call.in[0];
  bool cut = !isnan(ra_onnx_param(c, "heads"));
  int32_t heads = cut ? (int32_t)ra_onnx_param(c, "heads") : 1, lead = q->rank - 2, rank = q->rank + cut;
  double scale = ra_onnx_param(c, "scale");
  if (isnan(scale)) scale = 1 / sqrt((double)q->dim[q->rank - 1] / heads);
  const char *part[3];
  for (int32_t k = 0; k < 3; k++) part[k] = cut ? split_heads(o, c->in[k], lead, heads) : c->in[k];
  int64_t order[RA_MAX_RANK + 1];
  for (int32_t i = 0; i < rank; i++) order[i] = i;
  order[rank - 2] = rank - 1, order[rank - 1] = rank - 2;
  const char *scores = ra_onnx_binary(o, "MatMul", ra_onnx_binary(o, "Mul", part[0], ra_onnx_number(o, scale)),
                                      ra_onnx_permute(o, part[1], rank, order));
  if (ra_has(&c->call, 3)) scores = ra_onnx_binary(o, "Add", scores, c->in[3]);
  const char *y = ra_onnx_binary(o, "MatMul", ra_onnx_node(o, "Softmax", RA_IN(scores), RA_WITH(RA_A_INT("axis", -1))), part[2]);
  if (!cut) return y;
  int64_t shape[RA_MAX_RANK] = {0};
  shape[q->rank - 1] = -1;
  return ra_onnx_binary(o, "Reshape", swap_heads(o, y, lead), ra_onnx_ints(o, q->rank, shape));
}
