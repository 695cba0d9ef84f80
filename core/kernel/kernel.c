/* kernel.c: the table of kernels in use, the names of algorithms, the peak. Compiled once. */
#include "../base/math.h"
#include "kernel.h"

#include "../base/cpu.h"
#include "../base/thread.h"

#define RA_ISA_SET(NAME, name) extern const ra_kernels ra_kernels_##name;
#include "../base/isa.def"

/* The table of a set, or NULL where this build lacks it: the Makefile defines RA_HAVE_name as 1 or 0. */
#define TABLE_1(name) &ra_kernels_##name
#define TABLE_0(name) NULL
#define TABLE_OF(have, name) TABLE_##have(name)
#define TABLE(have, name) TABLE_OF(have, name)

const ra_kernels *ra_kernel_of(int32_t isa) {
  if (isa < 0 || isa >= RA_ISA_COUNT || !ra_isa_supported((ra_isa_kind)isa)) return NULL;
  static const ra_kernels *const set[RA_ISA_COUNT] = {
#define RA_ISA_SET(NAME, name) [RA_ISA_##NAME] = TABLE(RA_HAVE_##name, name),
#include "../base/isa.def"
  };
  return set[isa];
}

const ra_kernels *ra_kernel(void) {
  const ra_kernels *active = ra_kernel_of((int32_t)ra_isa_active());
  return active ? active : &ra_kernels_generic;
}

const char *ra_conv_algo_name(int32_t algo) {
  static const char *const name[RA_CONV_ALGOS] = {
#define RA_CONV_ALGO(NAME, prefix, text) [RA_CONV_##NAME] = text,
#include "algos.def"
#undef RA_CONV_ALGO
  };
  return algo >= 0 && algo < RA_CONV_ALGOS ? name[algo] : NULL;
}

/* ---- the peak ---- */

enum { PEAK_ROUNDS = 1000000, PEAK_TURNS = 10 }; /* each takes milliseconds; a processor that slept needs one to reach its clock rate */

static void at_peak(void *flops, int32_t thread) { ((double *)flops)[thread] = ra_kernel()->peak_flops(PEAK_ROUNDS); }

double ra_peak_gflops(void) {
  double best = 0, flops[64];
  int32_t threads = ra_min(ra_threads(), 64);
  for (int turn = 0; turn < PEAK_TURNS; turn++) {
    double sum = 0, start = ra_clock();
    ra_parallel(threads, at_peak, flops);
    double took = ra_clock() - start;
    for (int32_t i = 0; i < threads; i++) sum += flops[i];
    if (took > 0 && sum / took > best) best = sum / took;
  }
  return best / 1e9;
}
