/* table.c: the kernels of this instruction set, from kernels.def. */
#include "kernel.h"

#define RA_KERNEL_TEXT2(isa) #isa
#define RA_KERNEL_TEXT(isa) RA_KERNEL_TEXT2(isa)

extern const ra_kernels K(kernels);
const ra_kernels K(kernels) = {
  .isa = RA_KERNEL_TEXT(RA_ISA),
#define RA_KERNEL(result, name, arguments) .name = K(name),
#include "kernels.def"
#undef RA_KERNEL
};
