/* product.c: which code computes a matrix product, how it is cut, and which OpenBLAS that is. */
#include "product.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "../base/math.h"
#include "../base/thread.h"
#include "../library/openblas.h"

/* ---- which OpenBLAS ---- */

enum { UNKNOWN, NONE, OPENBLAS };
static atomic_int active = UNKNOWN;

#ifdef RA_DOUBLE /* the double build has the plain kernels only */
static int32_t open_blas(void) { return ra_fail(RA_ERR_STATE, "the double build has no BLAS"); }
#else
static int32_t open_blas(void) { return ra_openblas_open(); }
#endif

static int which(void) {
  int now = atomic_load_explicit(&active, memory_order_acquire);
  if (now != UNKNOWN) return now;
  const char *wish = getenv("RAMUS_BLAS");
  bool off = wish && strcmp(wish, "none") == 0;
  atomic_store(&active, !off && open_blas() == RA_OK ? OPENBLAS : NONE);
  return atomic_load(&active);
}

int32_t ra_blas_set(const char *name) {
  if (strcmp(name, "none") == 0) {
    atomic_store(&active, NONE);
    return RA_OK;
  }
  if (strcmp(name, "openblas") != 0) return ra_fail(RA_ERR_ARG, "unknown BLAS '%s'; known are openblas and none", name);
  RA_TRY(open_blas());
  atomic_store(&active, OPENBLAS);
  return RA_OK;
}

const char *ra_blas(void) {
  static _Thread_local char name[80];
  if (which() != OPENBLAS) return "none";
  const char *config = ra_openblas.openblas_get_config();
  const char *space = strchr(config, ' '), *end = space ? strchr(space + 1, ' ') : NULL;
  snprintf(name, sizeof name, "%.*s %s", (int)(end ? end - config : 8), config, ra_openblas.openblas_get_corename());
  return name;
}

/* ---- one part ---- */

typedef struct {
  bool at, bt, add, blas;
  int32_t M, N, K, step_m, step_n, step_k; /* step: of a part along the dimension that is cut, 0 along the others */
  const ra_real *A, *B;
  ra_real *C, *partial;                    /* partial: parts 1.. of K, each [M,N] */
} job;

/* OpenBLAS is faster than our kernel from these sizes on: tests/bench/products.lua, docs/explanation/performance.md. */
enum { BLAS_K = 3, BLAS_WORK = 512 };

static bool prefers_blas(int32_t M, int32_t N, int32_t K) { return K >= BLAS_K && (int64_t)M * N * K >= BLAS_WORK && which() == OPENBLAS; }

#ifdef RA_DOUBLE
#define by_blas(...) ((void)0)
#else
static void by_blas(const job *j, int32_t M, int32_t N, int32_t K, const ra_real *A, const ra_real *B, bool add, ra_real *C) {
  ra_openblas.cblas_sgemm(RA_CBLAS_ROWS, j->at ? RA_CBLAS_TRANSPOSED : RA_CBLAS_PLAIN, j->bt ? RA_CBLAS_TRANSPOSED : RA_CBLAS_PLAIN, M,
                          N, K, 1, A, j->at ? j->M : j->K, B, j->bt ? j->K : j->N, add ? 1 : 0, C, j->N);
}
#endif

static void part(void *context, int32_t i) {
  const job *j = context;
  int32_t m = i * j->step_m, n = i * j->step_n, k = i * j->step_k;
  int32_t M = j->step_m ? ra_min(j->step_m, j->M - m) : j->M, N = j->step_n ? ra_min(j->step_n, j->N - n) : j->N;
  int32_t K = j->step_k ? ra_min(j->step_k, j->K - k) : j->K;
  const ra_real *A = j->A + (j->at ? (int64_t)k * j->M + m : (int64_t)m * j->K + k);
  const ra_real *B = j->B + (j->bt ? (int64_t)n * j->K + k : (int64_t)k * j->N + n);
  bool first = k == 0;
  ra_real *C = first ? j->C + (int64_t)m * j->N + n : j->partial + (int64_t)(i - 1) * j->M * j->N;
  if (j->blas) by_blas(j, M, N, K, A, B, first && j->add, C);
  else ra_kernel()->gemm(j->at, j->bt, M, N, K, A, B, first && j->add, C);
}

/* ---- how a product is cut ---- */

enum { PART_WORK = 1 << 21, PARTS_MOST = 16, UNIT = 16, LONG_K = 2048, SHORT = 512 * 512 };

/* Into how many parts of PART_WORK multiply-adds or more. */
static int32_t parts_of(int64_t work) { return (int32_t)ra_max(ra_min(work / PART_WORK, (int64_t)PARTS_MOST), (int64_t)1); }

/* Parts of a long K where M x N is too small to be cut. */
static int32_t parts_of_k(int32_t M, int32_t N, int32_t K) {
  if (K < LONG_K || (int64_t)M * N > SHORT) return 1;
  return ra_min(ra_min(parts_of((int64_t)M * N * K), K / (LONG_K / 2)), 8);
}

size_t ra_product_work(int32_t M, int32_t N, int32_t K) {
  return (size_t)(parts_of_k(M, N, K) - 1) * (size_t)M * (size_t)N * sizeof(ra_real);
}

static int32_t step_of(int32_t n, int32_t parts) { return ra_round_up(ra_ceil_div(n, parts), UNIT); }

/* The dimension that is cut and its step; returns the number of parts. Our kernel cuts M and N itself, and reads a part of K only
 * where both matrices have it as their rows. */
static int32_t cut(job *j, bool work) {
  int32_t parts = parts_of((int64_t)j->M * j->N * j->K), cut_k = work ? parts_of_k(j->M, j->N, j->K) : 1;
  if (cut_k > 1 && (j->blas || (j->at && !j->bt))) {
    j->step_k = step_of(j->K, cut_k);
    return ra_ceil_div(j->K, j->step_k);
  }
  if (!j->blas) return 1;
  int32_t *step = j->M >= j->N ? &j->step_m : &j->step_n, length = ra_max(j->M, j->N);
  *step = step_of(length, parts);
  return ra_ceil_div(length, *step);
}

void ra_product(bool at, bool bt, int32_t M, int32_t N, int32_t K, const ra_real *A, const ra_real *B, bool add, ra_real *C, void *work) {
  if (M <= 0 || N <= 0) return;
  job j = {.at = at, .bt = bt, .add = add, .blas = prefers_blas(M, N, K), .M = M, .N = N, .K = K, .A = A, .B = B, .C = C, .partial = work};
  int32_t parts = cut(&j, work != NULL);
  if (parts == 1) part(&j, 0);
  else ra_parallel(parts, part, &j);
  for (int32_t i = 1; j.step_k > 0 && i < parts; i++) ra_kernel()->axpy((int64_t)M * N, 1, j.partial + (int64_t)(i - 1) * M * N, true, C);
}
