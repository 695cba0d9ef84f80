/* batch_norm (Ioffe and Szegedy, ICML 2015): per channel c over batch and positions,
 *   y = act(weight[c] * (x - mean[c]) / sqrt(var[c] + eps) + bias[c])
 *   x [B,C,...] -> same shape; weight, bias, mean, var [C]
 * train: statistics of the batch (biased variance); mean and var, where given,
 * are running averages that move by `momentum` towards them (unbiased
 * variance, as PyTorch). Otherwise mean and var are used as they are. */
#include <math.h>

#include "op.h"

enum { TRAIN, MOMENTUM, EPS };                 /* slots */
enum { X, WEIGHT, BIAS, MEAN, VAR };           /* inputs */
enum { SAVED_SCALE, SAVED_SHIFT, SAVED_MEAN, SAVED_RSTD, SAVED_VAR };

static const ra_param params[] = {
  {.name = "train", .kind = RA_PARAM_BOOL, .default_value = 0, .low = 0, .high = 1,
   .help = "normalise with the batch's own statistics"},
  {.name = "momentum", .kind = RA_PARAM_NUMBER, .default_value = 0.1, .low = 0, .high = 1,
   .help = "weight of the new value in the running average"},
  {.name = "eps", .kind = RA_PARAM_NUMBER, .default_value = 1e-5, .low = 0, .high = 1, .help = "added to the variance"},
  {0}};

static int32_t infer(ra_call *c) {
  char text[80];
  if (c->in[X].rank < 2)
    return ra_fail(RA_ERR_SHAPE, "batch_norm: x wants 2 dimensions or more, given %s", ra_in_text(c, X, text));
  int32_t C = c->in[X].dim[1];
  for (int k = WEIGHT; k <= VAR; k++) RA_TRY(ra_want_vector(c, k, C, "one a channel of x"));
  if (ra_has(c, MEAN) != ra_has(c, VAR)) return ra_fail(RA_ERR_ARG, "batch_norm: give both mean and var, or neither");
  if (c->param[TRAIN] == 0 && !ra_has(c, MEAN))
    return ra_fail(RA_ERR_ARG, "batch_norm: mean and var are needed unless train = true");
  if (c->param[TRAIN] != 0 && C > 0 && c->in[X].size / C < 2)
    return ra_fail(RA_ERR_SHAPE, "batch_norm: training wants 2 values a channel or more, x is %s", ra_in_text(c, X, text));
  for (int k = SAVED_SCALE; k <= SAVED_VAR; k++) RA_TRY(ra_save(c, 1, &C));
  return ra_out_like(c, X);
}

static int32_t inner_size(const ra_array *x) {
  int32_t n = 1;
  for (int32_t i = 2; i < x->rank; i++) n *= x->dim[i];
  return n;
}

/* Elements a channel, then mean and variance of the batch in every channel. */
static int32_t statistics(const ra_call *c) { return c->param[TRAIN] != 0 && ra_has(c, MEAN) ? 1 + 2 * c->in[X].dim[1] : 0; }

static void move_channel(const ra_call *c, int32_t i, double count, double of_mean, double of_var) {
  double m = c->param[MOMENTUM], unbiased = count / (count - 1);
  ra_real *mean = &c->in[MEAN].data[i], *var = &c->in[VAR].data[i];
  *mean = (ra_real)((1 - m) * (double)*mean + m * of_mean);
  *var = (ra_real)((1 - m) * (double)*var + m * unbiased * of_var);
}

static void move(const ra_call *c, const double *from) {
  int32_t C = c->in[X].dim[1];
  for (int32_t i = 0; i < C; i++) move_channel(c, i, from[0], from[1 + i], from[1 + C + i]);
}

/* Moves the running averages, or says by what; the running variance is the unbiased one. */
static void update_running(ra_call *c, int32_t C, int64_t count) {
  const ra_real *mean = c->saved[SAVED_MEAN].data, *var = c->saved[SAVED_VAR].data;
  if (c->statistics) c->statistics[0] = (double)count;
  for (int32_t i = 0; i < C; i++) {
    if (!c->statistics) move_channel(c, i, (double)count, (double)mean[i], (double)var[i]);
    else c->statistics[1 + i] = (double)mean[i], c->statistics[1 + C + i] = (double)var[i];
  }
}

