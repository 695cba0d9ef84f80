/* upsample_like: x resampled to the height and width of ref (also smaller), as upsample with size; only the shape of ref matters.
 *   x [B,C,H,W], ref [..,Ho,Wo] -> [B,C,Ho,Wo] */
#include <math.h>

#include "resample.h"

enum { MODE }; /* slot */

static const ra_param params[] = {RA_RESAMPLE_PARAMS, {0}};

static int32_t infer(ra_call *c) {
  char text[80];
  const ra_array *ref = &c->in[1];
  RA_TRY(ra_want_rank(c, 0, 4));
  if (ref->rank < 2) return ra_fail(RA_ERR_SHAPE, "upsample_like: ref %s has no height and width", ra_in_text(c, 1, text));
  return ra_resample_infer(c, MODE, NAN, ref->dim[ref->rank - 2], ref->dim[ref->rank - 1]);
}

static void forward(ra_call *c) { ra_resample_forward(c, MODE, NAN); }
static void backward(ra_call *c) { ra_resample_backward(c, MODE, NAN); }

static ra_sees sees(const ra_call *c, int32_t k, int32_t axis, ra_sight *s) {
  return k > 0 ? RA_SEES_SHAPE : ra_resample_sees(c, MODE, NAN, axis, s);
}

const ra_op ra_op_upsample_like = {
  .name = "upsample_like",
  .help = "resampling to the height and width of ref (also smaller), nearest or bilinear, as upsample with size\n"
          "x [B,C,H,W], ref [..,Ho,Wo] -> [B,C,Ho,Wo]; a grid of position embeddings at the size of any image",
  .inputs = "x,ref",
  .params = params,
  .no_grad = 1 << 1,
  .infer = infer,
  .sees = sees,
  .forward = forward,
  .backward = backward,
  .samples = "2,2,3,4 1,5,9\n1,2,3,4 6,5 | mode=bilinear\n1,1,3,5 1,1,7,8 | mode=bilinear align_corners=true",
};
