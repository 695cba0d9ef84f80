/* conv2d: y[b,o,i,j] = bias[o] + sum over c,u,v of w[o,c,u,v] * x[b,c, i*stride + u*dilation - pad, ..]
 *   x [B,C,H,W], weight [O,C/groups,kh,kw], bias [O] -> y [B,O,Ho,Wo]
 *   Ho = floor((H + 2*pad - dilation*(kh-1) - 1) / stride) + 1 */
#include <math.h>
#include <stdio.h>

#include "conv.h"

enum { STRIDE, PAD = 2, DILATION = 4, GROUPS = 6 }; /* slots */

static const ra_param params[] = {
  {.name = "stride", .kind = RA_PARAM_PAIR, .default_value = 1, .low = 1, .high = 1024, .help = "step of the window"},
  {.name = "pad", .kind = RA_PARAM_PAIR, .default_value = 0, .low = 0, .high = 1024, .help = "zeros added on every side"},
  RA_CONV_PARAMS,
  {0}};

static ra_conv shape_of(const ra_call *c) {
  const ra_array *x = &c->in[0], *w = &c->in[1];
  const double *p = c->param;
  ra_conv s = {
    .B = x->dim[0], .C = x->dim[1], .H = x->dim[2], .W = x->dim[3], .O = w->dim[0], .kh = w->dim[2], .kw = w->dim[3],
    .stride_h = (int32_t)p[STRIDE], .stride_w = (int32_t)p[STRIDE + 1], .pad_h = (int32_t)p[PAD],
    .pad_w = (int32_t)p[PAD + 1], .dilation_h = (int32_t)p[DILATION], .dilation_w = (int32_t)p[DILATION + 1],
    .groups = (int32_t)p[GROUPS]};
  s.Ho = (s.H + 2 * s.pad_h - s.dilation_h * (s.kh - 1) - 1) / s.stride_h + 1;
  s.Wo = (s.W + 2 * s.pad_w - s.dilation_w * (s.kw - 1) - 1) / s.stride_w + 1;
  return s;
}

static int32_t infer(ra_call *c) {
  char a[80], b[80];
  RA_TRY(ra_want_rank(c, 0, 4));
  RA_TRY(ra_want_rank(c, 1, 4));
  ra_conv s = shape_of(c);
  const int32_t *w = c->in[1].dim;
  if (s.C % s.groups || s.O % s.groups)
    return ra_fail(RA_ERR_SHAPE, "conv2d: groups = %d must divide the channels of x %s and of weight %s", s.groups,
                   ra_in_text(c, 0, a), ra_in_text(c, 1, b));
  if (w[1] * s.groups != s.C)
    return ra_fail(RA_ERR_SHAPE, "conv2d: x %s has %d channels, weight %s wants %d", ra_in_text(c, 0, a), s.C,
                   ra_in_text(c, 1, b), w[1] * s.groups);
  RA_TRY(ra_want_vector(c, 2, s.O, "one a channel of the output"));
  if (s.kh < 1 || s.kw < 1 || s.H + 2 * s.pad_h < s.dilation_h * (s.kh - 1) + 1 ||
      s.W + 2 * s.pad_w < s.dilation_w * (s.kw - 1) + 1)
    return ra_fail(RA_ERR_SHAPE, "conv2d: a window of %dx%d (dilation %d) does not fit x %s with pad %d", s.kh, s.kw,
                   s.dilation_h, ra_in_text(c, 0, a), s.pad_h);
  RA_TRY(ra_out(c, 4, (int32_t[]){s.B, s.O, s.Ho, s.Wo}));
  const ra_kernels *k = ra_kernel();
  bool empty = c->in[0].size == 0 || c->in[1].size == 0; /* the fast ones cut what there is into parts */
  for (int kind = 0; kind < RA_CONV_KINDS; kind++) {
    if (empty) c->conv[kind].algo = RA_CONV_PLAIN, c->conv[kind].why = "nothing to compute";
    else c->conv[kind] = k->conv_choose(&s, (ra_conv_kind)kind, c->numerics);
    size_t bytes = k->conv_work(&s, (ra_conv_kind)kind, c->conv[kind].algo);
    *(kind == RA_CONV_FORWARD ? &c->work_forward : kind == RA_CONV_BACKWARD_DATA ? &c->work_backward : &c->work_weights) = bytes;
  }
  c->work_forward += 2 * (size_t)s.O * sizeof(ra_real) + 64; /* a folded normalisation's scale and shift */
  c->accepts = RA_ACCEPTS_DEFERRED | RA_ACCEPTS_SEGMENTS;
  c->moment_chunks = k->conv_moment_chunks(&s, c->conv[RA_CONV_FORWARD].algo);
  return RA_OK;
}

/* scale and shift of the normalisation that the plan folded into this convolution:
 * y = g * (conv + bias - mean) / sqrt(var + eps) + b */
