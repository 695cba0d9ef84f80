/* Errors are values: a function that fails returns ra_fail(code, ...). */
#ifndef RA_BASE_ERROR_H
#define RA_BASE_ERROR_H

#include "../ramus.h"

/* Stores message and code for this thread and returns code. The message says what was given, what was wanted and what
 * to do. After a function that returned NULL, `return ra_error_code();` passes its failure on. */
__attribute__((format(printf, 2, 3)))
int32_t ra_fail(int32_t code, const char *format, ...);
#ifdef __clang_analyzer__ /* clang-tidy sees one file at a time, and would think that it may return RA_OK */
#define ra_fail(code, ...) ((void)ra_fail(code, __VA_ARGS__), (code))
#endif

/* Puts "PREFIX: " before the stored message; stores code, which is often ra_error_code(), and returns it. */
__attribute__((format(printf, 2, 3)))
int32_t ra_fail_in(int32_t code, const char *format, ...);

/* Evaluates an int32_t expression and returns it from the caller when it is not RA_OK. */
#define RA_TRY(expression) \
  do { \
    int32_t ra_try_code = (expression); \
    if (ra_try_code != RA_OK) return ra_try_code; \
  } while (0)

#endif
