/* thread.c: a pool of workers that sleep, or for a moment spin, between calls.
 *
 * A call opens a job: each thread of the team owns a contiguous range of chunks and runs them in order. A thread that
 * finishes early steals remaining chunks, so a descheduled thread does not delay the call. The caller closes the job when
 * no chunk is left, and waits only for workers inside a chunk: a worker that wakes up later finds the job closed.
 * Which thread runs a chunk changes no result (thread.h). */
#define _GNU_SOURCE
#include "math.h"
#include "thread.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "error.h"
#include "system.h"

enum { MAX_THREADS = 64 };

static atomic_int threads = 0;

/* The processors that affinity lets us use. */
static int processors(void) { return ra_min(ra_system_processors(), MAX_THREADS); }

/* RAMUS_THREADS, else all processors. */
static int default_threads(void) {
  const char *wish = getenv("RAMUS_THREADS");
  long n = wish ? strtol(wish, NULL, 10) : 0;
  return n < 1 ? processors() : (int)(n < MAX_THREADS ? n : MAX_THREADS);
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
  int wish = default_threads(), most = ra_max(processors(), 2);
  atomic_store(&slots, n = ra_max(wish, most));
  return n;
}

int32_t ra_threads_set(int32_t n) {
  if (n < 1 || n > ra_thread_slots())
    return ra_fail(RA_ERR_ARG, "threads: given %d, wanted 1 to %d (the processors; more with RAMUS_THREADS at the start)", n,
                   ra_thread_slots());
  atomic_store(&threads, n);
  return RA_OK;
}

/* ---- the pool ---- */

/* The next chunk of a thread's range; one cache line each, so that threads do not share one. */
typedef struct {
  _Alignas(64) atomic_int next;
  int32_t end;
} range;

static struct {
  atomic_flag busy;          /* a job runs */
  int workers;               /* made so far; changed only by the thread that set busy */
  /* the job */
  ra_chunk_fn *fn;
  void *context;
  int team;                  /* threads that own a range */
  range range[MAX_THREADS];
  atomic_bool open;
  atomic_int inside;         /* workers that may look at the job */
  /* waiting */
  atomic_uint jobs;          /* opened so far */
  atomic_int sleepers;       /* workers that wait for one */
  atomic_bool caller_sleeps; /* until no worker is inside */
  pthread_mutex_t mutex;
  pthread_cond_t opened, left;
} pool = {
  .busy = ATOMIC_FLAG_INIT,
  .mutex = PTHREAD_MUTEX_INITIALIZER,
  .opened = PTHREAD_COND_INITIALIZER,
  .left = PTHREAD_COND_INITIALIZER,
};

static _Thread_local bool alone;
static _Thread_local int32_t thread_index;

void ra_thread_alone(bool yes) { alone = yes; }
int32_t ra_thread_index(void) { return thread_index; }

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* Steps of a plan follow each other within microseconds; sleeping and waking take tens of them. */
static const double SPIN_SECONDS = 50e-6;

static bool spin_is_over(int *turn, double *since) {
  relax();
  if (++*turn % 64) return false;
  double now = ra_clock();
  if (*since == 0) *since = now;
  return now - *since > SPIN_SECONDS;
}

/* Runs chunks of the job until none is left: those of this thread's range, then those of the others'. */
static void work(int self) {
  for (int k = 0; k < pool.team; k++) {
    range *r = &pool.range[(self + k) % pool.team];
    if (atomic_load_explicit(&r->next, memory_order_relaxed) >= r->end) continue;
    for (int32_t i; (i = atomic_fetch_add_explicit(&r->next, 1, memory_order_relaxed)) < r->end;) pool.fn(pool.context, i);
  }
}

