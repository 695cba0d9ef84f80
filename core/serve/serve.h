/* A page for this machine alone: HTTP at 127.0.0.1 through libmicrohttpd. Its thread reads and writes sockets; whoever answers polls
 * (requests.c) and is never called. Every connection brings one request and is then closed.
 *
 *   COMING -> HEAD -> answered                         its head has come, it waits for the one who polls
 *                  -> ACCEPTED -> BODY -> WHOLE -> answered    it was let in, its body comes, it waits again
 *   answered: ANSWERING -> LEAVING                     the answer is made, it is being sent
 *
 * While a connection waits (HEAD, WHOLE) libmicrohttpd has it suspended and touches nothing of it. */
#ifndef RA_SERVE_H
#define RA_SERVE_H

#include <pthread.h>

#include "../library/microhttpd.h"

typedef enum stage { FREE, COMING, HEAD, ACCEPTED, BODY, WHOLE, ANSWERING, LEAVING, DROPPED } stage;

enum { SERVE_CONNECTIONS_MOST = 64 };

typedef struct request {
  stage stage;
  int32_t number;                    /* by which the one who polls knows it; 0 before its head has come */
  struct MHD_Connection *connection;
  int fd;                            /* -1 where it was shut down */
  double deadline;                   /* by ra_clock */
  char method[16], path[256];        /* "" where they are longer */
  uint8_t *body;                     /* [own] room bytes */
  size_t room, size;
  int32_t status;
  struct MHD_Response *response;     /* [own] */
} request;

struct ra_server {
  pthread_mutex_t mutex;             /* over all requests */
  pthread_cond_t came;
  struct MHD_Daemon *daemon;
  ra_server_limits limits;
  int32_t port, last;                /* last: the number that was given last */
  request request[SERVE_CONNECTIONS_MOST];
};

/* What libmicrohttpd calls, in its thread. */
enum MHD_Result ra_serve_on_request(void *server, struct MHD_Connection *c, const char *path, const char *method, const char *version,
                                    const char *data, size_t *size, void **context);
void ra_serve_on_end(void *server, struct MHD_Connection *c, void **context, enum MHD_RequestTerminationCode why);
void ra_serve_on_connection(void *server, struct MHD_Connection *c, void **context, enum MHD_ConnectionNotificationCode what);

/* Gives up what a request holds. */
void ra_serve_forget(request *r);

#endif
