/* Matrix products for ops, by OpenBLAS or by our own kernel, whichever was measured faster for the shape. */
#ifndef RA_OP_PRODUCT_H
#define RA_OP_PRODUCT_H

#include "op.h"

/* C [M,N] (+)= op(A) op(B), row-major; A is [M,K] or, with at, [K,M], B [K,N] or, with bt, [N,K]. Cut into parts by shape, so that
 * the bits are the same for any number of threads. work: [opt] ra_product_work bytes, with which a long K is cut too, its
 * parts added in order. Inside ra_parallel all parts run in the calling thread. */
void ra_product(bool at, bool bt, int32_t M, int32_t N, int32_t K, const ra_real *A, const ra_real *B, bool add, ra_real *C, void *work);
size_t ra_product_work(int32_t M, int32_t N, int32_t K);

#endif
