/* Requests: from libmicrohttpd's thread, where one is put aside until somebody polls, and from the one who polls, who answers it. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "serve.h"

void ra_serve_forget(request *r) {
  ra_mem_free(r->body);
  if (r->response) MHD_destroy_response(r->response);
  r->body = NULL;
  r->response = NULL;
}

/* ---- in libmicrohttpd's thread ---- */

void ra_serve_on_connection(void *server, struct MHD_Connection *c, void **context, enum MHD_ConnectionNotificationCode what) {
  ra_server *s = server;
  pthread_mutex_lock(&s->mutex);
  if (what == MHD_CONNECTION_NOTIFY_STARTED) {
    for (int32_t i = 0; i < s->limits.connections && !*context; i++) {
      if (s->request[i].stage != FREE) continue;
      int fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
      s->request[i] = (request){.stage = COMING, .connection = c, .fd = fd, .deadline = ra_clock() + s->limits.head_seconds};
      *context = &s->request[i];
    }
  } else if (*context) {
    request *r = *context;
    ra_serve_forget(r);
    r->stage = FREE;
  }
  pthread_mutex_unlock(&s->mutex);
}

void ra_serve_on_end(void *server, struct MHD_Connection *c, void **context, enum MHD_RequestTerminationCode why) {
  ra_server *s = server;
  request *r = *context;
  (void)c, (void)why;
  if (!r) return;
  pthread_mutex_lock(&s->mutex);
  ra_serve_forget(r);
  r->stage = LEAVING;
  pthread_mutex_unlock(&s->mutex);
  *context = NULL;
}

/* Puts a request aside until it is answered or accepted; there is no time limit then. The caller holds the mutex. */
static void put_aside(ra_server *s, request *r, stage as) {
  MHD_suspend_connection(r->connection);
  if (as == HEAD) r->number = s->last = s->last % INT32_MAX + 1;
  r->stage = as;
  r->deadline = INFINITY;
  pthread_cond_signal(&s->came);
}

static void copy(char *to, size_t room, const char *from) {
  size_t n = strlen(from);
  if (n < room) memcpy(to, from, n + 1);
  else to[0] = 0;
}

static enum MHD_Result send_answer(ra_server *s, request *r) {
  struct MHD_Response *response = r->response;
  r->response = NULL;
  r->stage = LEAVING;
  r->deadline = ra_clock() + s->limits.seconds;
  enum MHD_Result code = MHD_queue_response(r->connection, (unsigned)r->status, response);
  MHD_destroy_response(response);
  return code;
}

/* A piece of the body, or its end (size 0). */
static enum MHD_Result take(ra_server *s, request *r, const char *data, size_t *size) {
  if (*size == 0) {
    put_aside(s, r, WHOLE);
    return MHD_YES;
  }
  if (*size > r->room - r->size) return MHD_NO;
  memcpy(r->body + r->size, data, *size);
  r->size += *size;
  *size = 0;
  return MHD_YES;
}

enum MHD_Result ra_serve_on_request(void *server, struct MHD_Connection *c, const char *path, const char *method, const char *version,
                                    const char *data, size_t *size, void **context) {
  ra_server *s = server;
  request *r = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
  enum MHD_Result code = MHD_NO;
  (void)version;
  if (!r) return MHD_NO;
  *context = r;
  pthread_mutex_lock(&s->mutex);
  if (r->stage == COMING) {
    copy(r->method, sizeof r->method, method);
    copy(r->path, sizeof r->path, path);
    put_aside(s, r, HEAD);
    code = MHD_YES;
  } else if (r->stage == ANSWERING) {
    code = send_answer(s, r);
  } else if (r->stage == ACCEPTED) {
    r->stage = BODY;
    r->deadline = ra_clock() + s->limits.seconds;
    code = *size == 0 ? MHD_YES : take(s, r, data, size);
  } else if (r->stage == BODY) {
    code = take(s, r, data, size);
  }
  pthread_mutex_unlock(&s->mutex);
  return code;
}

/* ---- for the one who polls ---- */

/* The waiting request of this number; NULL and a message. Nobody else touches it until it is accepted or answered. */
static request *waiting(ra_server *s, int32_t number) {
  request *found = NULL;
  pthread_mutex_lock(&s->mutex);
  for (int32_t i = 0; i < SERVE_CONNECTIONS_MOST; i++) {
    request *r = &s->request[i];
    if ((r->stage == HEAD || r->stage == WHOLE) && r->number == number) found = r;
  }
  pthread_mutex_unlock(&s->mutex);
  if (!found) ra_fail(RA_ERR_STATE, "no request of the number %d waits for an answer", number);
  return found;
}

