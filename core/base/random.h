/* Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw,
 * "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 *
 * A number is a pure function of its key, so neither order nor the number of
 * threads matters and no stream has a state to save:
 *   seed      of the run
 *   a, b      what repeats: epoch and sample, or epoch and step
 *   stream    one of RA_RANDOM_* (api.h): what the number is for
 *   element   index of the number in its stream
 */
#ifndef RA_BASE_RANDOM_H
#define RA_BASE_RANDOM_H

#include "../ramus.h"

typedef struct ra_random_key {
  uint64_t seed;
  uint32_t a, b, stream;
} ra_random_key;

/* Four independent 32-bit words of counter `block`. */
void ra_random_block(const ra_random_key *key, uint64_t block, uint32_t out[4]);

/* Number `element`, uniform in [0,1) with 32 bits, or standard normal (Box-Muller). */
double ra_random_uniform_at(const ra_random_key *key, uint64_t element);
double ra_random_normal_at(const ra_random_key *key, uint64_t element);

#endif
