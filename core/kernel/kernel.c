/* kernel.c: which table of kernels is in use. Compiled once. */
#include "kernel.h"

#include "../base/cpu.h"

extern const ra_kernels ra_kernels_generic;
#ifdef RA_HAVE_avx2
extern const ra_kernels ra_kernels_avx2;
#endif
#ifdef RA_HAVE_avx512
extern const ra_kernels ra_kernels_avx512;
#endif

const ra_kernels *ra_kernel_of(int32_t isa) {
  if (isa < 0 || isa >= RA_ISA_COUNT || !ra_isa_supported((ra_isa_kind)isa)) return NULL;
#ifdef RA_HAVE_avx512
  if (isa == RA_ISA_AVX512) return &ra_kernels_avx512;
#endif
#ifdef RA_HAVE_avx2
  if (isa == RA_ISA_AVX2) return &ra_kernels_avx2;
#endif
  return &ra_kernels_generic;
}

const ra_kernels *ra_kernel(void) { return ra_kernel_of((int32_t)ra_isa_active()); }
