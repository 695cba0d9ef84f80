/* pool.c: max and average pooling of planes [H,W] -> [Ho,Wo], Ho = floor((H + 2 pad - kh) / stride) + 1.
 * The maximum's place in its window is kept as a byte (int32_t for windows of
 * more than 256), the first of equal ones; NaN wins, as in PyTorch. Gradients
 * are summed plane by plane, so no two threads write one. */
#include "../base/math.h"
#include "kernel.h"

#include <math.h>
#include <string.h>

#include "../base/thread.h"
#include "affine_act.h"

typedef struct {
  const ra_pool *s;
  const ra_real *x;
  int32_t C;
  const ra_affine_act *prologue; /* of the channels of x */
  ra_real *y;
  void *which;
  const void *seen;
  bool add;
  int32_t group; /* planes of an item */
} job;


/* Window of output i along one side: inputs from..to-1. */
typedef struct { int32_t origin, from, to; } window;
static inline window window_of(int32_t i, int32_t stride, int32_t pad, int32_t k, int32_t size) {
  int32_t origin = i * stride - pad;
  return (window){origin, ra_max(origin, 0), ra_min(origin + k, size)};
}

static bool is_2x2(const ra_pool *s) {
  return s->kh == 2 && s->kw == 2 && s->stride_h == 2 && s->stride_w == 2 && s->pad_h == 0 && s->pad_w == 0;
}

/* ---- max ---- */

#ifndef RA_DOUBLE
typedef uint8_t bytes_vec __attribute__((vector_size(VL), aligned(1), may_alias));

/* The greater of two and where b is: b where it is greater or NaN, unless a is NaN. */
static inline vec greater(vec a, vec b, veci *second) {
  *second = (veci)(b > a) | ((veci)(b != b) & (veci)(a == a));
  return vec_select(*second, b, a);
}

/* VL outputs from two rows of 2*VL. */
static inline void max_2x2_vec(const affine *prologue, const ra_real *r0, const ra_real *r1, ra_real *y, uint8_t *which) {
  vec a0 = vec_load(r0), a1 = vec_load(r0 + VL), b0 = vec_load(r1), b1 = vec_load(r1 + VL);
  if (!prologue->as_is) {
    a0 = affine_vec(prologue, a0), a1 = affine_vec(prologue, a1);
    b0 = affine_vec(prologue, b0), b1 = affine_vec(prologue, b1);
  }
  veci k0, k1, low;
  vec top = greater(EVERY_2ND(a0, a1, 0), EVERY_2ND(a0, a1, 1), &k0);
  vec bottom = greater(EVERY_2ND(b0, b1, 0), EVERY_2ND(b0, b1, 1), &k1);
  vec_store(y, greater(top, bottom, &low));
  veci at = (low & (2 - k1)) | (~low & -k0); /* masks are -1 */
  *(bytes_vec *)which = __builtin_convertvector(at, bytes_vec);
}
#endif

static void max_2x2(const ra_pool *s, const affine *prologue, const ra_real *x, ra_real *y, uint8_t *which) {
  for (int32_t i = 0; i < s->Ho; i++, y += s->Wo, which += s->Wo) {
    const ra_real *r0 = x + (int64_t)2 * i * s->W, *r1 = r0 + s->W;
    int32_t j = 0;
#ifndef RA_DOUBLE
    for (; j + VL <= s->Wo; j += VL) max_2x2_vec(prologue, r0 + 2 * j, r1 + 2 * j, y + j, which + j);
#endif
    for (; j < s->Wo; j++) {
      ra_real v[4] = {r0[2 * j], r0[2 * j + 1], r1[2 * j], r1[2 * j + 1]};
      int at = 0;
      for (int k = 0; k < 4; k++) {
        if (!prologue->as_is) v[k] = affine_one(prologue, v[k]);
        if (v[k] > v[at] || (v[k] != v[k] && v[at] == v[at])) at = k;
      }
      y[j] = v[at];
      which[j] = (uint8_t)at;
    }
  }
}

static void max_any(const ra_pool *s, const affine *prologue, const ra_real *x, ra_real *y, void *which) {
  uint8_t *bytes = s->kh * s->kw <= 256 ? which : NULL;
  int32_t *words = bytes ? NULL : which;
  int64_t o = 0;
  for (int32_t i = 0; i < s->Ho; i++) {
    window a = window_of(i, s->stride_h, s->pad_h, s->kh, s->H);
    for (int32_t j = 0; j < s->Wo; j++, o++) {
      window b = window_of(j, s->stride_w, s->pad_w, s->kw, s->W);
      ra_real top = -INFINITY;
      int32_t at = (a.from - a.origin) * s->kw + b.from - b.origin;
      for (int32_t u = a.from; u < a.to; u++)
        for (int32_t v = b.from; v < b.to; v++) {
          ra_real value = prologue->as_is ? x[(int64_t)u * s->W + v] : affine_one(prologue, x[(int64_t)u * s->W + v]);
          if (value > top || value != value) {
            top = value;
            at = (u - a.origin) * s->kw + v - b.origin;
          }
        }
      y[o] = top;
      if (bytes) bytes[o] = (uint8_t)at;
      else words[o] = at;
    }
  }
}