/* Statistics, and scale and shift made of them. */
static void save_affine(ra_call *c) {
  const ra_array *x = &c->in[X];
  const ra_fusion *f = &c->fused;
  int32_t B = x->dim[0], C = x->dim[1], N = inner_size(x);
  ra_real *mean = c->saved[SAVED_MEAN].data, *rstd = c->saved[SAVED_RSTD].data, *var = c->saved[SAVED_VAR].data;
  if (c->param[TRAIN] != 0) {
    if (f->moments_in) ra_kernel()->merge_moments(f->moments_in_chunks, C, f->moments_in, c->param[EPS], mean, var, rstd);
    else ra_kernel()->channel_stats(B, C, N, x->data, c->param[EPS], mean, var, rstd);
    if (ra_has(c, MEAN)) update_running(c, C, (int64_t)B * N);
  } else {
    for (int32_t i = 0; i < C; i++) {
      mean[i] = c->in[MEAN].data[i];
      rstd[i] = (ra_real)(1 / sqrt((double)c->in[VAR].data[i] + c->param[EPS]));
    }
  }
  ra_real *scale = c->saved[SAVED_SCALE].data, *shift = c->saved[SAVED_SHIFT].data;
  for (int32_t i = 0; i < C; i++) {
    scale[i] = ra_has(c, WEIGHT) ? c->in[WEIGHT].data[i] * rstd[i] : rstd[i];
    shift[i] = (ra_has(c, BIAS) ? c->in[BIAS].data[i] : 0) - mean[i] * scale[i];
  }
}

static void forward(ra_call *c) {
  const ra_array *x = &c->in[X];
  const ra_fusion *f = &c->fused;
  if (!c->again) save_affine(c);
  if (f->deferred) return;
  ra_affine_act e = {.scale = c->saved[SAVED_SCALE].data, .shift = c->saved[SAVED_SHIFT].data, .act = f->act, .slope = f->slope};
  ra_kernel()->channel_affine(x->dim[0], x->dim[1], inner_size(x), x->data, &e, c->out.data);
}

static void backward(ra_call *c) {
  const ra_array *x = &c->in[X];
  const ra_fusion *f = &c->fused;
  ra_kernel()->batch_norm_grad(c->param[TRAIN] != 0, x->dim[0], x->dim[1], inner_size(x), x->data, c->dout.data,
                               c->saved[SAVED_MEAN].data, c->saved[SAVED_RSTD].data,
                               ra_has(c, WEIGHT) ? c->in[WEIGHT].data : NULL, ra_has(c, BIAS) ? c->in[BIAS].data : NULL,
                               f->act, f->slope, c->add[X], c->din[X].data, c->add[WEIGHT], c->din[WEIGHT].data,
                               c->add[BIAS], c->din[BIAS].data);
}

static ra_sees sees(const ra_call *c, int32_t k, int32_t axis, ra_sight *s) {
  (void)axis;
  (void)s;
  if (c->param[TRAIN] != 0 || c->in[X].rank < 3) return RA_SEES_ALL;
  return k == X ? RA_SEES_NEAR : RA_SEES_WEIGHTS;
}

const ra_op ra_op_batch_norm = {
  .name = "batch_norm",
  .help = "batch normalisation (Ioffe and Szegedy 2015), per channel over batch and positions\n"
          "x [B,C,...], weight, bias, mean, var [C] -> same shape as x\n"
          "train = true: the batch's statistics; mean and var, where given, are moved towards them in place",
  .inputs = "x,weight?,bias?,mean?,var?",
  .params = params,
  .flags = RA_OP_INPLACE_GRAD | RA_OP_DEFER | RA_OP_ACT_GRAD,
  .role = RA_ROLE_NORM,
  .reads = RA_READS_IN0 | RA_READS_IN1 | RA_READS_IN2,
  .no_grad = 1 << MEAN | 1 << VAR,
  .infer = infer,
  .sees = sees,
  .statistics = statistics,
  .move = move,
  .forward = forward,
  .backward = backward,
  .samples = "3,2,4,5 2 2 | train=true\n2,3,4,4 3 3 3:var 3:var\n4,3 3 3 | train=true eps=0.001",
};
