/* narrow: `count` consecutive indices of dimension `dim` from `first` (counted from 1).
 *   [.., n, ..] -> [.., count, ..]; the gradient is 0 elsewhere. */
#include <string.h>

#include "op.h"

enum { DIM, FIRST, COUNT }; /* slots */

static const ra_param params[] = {
  {.name = "dim", .kind = RA_PARAM_DIM, .default_value = 1, .low = 0, .high = RA_MAX_RANK - 1, .help = "along which dimension"},
  {.name = "first", .kind = RA_PARAM_INT, .default_value = 1, .low = 1, .high = 2147483647, .help = "first index kept, from 1"},
  {.name = "count", .kind = RA_PARAM_INT, .default_value = 1, .low = 0, .high = 2147483647, .help = "how many", .required = true},
  {0}};

static int32_t infer(ra_call *c) {
  char text[80];
  int32_t dim[RA_MAX_RANK], axis = (int32_t)c->param[DIM];
  const ra_array *x = &c->in[0];
  if (axis >= x->rank)
    return ra_fail(RA_ERR_SHAPE, "narrow: dim = %d, but x is %s", axis + 1, ra_in_text(c, 0, text));
  if (c->param[FIRST] - 1 + c->param[COUNT] > x->dim[axis])
    return ra_fail(RA_ERR_SHAPE, "narrow: %g indices from %g of dimension %d do not fit x %s", c->param[COUNT],
                   c->param[FIRST], axis + 1, ra_in_text(c, 0, text));
  memcpy(dim, x->dim, sizeof dim);
  dim[axis] = (int32_t)c->param[COUNT];
  return ra_out(c, x->rank, dim);
}

/* Elements of a run in x and in y, and where y's run starts in x's. */
static void cut(const ra_call *c, int64_t *outer, int64_t *in, int64_t *out, int64_t *offset) {
  int32_t axis = (int32_t)c->param[DIM];
  int64_t inner = 1;
  *outer = 1;
  for (int32_t i = 0; i < axis; i++) *outer *= c->in[0].dim[i];
  for (int32_t i = axis + 1; i < c->in[0].rank; i++) inner *= c->in[0].dim[i];
  *in = inner * c->in[0].dim[axis];
  *out = inner * c->out.dim[axis];
  *offset = inner * ((int64_t)c->param[FIRST] - 1);
}

static void forward(ra_call *c) {
  int64_t outer, in, out, offset;
  cut(c, &outer, &in, &out, &offset);
  for (int64_t i = 0; i < outer; i++)
    memcpy(c->out.data + i * out, c->in[0].data + i * in + offset, (size_t)out * sizeof(ra_real));
}

static void backward(ra_call *c) {
  int64_t outer, in, out, offset;
  cut(c, &outer, &in, &out, &offset);
  if (!c->add[0]) memset(c->din[0].data, 0, (size_t)c->in[0].size * sizeof(ra_real));
  for (int64_t i = 0; i < outer; i++) ra_store(c->add[0], out, c->dout.data + i * out, c->din[0].data + i * in + offset);
}

const ra_op ra_op_narrow = {
  .name = "narrow",
  .help = "count consecutive indices of a dimension, from first (counted from 1)\n[..,n,..] -> [..,count,..]",
  .inputs = "x",
  .params = params,
  .infer = infer,
  .sees = ra_sees_along,
  .forward = forward,
  .backward = backward,
  .samples = "2,5,3 | dim=2 first=2 count=3\n4 | dim=1 first=4 count=1\n2,3,4,5 | dim=4 first=1 count=2",
};
