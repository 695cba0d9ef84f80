/* libmicrohttpd, opened when it is first needed (dl.h). Its functions keep their names, which are macros here; before the
 * first call: RA_TRY(ra_microhttpd_open()). */
#ifndef RA_DL_MICROHTTPD_H
#define RA_DL_MICROHTTPD_H

#include <microhttpd.h>

#include "dl.h"

#define RA_MICROHTTPD_CALLS(f) \
  f(MHD_add_response_header) f(MHD_create_response_from_buffer) f(MHD_destroy_response) f(MHD_get_connection_info) \
  f(MHD_get_connection_values) f(MHD_queue_response) f(MHD_resume_connection) f(MHD_start_daemon) f(MHD_stop_daemon) \
  f(MHD_suspend_connection)

extern struct ra_microhttpd {
  RA_MICROHTTPD_CALLS(RA_DL_MEMBER)
} ra_microhttpd;

int32_t ra_microhttpd_open(void);

#ifndef RA_DL_C /* dl.c itself needs the names */
#define MHD_add_response_header ra_microhttpd.MHD_add_response_header
#define MHD_create_response_from_buffer ra_microhttpd.MHD_create_response_from_buffer
#define MHD_destroy_response ra_microhttpd.MHD_destroy_response
#define MHD_get_connection_info ra_microhttpd.MHD_get_connection_info
#define MHD_get_connection_values ra_microhttpd.MHD_get_connection_values
#define MHD_queue_response ra_microhttpd.MHD_queue_response
#define MHD_resume_connection ra_microhttpd.MHD_resume_connection
#define MHD_start_daemon ra_microhttpd.MHD_start_daemon
#define MHD_stop_daemon ra_microhttpd.MHD_stop_daemon
#define MHD_suspend_connection ra_microhttpd.MHD_suspend_connection
#endif

#endif
