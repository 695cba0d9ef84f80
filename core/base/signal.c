/* signal.c: signals that ask a process to end as a flag that a training loop polls, so that it can save and stop between two steps. */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <string.h>

#include "../ramus.h"

static volatile sig_atomic_t arrived;

/* The signals that are noted. insists: a second one ends the process the ordinary way; the others come again by themselves, with every
 * line that is printed into a closed pipe, every write beyond the limit, every second of processor time, and saving must outlast that.
 * honoured: stays ignored where the caller ignores it, as nohup does. */
static const struct {
  int number;
  bool insists, honoured;
} NOTED[] = {
  {SIGINT, true, false}, {SIGTERM, true, false}, {SIGHUP, true, true},     {SIGQUIT, true, true},
  {SIGPIPE, false, true}, {SIGXCPU, false, true}, {SIGXFSZ, false, true},
};
enum { COUNT = sizeof NOTED / sizeof NOTED[0] };

static void note_signal(int number) {
  if (!arrived) arrived = number;
  for (int i = 0; i < COUNT; i++)
    if (NOTED[i].number == number && NOTED[i].insists) (void)signal(number, SIG_DFL);
}

void ra_signal_catch(bool on) {
  static struct sigaction before[COUNT]; /* what is given back: the REPL has a handler of its own */
  static bool caught;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = note_signal;
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < COUNT; i++) {
    struct sigaction now;
    if (on && NOTED[i].honoured && sigaction(NOTED[i].number, NULL, &now) == 0 && now.sa_handler == SIG_IGN) continue;
    if (on) sigaction(NOTED[i].number, &action, caught ? NULL : &before[i]);
    else if (caught && sigaction(NOTED[i].number, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
      sigaction(NOTED[i].number, &before[i], NULL);
  }
  caught = on;
  arrived = 0;
}

int32_t ra_signal_arrived(void) { return (int32_t)arrived; }
