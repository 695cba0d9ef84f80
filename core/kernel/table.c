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
  .conv_pieces = K(conv_pieces),
  .conv_forward = K(conv_forward),
  .conv_backward_data = K(conv_backward_data),
  .conv_backward_weight = K(conv_backward_weight),
  .gemm = K(gemm),
  .peak_flops = K(peak_flops),

  .unary = K(unary),
  .unary_grad = K(unary_grad),
  .binary = K(binary),
  .axpy = K(axpy),
  .sum = K(sum),
  .dot = K(dot),
  .binary_row = K(binary_row),
  .dropout = K(dropout),
  .softmax = K(softmax),
  .softmax_grad = K(softmax_grad),
  .max_pool = K(max_pool),
  .max_pool_grad = K(max_pool_grad),
  .avg_pool = K(avg_pool),
  .avg_pool_grad = K(avg_pool_grad),
  .upsample_work = K(upsample_work),
  .upsample = K(upsample),
  .upsample_grad = K(upsample_grad),
  .deconv_work = K(deconv_work),
  .deconv_forward = K(deconv_forward),
  .deconv_backward = K(deconv_backward),
  .channel_stats = K(channel_stats),
  .merge_moments = K(merge_moments),
  .channel_affine = K(channel_affine),
  .batch_norm_grad = K(batch_norm_grad),
  .row_sums = K(row_sums),
  .row_combine = K(row_combine),
  .layer_affine = K(layer_affine),
  .layer_grad_work = K(layer_grad_work),
  .layer_grad = K(layer_grad),
  .sgd = K(sgd),
  .adam = K(adam),
};
