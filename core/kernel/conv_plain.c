/* conv_plain: the reference convolution, nested loops over any shape.
 *   y[b,o,i,j]  = act(scale[o] * sum over c,u,v of w[o,c,u,v] * x[b,c,i*sh-ph+u*dh, j*sw-pw+v*dw] + shift[o] + residual[b,o,i,j])
 *   dx[b,c,..] (+)= sum of w[o,c,u,v] * dy[b,o,i,j] over the same pairs
 *   dw[o,c,u,v] (+)= sum of x * dy over b,i,j
 * Sums are kept in double, so that the fast kernels are held to something better than themselves. */
#include "../base/thread.h"
#include "conv.h"

typedef struct job {
  const ra_conv *s;
  const ra_input *x;
  const ra_real *w, *dy;
  const ra_epilogue *f;
  const ra_target *dx;
  ra_real *out;
  bool add;
} job;

bool K(conv_plain_can)(const ra_conv *s, ra_conv_kind kind) { return s && kind < RA_CONV_KINDS; }
size_t K(conv_plain_work)(const ra_conv *s, ra_conv_kind kind) { return (void)s, (void)kind, 0; }
int32_t K(conv_plain_moment_chunks)(const ra_conv *s) { return (void)s, 0; }

/* sum over u, v of w[u,v] * x at the window of output i, j in one plane */
static double window_sum(const ra_conv *s, const source *x, const ra_real *plane, const ra_real *w, int32_t i, int32_t j) {
  double sum = 0;
  for (int32_t u = 0; u < s->kh; u++) {
    int32_t h = i * s->stride_h - s->pad_h + u * s->dilation_h;
    if (h < 0 || h >= s->H) continue;
    for (int32_t v = 0; v < s->kw; v++) {
      int32_t q = j * s->stride_w - s->pad_w + v * s->dilation_w;
      if (q >= 0 && q < s->W) sum += (double)w[u * s->kw + v] * (double)affine_one(&x->prologue, plane[(int64_t)h * s->W + q]);
    }
  }
  return sum;
}

static void forward_plane(void *context, int32_t chunk) {
  const job *k = context;
  const ra_conv *s = k->s;
  int32_t b = chunk / s->O, o = chunk % s->O, cg = s->C / s->groups, first = o / (s->O / s->groups) * cg;
  const ra_real *w = k->w + (int64_t)o * cg * s->kh * s->kw;
  int64_t plane = ((int64_t)b * s->O + o) * s->Ho * s->Wo;
  affine out = affine_of(&k->f->affine, o);
  for (int32_t i = 0; i < s->Ho; i++)
    for (int32_t j = 0; j < s->Wo; j++) {
      double sum = 0;
      for (int32_t c = 0; c < cg; c++) {
        source x = source_of(k->x, first + c, (int64_t)s->H * s->W);
        sum += window_sum(s, &x, x.data + b * x.batch, w + c * s->kh * s->kw, i, j);
      }
      int64_t at = plane + (int64_t)i * s->Wo + j;
      ra_real plus = k->f->residual ? k->f->residual[at] : 0;
      k->out[at] = affine_sum(&out, vec_splat((ra_real)sum), vec_splat(plus))[0];
    }
}

void K(conv_plain_forward)(const ra_conv *s, const ra_input *x, const ra_real *w, const ra_epilogue *f, ra_real *y,
                           void *work) {
  (void)work;
  ra_parallel(s->B * s->O, forward_plane, &(job){.s = s, .x = x, .w = w, .f = f, .out = y});
}

/* Which output row (or column) reads position h through tap u; -1: none. */
static inline int32_t output_at(int32_t h, int32_t u, int32_t pad, int32_t stride, int32_t dilation, int32_t size) {
  int32_t t = h + pad - u * dilation;
  return t < 0 || t % stride != 0 || t / stride >= size ? -1 : t / stride;
}

static void data_plane(void *context, int32_t chunk) {
  const job *k = context;
  const ra_conv *s = k->s;
  int32_t b = chunk / s->C, c = chunk % s->C, cg = s->C / s->groups, og = s->O / s->groups, g = c / cg;
  sink dx = sink_of(k->dx, c, (int64_t)s->H * s->W);
  if (!dx.data) return;
  for (int32_t h = 0; h < s->H; h++)
    for (int32_t q = 0; q < s->W; q++) {
      double sum = 0;
      for (int32_t u = 0; u < s->kh; u++) {
        int32_t i = output_at(h, u, s->pad_h, s->stride_h, s->dilation_h, s->Ho);
        if (i < 0) continue;
        for (int32_t v = 0; v < s->kw; v++) {
          int32_t j = output_at(q, v, s->pad_w, s->stride_w, s->dilation_w, s->Wo);
          if (j < 0) continue;
          for (int32_t o = g * og; o < (g + 1) * og; o++)
            sum += (double)k->w[(((int64_t)o * cg + c % cg) * s->kh + u) * s->kw + v] *
                   (double)k->dy[(((int64_t)b * s->O + o) * s->Ho + i) * s->Wo + j];
        }
      }
      ra_real *to = dx.data + b * dx.batch + (int64_t)h * s->W + q;
      *to = (ra_real)(dx.add ? (double)*to + sum : sum);
    }
}

void K(conv_plain_backward_data)(const ra_conv *s, const ra_real *dy, const ra_real *w, const ra_target *dx, void *work) {
  (void)work;
  ra_parallel(s->B * s->C, data_plane, &(job){.s = s, .dy = dy, .w = w, .dx = dx});
}

static void weight_row(void *context, int32_t chunk) {
  const job *k = context;
  const ra_conv *s = k->s;
  int32_t cg = s->C / s->groups, o = chunk / cg, c = chunk % cg, from = o / (s->O / s->groups) * cg + c;
  source x = source_of(k->x, from, (int64_t)s->H * s->W);
  for (int32_t u = 0; u < s->kh; u++)
    for (int32_t v = 0; v < s->kw; v++) {
      double sum = 0;
      for (int32_t b = 0; b < s->B; b++) {
        const ra_real *plane = x.data + b * x.batch, *dy = k->dy + ((int64_t)b * s->O + o) * s->Ho * s->Wo;
        for (int32_t i = 0; i < s->Ho; i++) {
          int32_t h = i * s->stride_h - s->pad_h + u * s->dilation_h;
          if (h < 0 || h >= s->H) continue;
          for (int32_t j = 0; j < s->Wo; j++) {
            int32_t q = j * s->stride_w - s->pad_w + v * s->dilation_w;
            if (q >= 0 && q < s->W)
              sum += (double)affine_one(&x.prologue, plane[(int64_t)h * s->W + q]) * (double)dy[(int64_t)i * s->Wo + j];
          }
        }
      }
      ra_real *to = k->out + (((int64_t)o * cg + c) * s->kh + u) * s->kw + v;
      *to = (ra_real)(k->add ? (double)*to + sum : sum);
    }
}

void K(conv_plain_backward_weight)(const ra_conv *s, const ra_input *x, const ra_real *dy, bool add, ra_real *dw,
                                   void *work) {
  (void)work;
  ra_parallel(s->O * (s->C / s->groups), weight_row, &(job){.s = s, .x = x, .dy = dy, .add = add, .out = dw});
}
