/* pad: a border of {left, right, top, bottom} around the last two dimensions;
 * see pad_border.c. x [..,H,W] -> [..,H+top+bottom,W+left+right] */
#include "pad.h"

enum { PAD, MODE = 1 + RA_MAX_LIST, VALUE }; /* slots */

static const ra_param params[] = {
  {.name = "pad", .kind = RA_PARAM_INTS, .default_value = 0, .low = 0, .high = 1 << 24, .help = "left, right, top, bottom",
   .required = true},
  RA_BORDER_PARAMS(RA_PAD_CONSTANT),
  {0}};

static ra_border border_of(const ra_call *c) {
  int32_t v[RA_MAX_LIST] = {0};
  ra_list(c, PAD, v);
  return (ra_border){v[0], v[1], v[2], v[3], (int32_t)c->param[MODE], (ra_real)c->param[VALUE]};
}

static int32_t infer(ra_call *c) {
  int32_t v[RA_MAX_LIST], n = ra_list(c, PAD, v);
  if (n != 4) return ra_fail(RA_ERR_ARG, "pad: pad wants four numbers {left, right, top, bottom}, given %d", n);
  ra_border b = border_of(c);
  return ra_pad_infer(c, &b);
}

RA_BORDER_OP(border_of)

static ra_sees sees(const ra_call *c, int32_t k, int32_t axis, ra_sight *s) {
  (void)k;
  ra_border b = border_of(c);
  return ra_pad_sees(&b, axis == 0 ? b.top : b.left, axis == 0 ? b.bottom : b.right, s);
}

const ra_op ra_op_pad = {
  .name = "pad",
  .help = "a border around the last two dimensions: a constant, the edge repeated, or the mirror image\n"
          "x [..,H,W], pad {left,right,top,bottom} -> [..,H+top+bottom,W+left+right]",
  .inputs = "x",
  .params = params,
  .infer = infer,
  .sees = sees,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4,5 | pad={1,2,0,3}\n2,3,4 | pad={1,2,0,3} mode=edge\n3,4 | pad={3,1,2,0} mode=reflect\n"
             "2,2,3 | pad={0,1,1,0} value=2",
};
