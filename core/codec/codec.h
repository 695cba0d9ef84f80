/* codec.h: shared by the files of core/codec. An image is decoded to ra_pixels
 * (integers as the file holds them, or real numbers) and becomes planes [C,H,W]
 * of ra_real in 0..1, on which filters and augmentation work (core/image). */
#ifndef RA_CODEC_H
#define RA_CODEC_H

#include <stddef.h>

#include "../base/limits.h"
#include "../ramus.h"

enum { RA_CURVE_NONE, RA_CURVE_LINEAR, RA_CURVE_SIGMOID };

/* A decoded image. Exactly one of sample and value is set; neither when only the header was asked for. */
typedef struct ra_pixels {
  int32_t channels, height, width; /* 1 or 3; a .npy array: any */
  int32_t bits;       /* per sample in the file */
  int32_t max_value;  /* the sample that means 1.0 */
  uint16_t *sample;   /* [H,W,C] [own] */
  ra_real *value;     /* [C,H,W] [own] real numbers; with a curve those of the file, of which details.window becomes 0..1 */
  bool borrowed;      /* value is another's */
  uint16_t *alpha;    /* [H,W] [own] max_value is opaque; NULL: the file has none */
  uint8_t *entry;     /* [H,W] [own] the pixels' entries in the file's palette, whose colours are in sample; NULL: it has none */
  int32_t entries;    /* of the palette */
  int32_t curve;      /* RA_CURVE_*: how value becomes 0..1 */
  bool inverted;      /* the larger number is the darker one (of a value with a curve) */
  bool windowless;    /* details.window is not the file's: all that its bits can hold */
  int32_t frame;      /* [in] the frame to decode, 0-based */
  bool plain_rgb;     /* [in] the three components of a JPEG without a mark of JFIF or Adobe are RGB (DICOM) */
  ra_image_details details; /* frames and metadata; the decoder sets what its format has */
} ra_pixels;

void ra_pixels_free(ra_pixels *p);
/* Is there such a channel, 1-based? 0: all of them; 4: alpha. */
bool ra_pixels_has_channel(const ra_pixels *p, int32_t channel);

/* Sets the size. `most`: upper bound on the samples that the file's bytes can encode; a header that declares more is
 * rejected before allocation. Allocates sample unless header_only. */
int32_t ra_pixels_size(ra_pixels *p, int32_t channels, double width, double height, double most, bool header_only);

/* The orientation (1 to 8) in EXIF data, a TIFF header and its first folder, with "Exif\0\0" before it or without; 0: none. */
int32_t ra_exif_orientation(const uint8_t *bytes, size_t size);
/* Turns the pixels as details.orientation says (orient.c). */
int32_t ra_pixels_orient(ra_pixels *p);

/* An image on its way to a file. Rows are made when they are written, so that nothing of its size is held beside the tensors. */
typedef struct ra_rows {
  int32_t channels, height, width; /* channels: 1 or 3 */
  int32_t bits;                    /* a sample has 8 or 16 */
  const char *mark;                /* [opt] the text of a PNG's chunk "raMK" */
  const ra_image_out *from;        /* its tensors are contiguous */
} ra_rows;
void ra_rows_make(const ra_rows *r, int32_t y, uint16_t *to); /* the samples of row y, [W,C] */

/* One codec. The decoder sees the whole file; a format with several frames decodes out->frame and sets out->details.frames.
 * It leaves the pixels as they lie in the file and says details.orientation: ra_pixels_decode turns them. */
typedef struct ra_image_format {
  const char *name;
  const char *extensions;       /* of files that are read, separated by blanks */
  const char *reads, *writes;   /* for the reference page */
  const char *write_extensions; /* NULL: not written */
  bool (*is)(const uint8_t *bytes, size_t size);
  int32_t (*decode)(const uint8_t *bytes, size_t size, bool header_only, ra_pixels *out);
  int32_t (*check)(const uint8_t *bytes, size_t size); /* NULL: the file is decoded. Header and end are whole, without decoding */
  int32_t (*write)(const ra_rows *r, const char *path);
} ra_image_format;

const ra_image_format *ra_image_format_at(int32_t i); /* NULL beyond the last */
extern const ra_image_format ra_image_jpeg; /* other formats hold JPEG */

/* Finds the format by content and decodes one frame; messages begin with `where`. out needs ra_pixels_free on success only. */
int32_t ra_pixels_decode(const char *where, const uint8_t *bytes, size_t size, int32_t frame, bool header_only, ra_pixels *out);
int32_t ra_pixels_read(const char *path, int32_t frame, bool header_only, ra_pixels *out);

/* Brings the numbers to 0..1 as the source declares (scale.c); where nothing is declared, only judges them. */
int32_t ra_pixels_scale(ra_pixels *p, const ra_source *source, ra_image_report *report);
int32_t ra_pixels_unclear(const ra_image_report *report); /* a message where the scale is not clear, with what to declare */
double ra_pixels_coloured(const ra_pixels *p); /* ra_image_report.coloured of pixels that are scaled */
int32_t ra_pixels_is_image(const ra_pixels *p); /* 1 or 3 channels, or a message */
ra_image_details ra_pixels_details(const ra_pixels *p); /* details, with size and bits */

/* Bytes of a well known kind that is not read (foreign.c): what it is, and what to do. */
bool ra_image_foreign(const uint8_t *bytes, size_t size, const char **name, const char **cure);

/* A number of value in 0..1, by curve and window. */
double ra_pixels_shown(const ra_pixels *p, double number);
/* data[C,H,W] in 0..1 from decoded pixels. */
void ra_pixels_planes(const ra_pixels *p, ra_real *data);
/* The number that the file holds (not divided by max_value) for pixel i: of a channel (1-based, 4: alpha), or, for 0, the palette's
 * entry, else the first channel's. */
double ra_pixels_number(const ra_pixels *p, size_t i, int32_t channel);
/* mask[H,W] 0 or 1 as the source declares; label[H,W] class numbers and RA_VOID (mask.c). */
int32_t ra_pixels_mask(const ra_pixels *p, const ra_source *source, ra_real *mask, ra_mask_report *report);
int32_t ra_pixels_label(const ra_pixels *p, const ra_source *source, ra_real *label);
/* Everything but ones, voids and refused, of the source's channel and of pixels that it does not call void (facts.c). */
int32_t ra_pixels_facts(const ra_pixels *p, const ra_source *source, ra_mask_facts *out);
bool ra_pixels_void(const ra_pixels *p, const ra_source *source, size_t i); /* the rules call pixel i void */
/* Pixel i in units of 0..255 of one channel (1-based) or the mean of all (0), before rounding; *coloured when these differ. */
double ra_pixels_level(const ra_pixels *p, size_t i, int32_t channel, bool *coloured);
uint32_t ra_pixels_colour(const ra_pixels *p, size_t i); /* r << 16 | g << 8 | b, of 8 bits each */

#endif
