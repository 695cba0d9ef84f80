#define _GNU_SOURCE
#include "system.h"

#include <dlfcn.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <sched.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#elif defined(__APPLE__)
#include <mach-o/dyld.h>
#endif

/* The file as the system names it; room is PATH_MAX. */
static const char *own_file(char *room) {
#if defined(__linux__)
  if (realpath("/proc/self/exe", room)) return room;
  const char *started = (const char *)getauxval(AT_EXECFN); /* without /proc: as it was called, from the folder of the start */
  return started && realpath(started, room) ? room : NULL;
#elif defined(__APPLE__)
  char path[PATH_MAX];
  uint32_t size = sizeof path;
  return _NSGetExecutablePath(path, &size) == 0 && realpath(path, room) ? room : NULL;
#else
  (void)room;
  return NULL;
#endif
}

static char program[PATH_MAX];
static const char *program_path;
static void find_program(void) { program_path = own_file(program); }

const char *ra_program(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, find_program);
  return program_path;
}

int32_t ra_system_processors(void) {
#if defined(__linux__)
  cpu_set_t set;
  int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
#else
  long n = sysconf(_SC_NPROCESSORS_ONLN);
#endif
  return n < 1 ? 1 : (int32_t)n;
}

void ra_system_huge_pages(void *p, size_t bytes) {
#ifdef MADV_HUGEPAGE
  (void)madvise(p, bytes, MADV_HUGEPAGE);
#else
  (void)p, (void)bytes;
#endif
}

void ra_system_end_with_parent(void) {
#if defined(__linux__)
  prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
}

void *ra_system_library(const char *file, bool global) {
#ifdef __APPLE__
  char name[256];
  const char *so = strstr(file, ".so");
  if (so && snprintf(name, sizeof name, "%.*s%s.dylib", (int)(so - file), file, so + 3) < (int)sizeof name) file = name;
#endif
  return dlopen(file, RTLD_NOW | (global ? RTLD_GLOBAL : RTLD_LOCAL));
}

#ifdef __APPLE__
void ra_system_cond_init(pthread_cond_t *c) { pthread_cond_init(c, NULL); }
void ra_system_cond_wait(pthread_cond_t *c, pthread_mutex_t *m, double seconds) {
  struct timespec wait = {.tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - floor(seconds)) * 1e9)};
  pthread_cond_timedwait_relative_np(c, m, &wait);
}
#else
void ra_system_cond_init(pthread_cond_t *c) {
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(c, &monotonic);
  pthread_condattr_destroy(&monotonic);
}
void ra_system_cond_wait(pthread_cond_t *c, pthread_mutex_t *m, double seconds) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  double until = (double)at.tv_sec + 1e-9 * (double)at.tv_nsec + seconds;
  at.tv_sec = (time_t)until;
  at.tv_nsec = (long)((until - floor(until)) * 1e9);
  pthread_cond_timedwait(c, m, &at);
}
#endif
