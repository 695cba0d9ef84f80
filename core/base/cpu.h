/* Which instruction set the kernels use: the best that this processor has,
 * unless RAMUS_ISA or ra_isa_set() says less. */
#ifndef RA_BASE_CPU_H
#define RA_BASE_CPU_H

#include "../ramus.h"

typedef enum {
#define RA_ISA_SET(NAME, name) RA_ISA_##NAME,
#include "isa.def"
  RA_ISA_COUNT
} ra_isa_kind;

ra_isa_kind ra_isa_active(void);
bool ra_isa_supported(ra_isa_kind isa);

#endif
