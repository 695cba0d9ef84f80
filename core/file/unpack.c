#define _GNU_SOURCE
#include "unpack.h"

#include <locale.h>

ra_unpack_locale ra_unpack_enter(void) {
  ra_unpack_locale state = {0};
  locale_t made = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
  if (made == (locale_t)0) return state; /* then non-ASCII names may fail, by message */
  state.made = made;
  state.before = uselocale(made);
  return state;
}

void ra_unpack_leave(ra_unpack_locale state) {
  if (!state.made) return;
  uselocale((locale_t)state.before);
  freelocale((locale_t)state.made);
}

const char *ra_unpack_name(struct archive_entry *member) {
  const char *path = archive_entry_pathname_utf8(member);
  return path ? path : archive_entry_pathname(member);
}
