/* What the two halves of a transfer share: transfer.c decides (which address,
 * again or not, resume or anew), transfer_http.c runs one attempt through libcurl. */
#ifndef RA_FILE_TRANSFER_H
#define RA_FILE_TRANSFER_H

#include <stddef.h>

#include "dl_curl.h"

enum { RA_TRANSFER_TEXT = 512 };

/* What identifies the file on the server; kept in PATH.part.from between runs. */
typedef struct ra_remote {
  char url[1024], etag[256], modified[64];
  double total;              /* bytes, 0: not known */
} ra_remote;

typedef struct ra_attempt {
  int fd;                    /* PATH.part, open while an attempt runs */
  double offset, have;       /* bytes that were there when it began, and that are there now */
  double received;           /* body bytes of all attempts */
  double limit;              /* the most the file may have; 0: any */
  ra_remote saved, now;      /* of the part, and of this answer */
  int status;                /* HTTP status, 0: none yet or not HTTP */
  double range_start, range_total, retry_after, discarded;
  bool decided;              /* what to do with the body */
  bool changed, oversize, anew;
  char broken[RA_TRANSFER_TEXT]; /* [opt] why the disk refused */
  char note[RA_TRANSFER_TEXT];
} ra_attempt;

/* Prepares an easy handle for url; resumes at a->offset when that is > 0. */
int32_t ra_attempt_begin(ra_attempt *a, CURL *easy, const char *url, struct curl_slist **headers, double stall);
/* After the last byte: an empty body was not decided on yet. */
bool ra_attempt_decide(ra_attempt *a);

#endif