static void max_item(void *context, int32_t item) {
  const job *j = context;
  const ra_pool *s = j->s;
  int64_t in = (int64_t)s->H * s->W, out = (int64_t)s->Ho * s->Wo;
  size_t width = s->kh * s->kw <= 256 ? 1 : sizeof(int32_t);
  for (int32_t p = item * j->group; p < ra_min((item + 1) * j->group, s->planes); p++) {
    void *which = (char *)j->which + (size_t)(p * out) * width;
    affine prologue = affine_of(j->prologue, j->prologue ? p % j->C : 0);
    if (is_2x2(s)) max_2x2(s, &prologue, j->x + p * in, j->y + p * out, which);
    else max_any(s, &prologue, j->x + p * in, j->y + p * out, which);
  }
}

#ifndef RA_DOUBLE
/* 2*VL numbers of one row of dx: d where `at` says left or right, else 0. */
static inline void spread(vec d, veci at, int32_t left, bool add, ra_real *dx) {
  const vec a = vec_select((veci)(at == left), d, vec_zero()), b = vec_select((veci)(at == left + 1), d, vec_zero());
  const vec low = ZIP(a, b, 0), high = ZIP(a, b, VL / 2);
  vec_store(dx, add ? low + vec_load(dx) : low);
  vec_store(dx + VL, add ? high + vec_load(dx + VL) : high);
}
#endif

static void max_grad_2x2(const ra_pool *s, const ra_real *dy, const uint8_t *which, bool add, ra_real *dx) {
  for (int32_t i = 0; i < s->Ho; i++, dy += s->Wo, which += s->Wo) {
    ra_real *r0 = dx + (int64_t)2 * i * s->W, *r1 = r0 + s->W;
    int32_t j = 0;
#ifndef RA_DOUBLE
    for (; j + VL <= s->Wo; j += VL) {
      const vec d = vec_load(dy + j);
      const veci at = __builtin_convertvector(*(const bytes_vec *)(which + j), veci);
      spread(d, at, 0, add, r0 + 2 * j);
      spread(d, at, 2, add, r1 + 2 * j);
    }
#endif
    for (; j < s->Wo; j++)
      for (int k = 0; k < 4; k++) {
        ra_real *to = (k < 2 ? r0 : r1) + 2 * j + k % 2, d = which[j] == k ? dy[j] : 0;
        *to = add ? *to + d : d;
      }
    if (!add && (s->W & 1)) r0[s->W - 1] = r1[s->W - 1] = 0;
  }
  if (!add && (s->H & 1)) memset(dx + (int64_t)(s->H - 1) * s->W, 0, (size_t)s->W * sizeof *dx);
}

static void max_grad_any(const ra_pool *s, const ra_real *dy, const void *which, bool add, ra_real *dx) {
  const uint8_t *bytes = s->kh * s->kw <= 256 ? which : NULL;
  const int32_t *words = bytes ? NULL : which;
  if (!add) memset(dx, 0, (size_t)s->H * (size_t)s->W * sizeof *dx);
  int64_t o = 0;
  for (int32_t i = 0; i < s->Ho; i++)
    for (int32_t j = 0; j < s->Wo; j++, o++) {
      int32_t at = bytes ? bytes[o] : words[o];
      int32_t u = i * s->stride_h - s->pad_h + at / s->kw, v = j * s->stride_w - s->pad_w + at % s->kw;
      dx[(int64_t)u * s->W + v] += dy[o];
    }
}

static void max_grad_item(void *context, int32_t item) {
  const job *j = context;
  const ra_pool *s = j->s;
  int64_t in = (int64_t)s->H * s->W, out = (int64_t)s->Ho * s->Wo;
  size_t width = s->kh * s->kw <= 256 ? 1 : sizeof(int32_t);
  for (int32_t p = item * j->group; p < ra_min((item + 1) * j->group, s->planes); p++) {
    const void *which = (const char *)j->seen + (size_t)(p * out) * width;
    if (is_2x2(s)) max_grad_2x2(s, j->x + p * out, which, j->add, j->y + p * in);
    else max_grad_any(s, j->x + p * out, which, j->add, j->y + p * in);
  }
}

/* ---- average ---- */

static inline ra_real window_weight(const ra_pool *s, window a, window b) {
  /* as PyTorch: the padding counts, what lies beyond it does not */
  int32_t h = s->count_pad ? ra_min(a.origin + s->kh, s->H + s->pad_h) - a.origin : a.to - a.from;
  int32_t w = s->count_pad ? ra_min(b.origin + s->kw, s->W + s->pad_w) - b.origin : b.to - b.from;
  return (ra_real)(1.0 / ((double)h * w));
}

