/* kernel_run: single kernels called outside of a graph, see api_test.h. */
#include <string.h>

#include "../base/cpu.h"
#include "../base/error.h"
#include "../base/mem.h"
#include "../kernel/kernel.h"
#include "../op/product.h"
#include "api_test.h"

static const ra_kernels *find(const char *isa) {
  if (!isa) return ra_kernel();
  for (int32_t i = 0; i < RA_ISA_COUNT; i++) {
    const ra_kernels *k = ra_kernel_of(i);
    if (k && strcmp(k->isa, isa) == 0) return k;
  }
  return NULL;
}

static ra_conv conv_of(const ra_conv_shape *v) {
  ra_conv s = {.B = v->B, .C = v->C, .H = v->H, .W = v->W, .O = v->O, .kh = v->kh, .kw = v->kw, .stride_h = v->stride_h,
               .stride_w = v->stride_w, .pad_h = v->pad_h, .pad_w = v->pad_w, .dilation_h = v->dilation_h,
               .dilation_w = v->dilation_w, .groups = v->groups};
  s.Ho = (s.H + 2 * s.pad_h - s.dilation_h * (s.kh - 1) - 1) / s.stride_h + 1;
  s.Wo = (s.W + 2 * s.pad_w - s.dilation_w * (s.kw - 1) - 1) / s.stride_w + 1;
  return s;
}

/* Index of name among names, or -1. */
static int32_t index_of(const char *name, const char *const *names, int32_t count) {
  for (int32_t i = 0; i < count; i++)
    if (strcmp(name, names[i]) == 0) return i;
  return -1;
}

static int32_t kind_of(const char *name) {
  static const char *const names[RA_CONV_KINDS] = {"forward", "data gradient", "weight gradient"};
  return index_of(name, names, RA_CONV_KINDS);
}

static int32_t act_of(const char *name) {
  static const char *const names[RA_ACT_COUNT] = {"none", "relu", "leaky_relu"};
  return name ? index_of(name, names, RA_ACT_COUNT) : RA_ACT_NONE;
}

static int32_t algo_of(const char *name) {
  for (int32_t i = 0; i < RA_CONV_ALGOS; i++)
    if (strcmp(name, ra_conv_algo_name(i)) == 0) return i;
  return -1;
}

bool ra_conv_can(const char *isa, const char *kind, const char *algo, const ra_conv_shape *shape) {
  const ra_kernels *k = find(isa);
  ra_conv s = conv_of(shape);
  int32_t direction = kind_of(kind);
  return k && direction >= 0 && k->conv_can(&s, (ra_conv_kind)direction, (ra_conv_algo)algo_of(algo));
}

const char *ra_conv_chosen(const char *isa, const char *kind, const ra_conv_shape *shape) {
  const ra_kernels *k = find(isa);
  ra_conv s = conv_of(shape);
  int32_t direction = kind_of(kind);
  return k && direction >= 0 ? ra_conv_algo_name((int32_t)k->conv_choose(&s, (ra_conv_kind)direction, RA_NUMERICS_FAST).algo) : NULL;
}

/* Channels c0..c0+n of x [B,C,area] as an array of their own. */
static ra_real *segment_copy(const ra_real *x, int32_t B, int32_t C, int64_t area, int32_t c0, int32_t n) {
  ra_real *copy = ra_mem_alloc((size_t)B * (size_t)n * (size_t)area + 1, sizeof *copy);
  for (int32_t b = 0; copy && b < B; b++)
    memcpy(copy + (int64_t)b * n * area, x + ((int64_t)b * C + c0) * area, (size_t)n * (size_t)area * sizeof *copy);
  return copy;
}

/* The operands of a run: x or dx, whole or as two segments. */
typedef struct sides {
  ra_input x;
  ra_target dx;
  ra_real *copy[2];
} sides;

static bool split_sides(const ra_conv *s, const ra_conv_extras *e, const ra_real *x, ra_real *dx, bool add, sides *t) {
  const ra_real *all = x ? x : dx;
  ra_affine_act prologue = {e->in_scale, e->in_shift, (ra_act)act_of(e->in_act), (ra_real)0.01};
  t->x.count = t->dx.count = e->split ? 2 : 1;
  for (int32_t p = 0; p < t->x.count; p++) {
    int32_t c0 = p * e->split, n = e->split == 0 ? s->C : p == 0 ? e->split : s->C - e->split;
    if (e->split && !(t->copy[p] = segment_copy(all, s->B, s->C, (int64_t)s->H * s->W, c0, n))) return false;
    t->x.segment[p].data = e->split ? t->copy[p] : all;
    t->dx.segment[p].data = e->split ? t->copy[p] : dx;
    t->x.segment[p].channels = t->dx.segment[p].channels = n;
    t->x.segment[p].prologue = prologue;
    if (prologue.scale) t->x.segment[p].prologue.scale += c0;
    if (prologue.shift) t->x.segment[p].prologue.shift += c0;
    t->dx.segment[p].add = add;
  }
  return true;
}

/* Copies the segments of dx back into one array. */
static void join_sides(const ra_conv *s, const sides *t, ra_real *dx) {
  int64_t area = (int64_t)s->H * s->W;
  for (int32_t p = 0, c0 = 0; p < 2 && t->copy[p]; c0 += t->dx.segment[p++].channels)
    for (int32_t b = 0; b < s->B; b++)
      memcpy(dx + ((int64_t)b * s->C + c0) * area, t->copy[p] + (int64_t)b * t->dx.segment[p].channels * area,
             (size_t)t->dx.segment[p].channels * (size_t)area * sizeof *dx);
}

