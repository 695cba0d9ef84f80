/* conv.c: the gradient of a convolution's bias. */
#include "../base/thread.h"
#include "conv.h"

static void channel(void *context, int32_t o) {
  ra_call *c = context;
  int64_t area = (int64_t)c->out.dim[2] * c->out.dim[3];
  double sum = c->add[2] ? (double)c->din[2].data[o] : 0;
  for (int32_t b = 0; b < c->out.dim[0]; b++)
    sum += ra_kernel()->sum(area, c->dout.data + ((int64_t)b * c->out.dim[1] + o) * area);
  c->din[2].data[o] = (ra_real)sum;
}

void ra_conv_bias_grad(ra_call *c) {
  if (ra_has(c, 2) && c->din[2].data) ra_parallel(c->out.dim[1], channel, c);
}
