/* dropout.c: y (+)= x / (1 - p) where uniform number i of the key is p or more, else 0.
 * Nothing is stored: the same key gives the same mask again in the backward pass. */
#include "elementwise.h"

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

enum { CHUNK = 4096 };

static void chunk(void *context, int32_t number) {
  const job *j = context;
  int64_t from = (int64_t)number * CHUNK, to = from + CHUNK < j->n ? from + CHUNK : j->n;
  for (int64_t i = from; i < to; i += 4) {
    uint32_t word[4];
    ra_random_block(j->key, (uint64_t)i >> 2, word);
    for (int64_t k = i; k < i + 4 && k < to; k++) {
      ra_real v = word[k - i] >= j->limit ? j->x[k] * j->scale : 0;
      j->y[k] = j->add ? j->y[k] + v : v;
    }
  }
}

void K(dropout)(int64_t n, double p, const ra_random_key *key, const ra_real *x, bool add, ra_real *y) {
  double limit = p * 4294967296.0;
  job j = {.n = n, .limit = limit >= 4294967295.0 ? 4294967295u : (uint32_t)limit,
           .scale = p < 1 ? (ra_real)(1 / (1 - p)) : 0, .add = add, .key = key, .x = x, .y = y};
  ra_parallel((int32_t)((n + CHUNK - 1) / CHUNK), chunk, &j);
}
