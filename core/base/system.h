/* system.h: what one operating system has and another has not. Calls of Linux alone stand in system.c and nowhere else
 * (tests/test_system.lua); on macOS and the BSDs the nearest thing is done instead. Ramus has been run on Linux only. */
#ifndef RA_BASE_SYSTEM_H
#define RA_BASE_SYSTEM_H

#include <pthread.h>
#include <stddef.h>
#include <sys/stat.h>

#include "../ramus.h"

/* Processors that this process may run on, at least 1. */
int32_t ra_system_processors(void);
/* Asks that memory be backed by huge pages; a wish, nothing depends on it. */
void ra_system_huge_pages(void *p, size_t bytes);
/* In a child: SIGTERM when its parent ends. Where the system has no such thing a child may outlive a parent that is killed. */
void ra_system_end_with_parent(void);

/* dlopen, the file named as Linux names it: libcurl.so.4 is libcurl.4.dylib on macOS. global: its symbols are for all. NULL: dlerror
 * says why. */
void *ra_system_library(const char *file, bool global);

/* A condition that may be waited for with an end by a clock that nobody sets. */
void ra_system_cond_init(pthread_cond_t *c);
void ra_system_cond_wait(pthread_cond_t *c, pthread_mutex_t *m, double seconds);

/* Times of a file: of its contents, of its entry. */
#ifdef __APPLE__
#define RA_CONTENTS_TIME(info) (info).st_mtimespec
#define RA_ENTRY_TIME(info) (info).st_ctimespec
#else
#define RA_CONTENTS_TIME(info) (info).st_mtim
#define RA_ENTRY_TIME(info) (info).st_ctim
#endif

#endif
