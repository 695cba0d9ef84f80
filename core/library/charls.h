/* CharLS (JPEG-LS), opened when it is first needed (dl.h). Its functions keep their names, which are macros here; before the
 * first call: RA_TRY(ra_charls_open()). */
#ifndef RA_DL_CHARLS_H
#define RA_DL_CHARLS_H

#include <charls/charls.h>

#include "dl.h"

#define RA_CHARLS_CALLS(f) \
  f(charls_get_error_message) f(charls_jpegls_decoder_create) f(charls_jpegls_decoder_decode_to_buffer) \
  f(charls_jpegls_decoder_destroy) f(charls_jpegls_decoder_get_destination_size) \
  f(charls_jpegls_decoder_get_frame_info) f(charls_jpegls_decoder_get_interleave_mode) \
  f(charls_jpegls_decoder_read_header) f(charls_jpegls_decoder_set_source_buffer)

extern struct ra_charls {
  RA_CHARLS_CALLS(RA_DL_MEMBER)
} ra_charls;

int32_t ra_charls_open(void);

#ifndef RA_DL_C /* dl.c itself needs the names */
#define charls_get_error_message ra_charls.charls_get_error_message
#define charls_jpegls_decoder_create ra_charls.charls_jpegls_decoder_create
#define charls_jpegls_decoder_decode_to_buffer ra_charls.charls_jpegls_decoder_decode_to_buffer
#define charls_jpegls_decoder_destroy ra_charls.charls_jpegls_decoder_destroy
#define charls_jpegls_decoder_get_destination_size ra_charls.charls_jpegls_decoder_get_destination_size
#define charls_jpegls_decoder_get_frame_info ra_charls.charls_jpegls_decoder_get_frame_info
#define charls_jpegls_decoder_get_interleave_mode ra_charls.charls_jpegls_decoder_get_interleave_mode
#define charls_jpegls_decoder_read_header ra_charls.charls_jpegls_decoder_read_header
#define charls_jpegls_decoder_set_source_buffer ra_charls.charls_jpegls_decoder_set_source_buffer
#endif

#endif
