/* Asks a server about a file without fetching it: HEAD; where the server refuses that or names no size, a request for the first
 * byte, which is broken off when the headers are there. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "../base/error.h"
#include "transfer.h"

static const double SECONDS = 20;

static size_t drop(char *data, size_t size, size_t count, void *head) {
  (void)data;
  return *(const bool *)head ? size * count : 0; /* libcurl shows the headers of a local file as its body too */
}

/* Runs one request until its headers are there. */
static CURLcode run(CURLM *multi, CURL *easy, double seconds) {
  int active = 1, left = 0;
  double stop = ra_clock() + seconds;
  while (curl_multi_perform(multi, &active) == CURLM_OK && active) {
    if (ra_signal_arrived() != 0) return CURLE_ABORTED_BY_CALLBACK;
    if (ra_clock() > stop) return CURLE_OPERATION_TIMEDOUT;
    curl_multi_poll(multi, NULL, 0, 100, NULL);
  }
  CURLMsg *message = curl_multi_info_read(multi, &left);
  return message && message->easy_handle == easy ? message->data.result : CURLE_FAILED_INIT;
}

static int32_t ask(CURLM *multi, CURL *easy, const char *url, bool head, double seconds, ra_attempt *a, CURLcode *result) {
  struct curl_slist *headers = NULL;
  memset(a, 0, sizeof *a);
  a->fd = -1;
  RA_TRY(ra_attempt_begin(a, easy, url, &headers, seconds));
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &head);
  if (head) curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  else curl_easy_setopt(easy, CURLOPT_RANGE, "0-0");
  if (curl_multi_add_handle(multi, easy) != CURLM_OK) return ra_fail(RA_ERR_NET, "probe: libcurl refused the request");
  *result = run(multi, easy, seconds);
  curl_multi_remove_handle(multi, easy);
  if (*result == CURLE_WRITE_ERROR && !head) *result = CURLE_OK; /* broken off by us */
  if (a->range_total > 0) a->now.total = a->range_total;
  return RA_OK;
}

static bool fine(const ra_attempt *a, CURLcode result) {
  return result == CURLE_OK && (a->status == 0 || (a->status >= 200 && a->status < 300));
}

static void report(const ra_attempt *a, CURLcode result, ra_probe *out) {
  memset(out, 0, sizeof *out);
  out->status = a->status;
  out->reached = a->status != 0 || result == CURLE_OK || result == CURLE_FILE_COULDNT_READ_FILE || result == CURLE_PEER_FAILED_VERIFICATION;
  out->bytes = a->now.total;
  snprintf(out->etag, sizeof out->etag, "%s", a->now.etag);
  snprintf(out->modified, sizeof out->modified, "%s", a->now.modified);
  snprintf(out->type, sizeof out->type, "%s", a->type);
  if (fine(a, result)) return;
  if (!ra_attempt_refused(a, result, out->problem)) snprintf(out->problem, sizeof out->problem, "%s", curl_easy_strerror(result));
}

int32_t ra_probe_url(const char *url, double seconds, ra_probe *out) {
  ra_attempt a, second;
  CURLcode result = CURLE_OK, other = CURLE_OK;
  if (!(seconds > 0)) seconds = SECONDS;
  if (strlen(url) >= sizeof a.now.url) return ra_fail(RA_ERR_ARG, "probe: the address '%.60s..' is too long", url);
  RA_TRY(ra_curl_open());
  CURLM *multi = curl_multi_init();
  CURL *easy = curl_easy_init();
  int32_t code = multi && easy ? RA_OK : ra_fail(RA_ERR_MEMORY, "probe: libcurl could not start");
  if (code == RA_OK) code = ask(multi, easy, url, true, seconds, &a, &result);
  bool http = code == RA_OK && (a.status != 0 || result == CURLE_GOT_NOTHING || result == CURLE_RECV_ERROR);
  if (http && a.status != 404 && a.status != 410 && !(fine(&a, result) && a.now.total > 0)) {
    code = ask(multi, easy, url, false, seconds, &second, &other);
    if (code == RA_OK && (!fine(&a, result) || second.now.total > 0)) a = second, result = other;
  }
  if (code == RA_OK) report(&a, result, out);
  if (easy) curl_easy_cleanup(easy);
  if (multi) curl_multi_cleanup(multi);
  return code;
}
