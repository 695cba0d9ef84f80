/* kernel_run: one kernel called from outside the graph, for tests and benchmarks. Compiled once. */
#include <string.h>

#include "../base/cpu.h"
#include "../base/error.h"
#include "../base/mem.h"
#include "../base/thread.h"
#include "kernel.h"

static const ra_kernels *find(const char *isa) {
  if (!isa) return ra_kernel();
  for (int32_t i = 0; i < RA_ISA_COUNT; i++) {
    const ra_kernels *k = ra_kernel_of(i);
    if (k && strcmp(k->isa, isa) == 0) return k;
  }
  return NULL;
}

static ra_conv unpack(const int32_t *v) {
  ra_conv s = {.B = v[0], .C = v[1], .H = v[2], .W = v[3], .O = v[4], .kh = v[5], .kw = v[6], .stride_h = v[7],
               .stride_w = v[8], .pad_h = v[9], .pad_w = v[10], .dilation_h = v[11], .dilation_w = v[12],
               .groups = v[13]};
  s.Ho = (s.H + 2 * s.pad_h - s.dilation_h * (s.kh - 1) - 1) / s.stride_h + 1;
  s.Wo = (s.W + 2 * s.pad_w - s.dilation_w * (s.kw - 1) - 1) / s.stride_w + 1;
  return s;
}

bool ra_conv_can(const char *isa, int32_t kind, int32_t algo, const int32_t *shape) {
  const ra_kernels *k = find(isa);
  ra_conv s = unpack(shape);
  return k && k->conv_can(&s, (ra_conv_kind)kind, (ra_conv_algo)algo);
}

int32_t ra_conv_chosen(const char *isa, int32_t kind, const int32_t *shape) {
  const ra_kernels *k = find(isa);
  ra_conv s = unpack(shape);
  return k ? (int32_t)k->conv_choose(&s, (ra_conv_kind)kind, RA_NUMERICS_FAST).algo : -1;
}

/* Channels c0..c0+n of x [B,C,area] as an array of their own. */
static ra_real *part_copy(const ra_real *x, int32_t B, int32_t C, int64_t area, int32_t c0, int32_t n) {
  ra_real *part = ra_mem_alloc((size_t)B * (size_t)n * (size_t)area + 1, sizeof *part);
  for (int32_t b = 0; part && b < B; b++)
    memcpy(part + (int64_t)b * n * area, x + ((int64_t)b * C + c0) * area, (size_t)n * (size_t)area * sizeof *part);
  return part;
}

/* What a run works on: x or dx, whole or in two parts of their own. */
typedef struct sides {
  ra_input x;
  ra_target dx;
  ra_real *copy[2];
} sides;

static bool split_sides(const ra_conv *s, const ra_conv_extras *e, const ra_real *x, ra_real *dx, bool add, sides *t) {
  const ra_real *all = x ? x : dx;
  ra_pointwise with = {e->in_scale, e->in_shift, (ra_act)e->in_act, (ra_real)0.01};
  t->x.count = t->dx.count = e->split ? 2 : 1;
  for (int32_t p = 0; p < t->x.count; p++) {
    int32_t c0 = p * e->split, n = e->split == 0 ? s->C : p == 0 ? e->split : s->C - e->split;
    if (e->split && !(t->copy[p] = part_copy(all, s->B, s->C, (int64_t)s->H * s->W, c0, n))) return false;
    t->x.part[p].data = e->split ? t->copy[p] : all;
    t->dx.part[p].data = e->split ? t->copy[p] : dx;
    t->x.part[p].channels = t->dx.part[p].channels = n;
    t->x.part[p].with = with;
    if (with.scale) t->x.part[p].with.scale += c0;
    if (with.shift) t->x.part[p].with.shift += c0;
    t->dx.part[p].add = add;
  }
  return true;
}

