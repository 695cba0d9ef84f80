/* A transfer: addresses in order, each tried again after cut connections and
 * server errors (waiting twice as long each time), resumed by range where that is
 * safe, checked by size and sum, synced and renamed. What it needs to resume
 * in another process is in PATH.part.from. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../base/error.h"
#include "../base/limits.h"
#include "../base/mem.h"
#include "file.h"
#include "hash.h"
#include "transfer.h"

typedef enum { NEW, READY, RUNNING, WAITING, DONE, FAILED } phase;

enum { REPORT = 900, RESOLVE_TRIES = 2 };
static const double WAIT_MOST = 30, RETRY_AFTER_MOST = 60;

struct ra_transfer {
  char *path, *part, *from, *lock_path;
  ra_wanted wanted;
  double stall, wait, most;
  int32_t tries;
  char **url;
  int32_t url_count, at;
  phase phase;
  ra_lock *lock;
  CURLM *multi;
  CURL *easy;
  struct curl_slist *headers;
  ra_attempt attempt;
  int32_t failures;            /* in a row, without progress, of this url */
  double best;                 /* most bytes that the part ever had */
  double wake;                 /* end of WAITING */
  double moved, moved_bytes;   /* time and number of bytes when bytes arrived last */
  bool fresh;                  /* the next attempt restarts from 0 */
  char report[REPORT];         /* why each url failed */
};

/* ---- making and releasing ---- */

static char *with_suffix(const char *path, const char *suffix) {
  size_t n = strlen(path) + strlen(suffix) + 1;
  char *text = ra_mem_alloc(n, 1);
  if (text) snprintf(text, n, "%s%s", path, suffix);
  return text;
}

static bool check_digits(const char *name, const char *text, size_t count) {
  if (!text || (strlen(text) == count && strspn(text, "0123456789abcdef") == count)) return true;
  ra_fail(RA_ERR_ARG, "transfer: %s is '%s', wanted %d digits 0-9 a-f", name, text, (int)count);
  return false;
}

ra_transfer *ra_transfer_new(const ra_transfer_config *config) {
  if (!check_digits("sha256", config->sha256, RA_SHA256_HEX) || !check_digits("md5", config->md5, RA_MD5_HEX)) return NULL;
  ra_transfer *t = ra_mem_zalloc(1, sizeof *t);
  if (!t) return NULL;
  t->attempt.fd = -1;
  t->wanted.bytes = config->bytes > 0 ? config->bytes : 0;
  t->most = config->most > 0 ? config->most : RA_LIMIT_DOWNLOAD;
  t->stall = config->stall > 0 ? config->stall : 30;
  t->wait = config->wait > 0 ? config->wait : 1;
  t->tries = config->tries > 0 ? config->tries : 5;
  t->path = ra_mem_strdup(config->path);
  t->part = with_suffix(config->path, ".part");
  t->from = with_suffix(config->path, ".part.from");
  t->lock_path = with_suffix(config->path, ".lock");
  t->wanted.sha256 = config->sha256 ? ra_mem_strdup(config->sha256) : NULL;
  t->wanted.md5 = config->md5 ? ra_mem_strdup(config->md5) : NULL;
  bool sums = (t->wanted.sha256 || !config->sha256) && (t->wanted.md5 || !config->md5);
  if (t->path && t->part && t->from && t->lock_path && sums) return t;
  ra_transfer_release(t);
  return NULL;
}

int32_t ra_transfer_add(ra_transfer *t, const char *url) {
  if (strlen(url) >= sizeof t->attempt.now.url) return ra_fail(RA_ERR_ARG, "transfer: the address '%.60s..' is too long", url);
  char **larger = ra_mem_realloc(t->url, (size_t)t->url_count + 1, sizeof *larger);
  if (!larger) return RA_ERR_MEMORY;
  t->url = larger;
  if (!(t->url[t->url_count] = ra_mem_strdup(url))) return RA_ERR_MEMORY;
  t->url_count++;
  return RA_OK;
}

static void end_attempt(ra_transfer *t) {
  if (t->easy && t->multi) curl_multi_remove_handle(t->multi, t->easy);
  if (t->headers) curl_slist_free_all(t->headers);
  t->headers = NULL;
  if (t->attempt.fd >= 0) close(t->attempt.fd);
  t->attempt.fd = -1;
}

