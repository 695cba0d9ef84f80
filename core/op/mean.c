/* mean: over all elements (a result of rank 0) or over the dimensions `dim`; the
 * sum in double, divided by the number of elements (none: NaN). dx = dy / n, stretched. */
#include "reduce.h"

static const ra_param params[] = {RA_REDUCE_PARAMS, {0}};

static void forward(ra_call *c) {
  int64_t n = ra_reduce_count(c);
  if (n > 0) {
    ra_reduce_sum(c, 1.0 / (double)n);
    return;
  }
  for (int32_t i = 0; i < c->out.size; i++) c->out.data[i] = (ra_real)NAN;
}

static void backward(ra_call *c) {
  int64_t n = ra_reduce_count(c);
  if (n > 0) ra_reduce_spread(c, 1.0 / (double)n);
}

const ra_op ra_op_mean = {
  .name = "mean",
  .help = "mean over all elements, or over some dimensions\n"
          "x of any shape -> rank 0, or x without the dimensions dim (with size 1: keepdim = true)",
  .inputs = "x",
  .params = params,
  .infer = ra_reduce_infer,
  .sees = ra_sees_reduce,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4\n2,3,4 | dim=2\n2,3,4,5 | dim={1,3} keepdim=true\n2,3,4 | dim=3",
};
