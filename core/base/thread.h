/* Threads for computing. Work is cut into chunks by shape, never by the number
 * of threads, so that results have the same bits for any number. */
#ifndef RA_BASE_THREAD_H
#define RA_BASE_THREAD_H

#include "../ramus.h"

typedef void ra_chunk_fn(void *context, int32_t chunk);

/* Calls fn(context, 0..chunks-1) and returns when all calls have. Each thread gets a contiguous range; idle threads steal
 * from the ranges of others. Called inside fn, it runs all chunks in the calling thread. */
void ra_parallel(int32_t chunks, ra_chunk_fn *fn, void *context);

/* 0..ra_threads()-1 inside ra_parallel, 0 outside: picks a thread's scratch. */
int32_t ra_thread_index(void);

/* How many thread scratches to plan for: all processors, so that a plan stays valid when ra_threads_set() changes
 * later (beyond the processors, plans must be made again). */
int32_t ra_thread_slots(void);

/* With true, ra_parallel called from this thread runs its chunks here: for threads of the loader, which must not
 * take processors from computing. */
void ra_thread_alone(bool yes);

#endif
