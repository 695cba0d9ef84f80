/* pow: y = x^exponent, any shape. The exponent is a number option (2 unless
 * given) or a second input of one element, which then has a gradient:
 *   dx = dy exponent x^(exponent-1),  d exponent = sum dy y ln x (terms with x <= 0 count 0) */
#include <math.h>

#include "op.h"

static const ra_param params[] = {
  {.name = "p", .kind = RA_PARAM_NUMBER, .default_value = 2, .low = -1e6, .high = 1e6, .help = "exponent, unless given as input"},
  {0}};

static int32_t infer(ra_call *c) {
  char text[80];
  if (ra_has(c, 1) && c->in[1].size != 1)
    return ra_fail(RA_ERR_SHAPE, "pow: exponent must have one element, given %s", ra_in_text(c, 1, text));
  return ra_out_like(c, 0);
}

static ra_real exponent(const ra_call *c) { return ra_has(c, 1) ? c->in[1].data[0] : (ra_real)c->param[0]; }

static void forward(ra_call *c) {
  ra_kernel()->unary(RA_UNARY_POW, exponent(c), 0, c->out.size, c->in[0].data, c->out.data);
}

static void backward(ra_call *c) {
  ra_real p = exponent(c);
  if (c->din[0].data)
    ra_kernel()->unary_grad(RA_UNARY_POW, p, 0, c->out.size, c->in[0].data, NULL, c->dout.data, c->add[0], c->din[0].data);
  if (ra_has(c, 1) && c->din[1].data) {
    double sum = 0;
    for (int32_t i = 0; i < c->out.size; i++) {
      double x = (double)c->in[0].data[i];
      if (x > 0) sum += (double)c->dout.data[i] * pow(x, (double)p) * log(x);
    }
    c->din[1].data[0] = (ra_real)(sum + (c->add[1] ? (double)c->din[1].data[0] : 0));
  }
}

const ra_op ra_op_pow = {
  .name = "pow",
  .help = "x to the power of an exponent\n"
          "x of any shape -> same shape; exponent: the option p, or an input of one element",
  .inputs = "x,exponent?",
  .params = params,
  .flags = RA_OP_INPLACE,
  .reads = RA_READS_IN0 | RA_READS_IN1,
  .infer = infer,
  .sees = ra_sees_pixel,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4 | p=3\n7\n5:pos | p=-1.5\n2,3:pos 1\n4:pos | p=0.5",
};
