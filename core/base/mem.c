#define _DEFAULT_SOURCE
#include "math.h"
#include "mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "system.h"

/* A block is preceded by one aligned header that knows its size. */
typedef union {
  size_t bytes;
  char pad[RA_MEM_ALIGN];
} block_header;

/* Blocks of several huge pages begin on one: their first touch is then 10 times cheaper. */
enum { HUGE_PAGE = 2 << 20, LARGE = 2 * HUGE_PAGE };

/* Bytes to allocate: large blocks are whole huge pages, so that their ends are cheap too. */
static size_t capacity_of(size_t bytes) {
  return bytes >= LARGE ? ra_round_up(bytes, HUGE_PAGE) : bytes;
}

/* Bytes between the start of the allocation and the block; the header is at their end. */
static size_t lead_of(size_t bytes) { return bytes >= LARGE ? (size_t)HUGE_PAGE : sizeof(block_header); }

static atomic_llong live, peak, made;
static atomic_llong fail_after = -1, failures;

double ra_mem_live(void) { return (double)atomic_load(&live); }
double ra_mem_peak(void) { return (double)atomic_load(&peak); }
double ra_mem_count(void) { return (double)atomic_load(&made); }
void ra_mem_reset_peak(void) { atomic_store(&peak, atomic_load(&live)); }
void ra_mem_fail_after(double n) { atomic_store(&fail_after, n < 0 ? -1 : (long long)n); }

double ra_mem_failures(void) { return (double)atomic_load(&failures); }

static bool told_to_fail(void) {
  if (atomic_load(&fail_after) < 0) return false;
  if (atomic_fetch_sub(&fail_after, 1) != 0) return false;
  atomic_fetch_add(&failures, 1);
  return true;
}

static void count_bytes(long long change) {
  long long now = atomic_fetch_add(&live, change) + change;
  long long high = atomic_load(&peak);
  while (now > high && !atomic_compare_exchange_weak(&peak, &high, now)) {}
}

void *ra_mem_alloc(size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes) || bytes > (size_t)1 << 46) {
    ra_fail(RA_ERR_MEMORY, "cannot allocate %zu items of %zu bytes: the size overflows", count, size);
    return NULL;
  }
  size_t lead = lead_of(bytes);
  char *base = NULL;
  if (told_to_fail() || posix_memalign((void **)&base, bytes >= LARGE ? HUGE_PAGE : RA_MEM_ALIGN, capacity_of(bytes) + lead) != 0) {
    ra_fail(RA_ERR_MEMORY, "out of memory: could not allocate %.1f MB; use a smaller batch or image size",
            (double)bytes / 1e6);
    return NULL;
  }
  if (bytes >= LARGE) ra_system_huge_pages(base + lead, capacity_of(bytes));
  char *block = base + lead;
  ((block_header *)block)[-1].bytes = bytes;
  atomic_fetch_add(&made, 1);
  count_bytes((long long)bytes);
  return block;
}

void *ra_mem_zalloc(size_t count, size_t size) {
  void *block = ra_mem_alloc(count, size);
  if (block) memset(block, 0, count * size);
  return block;
}

static size_t block_bytes(void *block) { return ((block_header *)block)[-1].bytes; }

void ra_mem_free(void *block) {
  if (!block) return;
  size_t bytes = block_bytes(block);
  count_bytes(-(long long)bytes);
  free((char *)block - lead_of(bytes));
}

void *ra_mem_realloc(void *block, size_t count, size_t size) {
  if (!block) return ra_mem_alloc(count, size);
  void *larger = ra_mem_alloc(count, size);
  if (!larger) return NULL;
  size_t had = block_bytes(block), want = count * size;
  memcpy(larger, block, ra_min(had, want));
  ra_mem_free(block);
  return larger;
}

char *ra_mem_strdup(const char *text) {
  size_t n = strlen(text) + 1;
  char *copy = ra_mem_alloc(n, 1);
  if (copy) memcpy(copy, text, n);
  return copy;
}
