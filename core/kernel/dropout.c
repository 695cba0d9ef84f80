/* dropout.c: y (+)= x / (1 - p) where uniform number i of the key is p or more, else 0.
 * Nothing is stored: the same key gives the same mask again in the backward pass.
 * The words are those of ra_random_block (Philox4x32-10), BLOCKS blocks of four at a time. */
#include "../base/math.h"
#include "kernel.h"

#include "../base/thread.h"

typedef struct {
  int64_t n;
  uint32_t limit; /* words below it are dropped */
  ra_real scale;
  bool add;
  const ra_random_key *key;
  const ra_real *x;
  ra_real *y;
} job;

enum { BLOCKS = 16, CHUNK = 4096, ROUNDS = 10 };

/* Words of the blocks first..first+BLOCKS-1. */
static void words(const ra_random_key *key, uint64_t first, uint32_t flat[4 * BLOCKS]) {
  uint32_t word[4][BLOCKS];
  uint32_t k0 = (uint32_t)key->seed ^ (key->stream * 0x9E3779B9u);
  uint32_t k1 = (uint32_t)(key->seed >> 32) ^ (key->stream + 0x85EBCA6Bu);
  for (uint32_t i = 0; i < BLOCKS; i++) {
    word[0][i] = (uint32_t)(first + i);
    word[1][i] = (uint32_t)((first + i) >> 32);
    word[2][i] = key->a;
    word[3][i] = key->b;
  }
  for (int r = 0; r < ROUNDS; r++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
#pragma omp simd
    for (int i = 0; i < BLOCKS; i++) {
      uint64_t p0 = (uint64_t)0xD2511F53u * word[0][i], p1 = (uint64_t)0xCD9E8D57u * word[2][i];
      uint32_t c0 = (uint32_t)(p1 >> 32) ^ word[1][i] ^ k0, c2 = (uint32_t)(p0 >> 32) ^ word[3][i] ^ k1;
      word[0][i] = c0;
      word[1][i] = (uint32_t)p1;
      word[2][i] = c2;
      word[3][i] = (uint32_t)p0;
    }
  }
#pragma omp simd
  for (int i = 0; i < BLOCKS; i++)
    for (int k = 0; k < 4; k++) flat[4 * i + k] = word[k][i];
}

static void chunk(void *context, int32_t number) {
  const job *j = context;
  int64_t from = (int64_t)number * CHUNK, to = ra_min(from + CHUNK, j->n);
  uint32_t limit = j->limit;
  for (int64_t i = from; i < to; i += 4 * BLOCKS) {
    uint32_t word[4 * BLOCKS];
    words(j->key, (uint64_t)i >> 2, word);
    int32_t n = (int32_t)ra_min(to - i, 4 * BLOCKS);
    const ra_real *x = j->x + i;
    ra_real *y = j->y + i, scale = j->scale;
    if (j->add) {
#pragma omp simd
      for (int32_t k = 0; k < n; k++) y[k] += word[k] >= limit ? x[k] * scale : 0;
    } else {
#pragma omp simd
      for (int32_t k = 0; k < n; k++) y[k] = word[k] >= limit ? x[k] * scale : 0;
    }
  }
}

void K(dropout)(int64_t n, double p, const ra_random_key *key, const ra_real *x, bool add, ra_real *y) {
  /* p = 1: all are kept, times 0 */
  job j = {.n = n, .limit = p < 1 ? (uint32_t)(p * 4294967296.0) : 0, .scale = p < 1 ? (ra_real)(1 / (1 - p)) : 0, .add = add,
           .key = key, .x = x, .y = y};
  ra_parallel((int32_t)ra_ceil_div(n, CHUNK), chunk, &j);
}
