/* LD_PRELOAD: a wall clock that jumps. Each time it is asked it stands up to two days before or after the true time, and now and then in 1970.
 * The monotonic clock goes on as it is: that one may not jump. */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t jumped(time_t now) {
  static atomic_uint asked;
  unsigned n = atomic_fetch_add(&asked, 1) * 2654435761u;
  return n >> 28 == 0 ? (time_t)(n & 255) : now + (time_t)(n >> 8) % 345600 - 172800;
}

int clock_gettime(clockid_t clock, struct timespec *t) {
  int code = (int)syscall(SYS_clock_gettime, clock, t);
  if (code == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) t->tv_sec = jumped(t->tv_sec);
  return code;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone) {
  struct timespec now;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  t->tv_sec = now.tv_sec;
  t->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *to) {
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  if (to) *to = now.tv_sec;
  return now.tv_sec;
}
