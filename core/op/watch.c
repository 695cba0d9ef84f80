/* watch: y = x, and the norm of the gradient that arrives at y is measured (ra_plan_gradient_norm), as losses do for their
 * predictions. Any shape. */
#include "op.h"

static int32_t infer(ra_call *c) { return ra_out_like(c, 0); }

static void forward(ra_call *c) { ra_store(false, c->out.size, c->in[0].data, c->out.data); }

static void backward(ra_call *c) {
  const ra_real *dy = c->dout.data;
  if (c->norm2) {
    double sum = 0;
    for (int32_t i = 0; i < c->dout.size; i++) sum += (double)dy[i] * (double)dy[i];
    *c->norm2 = sum;
  }
  ra_store(c->add[0], c->dout.size, dy, c->din[0].data);
}

const ra_op ra_op_watch = {
  .name = "watch",
  .help = "x, where a plan measures the norm of the gradient: plan:gradient_norm(node)\nx of any shape -> same shape",
  .inputs = "x",
  .flags = RA_OP_INPLACE | RA_OP_INPLACE_GRAD,
  .infer = infer,
  .sees = ra_sees_pixel,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4\n7",
};
