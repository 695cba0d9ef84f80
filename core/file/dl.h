/* dl.h: libraries that are opened when they are first needed. Loading libcurl, libarchive and libcrypto with all that
 * they need takes longer than everything else that `ramus -e ...` does at its start. */
#ifndef RA_FILE_DL_H
#define RA_FILE_DL_H

#include "../ramus.h"

/* A struct of function pointers, from the list of a library's functions. */
#define RA_DL_MEMBER(name) __typeof__(name) *name;

#endif
