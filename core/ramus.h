/* ramus.h: what a C program includes to use the Ramus core.
 *
 * All declarations are in api.h, which has no preprocessor line so that
 * LuaJIT's ffi.cdef reads the very same text. ra_real is float32; the library
 * built for gradient checks (make gradcheck) defines RA_DOUBLE. */
#ifndef RAMUS_H
#define RAMUS_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__BYTE_ORDER__) && (__SIZEOF_POINTER__ != 8 || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
#error "Ramus needs a 64-bit little-endian processor (x86-64, 64-bit ARM): numbers in its files are mapped as they lie."
#endif

#ifdef RA_DOUBLE
typedef double ra_real;
#else
typedef float ra_real;
#endif

#define RA_OPT /* marks a pointer that may be NULL */

#include "api.h"

#endif
