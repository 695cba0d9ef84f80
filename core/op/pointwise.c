#include "pointwise.h"

int32_t ra_pointwise_infer(ra_call *c) { return ra_out_like(c, 0); }

static ra_real slot(const ra_call *c, int32_t i) {
  return i < ra_op_param_slot(c->op, ra_op_param_count(c->op)) ? (ra_real)c->param[i] : 0;
}

void ra_pointwise_forward(ra_call *c, ra_unary f) {
  ra_kernel()->unary(f, slot(c, 0), slot(c, 1), c->out.size, c->in[0].data, c->out.data);
}

void ra_pointwise_backward(ra_call *c, ra_unary f) {
  ra_kernel()->unary_grad(f, slot(c, 0), slot(c, 1), c->out.size, c->in[0].data, c->out.data, c->dout.data, c->add[0],
                          c->din[0].data);
}
