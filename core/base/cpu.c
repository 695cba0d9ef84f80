#include "cpu.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

static const char *const isa_name[RA_ISA_COUNT] = {
#define RA_ISA_SET(NAME, name) #name,
#include "isa.def"
};
static const char ISA_NAMES[] =
#define RA_ISA_SET(NAME, name) " " #name
#include "isa.def"
  ;
static atomic_int active = -1;

bool ra_isa_supported(ra_isa_kind isa) {
#if defined(__x86_64__) && !defined(RA_DOUBLE)
  if (isa == RA_ISA_AVX512)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (isa == RA_ISA_AVX2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#elif defined(__aarch64__) && !defined(RA_DOUBLE)
  if (isa == RA_ISA_NEON) return true;
#endif
  return isa == RA_ISA_GENERIC;
}

static ra_isa_kind best_isa(void) {
  for (int isa = RA_ISA_COUNT - 1; isa > RA_ISA_GENERIC; isa--)
    if (ra_isa_supported((ra_isa_kind)isa)) return (ra_isa_kind)isa;
  return RA_ISA_GENERIC;
}

ra_isa_kind ra_isa_active(void) {
  int isa = atomic_load_explicit(&active, memory_order_relaxed);
  if (isa >= 0) return (ra_isa_kind)isa;
  const char *wish = getenv("RAMUS_ISA");
  if (!wish || ra_isa_set(wish) != RA_OK) atomic_store(&active, best_isa());
  return (ra_isa_kind)atomic_load(&active);
}

const char *ra_isa(void) { return isa_name[ra_isa_active()]; }

const char *ra_isa_name(int32_t i) { return i >= 0 && i < RA_ISA_COUNT ? isa_name[i] : NULL; }

int32_t ra_isa_set(const char *name) {
  for (int isa = 0; isa < RA_ISA_COUNT; isa++) {
    if (strcmp(name, isa_name[isa]) != 0) continue;
    if (!ra_isa_supported((ra_isa_kind)isa))
      return ra_fail(RA_ERR_ARG, "this processor has no %s; the best it has is %s", name, isa_name[best_isa()]);
    atomic_store(&active, isa);
    return RA_OK;
  }
  return ra_fail(RA_ERR_ARG, "unknown kernel set '%s'; known are%s; the best for this processor is %s", name, ISA_NAMES,
                 isa_name[best_isa()]);
}

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#if defined(__clang__)
#define COMPILER "clang " TEXT(__clang_major__) "." TEXT(__clang_minor__) "." TEXT(__clang_patchlevel__)
#elif defined(__GNUC__)
#define COMPILER "gcc " TEXT(__GNUC__) "." TEXT(__GNUC_MINOR__) "." TEXT(__GNUC_PATCHLEVEL__)
#else
#define COMPILER "an unknown compiler"
#endif
#if defined(__GLIBC__)
#define LIBRARY ", glibc " TEXT(__GLIBC__) "." TEXT(__GLIBC_MINOR__)
#else
#define LIBRARY ""
#endif
#if defined(__x86_64__)
#define MACHINE ", x86_64"
#elif defined(__aarch64__)
#define MACHINE ", aarch64"
#else
#define MACHINE ""
#endif

const char *ra_compiler(void) { return COMPILER LIBRARY MACHINE; }
