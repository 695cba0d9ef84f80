/* pad_to: H and W up to the next multiple of a number, at the bottom and right;
 * see pad_border.c. x [..,H,W] -> [..,H',W']. crop_like undoes it. */
#include "pad.h"

enum { MULTIPLE, MODE = 2, VALUE }; /* slots */

static const ra_param params[] = {
  {.name = "multiple", .kind = RA_PARAM_PAIR, .default_value = 1, .low = 1, .high = 65536, .help = "of which H and W become multiples",
   .required = true},
  RA_BORDER_PARAMS(RA_PAD_EDGE),
  {0}};

static int32_t missing(const ra_call *c, int32_t side) {
  int32_t rank = c->in[0].rank, n = rank < 2 ? 0 : c->in[0].dim[rank - 2 + side], m = (int32_t)c->param[MULTIPLE + side];
  return (m - n % m) % m;
}

static ra_border border_of(const ra_call *c) {
  return (ra_border){.right = missing(c, 1), .bottom = missing(c, 0), .mode = (int32_t)c->param[MODE],
                     .value = (ra_real)c->param[VALUE]};
}

static int32_t infer(ra_call *c) {
  ra_border b = border_of(c);
  return ra_pad_infer(c, &b);
}

RA_BORDER_OP(border_of)

static ra_sees sees(const ra_call *c, int32_t k, int32_t axis, ra_sight *s) {
  (void)k;
  ra_border b = border_of(c);
  s->align = c->param[MULTIPLE + axis];
  return ra_pad_sees(&b, 0, (int32_t)s->align - 1, s);
}

const ra_op ra_op_pad_to = {
  .name = "pad_to",
  .help = "H and W padded at the bottom and right to a multiple; crop_like undoes it\n"
          "x [..,H,W] -> [..,H',W']; the edge is repeated unless mode says otherwise",
  .inputs = "x",
  .params = params,
  .infer = infer,
  .sees = sees,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,5,6 | multiple=4\n1,1,4,8 | multiple=4\n2,3,5 | multiple={2,3} mode=constant\n1,1,5,7 | multiple=4 mode=reflect",
};
