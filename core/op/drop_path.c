/* drop_path: stochastic depth (Huang et al. 2016), sample by sample: while training each sample of x is 0 with probability p,
 * else x / (1 - p); otherwise y = x. Whether a sample stays is a function of the call's key and computed again in the backward pass.
 *   x [B,..] -> same shape */
#include "op.h"

enum { P, TRAIN }; /* slots */

static const ra_param params[] = {
  {.name = "p", .kind = RA_PARAM_NUMBER, .default_value = 0, .low = 0, .high = 1, .help = "probability of 0", .live = true},
  {.name = "train", .kind = RA_PARAM_BOOL, .default_value = 0, .low = 0, .high = 1, .help = "drop; otherwise x passes unchanged"},
  {0}};

static int32_t infer(ra_call *c) {
  if (c->in[0].rank < 1) return ra_fail(RA_ERR_SHAPE, "drop_path: x is a single number, wanted samples [B,..]");
  return ra_out_like(c, 0);
}

static void apply(const ra_call *c, const ra_real *from, bool add, ra_real *to) {
  double p = c->param[P];
  if (c->param[TRAIN] == 0 || p == 0) {
    ra_store(add, c->out.size, from, to);
    return;
  }
  int32_t B = c->out.dim[0], n = B > 0 ? c->out.size / B : 0;
  for (int32_t b = 0; b < B; b++) {
    double scale = ra_random_uniform_at(&c->key, (uint64_t)b) >= p ? 1 / (1 - p) : 0;
    ra_kernel()->axpy(n, (ra_real)scale, from + (int64_t)b * n, add, to + (int64_t)b * n);
  }
}

static void forward(ra_call *c) { apply(c, c->in[0].data, false, c->out.data); }
static void backward(ra_call *c) { apply(c, c->dout.data, c->add[0], c->din[0].data); }

/* The mask, where there is one, is drawn by an element's number in the whole. */
static ra_sees sees(const ra_call *c, int32_t k, int32_t axis, ra_sight *s) {
  return c->param[TRAIN] != 0 ? RA_SEES_ALL : ra_sees_pixel(c, k, axis, s);
}

const ra_op ra_op_drop_path = {
  .name = "drop_path",
  .help = "stochastic depth: while training, a whole sample is 0 with probability p, else x / (1 - p) (Huang et al. 2016)\n"
          "x [B,..] -> same shape; p may change between runs of a plan",
  .inputs = "x",
  .params = params,
  .flags = RA_OP_INPLACE | RA_OP_INPLACE_GRAD | RA_OP_RANDOM,
  .infer = infer,
  .sees = sees,
  .forward = forward,
  .backward = backward,
  .samples = "6,2,3 | p=0.4 train=true\n3",
};
