/* Which instruction set the kernels use: the best that this processor has,
 * unless RAMUS_ISA or ra_isa_set() says less. */
#ifndef RA_BASE_CPU_H
#define RA_BASE_CPU_H

#include "../ramus.h"

typedef enum { RA_ISA_GENERIC, RA_ISA_AVX2, RA_ISA_AVX512, RA_ISA_COUNT } ra_isa_kind;

ra_isa_kind ra_isa_active(void);
bool ra_isa_supported(ra_isa_kind isa);

#endif
