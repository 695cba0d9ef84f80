#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { RA_MESSAGE_SIZE = 1024 };

static _Thread_local char message[RA_MESSAGE_SIZE];
static _Thread_local int32_t last_code = RA_OK;

const char *ra_error(void) { return message; }
int32_t ra_error_code(void) { return last_code; }

int32_t (ra_fail)(int32_t code, const char *format, ...) {
  char text[RA_MESSAGE_SIZE]; /* an argument may be the stored message itself */
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  memcpy(message, text, sizeof text);
  return last_code = code;
}

int32_t ra_fail_in(int32_t code, const char *format, ...) {
  char prefix[RA_MESSAGE_SIZE / 2], text[RA_MESSAGE_SIZE];
  va_list args;
  va_start(args, format);
  vsnprintf(prefix, sizeof prefix, format, args);
  va_end(args);
  memcpy(text, message, sizeof text);
  snprintf(message, sizeof message, "%s: %s", prefix, text);
  return last_code = code;
}

int32_t ra_real_size(void) { return (int32_t)sizeof(ra_real); }
