/* arange: start, start + step, start + 2 step, ...: as many numbers as x has along dim, or n of them. No gradient.
 * With x, the count follows the input of a model, at any size. */
#include <math.h>

#include "op.h"

enum { DIM, START, STEP, N }; /* slots */

static const ra_param params[] = {
  {.name = "dim", .kind = RA_PARAM_DIM, .default_value = 0, .low = 0, .high = RA_MAX_RANK - 1, .help = "of x, whose size is the count"},
  {.name = "start", .kind = RA_PARAM_NUMBER, .default_value = 0, .low = -1e9, .high = 1e9, .help = "the first number"},
  {.name = "step", .kind = RA_PARAM_NUMBER, .default_value = 1, .low = -1e9, .high = 1e9, .help = "from one number to the next"},
  {.name = "n", .kind = RA_PARAM_INT, .default_value = NAN, .low = 0, .high = 1 << 24, .help = "the count, without x"},
  {0}};

static int32_t infer(ra_call *c) {
  char text[80];
  int32_t dim = (int32_t)c->param[DIM];
  if (ra_has(c, 0) != isnan(c->param[N])) return ra_fail(RA_ERR_ARG, "arange: give either x, whose size counts, or n");
  if (!ra_has(c, 0)) return ra_out(c, 1, (int32_t[]){(int32_t)c->param[N]});
  if (dim >= c->in[0].rank) return ra_fail(RA_ERR_SHAPE, "arange: dim = %d, but x is %s", dim + 1, ra_in_text(c, 0, text));
  return ra_out(c, 1, &c->in[0].dim[dim]);
}

static void forward(ra_call *c) {
  for (int32_t i = 0; i < c->out.size; i++) c->out.data[i] = (ra_real)(c->param[START] + i * c->param[STEP]);
}

const ra_op ra_op_arange = {
  .name = "arange",
  .help = "start, start + step, ...: as many numbers as x has along dim, or n of them; no gradient\n"
          "x of any shape -> [its size at dim]; arange{n = 5} -> 0 1 2 3 4; arange(x, {dim = 4}): the columns of an image",
  .inputs = "x?",
  .params = params,
  .infer = infer,
  .forward = forward,
  .samples = "2,3,4\n2,3,4 | dim=3 start=1 step=-0.5\n- | n=5",
};