/* The parts of dx back into one array. */
static void join_sides(const ra_conv *s, const sides *t, ra_real *dx) {
  int64_t area = (int64_t)s->H * s->W;
  for (int32_t p = 0, c0 = 0; p < 2 && t->copy[p]; c0 += t->dx.part[p++].channels)
    for (int32_t b = 0; b < s->B; b++)
      memcpy(dx + ((int64_t)b * s->C + c0) * area, t->copy[p] + (int64_t)b * t->dx.part[p].channels * area,
             (size_t)t->dx.part[p].channels * (size_t)area * sizeof *dx);
}

int32_t ra_conv_run(const char *isa, int32_t kind, int32_t algo, const int32_t *shape, const ra_real *a, const ra_real *b,
                    const ra_conv_extras *extras, ra_real *out, bool add, int32_t rounds, double *seconds) {
  const ra_conv_extras e = extras ? *extras : (ra_conv_extras){0};
  const ra_kernels *k = find(isa);
  if (!k) return ra_fail(RA_ERR_ARG, "conv_run: no kernels for '%s' here", isa ? isa : "");
  ra_conv s = unpack(shape);
  ra_conv_kind which = (ra_conv_kind)kind;
  ra_conv_algo with = algo < 0 ? k->conv_choose(&s, which, RA_NUMERICS_FAST).algo : (ra_conv_algo)algo;
  if (kind < 0 || kind >= RA_CONV_KINDS || !k->conv_can(&s, which, with))
    return ra_fail(RA_ERR_ARG, "conv_run: algorithm %d of %s cannot do this shape in direction %d", algo, k->isa, kind);
  if (e.split < 0 || e.split >= s.C) return ra_fail(RA_ERR_ARG, "conv_run: split is %d, wanted 0 to %d", e.split, s.C - 1);
  int32_t pieces = which == RA_CONV_FORWARD && e.mean && !e.residual ? k->conv_pieces(&s, with) : 0, code = RA_ERR_MEMORY;
  bool back = which == RA_CONV_BACKWARD_DATA;
  sides t = {0};
  void *work = ra_mem_alloc(k->conv_work(&s, which, with), 1);
  ra_moments *moments = ra_mem_zalloc((size_t)pieces * (size_t)s.O + 1, sizeof *moments);
  if (!work || !moments || !split_sides(&s, &e, back ? NULL : a, back ? out : NULL, add, &t)) goto done;
  ra_finish finish = {{e.scale, e.shift, (ra_act)e.act, (ra_real)0.01}, e.residual, pieces > 0 ? moments : NULL};
  double best = 1e30;
  for (int32_t i = 0; i < rounds; i++) {
    double start = ra_clock();
    if (which == RA_CONV_FORWARD) k->conv_forward(&s, with, &t.x, b, &finish, out, work);
    else if (back) k->conv_backward_data(&s, with, a, b, &t.dx, work);
    else k->conv_backward_weight(&s, with, &t.x, b, add, out, work);
    double took = ra_clock() - start;
    if (took < best) best = took;
  }
  if (pieces > 0) k->merge_moments(pieces, s.O, moments, 0, e.mean, e.var, e.rstd);
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

/* ---- the peak ---- */

enum { PEAK_ROUNDS = 1000000, PEAK_TURNS = 10 }; /* milliseconds each: a processor that slept takes one to be at work */

static void at_peak(void *flops, int32_t thread) { ((double *)flops)[thread] = ra_kernel()->peak_flops(PEAK_ROUNDS); }

double ra_peak_gflops(void) {
  double best = 0, flops[64];
  int32_t threads = ra_threads() < 64 ? ra_threads() : 64;
  for (int turn = 0; turn < PEAK_TURNS; turn++) {
    double sum = 0, start = ra_clock();
    ra_parallel(threads, at_peak, flops);
    double took = ra_clock() - start;
    for (int32_t i = 0; i < threads; i++) sum += flops[i];
    if (took > 0 && sum / took > best) best = sum / took;
  }
  return best / 1e9;
}
