/* conv_transpose2d: the gradient of conv2d with respect to its input, used forward:
 *   y[b,o,i*stride - pad + u*dilation, ..] += w[c,o,u,v] * x[b,c,i,j];  then + bias[o]
 *   x [B,C,H,W], weight [C,O/groups,kh,kw], bias [O] -> y [B,O,Ho,Wo]
 *   Ho = (H-1)*stride - 2*pad + dilation*(kh-1) + output_pad + 1
 * The convolution's three directions swap roles; where windows do not overlap
 * (kernel = stride, no pad: the 2x2 of a U-Net) gradients have a kernel of their own. */
#include <limits.h>

#include "conv.h"

enum { STRIDE, PAD = 2, OUTPUT_PAD = 4, DILATION = 6, GROUPS = 8 }; /* slots */

static const ra_param params[] = {
  {.name = "stride", .kind = RA_PARAM_PAIR, .default_value = 1, .low = 1, .high = 1024, .help = "distance of windows in the output"},
  {.name = "pad", .kind = RA_PARAM_PAIR, .default_value = 0, .low = 0, .high = 1024, .help = "rows and columns cut off every side"},
  {.name = "output_pad", .kind = RA_PARAM_PAIR, .default_value = 0, .low = 0, .high = 1023,
   .help = "rows and columns added at the bottom and right; less than stride or dilation"},
  RA_CONV_PARAMS,
  {0}};

/* The convolution from y to x whose transpose this op is. */
static ra_conv shape_of(const ra_call *c) {
  const ra_array *x = &c->in[0], *w = &c->in[1];
  const double *p = c->param;
  ra_conv s = {
    .B = x->dim[0], .C = w->dim[1] * (int32_t)p[GROUPS], .O = x->dim[1], .Ho = x->dim[2], .Wo = x->dim[3], .kh = w->dim[2],
    .kw = w->dim[3], .stride_h = (int32_t)p[STRIDE], .stride_w = (int32_t)p[STRIDE + 1], .pad_h = (int32_t)p[PAD],
    .pad_w = (int32_t)p[PAD + 1], .dilation_h = (int32_t)p[DILATION], .dilation_w = (int32_t)p[DILATION + 1],
    .groups = (int32_t)p[GROUPS], .H = c->out.dim[2], .W = c->out.dim[3]};
  return s;
}

/* True if windows do not overlap; *d is then the shape for the kernel of that case. */
static bool disjoint(const ra_call *c, ra_deconv *d) {
  ra_conv s = shape_of(c);
  *d = (ra_deconv){.B = s.B, .C = s.O, .H = s.Ho, .W = s.Wo, .O = s.C, .kh = s.kh, .kw = s.kw};
  return ra_conv_disjoint(&s);
}

static int64_t out_size(int32_t n, int32_t k, const double *p, int32_t side) {
  return ((int64_t)n - 1) * (int64_t)p[STRIDE + side] - 2 * (int64_t)p[PAD + side] +
         (int64_t)p[DILATION + side] * (k - 1) + (int64_t)p[OUTPUT_PAD + side] + 1;
}

static int32_t infer(ra_call *c) {
  char a[80], b[80];
  RA_TRY(ra_want_rank(c, 0, 4));
  RA_TRY(ra_want_rank(c, 1, 4));
  const int32_t *x = c->in[0].dim, *w = c->in[1].dim;
  const double *p = c->param;
  int32_t groups = (int32_t)p[GROUPS];
  if (w[0] != x[1])
    return ra_fail(RA_ERR_SHAPE, "conv_transpose2d: x %s has %d channels, weight %s wants %d", ra_in_text(c, 0, a), x[1],
                   ra_in_text(c, 1, b), w[0]);
  if (x[1] % groups)
    return ra_fail(RA_ERR_SHAPE, "conv_transpose2d: groups = %d must divide the channels of x %s", groups, ra_in_text(c, 0, a));
  for (int side = 0; side < 2; side++)
    if (p[OUTPUT_PAD + side] > 0 && p[OUTPUT_PAD + side] >= p[STRIDE + side] && p[OUTPUT_PAD + side] >= p[DILATION + side])
      return ra_fail(RA_ERR_ARG, "conv_transpose2d: output_pad = %g must be less than stride = %g or dilation = %g",
                     p[OUTPUT_PAD + side], p[STRIDE + side], p[DILATION + side]);
  int64_t H = out_size(x[2], w[2], p, 0), W = out_size(x[3], w[3], p, 1), O = (int64_t)w[1] * groups;
  if (x[2] < 1 || x[3] < 1 || w[2] < 1 || w[3] < 1 || H < 1 || W < 1 || H > INT_MAX || W > INT_MAX || O > INT_MAX)
    return ra_fail(RA_ERR_SHAPE, "conv_transpose2d: x %s and weight %s leave no output with these options",
                   ra_in_text(c, 0, a), ra_in_text(c, 1, b));
  RA_TRY(ra_want_vector(c, 2, (int32_t)O, "one a channel of the output"));
  RA_TRY(ra_out(c, 4, (int32_t[]){x[0], (int32_t)O, (int32_t)H, (int32_t)W}));
  const ra_kernels *k = ra_kernel();
  ra_conv s = shape_of(c);
  for (int kind = 0; kind < RA_CONV_KINDS; kind++) {
    c->conv[kind] = k->conv_choose(&s, (ra_conv_kind)kind, c->numerics);
    size_t bytes = k->conv_work(&s, (ra_conv_kind)kind, c->conv[kind].algo);
    size_t *work = kind == RA_CONV_BACKWARD_DATA ? &c->work_forward : &c->work_backward;
    if (bytes > *work) *work = bytes;
  }
  ra_deconv d;
  if (disjoint(c, &d)) {
    c->work_forward = c->work_backward = k->deconv_work(&d);
    c->accepts = RA_ACCEPTS_DEFERRED;
  }
  return RA_OK;
}

