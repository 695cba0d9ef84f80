/* gemm: C [M,N] (+)= op(A) op(B), row-major.
 *
 * C is cut into blocks of MC x NC, one chunk of work each. For every KC steps of k a chunk packs its part of A into
 * [MC/MO][KC][MO] and of B into [KC][LDB], padded with zeros, and runs the outer-product kernel over both. */
#include "../base/math.h"
#include "../base/thread.h"
#include "conv.h"
#include "micro.h"

enum { MC = 96 };

typedef struct job {
  bool at, bt, add;
  int32_t M, N, K;
  const ra_real *A, *B;
  ra_real *C;
} job;

static void pack_a(const job *j, int32_t m0, int32_t mc, int32_t k0, int32_t kc, ra_real *to) {
  for (int32_t m = 0; m < ra_round_up(mc, MO); m++) {
    ra_real *row = to + (m / MO) * kc * MO + m % MO;
    for (int32_t k = 0; k < kc; k++)
      row[k * MO] = m >= mc ? 0 : j->at ? j->A[(int64_t)(k0 + k) * j->M + m0 + m] : j->A[(int64_t)(m0 + m) * j->K + k0 + k];
  }
}

static void pack_b(const job *j, int32_t n0, int32_t nc, int32_t k0, int32_t kc, ra_real *to) {
  int32_t width = ra_round_up(nc, MT);
  for (int32_t k = 0; k < kc; k++, to += LDB) {
    const ra_real *from = j->bt ? j->B + (int64_t)n0 * j->K + k0 + k : j->B + (int64_t)(k0 + k) * j->N + n0;
    if (j->bt)
      for (int32_t n = 0; n < nc; n++) to[n] = from[(int64_t)n * j->K];
    else
      memcpy(to, from, (size_t)nc * sizeof *to);
    for (int32_t n = nc; n < width; n++) to[n] = 0;
  }
}

static void block(void *context, int32_t chunk) {
  const job *j = context;
  _Alignas(64) ra_real a[MC * KC], b[KC * LDB], tile[MO * MT];
  int32_t across = ra_ceil_div(j->N, NC), m0 = chunk / across * MC, n0 = chunk % across * NC;
  int32_t mc = ra_min(j->M - m0, MC), nc = ra_min(j->N - n0, NC);
  for (int32_t k0 = 0; k0 < j->K; k0 += KC) {
    int32_t kc = ra_min(j->K - k0, KC);
    bool add = j->add || k0 > 0;
    pack_a(j, m0, mc, k0, kc, a);
    pack_b(j, n0, nc, k0, kc, b);
    for (int32_t n = 0; n < nc; n += MT)
      for (int32_t m = 0; m < mc; m += MO) {
        ra_real *c = j->C + (int64_t)(m0 + m) * j->N + n0 + n;
        if (m + MO <= mc && n + MT <= nc) {
          micro(kc, a + m * kc, b + n, LDB, add, c, j->N);
          continue;
        }
        micro(kc, a + m * kc, b + n, LDB, false, tile, MT);
        for (int32_t r = 0; r < MO && m + r < mc; r++)
          for (int32_t q = 0; q < MT && n + q < nc; q++) {
            ra_real *to = c + (int64_t)r * j->N + q;
            *to = add ? *to + tile[r * MT + q] : tile[r * MT + q];
          }
      }
  }
}

void K(gemm)(bool at, bool bt, int32_t M, int32_t N, int32_t depth, const ra_real *A, const ra_real *B, bool add,
             ra_real *C) {
  if (M <= 0 || N <= 0) return;
  if (depth <= 0) {
    if (!add) memset(C, 0, (size_t)M * (size_t)N * sizeof *C);
    return;
  }
  ra_parallel(ra_ceil_div(M, MC) * ra_ceil_div(N, NC), block, &(job){at, bt, add, M, N, depth, A, B, C});
}