static void fold_norm(const ra_call *c, int32_t O, ra_real *scale, ra_real *shift) {
  const ra_array *norm = c->fused.norm;
  const ra_real *g = norm[0].data, *b = norm[1].data, *mean = norm[2].data, *var = norm[3].data;
  for (int32_t o = 0; o < O; o++) {
    double s = (g ? (double)g[o] : 1) / sqrt((double)var[o] + c->fused.norm_eps);
    double bias = ra_has(c, 2) ? (double)c->in[2].data[o] : 0;
    scale[o] = (ra_real)s;
    shift[o] = (ra_real)((b ? (double)b[o] : 0) + (bias - (double)mean[o]) * s);
  }
}

static void forward(ra_call *c) {
  ra_conv s = shape_of(c);
  ra_epilogue f = {.affine = {.shift = ra_has(c, 2) ? c->in[2].data : NULL, .act = c->fused.act, .slope = c->fused.slope},
                 .residual = c->fused.residual, .moments = c->fused.moments};
  char *work = c->work;
  if (c->fused.folded) {
    ra_real *scale = c->work, *shift = scale + s.O;
    fold_norm(c, s.O, scale, shift);
    f.affine.scale = scale;
    f.affine.shift = shift;
    work += (2 * (size_t)s.O * sizeof(ra_real) + 63) / 64 * 64;
  }
  ra_input x = ra_input_of(c);
  ra_kernel()->conv_forward(&s, c->conv[RA_CONV_FORWARD].algo, &x, c->in[1].data, &f, c->out.data, work);
}

static void backward_weights(ra_call *c) {
  ra_conv s = shape_of(c);
  ra_input x = ra_input_of(c);
  if (c->din[1].data)
    ra_kernel()->conv_backward_weight(&s, c->conv[RA_CONV_BACKWARD_WEIGHT].algo, &x, c->dout.data, c->add[1], c->din[1].data, c->work);
  ra_conv_bias_grad(c);
}

static void backward(ra_call *c) {
  ra_conv s = shape_of(c);
  ra_target dx = ra_target_of(c);
  ra_kernel()->conv_backward_data(&s, c->conv[RA_CONV_BACKWARD_DATA].algo, c->dout.data, c->in[1].data, &dx, c->work);
}

static double flops(const ra_call *c) {
  const int32_t *w = c->in[1].dim;
  return 2.0 * c->out.size * w[1] * w[2] * w[3];
}

static const char *how(const ra_call *c, ra_pass pass, char text[RA_HOW_TEXT]) {
  static const struct {
    const char *word;
    ra_conv_kind kind;
  } of[] = {[RA_PASS_FORWARD] = {"", RA_CONV_FORWARD}, [RA_PASS_AGAIN] = {"", RA_CONV_FORWARD},
            [RA_PASS_WEIGHTS] = {"weight ", RA_CONV_BACKWARD_WEIGHT}, [RA_PASS_BACKWARD] = {"data ", RA_CONV_BACKWARD_DATA}};
  const ra_conv_choice *choice = &c->conv[of[pass].kind];
  snprintf(text, RA_HOW_TEXT, "%s%s (%s)", of[pass].word, ra_conv_algo_name((int32_t)choice->algo), choice->why);
  return text;
}

static ra_sees sees(const ra_call *c, int32_t k, int32_t axis, ra_sight *s) {
  const double *p = c->param;
  if (k > 0) return RA_SEES_WEIGHTS;
  return ra_sees_window(s, c->in[1].dim[2 + axis], (int32_t)p[DILATION + axis], (int32_t)p[STRIDE + axis], (int32_t)p[PAD + axis]);
}

const ra_op ra_op_conv2d = {
  .name = "conv2d",
  .help = "2-D convolution (cross-correlation, as PyTorch)\n"
          "x [B,C,H,W], weight [O,C/groups,kh,kw], bias [O] -> [B,O,Ho,Wo]\n"
          "Ho = floor((H + 2 pad - dilation (kh - 1) - 1) / stride) + 1",
  .inputs = "x,weight,bias?",
  .params = params,
  .role = RA_ROLE_CONV,
  .reads = RA_READS_IN1,
  .reads_weights = RA_READS_IN0,
  .infer = infer,
  .sees = sees,
  .forward = forward,
  .backward = backward,
  .backward_weights = backward_weights,
  .flops = flops,
  .how = how,
  .samples = "2,3,5,4 4,3,3,3 4 | pad=1\n"
             "1,2,7,6 3,2,3,2 - | stride={2,1} pad={0,1} dilation={1,2}\n"
             "2,4,5,5 6,2,3,3 6 | groups=2 pad=1\n"
             "1,3,4,4 3,1,3,3 3 | groups=3\n"
             "2,5,3,4 2,5,1,1 2",
};
