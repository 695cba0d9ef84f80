/* group.c: for group g of sample b, with mean and biased variance over its
 * channels and positions,
 *   y = act(weight[c] * (x - mean[b,g]) * rstd[b,g] + bias[c])
 * saved: mean, rstd [B,groups]. With M elements a group and sums over it,
 *   dx = rstd (w dy - sum(w dy) / M - (x - mean) rstd^2 sum(w dy (x - mean)) / M) */
#include "group.h"

enum { MEAN, RSTD }; /* saved */

static int32_t inner_size(const ra_array *x) {
  int32_t n = 1;
  for (int32_t i = 2; i < x->rank; i++) n *= x->dim[i];
  return n;
}

int32_t ra_group_infer(ra_call *c, int32_t groups) {
  char text[80];
  const ra_array *x = &c->in[RA_GROUP_X];
  if (x->rank < 2)
    return ra_fail(RA_ERR_SHAPE, "%s: x wants 2 dimensions or more, given %s", c->op->name, ra_in_text(c, 0, text));
  int32_t C = x->dim[1];
  if (groups < 1) groups = 1; /* instance_norm of no channels */
  if (C % groups)
    return ra_fail(RA_ERR_SHAPE, "%s: groups = %d must divide the channels of x %s", c->op->name, groups,
                   ra_in_text(c, 0, text));
  RA_TRY(ra_want_vector(c, RA_GROUP_WEIGHT, C, "one a channel of x"));
  RA_TRY(ra_want_vector(c, RA_GROUP_BIAS, C, "one a channel of x"));
  RA_TRY(ra_out_like(c, RA_GROUP_X));
  if (x->size == 0) return RA_OK;
  for (int32_t k = MEAN; k <= RSTD; k++) RA_TRY(ra_save(c, 2, (int32_t[]){x->dim[0], groups}));
  size_t rows = (size_t)x->dim[0] * (size_t)C, all = (size_t)x->dim[0] * (size_t)groups;
  c->work_forward = (2 * rows + all) * sizeof(ra_real); /* scale, shift of each plane; variances */
  c->work_backward = 2 * rows * sizeof(double) + 4 * rows * sizeof(ra_real); /* sums; mean, a, b, c of each plane */
  return RA_OK;
}

void ra_group_forward(ra_call *c, int32_t groups, double eps) {
  const ra_array *x = &c->in[RA_GROUP_X];
  int32_t B = x->dim[0], C = x->dim[1], N = inner_size(x), per = C / groups;
  ra_real *mean = c->saved[MEAN].data, *rstd = c->saved[RSTD].data;
  ra_real *scale = c->work, *shift = scale + (int64_t)B * C, *var = shift + (int64_t)B * C;
  ra_kernel()->channel_stats(1, B * groups, per * N, x->data, eps, mean, var, rstd);
  for (int32_t r = 0; r < B * C; r++) {
    int32_t channel = r % C, g = r / per;
    scale[r] = ra_has(c, RA_GROUP_WEIGHT) ? c->in[RA_GROUP_WEIGHT].data[channel] * rstd[g] : rstd[g];
    shift[r] = (ra_has(c, RA_GROUP_BIAS) ? c->in[RA_GROUP_BIAS].data[channel] : 0) - mean[g] * scale[r];
  }
  ra_affine_act e = {.scale = scale, .shift = shift, .act = c->fused.act, .slope = c->fused.slope};
  ra_kernel()->channel_affine(1, B * C, N, x->data, &e, c->out.data);
}

static void vector_grads(ra_call *c, const double *sums, int32_t per) {
  int32_t B = c->in[0].dim[0], C = c->in[0].dim[1];
  for (int32_t channel = 0; channel < C; channel++) {
    double dw = 0, db = 0;
    for (int32_t r = channel; r < B * C; r += C) {
      db += sums[2 * r];
      dw += sums[2 * r + 1] * (double)c->saved[RSTD].data[r / per];
    }
    for (int32_t k = RA_GROUP_WEIGHT; k <= RA_GROUP_BIAS; k++) {
      ra_real *to = c->din[k].data;
      if (to) to[channel] = (ra_real)((k == RA_GROUP_WEIGHT ? dw : db) + (c->add[k] ? (double)to[channel] : 0));
    }
  }
}

void ra_group_backward(ra_call *c, int32_t groups) {
  const ra_array *x = &c->in[RA_GROUP_X];
  int32_t B = x->dim[0], C = x->dim[1], N = inner_size(x), per = C / groups, rows = B * C;
  const ra_kernels *k = ra_kernel();
  double *sums = c->work;
  ra_real *mean = (ra_real *)(void *)(sums + 2 * (int64_t)rows), *a = mean + rows, *b = a + rows, *shift = b + rows;
  for (int32_t r = 0; r < rows; r++) mean[r] = c->saved[MEAN].data[r / per];
  k->row_sums(rows, N, x->data, c->dout.data, mean, sums);
  vector_grads(c, sums, per);
  if (!c->din[RA_GROUP_X].data) return;
  const ra_real *w = ra_has(c, RA_GROUP_WEIGHT) ? c->in[RA_GROUP_WEIGHT].data : NULL;
  double M = (double)per * N;
  for (int32_t g = 0; g < B * groups; g++) {
    double s = 0, t = 0, rstd = (double)c->saved[RSTD].data[g];
    for (int32_t r = g * per; r < (g + 1) * per; r++) {
      double weight = w ? (double)w[r % C] : 1;
      s += weight * sums[2 * r];
      t += weight * sums[2 * r + 1];
    }
    for (int32_t r = g * per; r < (g + 1) * per; r++) {
      a[r] = (ra_real)(rstd * (w ? (double)w[r % C] : 1));
      b[r] = (ra_real)(-rstd * rstd * rstd * t / M);
      shift[r] = (ra_real)(-rstd * s / M);
    }
  }
  k->row_combine(rows, N, x->data, c->dout.data, mean, a, b, shift, c->add[RA_GROUP_X], c->din[RA_GROUP_X].data);
}
