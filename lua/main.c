/* main.c: the executable. Embeds LuaJIT, tells it where Ramus' Lua files are,
 * and calls ramus.cli.main. The core is linked in and its symbols are exported, so
 * that ffi.C finds them. */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "../core/ramus.h"

#ifdef __GLIBC__
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#endif

int luaopen_ramus_line(lua_State *L); /* line.c */

/* Where the Lua files may lie, seen from the folder of the executable: in the
 * source tree (build/ and build/VARIANT/) and installed. */
static const char *const lua_place[] = {"../lua", "../../lua", "../share/ramus/lua"};

/* Fills path with the first place that holds ramus/init.lua; 0 when none does. */
static int find_lua_files(char path[PATH_MAX]) {
  char folder[PATH_MAX], candidate[2 * PATH_MAX];
  const char *program = ra_program();
  if (!program || snprintf(folder, sizeof folder, "%s", program) >= (int)sizeof folder) return 0;
  *strrchr(folder, '/') = 0;
  for (size_t i = 0; i < sizeof lua_place / sizeof *lua_place; i++) {
    snprintf(candidate, sizeof candidate, "%s/%s/ramus/init.lua", folder, lua_place[i]);
    if (access(candidate, R_OK) != 0) continue;
    *strrchr(candidate, '/') = 0; /* init.lua */
    *strrchr(candidate, '/') = 0; /* ramus */
    if (realpath(candidate, path)) return 1;
  }
  return 0;
}

/* On virtual machines the first touch of a small page can cost 15 microseconds, and an image has hundreds. So the heap
 * begins with memory that the system is asked to back with huge pages, and what is freed stays in it. Memory that is not
 * used costs nothing; blocks of several megabytes are mapped elsewhere (core/base/mem.c). */
static void prepare_heap(void) {
#ifdef __GLIBC__
  enum { ROOM = 64 << 20, LARGE = 4 << 20, PAGE = 4096 };
  mallopt(M_ARENA_MAX, 1); /* the loader's threads too */
  mallopt(M_MMAP_THRESHOLD, ROOM + PAGE);
  mallopt(M_TRIM_THRESHOLD, 2 * ROOM);
  char *room = malloc(ROOM);
  if (room) (void)madvise((void *)(((uintptr_t)room + PAGE - 1) / PAGE * PAGE), ROOM - PAGE, MADV_HUGEPAGE);
  free(room);
  mallopt(M_MMAP_THRESHOLD, LARGE);
#endif
}

/* A closed standard stream gives its number to the next file that is opened, and what is printed would go into that file. So
 * its place is taken at the start, by what cannot be written to (standard output) or swallows all. */
static void hold_standard_streams(void) {
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 2 ? O_WRONLY : O_RDONLY) < 0) return;
}

static bool output_checked;

/* Whether all that was printed could be written. */
static bool output_written(void) {
  output_checked = true;
  if (fflush(stdout) == 0 && !ferror(stdout)) return true;
  (void)fputs("ramus: cannot write to standard output\n", stderr);
  return false;
}

/* Scripts may leave by os.exit. */
static void check_output_at_exit(void) {
  if (!output_checked && !output_written()) _exit(1);
}

static int with_traceback(lua_State *L) {
  if (lua_isstring(L, 1)) luaL_traceback(L, L, lua_tostring(L, 1), 1);
  return 1;
}

/* Arguments: argc, argv as a light userdata. Returns the exit status. */
static int start(lua_State *L) {
  int argc = (int)lua_tointeger(L, 1);
  char **argv = lua_touserdata(L, 2);
  char place[PATH_MAX];
  if (!find_lua_files(place))
    return luaL_error(L, "the Lua files of Ramus were not found beside the executable (wanted ../lua or "
                         "../share/ramus/lua); build in the source tree or run make install");
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "path");
  lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;%s", place, place, lua_tostring(L, -1));
  lua_setfield(L, -3, "path");
  lua_getfield(L, -2, "preload");
  lua_pushcfunction(L, luaopen_ramus_line);
  lua_setfield(L, -2, "ramus.line");
  lua_pop(L, 1);
  lua_createtable(L, argc, 1);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i);
  }
  lua_setglobal(L, "arg");
  lua_getglobal(L, "require");
  lua_pushliteral(L, "ramus.cli.main");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "main");
  lua_getglobal(L, "arg");
  lua_call(L, 1, 1);
  return 1;
}

int main(int argc, char **argv) {
  prepare_heap();
  hold_standard_streams();
  atexit(check_output_at_exit);
  lua_State *L = luaL_newstate();
  if (!L) {
    (void)fputs("ramus: out of memory\n", stderr);
    return 1;
  }
  luaL_openlibs(L);
  lua_pushcfunction(L, with_traceback);
  lua_pushcfunction(L, start);
  lua_pushinteger(L, argc);
  lua_pushlightuserdata(L, argv);
  int status = 1;
  if (lua_pcall(L, 2, 1, 1) != 0)
    fprintf(stderr, "ramus: %s\n", lua_tostring(L, -1));
  else
    status = lua_isnumber(L, -1) ? (int)lua_tointeger(L, -1) : 1;
  lua_close(L);
  return output_written() || status != 0 ? status : 1;
}
