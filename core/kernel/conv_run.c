/* conv_run: one kernel called from outside the graph, for tests and benchmarks. Compiled once. */
#include <string.h>

#include "../base/cpu.h"
#include "../base/error.h"
#include "../base/mem.h"
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
  s.x_batch = v[14] ? v[14] : (int64_t)s.C * s.H * s.W;
  s.y_batch = v[15] ? v[15] : (int64_t)s.O * s.Ho * s.Wo;
  return s;
}

bool ra_conv_can(const char *isa, int32_t kind, int32_t algo, const int32_t *shape) {
  const ra_kernels *k = find(isa);
  ra_conv s = unpack(shape);
  return k && k->conv_can(&s, (ra_conv_kind)kind, (ra_conv_algo)algo);
}

int32_t ra_conv_choice(const char *isa, int32_t kind, const int32_t *shape) {
  const ra_kernels *k = find(isa);
  ra_conv s = unpack(shape);
  return k ? (int32_t)k->conv_choose(&s, (ra_conv_kind)kind) : -1;
}

int32_t ra_conv_run(const char *isa, int32_t kind, int32_t algo, const int32_t *shape, const ra_real *a, const ra_real *b,
                    const ra_real *scale, const ra_real *shift, int32_t act, ra_real *out, bool add, int32_t rounds,
                    double *seconds) {
  const ra_kernels *k = find(isa);
  if (!k) return ra_fail(RA_ERR_ARG, "conv_run: no kernels for '%s' here", isa ? isa : "");
  ra_conv s = unpack(shape);
  ra_conv_kind which = (ra_conv_kind)kind;
  ra_conv_algo with = algo < 0 ? k->conv_choose(&s, which) : (ra_conv_algo)algo;
  if (kind < 0 || kind >= RA_CONV_KINDS || !k->conv_can(&s, which, with))
    return ra_fail(RA_ERR_ARG, "conv_run: algorithm %d of %s cannot do this shape in direction %d", algo, k->isa, kind);
  size_t bytes = k->conv_work(&s, which, with);
  void *work = ra_mem_alloc(bytes, 1);
  if (!work) return RA_ERR_MEMORY;
  ra_epilogue e = {scale, shift, (ra_act)act, (ra_real)0.01};
  double best = 1e30;
  for (int32_t i = 0; i < rounds; i++) {
    double start = ra_clock();
    if (which == RA_CONV_FORWARD) k->conv_forward(&s, with, a, b, scale || shift || act ? &e : NULL, out, work);
    else if (which == RA_CONV_BACKWARD_DATA) k->conv_backward_data(&s, with, a, b, add, out, work);
    else k->conv_backward_weight(&s, with, a, b, add, out, work);
    double took = ra_clock() - start;
    if (took < best) best = took;
  }
  if (seconds) *seconds = best;
  ra_mem_free(work);
  return RA_OK;
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
