/* table.c: the kernels of this instruction set. A new kernel is declared in
 * kernel.h and gets one line here. */
#include "kernel.h"

#include "conv.h"
#include "elementwise.h"

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

  .unary = K(unary),
  .unary_grad = K(unary_grad),
  .binary = K(binary),
  .axpy = K(axpy),
  .sum = K(sum),
  .dot = K(dot),
  .channel_stats = K(channel_stats),
  .channel_affine = K(channel_affine),
  .batch_norm_grad = K(batch_norm_grad),
  .sgd = K(sgd),
  .adam = K(adam),
};
