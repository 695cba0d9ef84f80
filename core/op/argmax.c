/* argmax: where the greatest element along dim lies, counted from 0, as a number; of equal ones the first, NaN wins.
 * Along the channels of class scores it gives a map of class numbers, as labels are. No gradient. */
#include "extreme.h"
#include "softmax_common.h"

enum { DIM, KEEPDIM }; /* slots */

static const ra_param params[] = {
  {.name = "dim", .kind = RA_PARAM_DIM, .default_value = 1, .low = 0, .high = RA_MAX_RANK - 1, .help = "along which dimension"},
  {.name = "keepdim", .kind = RA_PARAM_BOOL, .default_value = 0, .low = 0, .high = 1, .help = "it stays, with size 1"},
  {0}};

static int32_t infer(ra_call *c) {
  char text[80];
  const ra_array *x = &c->in[0];
  int32_t dim = (int32_t)c->param[DIM], shape[RA_MAX_RANK], rank = 0;
  RA_TRY(ra_softmax_common_infer(c));
  if (x->dim[dim] < 1 || x->dim[dim] > 1 << 24)
    return ra_fail(RA_ERR_SHAPE, "argmax: x %s has %d elements along dim = %d, wanted 1 to 2^24", ra_in_text(c, 0, text), x->dim[dim],
                   dim + 1);
  for (int32_t i = 0; i < x->rank; i++) {
    if (i != dim) shape[rank++] = x->dim[i];
    else if (c->param[KEEPDIM] != 0) shape[rank++] = 1;
  }
  return ra_out(c, rank, shape);
}

static void forward(ra_call *c) {
  const ra_array *x = &c->in[0];
  int32_t dim = (int32_t)c->param[DIM], n = x->dim[dim];
  int64_t inner = 1;
  for (int32_t i = dim + 1; i < x->rank; i++) inner *= x->dim[i];
  for (int64_t at = 0; at < c->out.size; at++) {
    const ra_real *from = x->data + at / inner * n * inner + at % inner;
    int32_t best = 0;
    for (int32_t k = 1; k < n; k++)
      if (ra_extreme_better(from[k * inner], from[best * inner], false)) best = k;
    c->out.data[at] = (ra_real)best;
  }
}

const ra_op ra_op_argmax = {
  .name = "argmax",
  .help = "where the greatest element along dim lies, counted from 0 as class numbers are; the first of equal ones; no gradient\n"
          "x of any shape of rank 1 or more -> x without dim (with size 1: keepdim = true)\n"
          "argmax(logits): [B,K,H,W] -> [B,H,W], the class of every pixel",
  .inputs = "x",
  .params = params,
  .infer = infer,
  .sees = ra_sees_along,
  .forward = forward,
  .samples = "2,3,4,5\n4,7 | dim=1\n2,3,4 | dim=3 keepdim=true",
};
