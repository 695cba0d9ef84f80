/* softsign: y = x / (1 + |x|), any shape. */
#include "op.h"

static int32_t infer(ra_call *c) { return ra_out_like(c, 0); }

static ra_real below(ra_real x) { return 1 + (x < 0 ? -x : x); }

static void forward(ra_call *c) {
  const ra_real *x = c->in[0].data;
  for (int32_t i = 0; i < c->out.size; i++) c->out.data[i] = x[i] / below(x[i]);
}

static void backward(ra_call *c) {
  const ra_real *x = c->in[0].data, *dy = c->dout.data;
  ra_real *dx = c->din[0].data;
  for (int32_t i = 0; i < c->out.size; i++) {
    ra_real g = dy[i] / (below(x[i]) * below(x[i]));
    dx[i] = c->add[0] ? dx[i] + g : g;
  }
}

const ra_op ra_op_softsign = {
  .name = "softsign",
  .help = "softsign: x / (1 + |x|)\nx of any shape -> same shape",
  .inputs = "x",
  .reads = RA_READS_IN0,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4,5\n7",
};
