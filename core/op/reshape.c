/* reshape: the same elements under another shape. One size may be -1 (inferred
 * from the others), 0 keeps the size that x has at that place. */
#include "op.h"

#include "../tensor/tensor.h"

static const ra_param params[] = {
  {.name = "shape", .kind = RA_PARAM_INTS, .default_value = 0, .low = -1, .high = 2147483647,
   .help = "sizes; -1: what is left, 0: as x has it there", .required = true},
  {0}};

static int32_t infer(ra_call *c) {
  char text[80], wanted[80];
  int32_t dim[RA_MAX_LIST], n = ra_list(c, 0, dim), open = -1;
  int64_t size = 1;
  for (int32_t i = 0; i < n; i++) {
    if (dim[i] == 0 && i >= c->in[0].rank)
      return ra_fail(RA_ERR_SHAPE, "reshape: x %s has no size to keep at dimension %d", ra_in_text(c, 0, text), i + 1);
    if (dim[i] == 0) dim[i] = c->in[0].dim[i];
    if (dim[i] == -1 && open >= 0) return ra_fail(RA_ERR_ARG, "reshape: only one size may be -1");
    if (dim[i] == -1) open = i;
    else if (size > 0 && dim[i] > 2147483647 / size)
      return ra_fail(RA_ERR_SHAPE, "reshape: the shape wants more than the %d elements of x", c->in[0].size);
    else size *= dim[i];
  }
  if (open >= 0) {
    if (size == 0 || c->in[0].size % size)
      return ra_fail(RA_ERR_SHAPE, "reshape: x %s cannot fill the size -1", ra_in_text(c, 0, text));
    dim[open] = (int32_t)(c->in[0].size / size);
    size = c->in[0].size;
  }
  if (size != c->in[0].size)
    return ra_fail(RA_ERR_SHAPE, "reshape: x %s has %d elements, %s wants %lld", ra_in_text(c, 0, text), c->in[0].size,
                   ra_shape_text(n, dim, wanted), (long long)size);
  return ra_out(c, n, dim);
}

static void forward(ra_call *c) { ra_store(false, c->out.size, c->in[0].data, c->out.data); }
static void backward(ra_call *c) { ra_store(c->add[0], c->out.size, c->dout.data, c->din[0].data); }

const ra_op ra_op_reshape = {
  .name = "reshape",
  .help = "the same elements under another shape\none size may be -1 (what is left); 0 keeps the size of x there",
  .inputs = "x",
  .params = params,
  .flags = RA_OP_INPLACE | RA_OP_INPLACE_GRAD,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4 | shape={6,4}\n2,3,4 | shape={0,-1}\n6 | shape={1,2,3}",
};
