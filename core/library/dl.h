/* dl.h: dynamic loading of libraries at their first use. Loading libcurl, libarchive and libcrypto with their
 * dependencies takes longer than the rest of the start-up of `ramus -e ...`. */
#ifndef RA_FILE_DL_H
#define RA_FILE_DL_H

#include "../ramus.h"

/* A struct of function pointers, from the list of a library's functions. */
#define RA_DL_MEMBER(name) __typeof__(name) *name;

#endif
