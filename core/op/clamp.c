/* clamp: y = min(max(x, min), max), any shape; a bound that is not given does
 * not bind. The gradient passes where min <= x <= max. */
#include <math.h>

#include "op.h"

enum { MIN, MAX }; /* slots */

static const ra_param params[] = {
  {.name = "min", .kind = RA_PARAM_NUMBER, .default_value = NAN, .low = -INFINITY, .high = INFINITY, .help = "least value"},
  {.name = "max", .kind = RA_PARAM_NUMBER, .default_value = NAN, .low = -INFINITY, .high = INFINITY, .help = "greatest value"},
  {0}};

static int32_t infer(ra_call *c) {
  if (isnan(c->param[MIN]) && isnan(c->param[MAX])) return ra_fail(RA_ERR_ARG, "clamp: give min, max or both");
  if (c->param[MIN] > c->param[MAX])
    return ra_fail(RA_ERR_ARG, "clamp: min = %g is above max = %g", c->param[MIN], c->param[MAX]);
  return ra_out_like(c, 0);
}

static ra_real bound(const ra_call *c, int32_t slot) {
  return isnan(c->param[slot]) ? (ra_real)(slot == MIN ? -INFINITY : INFINITY) : (ra_real)c->param[slot];
}

static void forward(ra_call *c) {
  ra_kernel()->unary(RA_UNARY_CLAMP, bound(c, MIN), bound(c, MAX), c->out.size, c->in[0].data, c->out.data);
}

static void backward(ra_call *c) {
  ra_kernel()->unary_grad(RA_UNARY_CLAMP, bound(c, MIN), bound(c, MAX), c->out.size, c->in[0].data, NULL, c->dout.data,
                          c->add[0], c->din[0].data);
}

const ra_op ra_op_clamp = {
  .name = "clamp",
  .help = "x kept within min and max\nx of any shape -> same shape; the gradient is 0 outside",
  .inputs = "x",
  .params = params,
  .flags = RA_OP_INPLACE | RA_OP_INPLACE_GRAD,
  .reads = RA_READS_IN0,
  .infer = infer,
  .sees = ra_sees_pixel,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4,5 | min=-0.5 max=0.75\n7 | min=0.1",
};
