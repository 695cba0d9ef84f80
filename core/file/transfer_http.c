/* One attempt: sends the request, reads the response's headers, writes the body to the part. */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "../base/error.h"
#include "../base/limits.h"
#include "transfer.h"

enum { CONNECT_SECONDS = 20, SLOW = 64 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void init_curl(void) { curl_global_init(CURL_GLOBAL_DEFAULT); }

/* ---- headers ---- */

static void copy_value(char *to, size_t capacity, const char *value, size_t n) {
  if (n >= capacity) n = 0; /* too long to compare: treated as absent */
  memcpy(to, value, n);
  to[n] = 0;
}

double ra_header_number(const char *text, double otherwise) {
  size_t n = strspn(text, "0123456789");
  double value = 0; /* of the digits alone: strtod would go on with an exponent or a hexadecimal number */
  for (size_t i = 0; i < n; i++) value = 10 * value + (text[i] - '0');
  return n > 0 && n <= 15 ? value : otherwise;
}

/* The three digits of a status; 0 where there are none. Lines of headers have no zero behind them. */
static int status_of(const char *at, const char *end) {
  int status = 0, digits = 0;
  for (; at < end && *at >= '0' && *at <= '9' && digits < 4; at++, digits++) status = 10 * status + (*at - '0');
  return digits == 3 ? status : 0;
}

static void one_header(ra_attempt *a, const char *name, size_t name_size, const char *value, size_t n) {
  char text[128] = "";
  copy_value(text, sizeof text, value, n);
  if (name_size == 4 && strncasecmp(name, "etag", 4) == 0) copy_value(a->now.etag, sizeof a->now.etag, value, n);
  if (name_size == 13 && strncasecmp(name, "last-modified", 13) == 0)
    copy_value(a->now.modified, sizeof a->now.modified, value, n);
  if (name_size == 12 && strncasecmp(name, "content-type", 12) == 0) copy_value(a->type, sizeof a->type, value, n);
  if (name_size == 14 && strncasecmp(name, "content-length", 14) == 0 && a->status != 206) a->now.total = ra_header_number(text, 0);
  if (name_size == 11 && strncasecmp(name, "retry-after", 11) == 0) a->retry_after = ra_header_number(text, 0);
  if (name_size == 13 && strncasecmp(name, "content-range", 13) == 0) {
    const char *slash = strchr(text, '/');
    a->range_start = strncasecmp(text, "bytes ", 6) == 0 ? ra_header_number(text + 6, -1) : -1;
    a->range_total = slash ? ra_header_number(slash + 1, 0) : 0;
  }
}

size_t ra_attempt_header(char *line, size_t size, size_t count, void *attempt) {
  ra_attempt *a = attempt;
  size_t n = size * count, whole = n;
  while (n > 0 && (line[n - 1] == '\r' || line[n - 1] == '\n' || line[n - 1] == ' ')) n--;
  if (n > 9 && strncasecmp(line, "HTTP/", 5) == 0) { /* of every response, redirects included */
    const char *space = memchr(line, ' ', n);
    a->status = space ? status_of(space + 1, line + n) : 0;
    a->now.etag[0] = a->now.modified[0] = a->type[0] = 0;
    a->now.total = a->range_total = a->retry_after = 0;
    a->range_start = -1;
    return whole;
  }
  const char *colon = memchr(line, ':', n);
  if (!colon) return whole;
  const char *value = colon + 1;
  while (value < line + n && *value == ' ') value++;
  one_header(a, line, (size_t)(colon - line), value, (size_t)(line + n - value));
  return whole;
}

/* ---- body ---- */

static void disk_failed(ra_attempt *a) {
  snprintf(a->broken, sizeof a->broken, "%s%s", strerror(errno), errno == ENOSPC ? "; free some space, it resumes then" : "");
}

/* What is still to come fits on the disk, as far as both are known: better to hear that now than in an hour. */
static void check_room(ra_attempt *a, double total) {
  struct statvfs disk;
  if (*a->broken || total <= 0 || fstatvfs(a->fd, &disk) != 0) return;
  double room = (double)disk.f_bavail * (double)disk.f_frsize, need = total - a->have;
  if (need > room)
    snprintf(a->broken, sizeof a->broken, "%.1f MB are to come, the disk has %.1f MB free; free some space, it resumes then",
             need / 1e6, room / 1e6);
}

static bool differ(const char *before, const char *now) { return *before && *now && strcmp(before, now) != 0; }

static bool was_changed(const ra_attempt *a, double total) {
  return differ(a->saved.etag, a->now.etag) || differ(a->saved.modified, a->now.modified) ||
         (a->saved.total > 0 && total > 0 && a->saved.total != total);
}

bool ra_attempt_decide(ra_attempt *a) {
  a->decided = true;
  if (a->status == 206) {
    a->now.total = a->range_total;
    a->changed = was_changed(a, a->range_total);
    a->anew = a->changed || a->offset <= 0 || a->range_start != a->offset;
    if (a->anew) return false;
    if (lseek(a->fd, 0, SEEK_END) < 0) disk_failed(a);
    check_room(a, a->now.total);
    snprintf(a->note, sizeof a->note, "resuming at %.1f MB", a->offset / 1e6);
    return !*a->broken;
  }
  if (a->status != 0 && a->status != 200) return true; /* the body of an error is not kept */
  if (a->offset > 0) {
    a->changed = was_changed(a, a->now.total);
    snprintf(a->note, sizeof a->note, a->changed ? "the file changed on the server: starting anew"
                                                 : "the server cannot resume: starting anew");
  }
  a->offset = a->have = 0;
  if (ftruncate(a->fd, 0) != 0 || lseek(a->fd, 0, SEEK_SET) < 0) disk_failed(a);
  check_room(a, a->now.total);
  return !*a->broken;
}

static size_t on_body(char *data, size_t size, size_t count, void *context) {
  ra_attempt *a = context;
  size_t n = size * count, at = 0;
  if (!a->decided && !ra_attempt_decide(a)) return 0;
  if (a->status != 0 && a->status != 200 && a->status != 206) {
    a->discarded += (double)n;
    return a->discarded > RA_LIMIT_ERROR_PAGE ? 0 : n;
  }
  a->received += (double)n;
  if (a->limit > 0 && a->have + (double)n > a->limit) {
    a->oversize = true;
    return 0;
  }
  while (at < n) {
    ssize_t wrote = write(a->fd, data + at, n - at);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) {
      disk_failed(a);
      return 0;
    }
    at += (size_t)wrote;
    a->have += (double)wrote;
  }
  return n;
}

