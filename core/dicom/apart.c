/* Decoders that broken streams crash (GDCM: failed assertions) or keep busy for minutes (CharLS) work in a process of their own. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/error.h"
#include "dicom.h"

/* What the child says, before its values. */
typedef struct answer {
  int32_t ended, code;
  char message[512];
  _Alignas(64) uint8_t values[];
} answer;

/* The child's part: silent, bounded, and out. */
static void work_and_exit(answer *a, ra_dicom_work *work, const void *context, size_t size) {
  const rlim_t seconds = 2 + size / 1000000; /* of computing, at most; decoders make some 50 MB a second */
  const struct rlimit none = {0, 0}, time = {seconds, seconds};
  int nowhere = open("/dev/null", O_WRONLY);
  if (nowhere >= 0) {
    (void)dup2(nowhere, 1);
    (void)dup2(nowhere, 2);
  }
  setrlimit(RLIMIT_CORE, &none);
  setrlimit(RLIMIT_CPU, &time);
  a->code = work(context, a->values);
  if (a->code != RA_OK) (void)snprintf(a->message, sizeof a->message, "%s", ra_error());
  a->ended = 1;
  _exit(0);
}

int32_t ra_dicom_apart(const char *name, ra_dicom_work *work, const void *context, uint8_t *values, size_t size) {
  answer *a = mmap(NULL, sizeof *a + size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0); /* both processes see it */
  if (a == MAP_FAILED) return ra_fail(RA_ERR_MEMORY, "no memory for %zu bytes", size);
  pid_t child = fork();
  if (child == 0) work_and_exit(a, work, context, size);
  while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
  int32_t code = RA_OK;
  if (child < 0) code = ra_fail(RA_ERR_STATE, "%s: no process for it: %s", name, strerror(errno));
  else if (!a->ended) code = ra_fail(RA_ERR_FORMAT, "%s: the decoder did not come to an end: the stream is broken", name);
  else if (a->code != RA_OK) code = ra_fail(a->code, "%s", a->message);
  if (code == RA_OK) memcpy(values, a->values, size);
  munmap(a, sizeof *a + size);
  return code;
}
