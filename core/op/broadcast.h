/* Broadcasting of two arrays (shapes aligned at the end, 1 stretches), and the
 * sum of a gradient back to the smaller shape. */
#ifndef RA_OP_BROADCAST_H
#define RA_OP_BROADCAST_H

#include "op.h"

/* The shape that a and b broadcast to: its rank, or a code < 0. */
int32_t ra_broadcast_shape(const ra_call *c, int32_t a, int32_t b, int32_t dim[RA_MAX_RANK]);

/* How arrays lie in a common index space: dimensions that all arrays treat
 * alike are merged, so that few and long ones remain. Stride 0: stretched. */
enum { RA_MAX_ARRAYS = 3 };
typedef struct ra_space {
  int32_t rank; /* 1 at least */
  int32_t dim[RA_MAX_RANK];
  int64_t stride[RA_MAX_ARRAYS][RA_MAX_RANK];
  int64_t rows; /* product of all dimensions but the last */
} ra_space;

/* Space of shape dim[rank] for n arrays, each broadcast to it. */
ra_space ra_space_of(int32_t rank, const int32_t *dim, int32_t n, const ra_array *const *array);
/* Offset of array k at row `row` of the space. */
int64_t ra_space_at(const ra_space *s, int32_t k, int64_t row);

/* Calls expression(context, row, from, n, out): n <= RA_ROW values at elements from.. of a row. */
enum { RA_ROW = 1024 };
typedef void ra_row_fn(const void *context, int64_t row, int64_t from, int32_t n, ra_real *out);
/* target (array 0 of the space; every element of it once) (+)= scale * sum of the expression over what was
 * stretched, in double and in an order that the shape fixes. */
void ra_space_sum(const ra_space *s, ra_row_fn *expression, const void *context, double scale, bool add, ra_real *target);

/* Forward and backward of y = f(a, b). */
int32_t ra_arith_infer(ra_call *c);
void ra_arith_forward(ra_call *c, ra_binary f);
void ra_arith_backward(ra_call *c, ra_binary f);

#define RA_ARITH(kind) \
  static void forward(ra_call *c) { ra_arith_forward(c, kind); } \
  static void backward(ra_call *c) { ra_arith_backward(c, kind); }

#endif
