/* line.c: reading a line at a terminal with history and completion, over libedit;
 * the Lua module "ramus.line", present in the executable only.
 *
 *   line.read(prompt, complete)   the text without its newline; nil at the end of
 *                                 input; false when Ctrl-C was pressed
 *       complete(before)          [opt] called at the tab key with the text before the
 *                                 cursor; returns what to insert and [opt] a list to show
 *   line.ask(text, seconds)       writes text to the terminal; what comes back up to the answer to "what are you"
 *                                 (ESC [ ? .. c) or until the time is over, keys that were typed meanwhile included;
 *                                 nil where no line was read before
 *   line.push(text)               gives keys back: they are read before those that are typed
 *   line.add(text)                to the history of this session (Lua keeps the file)
 *   line.watch(on)                while on, Ctrl-C makes running Lua code raise "interrupted", behind the call
 *                                 of the core that is running; the third one ends the process the ordinary way */
#define _DEFAULT_SOURCE
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <histedit.h>
#include <lauxlib.h>
#include <lua.h>

int luaopen_ramus_line(lua_State *L);

/* libedit keeps one terminal; so do we. */
static struct {
  EditLine *edit;
  History *history;
  lua_State *L;
  char prompt[64];
  bool cleared;
} terminal;

static char *show_prompt(EditLine *edit) {
  (void)edit;
  return terminal.prompt;
}

/* Bound to Ctrl-C, which does not send a signal while a line is edited. */
static unsigned char clear_line(EditLine *edit, int key) {
  (void)edit;
  (void)key;
  terminal.cleared = true;
  (void)fputs("^C\n", stdout);
  (void)fflush(stdout);
  return CC_NEWLINE;
}

/* Bound to Ctrl-Z, for the same reason. */
static unsigned char suspend(EditLine *edit, int key) {
  (void)key;
  el_set(edit, EL_PREP_TERM, 0);
  raise(SIGTSTP);
  el_set(edit, EL_PREP_TERM, 1);
  return CC_REDISPLAY;
}

/* Bound to the tab key: asks the Lua function at stack index 2 of line.read. */
static unsigned char complete_word(EditLine *edit, int key) {
  (void)key;
  lua_State *L = terminal.L;
  if (!lua_isfunction(L, 2)) return CC_ERROR;
  const LineInfo *line = el_line(edit);
  int top = lua_gettop(L);
  unsigned char result = CC_ERROR;
  lua_pushvalue(L, 2);
  lua_pushlstring(L, line->buffer, (size_t)(line->cursor - line->buffer));
  if (lua_pcall(L, 1, 2, 0) == 0) {
    const char *insert = lua_tostring(L, -2), *list = lua_tostring(L, -1);
    if (insert && *insert && el_insertstr(edit, insert) == 0) result = CC_REFRESH;
    if (list) {
      printf("\n%s\n", list);
      (void)fflush(stdout);
      result = CC_REDISPLAY;
    }
  }
  lua_settop(L, top);
  return result;
}

