/* .npy arrays in memory; the files' functions are in api.h. */
#ifndef RA_FILE_NPY_H
#define RA_FILE_NPY_H

#include "bundle.h"

enum { RA_NPY_HEADER = 512 };

/* Writes everything before the data of a row-major array; returns its bytes, 0 where NumPy lacks the type. */
size_t ra_npy_header(const ra_bundle_entry *e, char text[RA_NPY_HEADER]);

#endif
