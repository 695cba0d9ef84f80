/* process.c: other programs, started and awaited by this one. Each is sent SIGTERM when this process ends, in whatever way: none is left
 * behind, also not by SIGKILL. Only processes that were started here can be waited for or signalled. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../ramus.h"
#include "error.h"
#include "mem.h"
#include "system.h"

struct ra_process {
  pid_t pid;
  bool ended;
  int32_t status;
};

enum { ARGS_MAX = 255, NOT_STARTED = 127 };

/* Pointers to the arguments in a text that has a zero byte behind each, and NULL behind the last; 0 where the text is not of that form. */
static int split(const char *args, size_t size, char *list[ARGS_MAX + 1]) {
  int n = 0;
  if (size == 0 || args[size - 1] != 0) return 0;
  for (size_t at = 0; at < size; at += strlen(args + at) + 1) {
    if (n == ARGS_MAX) return 0;
    list[n++] = (char *)(uintptr_t)(args + at);
  }
  list[n] = NULL;
  return list[0][0] ? n : 0;
}

/* Between fork and exec: only calls that are safe there. */
static void become(char *list[], int output, pid_t parent) {
  ra_system_end_with_parent();
  if (getppid() != parent) _exit(NOT_STARTED); /* the parent had ended before */
  int input = open("/dev/null", O_RDONLY);
  if (input < 0 || dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0) _exit(NOT_STARTED);
  execvp(list[0], list);
  _exit(NOT_STARTED);
}

ra_process *ra_process_start(const char *args, double size, const char *output) {
  char *list[ARGS_MAX + 1];
  if (!(size >= 1 && size < 1 << 20) || split(args, (size_t)size, list) == 0) {
    ra_fail(RA_ERR_ARG, "process: wanted a program and up to %d arguments, a zero byte behind each", ARGS_MAX - 1);
    return NULL;
  }
  ra_process *p = ra_mem_zalloc(1, sizeof *p);
  if (!p) return NULL;
  int file = open(output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file < 0) {
    ra_fail(RA_ERR_IO, "process: cannot write %s: %s", output, strerror(errno));
    ra_mem_free(p);
    return NULL;
  }
  pid_t parent = getpid();
  p->pid = fork();
  if (p->pid == 0) become(list, file, parent);
  int code = errno;
  close(file);
  if (p->pid > 0) return p;
  ra_fail(RA_ERR_IO, "process: cannot start %s: %s", list[0], strerror(code));
  ra_mem_free(p);
  return NULL;
}

/* Asks for the state, or waits for the end. */
static void look(ra_process *p, int how) {
  int status;
  pid_t pid;
  while (!p->ended && (pid = waitpid(p->pid, &status, how)) != 0) {
    if (pid < 0 && errno == EINTR) continue;
    p->ended = true;
    p->status = pid < 0 ? NOT_STARTED : WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
}

bool ra_process_ended(ra_process *p, int32_t *status) {
  look(p, WNOHANG);
  *status = p->status;
  return p->ended;
}

void ra_process_stop(ra_process *p, bool now) {
  look(p, WNOHANG); /* after its end the number may be another process's */
  if (!p->ended) kill(p->pid, now ? SIGKILL : SIGTERM);
}

void ra_process_release(ra_process *p) {
  if (!p) return;
  ra_process_stop(p, true);
  look(p, 0);
  ra_mem_free(p);
}
