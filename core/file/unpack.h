/* Member names of archives in UTF-8 in any locale of the process: libarchive
 * converts names by the locale of the thread. */
#ifndef RA_FILE_UNPACK_H
#define RA_FILE_UNPACK_H

#include "../library/archive.h"

typedef struct ra_unpack_locale {
  void *made, *before;
} ra_unpack_locale;

ra_unpack_locale ra_unpack_enter(void);
void ra_unpack_leave(ra_unpack_locale locale);

/* The member's path, NULL where it has none that can be represented. */
const char *ra_unpack_name(struct archive_entry *member);

#endif
