/* dropout (Srivastava et al., JMLR 2014): while training each element is 0 with
 * probability p, else x / (1 - p); otherwise y = x. The mask is a function of
 * the call's key and computed again in the backward pass. Any shape. */
#include "op.h"

enum { P, TRAIN }; /* slots */

static const ra_param params[] = {
  {.name = "p", .kind = RA_PARAM_NUMBER, .default_value = 0.5, .low = 0, .high = 1, .help = "probability of 0", .live = true},
  {.name = "train", .kind = RA_PARAM_BOOL, .default_value = 0, .low = 0, .high = 1, .help = "drop; otherwise x passes unchanged"},
  {0}};

static int32_t infer(ra_call *c) { return ra_out_like(c, 0); }

static void apply(const ra_call *c, const ra_real *from, bool add, ra_real *to) {
  if (c->param[TRAIN] == 0) ra_store(add, c->out.size, from, to);
  else ra_kernel()->dropout(c->out.size, c->param[P], &c->key, from, add, to);
}

static void forward(ra_call *c) { apply(c, c->in[0].data, false, c->out.data); }
static void backward(ra_call *c) { apply(c, c->dout.data, c->add[0], c->din[0].data); }

/* The mask, where there is one, is drawn by an element's number in the whole. */
static ra_sees sees(const ra_call *c, int32_t k, int32_t axis, ra_sight *s) {
  return c->param[TRAIN] != 0 ? RA_SEES_ALL : ra_sees_pixel(c, k, axis, s);
}

const ra_op ra_op_dropout = {
  .name = "dropout",
  .help = "while training, 0 with probability p, else x / (1 - p) (Srivastava et al. 2014)\n"
          "x of any shape -> same shape; p may change between runs of a plan",
  .inputs = "x",
  .params = params,
  .flags = RA_OP_INPLACE | RA_OP_INPLACE_GRAD | RA_OP_RANDOM,
  .infer = infer,
  .sees = sees,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4,5 | p=0.3 train=true\n7",
};