static int start(lua_State *L) {
  if (terminal.edit) return 0;
  HistEvent event;
  const char *letters = setlocale(LC_CTYPE, ""); /* letters beyond ASCII are typed as UTF-8, also where no locale is set */
  if (!letters || strcmp(letters, "C") == 0 || strcmp(letters, "POSIX") == 0) (void)setlocale(LC_CTYPE, "C.UTF-8");
  terminal.edit = el_init("ramus", stdin, stdout, stderr);
  terminal.history = history_init();
  if (!terminal.edit || !terminal.history) return luaL_error(L, "the terminal cannot be used for line editing");
  history(terminal.history, &event, H_SETSIZE, 2000);
  history(terminal.history, &event, H_SETUNIQUE, 1);
  el_set(terminal.edit, EL_HIST, history, terminal.history);
  el_set(terminal.edit, EL_EDITOR, "emacs");
  el_set(terminal.edit, EL_PROMPT, show_prompt);
  el_set(terminal.edit, EL_ADDFN, "ramus-complete", "complete the word", complete_word);
  el_set(terminal.edit, EL_ADDFN, "ramus-clear", "drop the line", clear_line);
  el_set(terminal.edit, EL_BIND, "\t", "ramus-complete", NULL);
  el_set(terminal.edit, EL_BIND, "^C", "ramus-clear", NULL);
  el_set(terminal.edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
  /* what the terminal makes of a Ctrl-D that was typed before the prompt */
  el_set(terminal.edit, EL_BIND, "^@", "em-delete-or-list", NULL);
  el_set(terminal.edit, EL_ADDFN, "ramus-suspend", "stop the process", suspend);
  el_set(terminal.edit, EL_BIND, "^Z", "ramus-suspend", NULL);
  el_set(terminal.edit, EL_SETTY, "-d", "-isig", NULL); /* while a line is edited, Ctrl-C and Ctrl-Z are keys */
  return 0;
}

static int line_read(lua_State *L) {
  const char *prompt = luaL_checkstring(L, 1);
  lua_settop(L, 2);
  start(L);
  snprintf(terminal.prompt, sizeof terminal.prompt, "%s", prompt);
  terminal.L = L;
  terminal.cleared = false;
  int count = 0;
  const char *text = el_gets(terminal.edit, &count);
  if (terminal.cleared) {
    lua_pushboolean(L, 0);
    return 1;
  }
  if (!text || count <= 0) return 0;
  size_t length = strlen(text);
  while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r')) length--;
  lua_pushlstring(L, text, length);
  return 1;
}

static int line_add(lua_State *L) {
  const char *text = luaL_checkstring(L, 1);
  HistEvent event;
  start(L);
  history(terminal.history, &event, H_ENTER, text);
  return 0;
}

/* ---- asking the terminal ---- */

/* Does the text hold ESC [ ? digits and semicolons c? */
static bool has_answer(const char *text, size_t size) {
  for (size_t i = 0; i + 3 < size; i++) {
    if (memcmp(text + i, "\033[?", 3) != 0) continue;
    size_t k = i + 3;
    while (k < size && (text[k] == ';' || (text[k] >= '0' && text[k] <= '9'))) k++;
    if (k < size && text[k] == 'c') return true;
  }
  return false;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Reads until the answer is there, the time is over or a signal came; the number of bytes. */
static size_t read_answer(char *text, size_t room, double seconds) {
  size_t size = 0;
  double end = now() + seconds;
  while (size < room && !has_answer(text, size)) {
    struct pollfd in = {STDIN_FILENO, POLLIN, 0};
    double left = end - now();
    if (left <= 0 || poll(&in, 1, (int)(1e3 * left) + 1) <= 0) break;
    ssize_t n = read(STDIN_FILENO, text + size, room - size);
    if (n <= 0) break;
    size += (size_t)n;
  }
  return size;
}

static int line_ask(lua_State *L) {
  size_t length;
  const char *question = luaL_checklstring(L, 1, &length);
  double seconds = luaL_checknumber(L, 2);
  struct termios before, raw;
  if (!terminal.edit || !isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &before) != 0) return 0;
  raw = before;
  raw.c_lflag &= (tcflag_t)~(ICANON | ECHO);
  raw.c_cc[VMIN] = raw.c_cc[VTIME] = 0;
  (void)fflush(stdout);
  if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) != 0) return 0;
  static char text[1 << 16];
  size_t size = 0;
  if (write(STDOUT_FILENO, question, length) == (ssize_t)length) size = read_answer(text, sizeof text, seconds);
  tcsetattr(STDIN_FILENO, TCSANOW, &before);
  lua_pushlstring(L, text, size);
  return 1;
}

static int line_push(lua_State *L) {
  const char *text = luaL_checkstring(L, 1);
  if (terminal.edit) el_push(terminal.edit, text);
  return 0;
}

/* ---- interrupting running code ---- */

static lua_State *watched;

static void raise_interrupted(lua_State *L, lua_Debug *where) {
  (void)where;
  lua_sethook(L, NULL, 0, 0);
  luaL_error(L, "interrupted");
}

static volatile sig_atomic_t presses;

static void note_interrupt(int number) {
  static const char text[] = "\nstops when the core has ended what it computes; Ctrl-C once more ends the session\n";
  presses++;
  if (presses == 2 && write(STDERR_FILENO, text, sizeof text - 1) < 0) presses = 3;
  if (presses > 2) {
    (void)signal(number, SIG_DFL);
    raise(number);
  } else if (watched) lua_sethook(watched, raise_interrupted, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}

static int line_watch(lua_State *L) {
  bool on = lua_toboolean(L, 1);
  watched = on ? L : NULL;
  presses = 0;
  (void)signal(SIGINT, on ? note_interrupt : SIG_DFL);
  if (!on) lua_sethook(L, NULL, 0, 0);
  return 0;
}

static int line_end(lua_State *L) {
  (void)L;
  if (terminal.edit) el_end(terminal.edit);
  if (terminal.history) history_end(terminal.history);
  memset(&terminal, 0, sizeof terminal);
  return 0;
}

int luaopen_ramus_line(lua_State *L) {
  static const luaL_Reg functions[] = {{"read", line_read}, {"add", line_add},   {"watch", line_watch},
                                        {"ask", line_ask},   {"push", line_push}, {NULL, NULL}};
  lua_newtable(L);
  luaL_register(L, NULL, functions);
  lua_newuserdata(L, 1); /* gives the terminal back when the state is closed */
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, line_end);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_setfield(L, -2, "guard");
  return 1;
}
