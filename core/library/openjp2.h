/* OpenJPEG (JPEG 2000), opened when it is first needed (dl.h). Its functions keep their names, which are macros here; before the
 * first call: RA_TRY(ra_openjp2_open()). */
#ifndef RA_DL_OPENJP2_H
#define RA_DL_OPENJP2_H

#include <openjpeg.h>

#include "dl.h"

#define RA_OPENJP2_CALLS(f) \
  f(opj_create_decompress) f(opj_decode) f(opj_destroy_codec) f(opj_end_decompress) f(opj_image_destroy) \
  f(opj_read_header) f(opj_set_default_decoder_parameters) f(opj_set_error_handler) f(opj_setup_decoder) \
  f(opj_stream_create) f(opj_stream_destroy) f(opj_stream_set_read_function) f(opj_stream_set_seek_function) \
  f(opj_stream_set_skip_function) f(opj_stream_set_user_data) f(opj_stream_set_user_data_length)

extern struct ra_openjp2 {
  RA_OPENJP2_CALLS(RA_DL_MEMBER)
} ra_openjp2;

int32_t ra_openjp2_open(void);

#ifndef RA_DL_C /* dl.c itself needs the names */
#define opj_create_decompress ra_openjp2.opj_create_decompress
#define opj_decode ra_openjp2.opj_decode
#define opj_destroy_codec ra_openjp2.opj_destroy_codec
#define opj_end_decompress ra_openjp2.opj_end_decompress
#define opj_image_destroy ra_openjp2.opj_image_destroy
#define opj_read_header ra_openjp2.opj_read_header
#define opj_set_default_decoder_parameters ra_openjp2.opj_set_default_decoder_parameters
#define opj_set_error_handler ra_openjp2.opj_set_error_handler
#define opj_setup_decoder ra_openjp2.opj_setup_decoder
#define opj_stream_create ra_openjp2.opj_stream_create
#define opj_stream_destroy ra_openjp2.opj_stream_destroy
#define opj_stream_set_read_function ra_openjp2.opj_stream_set_read_function
#define opj_stream_set_seek_function ra_openjp2.opj_stream_set_seek_function
#define opj_stream_set_skip_function ra_openjp2.opj_stream_set_skip_function
#define opj_stream_set_user_data ra_openjp2.opj_stream_set_user_data
#define opj_stream_set_user_data_length ra_openjp2.opj_stream_set_user_data_length
#endif

#endif