void ra_transfer_release(ra_transfer *t) {
  if (!t) return;
  end_attempt(t);
  if (t->easy) curl_easy_cleanup(t->easy);
  if (t->multi) curl_multi_cleanup(t->multi);
  ra_lock_release(t->lock);
  for (int32_t i = 0; i < t->url_count; i++) ra_mem_free(t->url[i]);
  ra_mem_free(t->url);
  ra_mem_free(t->path);
  ra_mem_free(t->part);
  ra_mem_free(t->from);
  ra_mem_free(t->lock_path);
  ra_mem_free(t->wanted.sha256);
  ra_mem_free(t->wanted.md5);
  ra_mem_free(t);
}

/* ---- PATH.part.from ---- */

static void read_line(FILE *file, char *to, size_t capacity) {
  char line[2048];
  to[0] = 0;
  if (!fgets(line, sizeof line, file)) return;
  line[strcspn(line, "\n")] = 0;
  if (strlen(line) < capacity) memcpy(to, line, strlen(line) + 1);
}

static void load_saved(const ra_transfer *t, ra_remote *saved) {
  char total[64] = "";
  memset(saved, 0, sizeof *saved);
  FILE *file = fopen(t->from, "r");
  if (!file) return;
  read_line(file, saved->url, sizeof saved->url);
  read_line(file, saved->etag, sizeof saved->etag);
  read_line(file, saved->modified, sizeof saved->modified);
  read_line(file, total, sizeof total);
  saved->total = ra_header_number(total, 0);
  (void)fclose(file);
}

static void store_saved(const ra_transfer *t, const ra_remote *now) {
  FILE *file = fopen(t->from, "w"); /* without it the next run restarts from 0 */
  if (!file) return;
  bool whole = fprintf(file, "%s\n%s\n%s\n%.0f\n", now->url, now->etag, now->modified, now->total) > 0;
  if (fclose(file) != 0 || !whole) (void)remove(t->from);
}

static void drop_part(ra_transfer *t) {
  unlink(t->part);
  unlink(t->from);
  t->attempt.have = 0;
}

/* ---- attempts ---- */

static void note(ra_transfer *t, const char *text) { snprintf(t->attempt.note, RA_TRANSFER_TEXT, "%s", text); }

static int32_t give_up(ra_transfer *t, int32_t code) {
  t->phase = FAILED;
  const char *slash = strrchr(t->path, '/');
  return ra_fail(code, "could not fetch %s:%s", slash ? slash + 1 : t->path, *t->report ? t->report : " it has no address");
}

/* Gives this address up and moves on to the next. */
static int32_t next_url(ra_transfer *t, const char *why) {
  size_t used = strlen(t->report);
  snprintf(t->report + used, REPORT - used, "\n  %s: %s", t->url[t->at], why);
  t->failures = 0;
  t->phase = READY;
  return ++t->at < t->url_count ? RA_OK : give_up(t, RA_ERR_NET);
}

/* Schedules another attempt, at once or after a pause. */
static int32_t again(ra_transfer *t, const char *why, bool pause, int32_t tries) {
  char text[RA_TRANSFER_TEXT];
  if (t->attempt.have > t->best) {
    t->best = t->attempt.have;
    t->failures = 0;
  }
  if (++t->failures >= tries) {
    snprintf(text, sizeof text, "%.400s (%d tries)", why, t->failures);
    return next_url(t, text);
  }
  double seconds = pause ? fmin(WAIT_MOST, t->wait * ldexp(1, t->failures - 1)) : 0;
  if (pause && t->attempt.retry_after > seconds) seconds = fmin(RETRY_AFTER_MOST, t->attempt.retry_after);
  snprintf(text, sizeof text, "%.400s; try %d of %d in %.3g s", why, t->failures + 1, tries, seconds);
  note(t, text);
  t->wake = ra_clock() + seconds;
  t->phase = WAITING;
  return RA_OK;
}

/* Bytes of the part that may be kept: those of the same address, or any where a sum is checked. */
static double usable_part(const ra_transfer *t, const ra_remote *saved) {
  struct stat info;
  if (t->fresh || stat(t->part, &info) != 0 || strncasecmp(t->url[t->at], "file:", 5) == 0) return 0;
  bool known = (*saved->etag && strncmp(saved->etag, "W/", 2) != 0) || *saved->modified; /* a weak tag stands for several contents */
  if (!(strcmp(saved->url, t->url[t->at]) == 0 && known) && !ra_wanted_has_sum(&t->wanted)) return 0;
  return (double)info.st_size;
}

