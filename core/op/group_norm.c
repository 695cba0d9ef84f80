/* group_norm (Wu and He, ECCV 2018): channels in groups, statistics of each
 * group of each sample; see group.c. x [B,C,...], weight, bias [C] -> same shape. */
#include "group.h"

enum { GROUPS, EPS }; /* slots */

static const ra_param params[] = {
  {.name = "groups", .kind = RA_PARAM_INT, .default_value = 1, .low = 1, .high = 65536, .help = "groups of channels", .required = true},
  {.name = "eps", .kind = RA_PARAM_NUMBER, .default_value = 1e-5, .low = 0, .high = 1, .help = "added to the variance"},
  {0}};

static int32_t infer(ra_call *c) { return ra_group_infer(c, (int32_t)c->param[GROUPS]); }
static void forward(ra_call *c) { ra_group_forward(c, (int32_t)c->param[GROUPS], c->param[EPS]); }
static void backward(ra_call *c) { ra_group_backward(c, (int32_t)c->param[GROUPS]); }

const ra_op ra_op_group_norm = {
  .name = "group_norm",
  .help = "group normalisation (Wu and He 2018), per sample and group of channels\n"
          "x [B,C,...], weight, bias [C] -> same shape as x",
  .inputs = "x,weight?,bias?",
  .params = params,
  .flags = RA_OP_INPLACE_GRAD,
  .role = RA_ROLE_NORM,
  .reads = RA_READS_IN0 | RA_READS_IN1,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,4,3,5 4 4 | groups=2\n3,6,4 - - | groups=3\n2,3,2,2 3 3 | groups=1 eps=0.001",
};
