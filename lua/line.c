/* line.c: reading a line at a terminal with history and completion, over libedit;
 * the Lua module "ramus.line", present in the executable only.
 *
 *   line.read(prompt, complete)   the text without its newline; nil at the end of
 *                                 input; false when Ctrl-C was pressed
 *       complete(before)          [opt] called at the tab key with the text before the
 *                                 cursor; returns what to insert and [opt] a list to show
 *   line.add(text)                to the history of this session (Lua keeps the file)
 *   line.watch(on)                while on, Ctrl-C makes running Lua code raise "interrupted", behind the call
 *                                 of the core that is running; the third one ends the process the ordinary way */
#define _DEFAULT_SOURCE
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
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
  fputs("^C\n", stdout);
  fflush(stdout);
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
      fflush(stdout);
      result = CC_REDISPLAY;
    }
  }
  lua_settop(L, top);
  return result;
}

static int start(lua_State *L) {
  if (terminal.edit) return 0;
  HistEvent event;
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
    signal(number, SIG_DFL);
    raise(number);
  } else if (watched) lua_sethook(watched, raise_interrupted, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}

static int line_watch(lua_State *L) {
  bool on = lua_toboolean(L, 1);
  watched = on ? L : NULL;
  presses = 0;
  signal(SIGINT, on ? note_interrupt : SIG_DFL);
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
  static const luaL_Reg functions[] = {{"read", line_read}, {"add", line_add}, {"watch", line_watch}, {NULL, NULL}};
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
