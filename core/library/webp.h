/* libwebp, opened when it is first needed (dl.h). Its functions keep their names, which are macros here; before the
 * first call: RA_TRY(ra_webp_open()). */
#ifndef RA_DL_WEBP_H
#define RA_DL_WEBP_H

#include <webp/decode.h>

#include "dl.h"

#define RA_WEBP_CALLS(f) \
  f(WebPDecodeRGBAInto) f(WebPDecodeRGBInto) f(WebPGetFeaturesInternal)

extern struct ra_webp {
  RA_WEBP_CALLS(RA_DL_MEMBER)
} ra_webp;

int32_t ra_webp_open(void);

#ifndef RA_DL_C /* dl.c itself needs the names */
#define WebPDecodeRGBAInto ra_webp.WebPDecodeRGBAInto
#define WebPDecodeRGBInto ra_webp.WebPDecodeRGBInto
#define WebPGetFeaturesInternal ra_webp.WebPGetFeaturesInternal
#endif

#endif
