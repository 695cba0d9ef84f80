/* order.h: the order of samples, and which batches of it a process makes. */
#ifndef RA_LOADER_ORDER_H
#define RA_LOADER_ORDER_H

#include "../ramus.h"

/* The shuffle of n samples: Fisher-Yates by numbers keyed (seed, epoch, pass). */
void ra_shuffle(double seed, int32_t epoch, int32_t pass, int32_t n, int32_t *order);

/* Of several processes (ra_loader_share): group 1, ranks 1, rank 0 of one alone. A round begins where the loader was started. */
typedef struct ra_loader_part {
  int32_t group, ranks, rank, from_epoch, from_step;
} ra_loader_part;

/* Batch `step` of an epoch of `steps` is one that this process makes. */
bool ra_loader_part_has(const ra_loader_part *p, int32_t epoch, int32_t step, int32_t steps);

#endif
