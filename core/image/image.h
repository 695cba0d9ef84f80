/* image.h: what the files of core/image share. A picture is decoded to
 * ra_pixels (integers as the file holds them), and turned to a tensor [C,H,W]
 * in 0..1 at the door. Filters and augmentation work on planes of ra_real. */
#ifndef RA_IMAGE_H
#define RA_IMAGE_H

#include <stddef.h>

#include "../ramus.h"

enum {
  RA_IMAGE_SIDE_MAX = 1 << 20,    /* pixels along one side */
  RA_IMAGE_SAMPLES_MAX = 1 << 28  /* pixels x channels */
};

/* A decoded picture. sample is NULL when only the header was asked for, and for formats that hold real numbers, whose
 * value is set instead. */
typedef struct ra_pixels {
  int32_t channels, height, width; /* 1 or 3; a .npy array: any */
  int32_t bits;       /* per sample in the file */
  int32_t max_value;      /* the sample that means 1.0 */
  uint16_t *sample;   /* [H,W,C] [own] */
  ra_real *value;     /* [C,H,W] [own] */
} ra_pixels;

void ra_pixels_free(ra_pixels *p);

/* Sets the size. `most` is how many samples the bytes of the file can hold at the very best: a header that promises
 * more is a lie, found here before anything is allocated. Allocates sample unless header_only. */
int32_t ra_pixels_size(ra_pixels *p, int32_t channels, double width, double height, double most, bool header_only);

/* One file format. The decoder sees the whole file. */
typedef struct ra_image_format {
  const char *name;
  bool (*is)(const uint8_t *bytes, size_t size);
  int32_t (*decode)(const uint8_t *bytes, size_t size, bool header_only, ra_pixels *out);
} ra_image_format;

extern const ra_image_format ra_image_png, ra_image_jpeg, ra_image_pnm, ra_image_npy;

/* Finds the format by content and decodes; messages begin with `where`. out needs ra_pixels_free on success only. */
int32_t ra_pixels_decode(const char *where, const uint8_t *bytes, size_t size, bool header_only, ra_pixels *out);
int32_t ra_pixels_read(const char *path, bool header_only, ra_pixels *out);

/* data[C,H,W] in 0..1 from decoded pixels; mask[H,W] 0 or 1, see ra_mask_load. */
void ra_pixels_planes(const ra_pixels *p, ra_real *data);
/* Pixel i of one channel as the number that the file holds (not divided by max_value). */
double ra_pixels_number(const ra_pixels *p, int32_t i);
void ra_pixels_mask(const ra_pixels *p, double threshold, ra_real *mask, ra_mask_report *report);

/* Writers; p->sample holds 8 or 16 bit numbers, p->max_value is 255 or 65535. */
int32_t ra_png_write(const ra_pixels *p, const char *path);
int32_t ra_pnm_write(const ra_pixels *p, const char *path);

#endif
