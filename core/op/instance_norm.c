/* instance_norm (Ulyanov et al. 2016): statistics of each channel of each
 * sample; group_norm with as many groups as channels. x [B,C,...], weight, bias [C]. */
#include "group.h"

static const ra_param params[] = {
  {.name = "eps", .kind = RA_PARAM_NUMBER, .default_value = 1e-5, .low = 0, .high = 1, .help = "added to the variance"},
  {0}};

static int32_t infer(ra_call *c) { return ra_group_infer(c, c->in[0].rank > 1 ? c->in[0].dim[1] : 1); }
static void forward(ra_call *c) { ra_group_forward(c, c->in[0].dim[1], c->param[0]); }
static void backward(ra_call *c) { ra_group_backward(c, c->in[0].dim[1]); }

const ra_op ra_op_instance_norm = {
  .name = "instance_norm",
  .help = "instance normalisation (Ulyanov et al. 2016), per sample and channel\n"
          "x [B,C,...], weight, bias [C] -> same shape as x",
  .inputs = "x,weight?,bias?",
  .params = params,
  .flags = RA_OP_INPLACE_GRAD,
  .role = RA_ROLE_NORM,
  .reads = RA_READS_IN0 | RA_READS_IN1,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4,5 3 3\n1,2,7 - -",
};
