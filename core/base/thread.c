#define _GNU_SOURCE
#include "thread.h"

#include <omp.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "error.h"

enum { MAX_THREADS = 64 };

static atomic_int threads = 0;

/* The processors that affinity lets us use. */
static int processors(void) {
  cpu_set_t set;
  int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : n;
}

/* RAMUS_THREADS, else all processors. */
static int default_threads(void) {
  const char *wish = getenv("RAMUS_THREADS");
  int n = wish ? atoi(wish) : 0;
  return n < 1 ? processors() : n > MAX_THREADS ? MAX_THREADS : n;
}

int32_t ra_threads(void) {
  int n = atomic_load_explicit(&threads, memory_order_relaxed);
  if (n == 0) atomic_store(&threads, n = default_threads());
  return n;
}

int32_t ra_thread_slots(void) {
  static atomic_int slots = 0; /* decided once: plans size their scratch by it */
  int n = atomic_load_explicit(&slots, memory_order_relaxed);
  if (n > 0) return n;
  int wish = default_threads(), most = processors() > 2 ? processors() : 2;
  atomic_store(&slots, n = wish > most ? wish : most);
  return n;
}

int32_t ra_set_threads(int32_t n) {
  if (n < 1 || n > ra_thread_slots())
    return ra_fail(RA_ERR_ARG, "threads: given %d, wanted 1 to %d (the processors; more with RAMUS_THREADS at the start)", n,
                   ra_thread_slots());
  atomic_store(&threads, n);
  return RA_OK;
}

static _Thread_local bool alone;

void ra_thread_alone(bool yes) { alone = yes; }

void ra_parallel(int32_t chunks, ra_chunk_fn *fn, void *context) {
  int team = ra_threads();
  if (team > chunks) team = chunks;
  if (team <= 1 || alone || omp_in_parallel()) {
    for (int32_t i = 0; i < chunks; i++) fn(context, i);
    return;
  }
#pragma omp parallel for schedule(static) num_threads(team)
  for (int32_t i = 0; i < chunks; i++) fn(context, i);
}

int32_t ra_thread_index(void) { return omp_get_thread_num(); }

double ra_clock(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
