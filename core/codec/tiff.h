/* tiff.h: shared by tiff.c (the header), tiff_pages.c (the list of pages) and tiff_pixels.c (the samples). */
#ifndef RA_IMAGE_TIFF_H
#define RA_IMAGE_TIFF_H

#include "../library/tiff.h"
#include "codec.h"

/* One page that is being read. The first group is what libtiff's callbacks need, the second what the header says. */
typedef struct ra_tiff_page {
  TIFF *tiff;
  const uint8_t *bytes;
  size_t size, at;
  bool strict;       /* warnings are failures: set while samples are decoded, where they say that samples were guessed */
  char message[200]; /* the first failure */
  ra_pixels *picture;

  int32_t samples, bits, format; /* per pixel; per sample; SAMPLEFORMAT_ */
  int32_t photometric, compression;
  bool separate;     /* a plane for each sample */
  int32_t colours;   /* the first samples of a pixel are its colour: 1, 3, or 4 inks */
  int32_t alpha;     /* the sample that is alpha; -1: none */
  bool associated;   /* colours were multiplied by alpha */
  bool by_library;   /* libtiff makes RGB of it: colours that are subsampled, old JPEG */
  double most;       /* samples that the file can hold */
} ra_tiff_page;

/* *frames <- how many pages the file has. Refuses pages beyond its end, in a loop, or with more data than it has. */
int32_t ra_tiff_pages(const uint8_t *bytes, size_t size, int32_t *frames);
/* Are the samples numbers (signed, real, more than 16 bits), not levels? */
bool ra_tiff_is_number(const ra_tiff_page *t);
/* Decodes into t->picture, whose size and max_value are set; the failure's message is ready. */
int32_t ra_tiff_read(ra_tiff_page *t);

#endif
