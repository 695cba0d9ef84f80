/* OpenBLAS, opened when a matrix product first wants it (dl.h). Its header is not needed to build: the four functions are declared
 * here, as cblas.h has them. Before the first call: RA_TRY(ra_openblas_open()), which also keeps it from starting threads. */
#ifndef RA_DL_OPENBLAS_H
#define RA_DL_OPENBLAS_H

#include "dl.h"

enum { RA_CBLAS_ROWS = 101, RA_CBLAS_PLAIN = 111, RA_CBLAS_TRANSPOSED = 112 };

/* C [M,N] = alpha op(A) op(B) + beta C; lda, ldb, ldc from row to row. */
void cblas_sgemm(int order, int at, int bt, int M, int N, int K, float alpha, const float *A, int lda, const float *B, int ldb,
                 float beta, float *C, int ldc);
void openblas_set_num_threads(int n);
char *openblas_get_config(void);   /* "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ..." */
char *openblas_get_corename(void); /* "SkylakeX" */

#define RA_OPENBLAS_CALLS(f) f(cblas_sgemm) f(openblas_get_config) f(openblas_get_corename) f(openblas_set_num_threads)

extern struct ra_openblas {
  RA_OPENBLAS_CALLS(RA_DL_MEMBER)
} ra_openblas;

int32_t ra_openblas_open(void);

#endif
