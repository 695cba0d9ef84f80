/* compare.h: ops that give 1 where a relation holds between a and b, else 0. Shapes broadcast as in add. No gradient. */
#ifndef RA_OP_COMPARE_H
#define RA_OP_COMPARE_H

#include "broadcast.h"

/* Defines forward, by the C operator of the relation: NaN is related to nothing but by !=. */
#define RA_COMPARE_FORWARD(RELATION)                                                                               \
  static void forward(ra_call *c) {                                                                                \
    const ra_array *a = &c->in[0], *b = &c->in[1];                                                                 \
    ra_space s = ra_space_of(c->out.rank, c->out.dim, 2, (const ra_array *const[]){a, b});                         \
    int32_t last = s.rank - 1, n = s.dim[last];                                                                    \
    ra_real *y = c->out.data;                                                                                      \
    for (int64_t row = 0; row < s.rows; row++, y += n) {                                                           \
      const ra_real *p = a->data + ra_space_at(&s, 0, row), *q = b->data + ra_space_at(&s, 1, row);                \
      for (int32_t i = 0; i < n; i++) y[i] = p[i * s.stride[0][last]] RELATION q[i * s.stride[1][last]] ? 1 : 0;   \
    }                                                                                                              \
  }

#endif
