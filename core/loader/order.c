#include "order.h"

#include "../base/random.h"

void ra_shuffle(double seed, int32_t epoch, int32_t pass, int32_t n, int32_t *order) {
  ra_random_key key = {.seed = (uint64_t)(int64_t)seed, .a = (uint32_t)epoch, .b = (uint32_t)pass, .stream = RA_RANDOM_SHUFFLE};
  for (int32_t i = 0; i < n; i++) order[i] = i;
  for (int32_t i = n - 1; i > 0; i--) {
    int32_t k = (int32_t)(ra_random_uniform_at(&key, (uint64_t)i) * (i + 1));
    int32_t swap = order[i];
    order[i] = order[k];
    order[k] = swap;
  }
}

bool ra_loader_part_has(const ra_loader_part *p, int32_t epoch, int32_t step, int32_t steps) {
  int32_t first = step - step % p->group, end = first + p->group < steps ? first + p->group : steps;
  if (epoch == p->from_epoch && p->from_step > first) first = p->from_step;
  int32_t round = step - (step - first) % p->ranks, n = end - round < p->ranks ? end - round : p->ranks;
  return p->rank == n - 1 - (step - round);
}
