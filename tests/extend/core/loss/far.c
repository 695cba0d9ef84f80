/* far: mean over pixels of p * distance, p the probability, distance that to the mask
 * (a loss with an input of its own)
 *   prediction, distance of any one shape -> rank 0 */
#include "loss.h"

enum { DISTANCE = 1 }; /* input */

static const ra_param params[] = {RA_PARAM_INPUT, {0}};

static int32_t infer(ra_call *c) {
  RA_TRY(ra_want_same(c, DISTANCE, RA_PREDICTION));
  return ra_out(c, 0, NULL);
}

static int32_t tile(const ra_call *c, int32_t i) { return c->in[0].size - i < RA_TILE ? c->in[0].size - i : RA_TILE; }

static void forward(ra_call *c) {
  const ra_real *x = c->in[RA_PREDICTION].data, *d = c->in[DISTANCE].data;
  double sum = 0;
  for (int32_t i = 0; i < c->in[0].size; i += RA_TILE) {
    ra_bernoulli s;
    ra_bernoulli_input(c, tile(c, i), x + i, false, &s);
    for (int32_t k = 0; k < tile(c, i); k++) sum += (double)(s.p[k] * d[i + k]);
  }
  c->out.data[0] = (ra_real)(sum / c->in[0].size);
}

static void backward(ra_call *c) {
  const ra_real *x = c->in[RA_PREDICTION].data, *d = c->in[DISTANCE].data;
  ra_real *dx = c->din[RA_PREDICTION].data, scale = c->dout.data[0] / (ra_real)c->in[0].size;
  double squares = 0;
  for (int32_t i = 0; i < c->in[0].size; i += RA_TILE) {
    ra_bernoulli s;
    ra_real g[RA_TILE];
    ra_bernoulli_input(c, tile(c, i), x + i, false, &s);
    for (int32_t k = 0; k < tile(c, i); k++) g[k] = d[i + k];
    ra_from_prob(c, tile(c, i), &s, g);
    squares += ra_loss_store(c->add[RA_PREDICTION], tile(c, i), scale, g, dx ? dx + i : NULL);
  }
  if (c->norm2) *c->norm2 = squares;
}

const ra_op ra_op_far = {
  .name = "far",
  .help = "mean of p times a distance\n"
          "prediction, distance of any one shape",
  .inputs = "prediction,distance",
  .params = params,
  .flags = RA_OP_LOSS,
  .reads = RA_READS_IN0 | RA_READS_IN1,
  .no_grad = 1 << DISTANCE,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,1,5,4 2,1,5,4:var\n7:prob 7:var | input=\"prob\"",
};
