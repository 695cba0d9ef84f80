/* table.c: the kernels of this instruction set. A new kernel is declared in
 * kernel.h and gets one line here. */
#include "kernel.h"

#include "conv.h"

#define RA_KERNEL_TEXT2(isa) #isa
#define RA_KERNEL_TEXT(isa) RA_KERNEL_TEXT2(isa)

extern const ra_kernels K(kernels);
const ra_kernels K(kernels) = {
  .isa = RA_KERNEL_TEXT(RA_ISA),

  .conv_can = K(conv_can),
  .conv_choose = K(conv_choose),
  .conv_work = K(conv_work),
  .conv_forward = K(conv_forward),
  .conv_backward_data = K(conv_backward_data),
  .conv_backward_weight = K(conv_backward_weight),
  .gemm = K(gemm),
};