/* Runs once; the operands are set up. */
static void run_once(const ra_kernels *k, const ra_conv *s, ra_conv_kind kind, ra_conv_algo algo, const sides *t,
                     const ra_real *a, const ra_real *b, const ra_epilogue *e, bool add, ra_real *out, void *work) {
  if (kind == RA_CONV_FORWARD) k->conv_forward(s, algo, &t->x, b, e, out, work);
  else if (kind == RA_CONV_BACKWARD_DATA) k->conv_backward_data(s, algo, a, b, &t->dx, work);
  else k->conv_backward_weight(s, algo, &t->x, b, add, out, work);
}

/* Checks what a run was asked for. */
static int32_t check_run(const ra_kernels *k, const ra_conv *s, int32_t kind, int32_t algo, const ra_conv_extras *e) {
  if (kind < 0 || !k->conv_can(s, (ra_conv_kind)kind, (ra_conv_algo)algo))
    return ra_fail(RA_ERR_ARG, "conv_run: algorithm %d of %s cannot do this shape in direction %d", algo, k->isa, kind);
  if (e->split < 0 || e->split >= s->C) return ra_fail(RA_ERR_ARG, "conv_run: split is %d, wanted 0 to %d", e->split, s->C - 1);
  if (act_of(e->act) < 0 || act_of(e->in_act) < 0) return ra_fail(RA_ERR_ARG, "conv_run: unknown activation");
  return RA_OK;
}

int32_t ra_conv_run(const char *isa, const char *kind, const char *algo, const ra_conv_shape *shape, const ra_real *a,
                    const ra_real *b, const ra_conv_extras *extras, ra_real *out, bool add, int32_t rounds, double *seconds) {
  const ra_conv_extras e = extras ? *extras : (ra_conv_extras){0};
  const ra_kernels *k = find(isa);
  if (!k) return ra_fail(RA_ERR_ARG, "conv_run: no kernels for '%s' here", isa ? isa : "");
  ra_conv s = conv_of(shape);
  ra_conv_kind which = (ra_conv_kind)kind_of(kind);
  ra_conv_algo how = algo ? (ra_conv_algo)algo_of(algo) : k->conv_choose(&s, which, RA_NUMERICS_FAST).algo;
  RA_TRY(check_run(k, &s, kind_of(kind), (int32_t)how, &e));
  int32_t chunks = which == RA_CONV_FORWARD && e.mean && !e.residual ? k->conv_moment_chunks(&s, how) : 0, code = RA_ERR_MEMORY;
  bool back = which == RA_CONV_BACKWARD_DATA;
  sides t = {0};
  void *work = ra_mem_alloc(k->conv_work(&s, which, how), 1);
  ra_moments *moments = ra_mem_zalloc((size_t)chunks * (size_t)s.O + 1, sizeof *moments);
  if (!work || !moments || !split_sides(&s, &e, back ? NULL : a, back ? out : NULL, add, &t)) goto done;
  ra_epilogue epilogue = {{e.scale, e.shift, (ra_act)act_of(e.act), (ra_real)0.01}, e.residual, chunks > 0 ? moments : NULL};
  double best = 1e30;
  for (int32_t i = 0; i < rounds; i++) {
    double start = ra_clock();
    run_once(k, &s, which, how, &t, a, b, &epilogue, add, out, work);
    double took = ra_clock() - start;
    if (took < best) best = took;
  }
  if (chunks > 0) k->merge_moments(chunks, s.O, moments, 0, e.mean, e.var, e.rstd);
  if (back) join_sides(&s, &t, out);
  if (seconds) *seconds = best;
  code = RA_OK;
done:
  for (int32_t p = 0; p < 2; p++) ra_mem_free(t.copy[p]);
  ra_mem_free(work);
  ra_mem_free(moments);
  return code;
}

int32_t ra_gemm_run(const char *isa, bool at, bool bt, int32_t M, int32_t N, int32_t K, const ra_real *A, const ra_real *B,
                    bool add, ra_real *C, int32_t rounds, double *seconds) {
  const ra_kernels *k = find(isa);
  if (!k) return ra_fail(RA_ERR_ARG, "gemm_run: no kernels for '%s' here", isa ? isa : "");
  double best = 1e30;
  for (int32_t i = 0; i < rounds; i++) {
    double start = ra_clock();
    k->gemm(at, bt, M, N, K, A, B, add, C);
    double took = ra_clock() - start;
    if (took < best) best = took;
  }
  if (seconds) *seconds = best;
  return RA_OK;
}

int32_t ra_product_run(bool at, bool bt, int32_t M, int32_t N, int32_t K, const ra_real *A, const ra_real *B, bool add, ra_real *C,
                       int32_t rounds, double *seconds) {
  void *work = ra_mem_alloc(ra_product_work(M, N, K) + 1, 1);
  if (!work) return RA_ERR_MEMORY;
  double best = 1e30;
  for (int32_t i = 0; i < rounds; i++) {
    double start = ra_clock();
    ra_product(at, bt, M, N, K, A, B, add, C, work);
    double took = ra_clock() - start;
    if (took < best) best = took;
  }
  ra_mem_free(work);
  if (seconds) *seconds = best;
  return RA_OK;
}
