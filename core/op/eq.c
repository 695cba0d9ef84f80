/* eq: 1 where a and b are equal, else 0; NaN equals nothing. Shapes broadcast as in add. No gradient. */
#include "broadcast.h"

static void forward(ra_call *c) {
  const ra_array *a = &c->in[0], *b = &c->in[1];
  ra_space s = ra_space_of(c->out.rank, c->out.dim, 2, (const ra_array *const[]){a, b});
  int32_t last = s.rank - 1, n = s.dim[last];
  ra_real *y = c->out.data;
  for (int64_t row = 0; row < s.rows; row++, y += n) {
    const ra_real *p = a->data + ra_space_at(&s, 0, row), *q = b->data + ra_space_at(&s, 1, row);
    for (int32_t i = 0; i < n; i++) y[i] = p[i * s.stride[0][last]] == q[i * s.stride[1][last]] ? 1 : 0;
  }
}

const ra_op ra_op_eq = {
  .name = "eq",
  .help = "1 where a and b are equal, else 0; no gradient\n"
          "a, b broadcast; NaN equals nothing. With a map of class numbers, eq(label, 3) is the mask of class 3",
  .inputs = "a,b",
  .infer = ra_arith_infer,
  .forward = forward,
  .samples = "2,3,4 2,3,4\n2,3,4 3,1\n4:label 4:label",
};
