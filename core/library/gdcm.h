/* ramus_gdcm.so, the part of Ramus that is written in C++ for GDCM (core/dicom/gdcm.cpp), opened when it is first needed (dl.h). */
#ifndef RA_DL_GDCM_H
#define RA_DL_GDCM_H

#include <stddef.h>
#include <stdint.h>

/* A stream of JPEG, whose own header says the same; kind: 0 grey, 1 RGB, 2 YCbCr. */
typedef struct ra_gdcm_image {
  const uint8_t *bytes;
  size_t size;
  int32_t width, height, samples, bits, kind;
} ra_gdcm_image;

/* out[H,W,samples]: a byte each, two in this machine's order above 8 bits. 0, or 1 for a broken stream. */
int32_t ra_gdcm_jpeg(const ra_gdcm_image *image, void *out);

#ifndef __cplusplus
#include "dl.h"

#define RA_GDCM_CALLS(f) f(ra_gdcm_jpeg)

extern struct ra_gdcm {
  RA_GDCM_CALLS(RA_DL_MEMBER)
} ra_gdcm;

/* Beside the executable or libramus.so, in `release` there, or in lib/ramus of an installation. */
int32_t ra_gdcm_open(void);

#ifndef RA_DL_C /* dl.c itself needs the names */
#define ra_gdcm_jpeg ra_gdcm.ra_gdcm_jpeg
#endif
#endif

#endif
