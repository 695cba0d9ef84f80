/* Tensors: ra_real numbers with a shape, on refcounted storage that views share.
 * The public struct and functions are in api.h. */
#ifndef RA_TENSOR_H
#define RA_TENSOR_H

#include "../ramus.h"

/* Writes "[2,3,4]" and returns text. */
const char *ra_shape_text(int32_t rank, const int32_t *dim, char text[80]);

/* Product of dim, or -1 where one is negative or the product exceeds 2^31 - 1. */
int32_t ra_shape_size(int32_t rank, const int32_t *dim);

/* Fails where ra_tensor_drop took the values of t. Single tensors are checked where Lua calls the core; this is for arrays of them. */
int32_t ra_tensor_alive(const ra_tensor *t, const char *what);



#endif