static int32_t verify(ra_transfer *t);

static int32_t start(ra_transfer *t) {
  ra_attempt *a = &t->attempt;
  load_saved(t, &a->saved);
  a->offset = a->have = usable_part(t, &a->saved);
  t->fresh = false;
  double whole = t->wanted.bytes > 0 ? t->wanted.bytes : a->saved.total;
  if (a->have > 0 && ra_wanted_has_sum(&t->wanted) && whole > 0 && a->have == whole) return verify(t); /* stopped before its last step */
  a->limit = t->wanted.bytes > 0 ? t->wanted.bytes : t->most;
  a->fd = open(t->part, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (a->fd < 0) return ra_fail(RA_ERR_IO, "cannot write '%s': %s", t->part, strerror(errno));
  RA_TRY(ra_curl_open());
  if (!t->multi) t->multi = curl_multi_init();
  if (!t->easy) t->easy = curl_easy_init();
  if (!t->multi || !t->easy) return ra_fail(RA_ERR_MEMORY, "transfer: libcurl could not start");
  RA_TRY(ra_attempt_begin(a, t->easy, t->url[t->at], &t->headers, t->stall));
  note(t, "connecting");
  t->moved = ra_clock();
  t->moved_bytes = a->received;
  if (curl_multi_add_handle(t->multi, t->easy) != CURLM_OK) return ra_fail(RA_ERR_NET, "transfer: libcurl refused the request");
  t->phase = RUNNING;
  return RA_OK;
}

static int32_t commit(ra_transfer *t) {
  int fd = open(t->part, O_RDONLY | O_CLOEXEC);
  bool bad = fd < 0 || fsync(fd) != 0;
  if (fd >= 0) close(fd);
  if (bad || rename(t->part, t->path) != 0) return ra_fail(RA_ERR_IO, "cannot write '%s': %s", t->path, strerror(errno));
  RA_TRY(ra_file_sync_folder(t->path));
  unlink(t->from);
  t->phase = DONE;
  return RA_OK;
}

/* The part holds the whole file. If its content is wrong, a resumed file is fetched once more from the start;
 * otherwise the address is given up. */
static int32_t verify(ra_transfer *t) {
  char why[RA_TRANSFER_TEXT];
  ra_attempt *a = &t->attempt;
  RA_TRY(ra_wanted_check(&t->wanted, t->part, why));
  if (!*why) return commit(t);
  bool pieced = a->offset > 0;
  drop_part(t);
  t->fresh = true;
  return pieced ? again(t, why, false, t->tries + 1) : next_url(t, why);
}

static bool passing_status(int status) { return status == 408 || status == 425 || status == 429 || status >= 500; }

static bool passing_failure(CURLcode result) {
  switch (result) {
    case CURLE_COULDNT_RESOLVE_HOST: case CURLE_COULDNT_RESOLVE_PROXY: case CURLE_COULDNT_CONNECT: case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT: case CURLE_GOT_NOTHING: case CURLE_SEND_ERROR: case CURLE_RECV_ERROR: case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM: case CURLE_SSL_CONNECT_ERROR: case CURLE_WEIRD_SERVER_REPLY: case CURLE_AGAIN:
      return true;
    default: return false;
  }
}

/* One attempt ended with `result`. */
static int32_t conclude(ra_transfer *t, CURLcode result) {
  ra_attempt *a = &t->attempt;
  char why[RA_TRANSFER_TEXT];
  if (result == CURLE_OK && !a->decided) (void)ra_attempt_decide(a);
  end_attempt(t);
  if (*a->broken) return ra_fail(RA_ERR_IO, "cannot write '%s': %s", t->part, a->broken);
  if (a->anew) {
    drop_part(t);
    t->fresh = true;
    snprintf(why, sizeof why, "%s: starting anew",
             a->changed ? "the file changed on the server" : "the server sent another range");
    return again(t, why, false, t->tries);
  }
  if (a->oversize) {
    drop_part(t);
    snprintf(why, sizeof why, "it is larger than the %.0f bytes %s", a->limit,
             t->wanted.bytes > 0 ? "wanted" : "of a file of unknown size");
    return next_url(t, why);
  }
  if (a->status == 416) { /* the server has no bytes after ours */
    if (a->range_total > 0 && a->range_total == a->have) return verify(t);
    drop_part(t);
    t->fresh = true;
    return again(t, "the part is longer than the file on the server: starting anew", false, t->tries);
  }
  if (ra_attempt_refused(a, result, why)) return passing_status(a->status) ? again(t, why, true, t->tries) : next_url(t, why);
  if (result == CURLE_OK) return verify(t);
  snprintf(why, sizeof why, "%s", curl_easy_strerror(result));
  bool nowhere = result == CURLE_COULDNT_RESOLVE_HOST || result == CURLE_COULDNT_CONNECT;
  if (!passing_failure(result)) return next_url(t, why);
  return again(t, why, true, nowhere && t->tries > RESOLVE_TRIES ? RESOLVE_TRIES : t->tries);
}

/* ---- stepping ---- */

static bool already_there(const ra_transfer *t) {
  char why[RA_TRANSFER_TEXT];
  struct stat info;
  if (stat(t->path, &info) != 0 || !ra_wanted_has_sum(&t->wanted)) return false;
  return ra_wanted_check(&t->wanted, t->path, why) == RA_OK && !*why;
}

static int32_t begin(ra_transfer *t) {
  if (!(t->lock = ra_lock_take(t->lock_path))) return ra_fail_in(RA_ERR_EXISTS, "transfer");
  if (already_there(t)) {
    t->phase = DONE;
    note(t, "already there");
    return RA_OK;
  }
  if (t->url_count == 0) return give_up(t, RA_ERR_ARG);
  t->phase = READY;
  return RA_OK;
}

static int32_t run(ra_transfer *t, double wait) {
  int active = 0, left = 0;
  bool decided = t->attempt.decided;
  if (curl_multi_perform(t->multi, &active) != CURLM_OK) return ra_fail(RA_ERR_NET, "transfer: libcurl failed");
  if (!decided && t->attempt.decided && (t->attempt.status == 200 || t->attempt.status == 206))
    store_saved(t, &t->attempt.now);
  if (active && wait > 0) curl_multi_poll(t->multi, NULL, 0, (int)(1000 * fmin(wait, 1)), NULL);
  if (t->attempt.decided && t->attempt.offset <= 0 && t->attempt.have > 0 && strcmp(t->attempt.note, "connecting") == 0)
    note(t, "downloading");
  CURLMsg *message;
  while ((message = curl_multi_info_read(t->multi, &left)))
    if (message->msg == CURLMSG_DONE) return conclude(t, message->data.result);
  double now = ra_clock();
  if (t->attempt.received > t->moved_bytes) {
    t->moved = now;
    t->moved_bytes = t->attempt.received;
  }
  return now - t->moved > t->stall ? conclude(t, CURLE_OPERATION_TIMEDOUT) : RA_OK;
}

void ra_sleep(double seconds) {
  if (!(seconds > 0)) return;
  struct timespec time = {.tv_sec = (time_t)seconds, .tv_nsec = (long)(fmod(seconds, 1) * 1e9)};
  nanosleep(&time, NULL); /* a signal ends it early */
}

int32_t ra_transfer_step(ra_transfer *t, double wait) {
  int32_t code = RA_OK;
  switch (t->phase) {
    case NEW: code = begin(t); break;
    case READY: code = start(t); break;
    case RUNNING: code = run(t, wait); break;
    case WAITING: {
      double left = t->wake - ra_clock();
      if (left > 0) ra_sleep(fmin(left, wait));
      else t->phase = READY;
      break;
    }
    case DONE: break;
    case FAILED: return ra_fail(RA_ERR_STATE, "transfer: it failed before");
  }
  if (code == RA_OK) return RA_OK;
  end_attempt(t);
  t->phase = FAILED;
  return code;
}

_Bool ra_transfer_done(const ra_transfer *t) { return t->phase == DONE; }
double ra_transfer_bytes(const ra_transfer *t) { return t->attempt.have; }
double ra_transfer_received(const ra_transfer *t) { return t->attempt.received; }
const char *ra_transfer_note(const ra_transfer *t) { return t->attempt.note; }
const char *ra_transfer_url(const ra_transfer *t) { return t->at < t->url_count ? t->url[t->at] : ""; }
const char *ra_transfer_etag(const ra_transfer *t) { return t->attempt.now.etag; }
const char *ra_transfer_modified(const ra_transfer *t) { return t->attempt.now.modified; }

double ra_transfer_total(const ra_transfer *t) {
  if (t->wanted.bytes > 0) return t->wanted.bytes;
  return t->attempt.now.total > 0 ? t->attempt.now.total : t->attempt.saved.total;
}
