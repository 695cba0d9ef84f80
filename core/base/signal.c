/* signal.c: SIGINT and SIGTERM as a flag that a training loop polls, so that it
 * can save and stop between two steps. */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <string.h>

#include "../ramus.h"

static volatile sig_atomic_t arrived;

/* The second signal ends the process the ordinary way. */
static void note_signal(int number) {
  arrived = number;
  signal(number, SIG_DFL);
}

void ra_signal_catch(bool on) {
  static struct sigaction before[2]; /* what is given back: the REPL has a handler of its own */
  static bool caught;
  const int numbers[2] = {SIGINT, SIGTERM};
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = note_signal;
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < 2; i++) {
    if (on) sigaction(numbers[i], &action, caught ? NULL : &before[i]);
    else if (caught) sigaction(numbers[i], &before[i], NULL);
  }
  caught = on;
  arrived = 0;
}

int32_t ra_signal_arrived(void) { return (int32_t)arrived; }