/* ---- what it means ---- */

bool ra_attempt_refused(const ra_attempt *a, CURLcode result, char *why) {
  if (result == CURLE_TOO_MANY_REDIRECTS) snprintf(why, RA_TRANSFER_TEXT, "more than %d redirects", RA_LIMIT_REDIRECTS);
  else if (result == CURLE_UNSUPPORTED_PROTOCOL && a->status != 0)
    snprintf(why, RA_TRANSFER_TEXT, "it redirects to another kind of address; refused");
  else if (a->status == 0 || a->status == 200 || a->status == 206) return false;
  else
    snprintf(why, RA_TRANSFER_TEXT, "the server answered %d%s", a->status,
             a->status == 404 || a->status == 410   ? " (not found)"
             : a->status == 401 || a->status == 403 ? " (not allowed: it may want a login or a browser)"
                                                    : "");
  return true;
}

/* ---- the request ---- */

/* With a strong entity tag or a date, the server sends the rest only if the file is still the same. */
static int32_t resume_headers(ra_attempt *a, CURL *easy, const char *url, struct curl_slist **headers) {
  char text[400];
  snprintf(text, sizeof text, "%.0f-", a->offset);
  if (curl_easy_setopt(easy, CURLOPT_RANGE, text) != CURLE_OK) return ra_fail(RA_ERR_MEMORY, "out of memory");
  bool strong = a->saved.etag[0] && strncmp(a->saved.etag, "W/", 2) != 0;
  const char *tag = strong ? a->saved.etag : a->saved.modified;
  if (strcmp(url, a->saved.url) != 0 || !*tag) return RA_OK;
  snprintf(text, sizeof text, "If-Range: %s", tag);
  *headers = curl_slist_append(NULL, text);
  if (!*headers) return ra_fail(RA_ERR_MEMORY, "out of memory");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *headers);
  return RA_OK;
}

int32_t ra_attempt_begin(ra_attempt *a, CURL *easy, const char *url, struct curl_slist **headers, double stall) {
  pthread_once(&once, init_curl);
  bool https = strncasecmp(url, "https:", 6) == 0;
  memset(&a->now, 0, sizeof a->now);
  snprintf(a->now.url, sizeof a->now.url, "%s", url);
  a->status = 0;
  a->range_start = -1;
  a->range_total = a->retry_after = a->discarded = 0;
  a->decided = a->changed = a->oversize = a->anew = false;
  a->broken[0] = a->type[0] = 0;
  curl_easy_reset(easy);
  curl_easy_setopt(easy, CURLOPT_URL, url);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https,file");
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, https ? "https" : "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)RA_LIMIT_REDIRECTS);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(1000 * fmin(CONNECT_SECONDS, stall)));
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)ceil(stall));
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "ramus/0.1");
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, ra_attempt_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, a);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, a);
  const char *bundle = getenv("CURL_CA_BUNDLE"); /* as the curl command */
  if (!bundle || !*bundle) bundle = getenv("SSL_CERT_FILE");
  if (bundle && *bundle) curl_easy_setopt(easy, CURLOPT_CAINFO, bundle);
  return a->offset > 0 ? resume_headers(a, easy, url, headers) : RA_OK;
}
