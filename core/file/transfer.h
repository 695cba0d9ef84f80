/* The two halves of a transfer: transfer.c decides (which address, whether to
 * retry, resume or restart), transfer_http.c runs one attempt through libcurl. */
#ifndef RA_FILE_TRANSFER_H
#define RA_FILE_TRANSFER_H

#include <stddef.h>

#include "../library/curl.h"

enum { RA_TRANSFER_TEXT = 512 };

/* What identifies the file on the server; kept in PATH.part.from between runs. */
typedef struct ra_remote {
  char url[1024], etag[256], modified[64];
  double total;              /* bytes, 0: not known */
} ra_remote;

typedef struct ra_attempt {
  int fd;                    /* PATH.part, open while an attempt runs */
  double offset, have;       /* bytes in the part when the attempt began, and now */
  double received;           /* body bytes of all attempts */
  double limit;              /* largest size of the file; 0: none */
  ra_remote saved, now;      /* of the part, and of this response */
  int status;                /* HTTP status, 0: none yet or not HTTP */
  char type[64];             /* what the server calls the body, "": nothing */
  double range_start, range_total, retry_after, discarded;
  bool decided;              /* whether the body is kept */
  bool changed, oversize, anew;
  char broken[RA_TRANSFER_TEXT]; /* error of the disk; "": none */
  char note[RA_TRANSFER_TEXT];
} ra_attempt;

/* What the file must be; NULL, 0: not known. */
typedef struct ra_wanted {
  char *sha256, *md5;
  double bytes;
} ra_wanted;

/* The number that a server's text begins with, of 1 to 15 digits; `otherwise` where there is none: no signs, no powers, no inf. */
double ra_header_number(const char *text, double otherwise);

bool ra_wanted_has_sum(const ra_wanted *wanted);
/* Writes into why (of RA_TRANSFER_TEXT bytes) what is wrong with a file; "": nothing. Fails where it cannot be read. */
int32_t ra_wanted_check(const ra_wanted *wanted, const char *path, char *why);

/* Prepares an easy handle for url; resumes at a->offset when that is > 0. */
int32_t ra_attempt_begin(ra_attempt *a, CURL *easy, const char *url, struct curl_slist **headers, double stall);
/* Writes why the server did not give the file, if it answered; what libcurl says of the rest is not its business. */
bool ra_attempt_refused(const ra_attempt *a, CURLcode result, char *why);
/* What libcurl calls for every line of a response's head, which has no zero behind it. */
size_t ra_attempt_header(char *line, size_t size, size_t count, void *attempt);
/* Called after the last byte, since an empty body has not been decided on. */
bool ra_attempt_decide(ra_attempt *a);

#endif