/* Returns the number of jobs when it is another than `seen`. */
static unsigned wait_for_job(unsigned seen) {
  int turn = 0;
  double since = 0;
  unsigned now;
  while ((now = atomic_load(&pool.jobs)) == seen) {
    if (!spin_is_over(&turn, &since)) continue;
    pthread_mutex_lock(&pool.mutex);
    atomic_fetch_add(&pool.sleepers, 1);
    while (atomic_load(&pool.jobs) == seen) pthread_cond_wait(&pool.opened, &pool.mutex);
    atomic_fetch_sub(&pool.sleepers, 1);
    pthread_mutex_unlock(&pool.mutex);
  }
  return now;
}

static void *worker(void *index) {
  thread_index = (int32_t)(intptr_t)index;
  for (unsigned seen = 0;;) {
    seen = wait_for_job(seen);
    atomic_fetch_add(&pool.inside, 1);
    if (atomic_load(&pool.open) && thread_index < pool.team) work(thread_index);
    if (atomic_fetch_sub(&pool.inside, 1) == 1 && atomic_load(&pool.caller_sleeps)) {
      pthread_mutex_lock(&pool.mutex);
      pthread_cond_signal(&pool.left);
      pthread_mutex_unlock(&pool.mutex);
    }
  }
  return NULL;
}

/* A child has no workers; it makes its own when it needs them. */
static void forget(void) {
  pool.workers = 0;
  atomic_flag_clear(&pool.busy);
  atomic_store(&pool.inside, 0);
  atomic_store(&pool.sleepers, 0);
  pthread_mutex_init(&pool.mutex, NULL);
  pthread_cond_init(&pool.opened, NULL);
  pthread_cond_init(&pool.left, NULL);
}

/* Workers 1..n where the system gives them; signals go to other threads. */
static void make_workers(int n) {
  if (pool.workers == 0) {
    static atomic_bool registered;
    if (!atomic_exchange(&registered, true)) pthread_atfork(NULL, NULL, forget);
  }
  sigset_t all, before;
  pthread_attr_t detached;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_init(&detached);
  pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
  for (pthread_t id; pool.workers < n; pool.workers++)
    if (pthread_create(&id, &detached, worker, (void *)(intptr_t)(pool.workers + 1)) != 0) break;
  pthread_attr_destroy(&detached);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void wait_until_left(void) {
  int turn = 0;
  double since = 0;
  while (atomic_load(&pool.inside) > 0) {
    if (!spin_is_over(&turn, &since)) continue;
    pthread_mutex_lock(&pool.mutex);
    atomic_store(&pool.caller_sleeps, true);
    while (atomic_load(&pool.inside) > 0) pthread_cond_wait(&pool.left, &pool.mutex);
    atomic_store(&pool.caller_sleeps, false);
    pthread_mutex_unlock(&pool.mutex);
  }
}

static void run_team(int team, int32_t chunks, ra_chunk_fn *fn, void *context) {
  if (pool.workers < team - 1) make_workers(team - 1);
  pool.fn = fn, pool.context = context, pool.team = team;
  for (int k = 0; k < team; k++) {
    atomic_store_explicit(&pool.range[k].next, (int)((int64_t)chunks * k / team), memory_order_relaxed);
    pool.range[k].end = (int32_t)((int64_t)chunks * (k + 1) / team);
  }
  atomic_store(&pool.open, true);
  atomic_fetch_add(&pool.jobs, 1);
  if (atomic_load(&pool.sleepers) > 0) {
    pthread_mutex_lock(&pool.mutex);
    pthread_cond_broadcast(&pool.opened);
    pthread_mutex_unlock(&pool.mutex);
  }
  work(0);
  atomic_store(&pool.open, false);
  wait_until_left();
}

void ra_parallel(int32_t chunks, ra_chunk_fn *fn, void *context) {
  int team = ra_threads();
  if (team > chunks) team = chunks;
  /* inside a job, in a thread of a loader, or while another job runs: in this thread */
  if (team <= 1 || alone || atomic_flag_test_and_set(&pool.busy)) {
    for (int32_t i = 0; i < chunks; i++) fn(context, i);
    return;
  }
  run_team(team, chunks, fn, context);
  atomic_flag_clear(&pool.busy);
}

double ra_clock(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