static void avg_2x2(const ra_pool *s, const ra_real *x, ra_real *y) {
  for (int32_t i = 0; i < s->Ho; i++, y += s->Wo) {
    const ra_real *r0 = x + (int64_t)2 * i * s->W, *r1 = r0 + s->W;
#pragma omp simd
    for (int32_t j = 0; j < s->Wo; j++) y[j] = (ra_real)0.25 * ((r0[2 * j] + r0[2 * j + 1]) + (r1[2 * j] + r1[2 * j + 1]));
  }
}

static void avg_item(void *context, int32_t item) {
  const job *t = context;
  const ra_pool *s = t->s;
  for (int32_t p = item * t->group; p < ra_min((item + 1) * t->group, s->planes); p++) {
    const ra_real *x = t->x + (int64_t)p * s->H * s->W;
    ra_real *y = t->y + (int64_t)p * s->Ho * s->Wo;
    if (is_2x2(s)) {
      avg_2x2(s, x, y);
      continue;
    }
    for (int32_t i = 0; i < s->Ho; i++) {
      window a = window_of(i, s->stride_h, s->pad_h, s->kh, s->H);
      for (int32_t j = 0; j < s->Wo; j++) {
        window b = window_of(j, s->stride_w, s->pad_w, s->kw, s->W);
        ra_real sum = 0;
        for (int32_t u = a.from; u < a.to; u++)
          for (int32_t v = b.from; v < b.to; v++) sum += x[(int64_t)u * s->W + v];
        *y++ = sum * window_weight(s, a, b);
      }
    }
  }
}

/* After the plane was cleared where it had to be. */
static void avg_grad_2x2(const ra_pool *s, const ra_real *dy, ra_real *dx) {
  for (int32_t i = 0; i < s->Ho; i++, dy += s->Wo) {
    ra_real *r0 = dx + (int64_t)2 * i * s->W, *r1 = r0 + s->W;
#pragma omp simd
    for (int32_t j = 0; j < s->Wo; j++) {
      ra_real d = (ra_real)0.25 * dy[j];
      r0[2 * j] += d;
      r0[2 * j + 1] += d;
      r1[2 * j] += d;
      r1[2 * j + 1] += d;
    }
  }
}

static void avg_grad_item(void *context, int32_t item) {
  const job *t = context;
  const ra_pool *s = t->s;
  for (int32_t p = item * t->group; p < ra_min((item + 1) * t->group, s->planes); p++) {
    ra_real *dx = t->y + (int64_t)p * s->H * s->W;
    const ra_real *dy = t->x + (int64_t)p * s->Ho * s->Wo;
    if (!t->add) memset(dx, 0, (size_t)s->H * (size_t)s->W * sizeof *dx);
    if (is_2x2(s)) {
      avg_grad_2x2(s, dy, dx);
      continue;
    }
    for (int32_t i = 0; i < s->Ho; i++) {
      window a = window_of(i, s->stride_h, s->pad_h, s->kh, s->H);
      for (int32_t j = 0; j < s->Wo; j++) {
        window b = window_of(j, s->stride_w, s->pad_w, s->kw, s->W);
        ra_real d = *dy++ * window_weight(s, a, b);
        for (int32_t u = a.from; u < a.to; u++)
          for (int32_t v = b.from; v < b.to; v++) dx[(int64_t)u * s->W + v] += d;
      }
    }
  }
}

static void run(job j, ra_chunk_fn *fn) {
  const ra_pool *s = j.s;
  int64_t plane = (int64_t)s->H * s->W;
  if (s->planes <= 0 || plane <= 0) return;
  j.group = plane < RA_CHUNK ? (int32_t)(RA_CHUNK / plane) : 1;
  ra_parallel(ra_ceil_div(s->planes, j.group), fn, &j);
}

void K(max_pool)(const ra_pool *s, const ra_real *x, int32_t C, const ra_affine_act *prologue, ra_real *y, void *which) {
  run((job){.s = s, .x = x, .C = C, .prologue = prologue, .y = y, .which = which}, max_item);
}
void K(max_pool_grad)(const ra_pool *s, const ra_real *dy, const void *which, bool add, ra_real *dx) {
  run((job){.s = s, .x = dy, .seen = which, .add = add, .y = dx}, max_grad_item);
}
void K(avg_pool)(const ra_pool *s, const ra_real *x, ra_real *y) {
  run((job){.s = s, .x = x, .y = y}, avg_item);
}
void K(avg_pool_grad)(const ra_pool *s, const ra_real *dy, bool add, ra_real *dx) {
  run((job){.s = s, .x = dy, .add = add, .y = dx}, avg_grad_item);
}
