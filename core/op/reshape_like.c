/* reshape_like: one dimension of x, of H * W elements, becomes two, H and W as the last two dimensions of ref have them; only
 * the shape of ref matters. With dim = 3 it turns [B,C,N] into the image [B,C,H,W], with dim = 2 [B,N,C] into [B,H,W,C]. */
#include "op.h"

static const ra_param params[] = {
  {.name = "dim", .kind = RA_PARAM_DIM, .default_value = 2, .low = 0, .high = RA_MAX_RANK - 1,
   .help = "the dimension of x with H * W elements"},
  {0}};

static int32_t infer(ra_call *c) {
  char a[80], b[80];
  const ra_array *x = &c->in[0], *ref = &c->in[1];
  int32_t dim = (int32_t)c->param[0], shape[RA_MAX_RANK], rank = 0;
  if (dim >= x->rank || x->rank >= RA_MAX_RANK || ref->rank < 2 ||
      (int64_t)ref->dim[ref->rank - 2] * ref->dim[ref->rank - 1] != x->dim[dim])
    return ra_fail(RA_ERR_SHAPE, "reshape_like: dimension %d of x %s cannot become the height and width of ref %s; wanted H * W elements",
                   dim + 1, ra_in_text(c, 0, a), ra_in_text(c, 1, b));
  for (int32_t i = 0; i < x->rank; i++) {
    if (i != dim) shape[rank++] = x->dim[i];
    else
      for (int32_t k = 2; k > 0; k--) shape[rank++] = ref->dim[ref->rank - k];
  }
  return ra_out(c, rank, shape);
}

static void forward(ra_call *c) { ra_store(false, c->out.size, c->in[0].data, c->out.data); }
static void backward(ra_call *c) { ra_store(c->add[0], c->out.size, c->dout.data, c->din[0].data); }

const ra_op ra_op_reshape_like = {
  .name = "reshape_like",
  .help = "from tokens back to height x width: dimension dim of x, of H W elements, becomes the H and W of ref (its last two)\n"
          "x [B,C,N], ref [..,H,W] -> [B,C,H,W]; with dim = 2, x [B,N,C] -> [B,H,W,C]",
  .inputs = "x,ref",
  .params = params,
  .flags = RA_OP_INPLACE | RA_OP_INPLACE_GRAD,
  .no_grad = 1 << 1,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,20 1,1,4,5\n2,6,3 2,3 | dim=2\n1,4,2,6 3,2 | dim=4",
};
