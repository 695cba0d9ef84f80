/* rows.c: the table of ops in ONNX (opset 17), and those that are one or two nodes. */
#include <math.h>

#include "rows.h"

double ra_onnx_param(const ra_onnx_call *c, const char *name) { return c->call.param[ra_param_slot(c->call.op, name)]; }

const char *ra_onnx_choice(const ra_onnx_call *c, const char *name, const char *const *names) { return names[(int)ra_onnx_param(c, name)]; }

const char *ra_onnx_shape(ra_onnx_build *o, const char *x, int32_t from, int32_t to) {
  return ra_onnx_node(o, "Shape", RA_IN(x), RA_WITH(RA_A_INT("start", from), RA_A_INT("end", to)));
}

const char *ra_onnx_binary(ra_onnx_build *o, const char *type, const char *a, const char *b) {
  return ra_onnx_node(o, type, RA_IN(a, b), NULL);
}

const char *ra_onnx_join(ra_onnx_build *o, const char *const *in, int32_t axis) {
  return ra_onnx_node(o, "Concat", in, RA_WITH(RA_A_INT("axis", axis)));
}

const char *ra_onnx_permute(ra_onnx_build *o, const char *x, int32_t n, const int64_t *order) {
  return ra_onnx_node(o, "Transpose", RA_IN(x), RA_WITH(RA_A_INTS("perm", n, order)));
}

const char *ra_onnx_slice(ra_onnx_build *o, const char *x, const char *from, const char *to, const char *axes) {
  return ra_onnx_node(o, "Slice", RA_IN(x, from, to, axes), NULL);
}

/* ---- ops of one or two nodes ---- */

/* The op under another name, with the same inputs. */
static const char *same(ra_onnx_build *o, const ra_onnx_call *c) {
  const char *in[RA_MAX_IN + 1] = {0};
  memcpy(in, c->in, sizeof c->in[0] * (size_t)c->call.n_in);
  return ra_onnx_node(o, c->type, in, NULL);
}

/* What changes nothing outside of training. */
static const char *nothing(ra_onnx_build *o, const ra_onnx_call *c) { return (void)o, c->in[0]; }

static const char *leaky_relu(ra_onnx_build *o, const ra_onnx_call *c) {
  return ra_onnx_node(o, "LeakyRelu", RA_IN(c->in[0]), RA_WITH(RA_A_FLOAT("alpha", ra_onnx_param(c, "slope"))));
}

static const char *silu(ra_onnx_build *o, const ra_onnx_call *c) {
  return ra_onnx_binary(o, "Mul", c->in[0], ra_onnx_node(o, "Sigmoid", RA_IN(c->in[0]), NULL));
}

/* x / 2 * (1 + erf(x / sqrt 2)) */
static const char *gelu(ra_onnx_build *o, const ra_onnx_call *c) {
  const char *erf = ra_onnx_node(o, "Erf", RA_IN(ra_onnx_binary(o, "Mul", c->in[0], ra_onnx_number(o, sqrt(0.5)))), NULL);
  const char *twice = ra_onnx_binary(o, "Mul", c->in[0], ra_onnx_binary(o, "Add", erf, ra_onnx_number(o, 1)));
  return ra_onnx_binary(o, "Mul", twice, ra_onnx_number(o, 0.5));
}

static const char *affine(ra_onnx_build *o, const ra_onnx_call *c) {
  const char *scaled = ra_onnx_binary(o, "Mul", c->in[0], ra_onnx_number(o, ra_onnx_param(c, "scale")));
  return ra_onnx_binary(o, "Add", scaled, ra_onnx_number(o, ra_onnx_param(c, "shift")));
}

static const char *clamp(ra_onnx_build *o, const ra_onnx_call *c) {
  double low = ra_onnx_param(c, "min"), high = ra_onnx_param(c, "max");
  const char *least = isnan(low) ? "" : ra_onnx_number(o, low), *most = isnan(high) ? "" : ra_onnx_number(o, high);
  return ra_onnx_node(o, "Clip", RA_IN(c->in[0], least, most), NULL);
}

static const char *softmax(ra_onnx_build *o, const ra_onnx_call *c) {
  return ra_onnx_node(o, c->type, RA_IN(c->in[0]), RA_WITH(RA_A_INT("axis", (int64_t)ra_onnx_param(c, "dim"))));
}

static const char *power(ra_onnx_build *o, const ra_onnx_call *c) {
  return ra_onnx_binary(o, "Pow", c->in[0], ra_has(&c->call, 1) ? c->in[1] : ra_onnx_number(o, ra_onnx_param(c, "p")));
}

static const char *to_float(ra_onnx_build *o, const char *x) {
  return ra_onnx_node(o, "Cast", RA_IN(x), RA_WITH(RA_A_INT("to", ONNX__ELEMENT_TYPE__ELEMENT_FLOAT)));
}

static const char *comparison(ra_onnx_build *o, const ra_onnx_call *c) {
  return to_float(o, ra_onnx_binary(o, c->type, c->in[0], c->in[1]));
}

