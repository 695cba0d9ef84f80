/* The server: its socket at 127.0.0.1, its start, its end, and waiting for a request. Nobody from another machine reaches the socket; who
 * is slow is shut out when his time is over, and sooner where others wait for his place. */
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../base/system.h"
#include "serve.h"

enum { HEAD_BYTES = 64 << 10 }; /* of a connection: the head, and the piece of the body that is at hand */

static const double SLICE = 0.1, CROWDED = 1; /* seconds between two looks at signals; for a head where all places are taken */

static int32_t check(int32_t port, const ra_server_limits *l) {
  if (port < 0 || port > 65535) return ra_fail(RA_ERR_ARG, "a port is a number from 1 to 65535, or 0 for a free one; given %d", port);
  if (l->connections < 1 || l->connections > SERVE_CONNECTIONS_MOST)
    return ra_fail(RA_ERR_ARG, "a server has 1 to %d connections at a time, given %d", SERVE_CONNECTIONS_MOST, l->connections);
  if (!(l->head_seconds > 0 && l->head_seconds <= 86400 && l->seconds >= 1 && l->seconds <= 86400))
    return ra_fail(RA_ERR_ARG, "a server waits above 0 to 86400 seconds for a head and 1 to 86400 for the rest, given %g and %g",
                   l->head_seconds, l->seconds);
  return RA_OK;
}

/* A socket that listens at 127.0.0.1, its port written back. */
static int32_t listen_at(int32_t *port, int *out) {
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)*port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof here;
  int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd >= 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
      setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 && bind(fd, (struct sockaddr *)&here, size) == 0 &&
      listen(fd, SOMAXCONN) == 0 && getsockname(fd, (struct sockaddr *)&here, &size) == 0) {
    *port = ntohs(here.sin_port);
    *out = fd;
    return RA_OK;
  }
  int why = errno;
  if (fd >= 0) close(fd);
  if (why == EADDRINUSE)
    return ra_fail(RA_ERR_EXISTS, "port %d of 127.0.0.1 is taken by another program; choose another, or 0 for a free one", *port);
  return ra_fail(RA_ERR_IO, "port %d of 127.0.0.1 cannot be listened at: %s", *port, strerror(why));
}

static enum MHD_Result only_this_machine(void *unused, const struct sockaddr *address, socklen_t size) {
  const struct sockaddr_in *from = (const struct sockaddr_in *)(const void *)address;
  (void)unused;
  return size >= sizeof *from && from->sin_family == AF_INET && ntohl(from->sin_addr.s_addr) >> 24 == 127 ? MHD_YES : MHD_NO;
}

/* Signals are for the thread that polls. */
static void start(ra_server *s, int fd) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  s->daemon = MHD_start_daemon(MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, only_this_machine, NULL, ra_serve_on_request, s,
                               MHD_OPTION_LISTEN_SOCKET, (MHD_socket)fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)s->limits.connections,
                               MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)ceil(s->limits.seconds), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                               (size_t)HEAD_BYTES, MHD_OPTION_NOTIFY_COMPLETED, ra_serve_on_end, s, MHD_OPTION_NOTIFY_CONNECTION,
                               ra_serve_on_connection, s, MHD_OPTION_END);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static int32_t open_library(void) {
  int32_t code = ra_microhttpd_open();
  if (code == RA_OK) return code;
  return ra_fail_in(code, "pages are served by libmicrohttpd, which is missing here (Debian, Ubuntu: apt install libmicrohttpd12, or "
                          "libmicrohttpd12t64)");
}

ra_server *ra_server_new(int32_t port, const ra_server_limits *limits) {
  int fd = -1;
  if (check(port, limits) != RA_OK || open_library() != RA_OK || listen_at(&port, &fd) != RA_OK) return NULL;
  ra_server *s = ra_mem_zalloc(1, sizeof *s);
  if (!s) {
    close(fd);
    return NULL;
  }
  ra_system_cond_init(&s->came);
  pthread_mutex_init(&s->mutex, NULL);
  s->limits = *limits;
  s->port = port;
  start(s, fd);
  if (s->daemon) return s;
  close(fd);
  ra_server_release(s);
  ra_fail(RA_ERR_STATE, "libmicrohttpd could not start a server at port %d of 127.0.0.1", port);
  return NULL;
}

int32_t ra_server_port(const ra_server *s) { return s->port; }

/* Connections that wait are let go first: libmicrohttpd does not end with one that is suspended. */
void ra_server_release(ra_server *s) {
  if (!s) return;
  for (int32_t i = 0; s->daemon && i < SERVE_CONNECTIONS_MOST; i++) {
    request *r = &s->request[i];
    pthread_mutex_lock(&s->mutex);
    bool waits = r->stage == HEAD || r->stage == WHOLE;
    if (waits) r->stage = DROPPED;
    pthread_mutex_unlock(&s->mutex);
    if (waits) MHD_resume_connection(r->connection);
  }
  if (s->daemon) MHD_stop_daemon(s->daemon); /* and closes the socket */
  for (int32_t i = 0; i < SERVE_CONNECTIONS_MOST; i++) ra_serve_forget(&s->request[i]);
  pthread_cond_destroy(&s->came);
  pthread_mutex_destroy(&s->mutex);
  ra_mem_free(s);
}

/* ---- waiting ---- */

/* Shuts out whose time is over: libmicrohttpd then finds the connection closed. */
static void shut_out(ra_server *s) {
  double now = ra_clock();
  int32_t used = 0;
  for (int32_t i = 0; i < SERVE_CONNECTIONS_MOST; i++) used += s->request[i].stage != FREE;
  for (int32_t i = 0; i < SERVE_CONNECTIONS_MOST; i++) {
    request *r = &s->request[i];
    bool crowded = used >= s->limits.connections && r->stage == COMING;
    double deadline = crowded ? r->deadline - fmax(0, s->limits.head_seconds - CROWDED) : r->deadline;
    if (r->stage == FREE || r->fd < 0 || now < deadline) continue;
    shutdown(r->fd, SHUT_RDWR);
    r->fd = -1;
  }
}

/* The one that has waited longest. */
static int32_t first_waiting(const ra_server *s) {
  int32_t first = 0;
  for (int32_t i = 0; i < SERVE_CONNECTIONS_MOST; i++) {
    const request *r = &s->request[i];
    if ((r->stage == HEAD || r->stage == WHOLE) && (first == 0 || r->number < first)) first = r->number;
  }
  return first;
}

int32_t ra_server_wait(ra_server *s, double seconds) {
  double end = ra_clock() + seconds;
  int32_t number;
  pthread_mutex_lock(&s->mutex);
  while (shut_out(s), (number = first_waiting(s)) == 0 && ra_signal_arrived() == 0 && ra_clock() < end)
    ra_system_cond_wait(&s->came, &s->mutex, fmin(SLICE, fmax(0, end - ra_clock())));
  pthread_mutex_unlock(&s->mutex);
  return number;
}