static void forward(ra_call *c) {
  const ra_kernels *k = ra_kernel();
  const ra_real *bias = ra_has(c, 2) ? c->in[2].data : NULL, *x;
  ra_conv s = shape_of(c);
  ra_deconv d;
  if (disjoint(c, &d)) {
    const ra_affine_act *deferred = ra_deferred(c, &x);
    k->deconv_forward(&d, x, deferred, c->in[1].data, bias, false, c->out.data, c->work);
    return;
  }
  ra_target y = {.count = 1, .segment = {{.data = c->out.data, .channels = s.C}}};
  k->conv_backward_data(&s, c->conv[RA_CONV_BACKWARD_DATA].algo, c->in[0].data, c->in[1].data, &y, c->work);
  ra_affine_act e = {.shift = bias};
  if (bias) k->channel_affine(s.B, s.C, s.H * s.W, c->out.data, &e, c->out.data);
}

static void data_grad(ra_call *c, const ra_conv *s) {
  ra_input dy = {.count = 1, .segment = {{.data = c->dout.data, .channels = s->C}}};
  ra_epilogue f = {.residual = c->add[0] ? c->din[0].data : NULL};
  ra_kernel()->conv_forward(s, c->conv[RA_CONV_FORWARD].algo, &dy, c->in[1].data, &f, c->din[0].data, c->work);
}

static void backward(ra_call *c) {
  ra_conv s = shape_of(c);
  const ra_kernels *k = ra_kernel();
  ra_deconv d;
  if (disjoint(c, &d)) {
    const ra_real *x;
    const ra_affine_act *deferred = ra_deferred(c, &x);
    if (c->din[0].data || c->din[1].data)
      k->deconv_backward(&d, x, deferred, c->in[1].data, c->dout.data, c->add[0], c->din[0].data, c->add[1],
                         c->din[1].data, c->work);
  } else {
    ra_input dy = {.count = 1, .segment = {{.data = c->dout.data, .channels = s.C}}};
    if (c->din[1].data)
      k->conv_backward_weight(&s, c->conv[RA_CONV_BACKWARD_WEIGHT].algo, &dy, c->in[0].data, c->add[1],
                              c->din[1].data, c->work);
    if (c->din[0].data) data_grad(c, &s);
  }
  ra_conv_bias_grad(c);
}

static double flops(const ra_call *c) {
  const int32_t *w = c->in[1].dim;
  return 2.0 * c->in[0].size * w[1] * w[2] * w[3];
}

/* x[i] goes to y[i * stride - pad] to y[i * stride - pad + dilation * (k - 1)]. */
static ra_sees sees(const ra_call *c, int32_t k, int32_t axis, ra_sight *s) {
  const double *p = c->param;
  if (k > 0) return RA_SEES_WEIGHTS;
  s->step = 1 / p[STRIDE + axis];
  s->before = (p[DILATION + axis] * (c->in[1].dim[2 + axis] - 1) - p[PAD + axis]) * s->step;
  s->after = p[PAD + axis] * s->step;
  return RA_SEES_NEAR;
}

const ra_op ra_op_conv_transpose2d = {
  .name = "conv_transpose2d",
  .help = "2-D transposed convolution (as PyTorch)\n"
          "x [B,C,H,W], weight [C,O/groups,kh,kw], bias [O] -> [B,O,Ho,Wo]\n"
          "Ho = (H - 1) stride - 2 pad + dilation (kh - 1) + output_pad + 1",
  .inputs = "x,weight,bias?",
  .params = params,
  .reads = RA_READS_IN0 | RA_READS_IN1,
  .infer = infer,
  .sees = sees,
  .forward = forward,
  .backward = backward,
  .flops = flops,
  .samples = "2,3,4,5 3,4,2,2 4 | stride=2\n"
             "1,2,3,4 2,3,3,2 3 | stride={3,2}\n"
             "2,3,4,3 3,2,3,3 - | stride=2 pad=1 output_pad=1\n"
             "1,4,5,4 4,2,3,3 4 | groups=2 pad={1,0} dilation={1,2}\n"
             "1,2,4,4 2,3,1,1 3",
};
