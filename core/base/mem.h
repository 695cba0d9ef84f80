/* The one gateway to the heap: 64-byte aligned, overflow-checked, counted, and
 * able to fail the n-th allocation so that every such path can be tested. */
#ifndef RA_BASE_MEM_H
#define RA_BASE_MEM_H

#include <stddef.h>

#include "../ramus.h"

enum { RA_MEM_ALIGN = 64 };

/* count items of size bytes, uninitialised; NULL (and a message) on failure. Zero bytes give a valid pointer. */
void *ra_mem_alloc(size_t count, size_t size);
void *ra_mem_zalloc(size_t count, size_t size); /* the same, zeroed */
/* Grows or shrinks; the old block stays valid on failure. */
void *ra_mem_realloc(void *block, size_t count, size_t size);
void ra_mem_free(void *block); /* NULL is fine */
char *ra_mem_strdup(const char *text);

/* For tests, see core/testing/api_test.h. */
void ra_mem_fail_after(double n);
double ra_mem_count(void);
double ra_mem_failures(void);

#endif
