#include "random.h"

#include <math.h>

enum { ROUNDS = 10 };

static void philox_round(uint32_t c[4], uint32_t k0, uint32_t k1) {
  uint64_t p0 = (uint64_t)0xD2511F53u * c[0];
  uint64_t p1 = (uint64_t)0xCD9E8D57u * c[2];
  uint32_t c0 = (uint32_t)(p1 >> 32) ^ c[1] ^ k0;
  uint32_t c2 = (uint32_t)(p0 >> 32) ^ c[3] ^ k1;
  c[1] = (uint32_t)p1;
  c[3] = (uint32_t)p0;
  c[0] = c0;
  c[2] = c2;
}

/* The counter holds (block, a, b); the key holds the seed with the stream mixed in. */
void ra_random_block(const ra_random_key *key, uint64_t block, uint32_t out[4]) {
  uint32_t k0 = (uint32_t)key->seed ^ (key->stream * 0x9E3779B9u);
  uint32_t k1 = (uint32_t)(key->seed >> 32) ^ (key->stream + 0x85EBCA6Bu);
  out[0] = (uint32_t)block;
  out[1] = (uint32_t)(block >> 32);
  out[2] = key->a;
  out[3] = key->b;
  for (int r = 0; r < ROUNDS; r++) {
    philox_round(out, k0, k1);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

double ra_random_uniform_at(const ra_random_key *key, uint64_t element) {
  uint32_t word[4];
  ra_random_block(key, element >> 2, word);
  return word[element & 3] * 0x1p-32;
}

double ra_random_normal_at(const ra_random_key *key, uint64_t element) {
  uint32_t word[4];
  ra_random_block(key, element >> 1, word);
  uint32_t *pair = word + 2 * (element & 1);
  double radius = sqrt(-2 * log((pair[0] + 1.0) * 0x1p-32));
  return radius * cos(6.283185307179586 * (pair[1] * 0x1p-32));
}

static ra_random_key public_key(double seed, int32_t a, int32_t b, int32_t stream) {
  return (ra_random_key){.seed = (uint64_t)(int64_t)seed, .a = (uint32_t)a, .b = (uint32_t)b,
                         .stream = (uint32_t)stream};
}

double ra_random_uniform(double seed, int32_t a, int32_t b, int32_t stream, double element) {
  ra_random_key key = public_key(seed, a, b, stream);
  return ra_random_uniform_at(&key, (uint64_t)element);
}

double ra_random_normal(double seed, int32_t a, int32_t b, int32_t stream, double element) {
  ra_random_key key = public_key(seed, a, b, stream);
  return ra_random_normal_at(&key, (uint64_t)element);
}
