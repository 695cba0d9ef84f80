/* conv_plain: the reference convolution, nested loops over any shape.
 *   y[b,o,i,j]  = act(scale[o] * sum over c,u,v of w[o,c,u,v] * x[b,c,i*sh-ph+u*dh, j*sw-pw+v*dw] + shift[o])
 *   dx[b,c,..] (+)= sum of w[o,c,u,v] * dy[b,o,i,j] over the same pairs
 *   dw[o,c,u,v] (+)= sum of x * dy over b,i,j
 * Sums are kept in double, so that the fast kernels are held to something better than themselves. */
#include "../base/thread.h"
#include "conv.h"

typedef struct job {
  const ra_conv *s;
  const ra_real *x, *w, *dy;
  const ra_epilogue *e;
  ra_real *out;
  bool add;
} job;

bool K(conv_plain_can)(const ra_conv *s, ra_conv_kind kind) { return s && kind < RA_CONV_KINDS; }
size_t K(conv_plain_work)(const ra_conv *s, ra_conv_kind kind) { return (void)s, (void)kind, 0; }

static void forward_plane(void *context, int32_t chunk) {
  const job *k = context;
  const ra_conv *s = k->s;
  int32_t b = chunk / s->O, o = chunk % s->O, cg = s->C / s->groups, first = o / (s->O / s->groups) * cg;
  const ra_real *x = k->x + b * s->x_batch + (int64_t)first * s->H * s->W;
  const ra_real *w = k->w + (int64_t)o * cg * s->kh * s->kw;
  ra_real *y = k->out + b * s->y_batch + (int64_t)o * s->Ho * s->Wo;
  ra_real scale = conv_scale(k->e, o), shift = conv_shift(k->e, o);
  for (int32_t i = 0; i < s->Ho; i++)
    for (int32_t j = 0; j < s->Wo; j++) {
      double sum = 0;
      for (int32_t c = 0; c < cg; c++)
        for (int32_t u = 0; u < s->kh; u++) {
          int32_t h = i * s->stride_h - s->pad_h + u * s->dilation_h;
          if (h < 0 || h >= s->H) continue;
          for (int32_t v = 0; v < s->kw; v++) {
            int32_t q = j * s->stride_w - s->pad_w + v * s->dilation_w;
            if (q < 0 || q >= s->W) continue;
            sum += (double)w[(c * s->kh + u) * s->kw + v] * (double)x[((int64_t)c * s->H + h) * s->W + q];
          }
        }
      ra_real value = (ra_real)(sum * (double)scale + (double)shift);
      y[(int64_t)i * s->Wo + j] = k->e ? conv_act(k->e, value) : value;
    }
}

void K(conv_plain_forward)(const ra_conv *s, const ra_real *x, const ra_real *w, const ra_epilogue *e, ra_real *y,
                           void *work) {
  (void)work;
  ra_parallel(s->B * s->O, forward_plane, &(job){.s = s, .x = x, .w = w, .e = e, .out = y});
}

/* Which output row (or column) reads position h through tap u; -1: none. */
static inline int32_t source(int32_t h, int32_t u, int32_t pad, int32_t stride, int32_t dilation, int32_t size) {
  int32_t t = h + pad - u * dilation;
  return t < 0 || t % stride != 0 || t / stride >= size ? -1 : t / stride;
}

static void data_plane(void *context, int32_t chunk) {
  const job *k = context;
  const ra_conv *s = k->s;
  int32_t b = chunk / s->C, c = chunk % s->C, cg = s->C / s->groups, og = s->O / s->groups, g = c / cg;
  ra_real *dx = k->out + b * s->x_batch + (int64_t)c * s->H * s->W;
  for (int32_t h = 0; h < s->H; h++)
    for (int32_t q = 0; q < s->W; q++) {
      double sum = 0;
      for (int32_t u = 0; u < s->kh; u++) {
        int32_t i = source(h, u, s->pad_h, s->stride_h, s->dilation_h, s->Ho);
        if (i < 0) continue;
        for (int32_t v = 0; v < s->kw; v++) {
          int32_t j = source(q, v, s->pad_w, s->stride_w, s->dilation_w, s->Wo);
          if (j < 0) continue;
          for (int32_t o = g * og; o < (g + 1) * og; o++)
            sum += (double)k->w[(((int64_t)o * cg + c % cg) * s->kh + u) * s->kw + v] *
                   (double)k->dy[b * s->y_batch + ((int64_t)o * s->Ho + i) * s->Wo + j];
        }
      }
      ra_real *to = dx + (int64_t)h * s->W + q;
      *to = (ra_real)(k->add ? (double)*to + sum : sum);
    }
}

void K(conv_plain_backward_data)(const ra_conv *s, const ra_real *dy, const ra_real *w, bool add, ra_real *dx,
                                 void *work) {
  (void)work;
  ra_parallel(s->B * s->C, data_plane, &(job){.s = s, .dy = dy, .w = w, .add = add, .out = dx});
}

static void weight_row(void *context, int32_t chunk) {
  const job *k = context;
  const ra_conv *s = k->s;
  int32_t cg = s->C / s->groups, o = chunk / cg, c = chunk % cg, from = o / (s->O / s->groups) * cg + c;
  for (int32_t u = 0; u < s->kh; u++)
    for (int32_t v = 0; v < s->kw; v++) {
      double sum = 0;
      for (int32_t b = 0; b < s->B; b++) {
        const ra_real *x = k->x + b * s->x_batch + (int64_t)from * s->H * s->W;
        const ra_real *dy = k->dy + b * s->y_batch + (int64_t)o * s->Ho * s->Wo;
        for (int32_t i = 0; i < s->Ho; i++) {
          int32_t h = i * s->stride_h - s->pad_h + u * s->dilation_h;
          if (h < 0 || h >= s->H) continue;
          for (int32_t j = 0; j < s->Wo; j++) {
            int32_t q = j * s->stride_w - s->pad_w + v * s->dilation_w;
            if (q >= 0 && q < s->W) sum += (double)x[(int64_t)h * s->W + q] * (double)dy[(int64_t)i * s->Wo + j];
          }
        }
      }
      ra_real *to = k->out + (((int64_t)o * cg + c) * s->kh + u) * s->kw + v;
      *to = (ra_real)(k->add ? (double)*to + sum : sum);
    }
}

void K(conv_plain_backward_weight)(const ra_conv *s, const ra_real *x, const ra_real *dy, bool add, ra_real *dw,
                                   void *work) {
  (void)work;
  ra_parallel(s->O * (s->C / s->groups), weight_row, &(job){.s = s, .x = x, .dy = dy, .add = add, .out = dw});
}