int32_t ra_request_stage(ra_server *s, int32_t number) {
  const request *r = waiting(s, number);
  return !r ? RA_REQUEST_NONE : r->stage == HEAD ? RA_REQUEST_HEAD : RA_REQUEST_WHOLE;
}

const char *ra_request_method(ra_server *s, int32_t number) {
  const request *r = waiting(s, number);
  return r ? r->method : NULL;
}

const char *ra_request_path(ra_server *s, int32_t number) {
  const request *r = waiting(s, number);
  return r ? r->path : NULL;
}

typedef struct search {
  const char *name, *value;
  int32_t count;
} search;

static enum MHD_Result look(void *context, enum MHD_ValueKind kind, const char *name, const char *value) {
  search *k = context;
  (void)kind;
  if (name && strcasecmp(name, k->name) == 0) {
    k->value = value ? value : "";
    k->count++;
  }
  return MHD_YES;
}

const char *ra_request_header(ra_server *s, int32_t number, const char *name) {
  const request *r = waiting(s, number);
  search k = {.name = name};
  if (r) MHD_get_connection_values(r->connection, MHD_HEADER_KIND, look, &k);
  return k.count == 1 ? k.value : NULL;
}

const void *ra_request_body(ra_server *s, int32_t number, double *size) {
  const request *r = waiting(s, number);
  *size = r ? (double)r->size : 0;
  return r ? r->body : NULL;
}

static void go_on(ra_server *s, request *r, stage as) {
  pthread_mutex_lock(&s->mutex);
  r->stage = as;
  pthread_mutex_unlock(&s->mutex);
  MHD_resume_connection(r->connection);
}

int32_t ra_request_accept(ra_server *s, int32_t number, double bytes) {
  request *r = waiting(s, number);
  if (!r) return RA_ERR_STATE;
  if (r->stage != HEAD) return ra_fail(RA_ERR_STATE, "the body of request %d has come already; it waits for an answer", number);
  if (!(bytes >= 0 && bytes <= INT32_MAX)) return ra_fail(RA_ERR_ARG, "a body has 0 to %d bytes, given %g", INT32_MAX, bytes);
  r->body = ra_mem_alloc((size_t)bytes, 1);
  if (!r->body) return RA_ERR_MEMORY;
  r->room = (size_t)bytes;
  go_on(s, r, ACCEPTED);
  return RA_OK;
}

/* Adds "NAME: VALUE" lines to an answer. */
static int32_t add_fields(struct MHD_Response *response, const char *lines) {
  while (*lines) {
    char name[64], value[1024];
    size_t length = strcspn(lines, "\n");
    int end = 0;
    if (length >= sizeof value || sscanf(lines, "%63[^:\n]: %1023[^\n]%n", name, value, &end) != 2 || (size_t)end != length)
      return ra_fail(RA_ERR_ARG, "a field of an answer is a line NAME: VALUE, given '%.*s'", (int)(length < 80 ? length : 80), lines);
    if (MHD_add_response_header(response, name, value) != MHD_YES)
      return ra_fail(RA_ERR_ARG, "libmicrohttpd refuses the field '%s: %s'", name, value);
    lines += length + (lines[length] == '\n');
  }
  return MHD_add_response_header(response, "Connection", "close") == MHD_YES ? RA_OK : RA_ERR_MEMORY;
}

int32_t ra_request_answer(ra_server *s, int32_t number, int32_t status, const char *fields, const void *body, double size) {
  request *r = waiting(s, number);
  if (!r) return RA_ERR_STATE;
  if (status < 200 || status > 599) return ra_fail(RA_ERR_ARG, "the status of an answer is 200 to 599, given %d", status);
  if (!(size >= 0 && size <= INT32_MAX)) return ra_fail(RA_ERR_ARG, "an answer has 0 to %d bytes, given %g", INT32_MAX, size);
  union { const void *given; void *plain; } text = {body}; /* it is copied */
  struct MHD_Response *response = MHD_create_response_from_buffer((size_t)size, text.plain, MHD_RESPMEM_MUST_COPY);
  if (!response) return ra_fail(RA_ERR_MEMORY, "no memory for an answer of %.0f bytes", size);
  int32_t code = add_fields(response, fields);
  if (code != RA_OK) {
    MHD_destroy_response(response);
    return code;
  }
  r->response = response;
  r->status = status;
  go_on(s, r, ANSWERING);
  return RA_OK;
}