static const char *differs(ra_onnx_build *o, const ra_onnx_call *c) {
  return to_float(o, ra_onnx_node(o, "Not", RA_IN(ra_onnx_binary(o, "Equal", c->in[0], c->in[1])), NULL));
}

static const char *where(ra_onnx_build *o, const ra_onnx_call *c) {
  const char *zero = ra_onnx_binary(o, "Equal", c->in[0], ra_onnx_number(o, 0));
  return ra_onnx_node(o, "Where", RA_IN(zero, c->in[2], c->in[1]), NULL);
}

static const char *argmax(ra_onnx_build *o, const ra_onnx_call *c) {
  int64_t axis = (int64_t)ra_onnx_param(c, "dim"), keep = ra_onnx_param(c, "keepdim") != 0;
  return to_float(o, ra_onnx_node(o, "ArgMax", RA_IN(c->in[0]), RA_WITH(RA_A_INT("axis", axis), RA_A_INT("keepdims", keep))));
}

/* k, stride (k unless given) and pad are the first six slots, see pool.h. */
static const char *pool(ra_onnx_build *o, const ra_onnx_call *c) {
  const double *p = c->call.param;
  const int64_t k[] = {(int64_t)p[0], (int64_t)p[1]}, pad[] = {(int64_t)p[4], (int64_t)p[5], (int64_t)p[4], (int64_t)p[5]};
  const int64_t stride[] = {isnan(p[2]) ? k[0] : (int64_t)p[2], isnan(p[2]) ? k[1] : (int64_t)p[3]};
  const ra_onnx_attribute attributes[] = {RA_A_INTS("kernel_shape", 2, k), RA_A_INTS("strides", 2, stride), RA_A_INTS("pads", 4, pad),
    RA_A_INT(strcmp(c->type, "MaxPool") == 0 ? NULL : "count_include_pad", p[6] != 0), {0}};
  return ra_onnx_node(o, c->type, RA_IN(c->in[0]), attributes);
}

/* ---- the table ---- */

static const ra_onnx_row rows[] = {
  {"conv2d", ra_onnx_conv, "Conv"}, {"conv_transpose2d", ra_onnx_conv, "ConvTranspose"},
  {"batch_norm", ra_onnx_batch_norm, NULL}, {"group_norm", ra_onnx_group_norm, NULL}, {"instance_norm", ra_onnx_group_norm, NULL},
  {"layer_norm", ra_onnx_layer_norm, NULL},
  {"relu", same, "Relu"}, {"leaky_relu", leaky_relu, NULL}, {"gelu", gelu, NULL}, {"silu", silu, NULL}, {"sigmoid", same, "Sigmoid"},
  {"tanh", same, "Tanh"}, {"softplus", same, "Softplus"}, {"softmax", softmax, "Softmax"}, {"log_softmax", softmax, "LogSoftmax"},
  {"exp", same, "Exp"}, {"log", same, "Log"}, {"sqrt", same, "Sqrt"}, {"abs", same, "Abs"}, {"clamp", clamp, NULL},
  {"affine", affine, NULL},
  {"add", same, "Add"}, {"sub", same, "Sub"}, {"mul", same, "Mul"}, {"div", same, "Div"}, {"matmul", same, "MatMul"},
  {"linear", ra_onnx_linear, NULL}, {"attention", ra_onnx_attention, NULL},
  {"max_pool2d", pool, "MaxPool"}, {"avg_pool2d", pool, "AveragePool"},
  {"upsample", ra_onnx_upsample, NULL}, {"upsample_like", ra_onnx_upsample, NULL},
  {"concat", ra_onnx_concat, NULL}, {"narrow", ra_onnx_narrow, NULL}, {"permute", ra_onnx_permute_op, NULL},
  {"reshape", ra_onnx_reshape, NULL}, {"reshape_like", ra_onnx_reshape_like, NULL},
  {"pad", ra_onnx_pad, NULL}, {"pad_to", ra_onnx_pad_to, NULL}, {"crop_like", ra_onnx_crop_like, NULL},
  {"sum", ra_onnx_reduce, "ReduceSum"}, {"mean", ra_onnx_reduce, "ReduceMean"}, {"max", ra_onnx_reduce, "ReduceMax"},
  {"min", ra_onnx_reduce, "ReduceMin"},
  {"pow", power, NULL},
  {"eq", comparison, "Equal"}, {"ne", differs, NULL}, {"lt", comparison, "Less"},
  {"le", comparison, "LessOrEqual"}, {"gt", comparison, "Greater"}, {"ge", comparison, "GreaterOrEqual"},
  {"where", where, NULL}, {"argmax", argmax, NULL},
  {"window_partition", ra_onnx_window_partition, NULL}, {"window_merge", ra_onnx_window_merge, NULL},
  {"window_bias", ra_onnx_window_bias, NULL},
  {"dropout", nothing, NULL}, {"drop_path", nothing, NULL}, {"detach", nothing, NULL}, {"watch", nothing, NULL},
};

const ra_onnx_row *ra_onnx_row_of(const ra_op *op) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (strcmp(rows[i].op, op->name) == 0) return &rows[i];
  return NULL;
}
