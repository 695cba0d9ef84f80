/* gemm: C [M,N] (+)= op(A) op(B), row-major. (slice 1: plain; blocked next) */
#include "../base/thread.h"
#include "conv.h"

typedef struct job {
  bool at, bt, add;
  int32_t M, N, K;
  const ra_real *A, *B;
  ra_real *C;
} job;

static void row(void *context, int32_t m) {
  const job *j = context;
  ra_real *c = j->C + (int64_t)m * j->N;
  if (!j->add)
    for (int32_t n = 0; n < j->N; n++) c[n] = 0;
  for (int32_t k = 0; k < j->K; k++) {
    ra_real a = j->at ? j->A[(int64_t)k * j->M + m] : j->A[(int64_t)m * j->K + k];
    if (j->bt)
      for (int32_t n = 0; n < j->N; n++) c[n] += a * j->B[(int64_t)n * j->K + k];
    else
      for (int32_t n = 0; n < j->N; n++) c[n] += a * j->B[(int64_t)k * j->N + n];
  }
}

void K(gemm)(bool at, bool bt, int32_t M, int32_t N, int32_t depth, const ra_real *A, const ra_real *B, bool add,
             ra_real *C) {
  ra_parallel(M, row, &(job){at, bt, add, M, N, depth, A, B, C});
}
