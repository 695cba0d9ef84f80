/* libcurl, opened when it is first needed (dl.h). Its functions keep their names, which are macros here; before the
 * first call: RA_TRY(ra_curl_open()). */
#ifndef RA_DL_CURL_H
#define RA_DL_CURL_H

#define CURL_DISABLE_TYPECHECK /* it wraps curl_easy_setopt in a macro of its own */
#include <curl/curl.h>

#include "dl.h"

#undef curl_easy_setopt
#define RA_CURL_CALLS(f) \
  f(curl_easy_cleanup) f(curl_easy_init) f(curl_easy_reset) f(curl_easy_setopt) f(curl_easy_strerror) \
  f(curl_global_init) f(curl_multi_add_handle) f(curl_multi_cleanup) f(curl_multi_info_read) f(curl_multi_init) \
  f(curl_multi_perform) f(curl_multi_poll) f(curl_multi_remove_handle) f(curl_slist_append) \
  f(curl_slist_free_all)

extern struct ra_curl {
  RA_CURL_CALLS(RA_DL_MEMBER)
} ra_curl;

int32_t ra_curl_open(void);

#ifndef RA_DL_C /* dl.c itself needs the names */
#define curl_easy_cleanup ra_curl.curl_easy_cleanup
#define curl_easy_init ra_curl.curl_easy_init
#define curl_easy_reset ra_curl.curl_easy_reset
#define curl_easy_setopt ra_curl.curl_easy_setopt
#define curl_easy_strerror ra_curl.curl_easy_strerror
#define curl_global_init ra_curl.curl_global_init
#define curl_multi_add_handle ra_curl.curl_multi_add_handle
#define curl_multi_cleanup ra_curl.curl_multi_cleanup
#define curl_multi_info_read ra_curl.curl_multi_info_read
#define curl_multi_init ra_curl.curl_multi_init
#define curl_multi_perform ra_curl.curl_multi_perform
#define curl_multi_poll ra_curl.curl_multi_poll
#define curl_multi_remove_handle ra_curl.curl_multi_remove_handle
#define curl_slist_append ra_curl.curl_slist_append
#define curl_slist_free_all ra_curl.curl_slist_free_all
#endif

#endif
