/* dicom.h: DICOM files (PS3.5), as far as their pixels go: the elements of the header that say what the pixels are, and the cells
 * of one frame. What is not in the list below is stepped over, so that a patient's name never leaves the file. */
#ifndef RA_DICOM_DICOM_H
#define RA_DICOM_DICOM_H

#include <stddef.h>

#include "../ramus.h"

/* The elements that are read. */
#define RA_DICOM_ELEMENTS(f) \
  f(TRANSFER_SYNTAX, 0x00020010) f(MODALITY, 0x00080060) f(IMAGER_SPACING, 0x00181164) f(REGION_FORMAT, 0x00186012) \
  f(REGION_UNITS_X, 0x00186024) f(REGION_UNITS_Y, 0x00186026) f(REGION_DELTA_X, 0x0018602c) f(REGION_DELTA_Y, 0x0018602e) \
  f(SAMPLES, 0x00280002) f(PHOTOMETRIC, 0x00280004) f(PLANAR, 0x00280006) f(FRAMES, 0x00280008) f(ROWS, 0x00280010) \
  f(COLUMNS, 0x00280011) f(PIXEL_SPACING, 0x00280030) f(ALLOCATED, 0x00280100) f(STORED, 0x00280101) f(HIGH_BIT, 0x00280102) \
  f(SIGNED, 0x00280103) f(WINDOW_CENTER, 0x00281050) f(WINDOW_WIDTH, 0x00281051) f(WINDOW_FUNCTION, 0x00281056) \
  f(INTERCEPT, 0x00281052) f(SLOPE, 0x00281053) f(RED, 0x00281101) f(GREEN, 0x00281102) f(BLUE, 0x00281103) \
  f(RED_DATA, 0x00281201) f(GREEN_DATA, 0x00281202) f(BLUE_DATA, 0x00281203) f(LUT, 0x00283002) f(LUT_DATA, 0x00283006) \
  f(OFFSETS, 0x7fe00001) f(LENGTHS, 0x7fe00002) f(PIXELS, 0x7fe00010)
#define RA_DICOM_NAME(name, tag) RA_DICOM_##name,
enum { RA_DICOM_ELEMENTS(RA_DICOM_NAME) RA_DICOM_COUNT };
#undef RA_DICOM_NAME

enum { RA_DICOM_NATIVE, RA_DICOM_RLE, RA_DICOM_JPEG, RA_DICOM_JPEG_LS, RA_DICOM_JPEG_2000, RA_DICOM_OTHER };

typedef struct ra_dicom_syntax {
  const char *uid, *name;
  int32_t codec;
  bool big, deflated;
} ra_dicom_syntax;

typedef struct ra_dicom_span {
  const uint8_t *at; /* NULL: the file has none */
  size_t size;
} ra_dicom_span;

/* A look-up table: entry i of `entries` belongs to the stored value first + i; values have `bits`. */
typedef struct ra_dicom_lut {
  ra_dicom_span data;
  int32_t entries, first, bits;
  bool wide, big; /* two bytes an entry; most significant byte first */
} ra_dicom_lut;

typedef struct ra_dicom {
  const ra_dicom_syntax *syntax;
  uint8_t *inflated; /* [own] the data set of a deflated file */
  ra_dicom_span value[RA_DICOM_COUNT];
  bool encapsulated; /* the pixels are fragments of a compressed stream */
  bool word_pixels;  /* the pixels have the VR OW: words, which big endian turns around */
  int32_t rows, columns, samples, planar, allocated, stored, high_bit, is_signed, frames;
  char photometric[20];
  double slope, intercept, window[2], spacing[2]; /* window: the numbers that become 0 and 1; spacing in mm, 0: not said */
  bool windowless;    /* the file says no window, so that it is all that the bits can hold */
  int32_t spacing_of; /* RA_SPACING_* */
  bool sigmoid;      /* the window is that of VOI LUT Function SIGMOID */
  ra_dicom_lut modality, palette[3]; /* entries 0: none */
} ra_dicom;

bool ra_dicom_is(const uint8_t *bytes, size_t size);
/* Reads the header; of values that differ from frame to frame those of `frame`. d points into bytes; ra_dicom_close always. */
int32_t ra_dicom_open(const uint8_t *bytes, size_t size, int32_t frame, ra_dicom *d);
void ra_dicom_close(ra_dicom *d);

/* ---- parts of it ---- */

/* Fills d->syntax and d->value (parse.c), then the rest (facts.c). */
int32_t ra_dicom_parse(const uint8_t *bytes, size_t size, int32_t frame, ra_dicom *d);
int32_t ra_dicom_facts(ra_dicom *d);
int32_t ra_dicom_room(const ra_dicom *d); /* all frames fit into the pixels' bytes (cells.c) */
const ra_dicom_syntax *ra_dicom_syntax_of(ra_dicom_span uid); /* NULL: unknown */
uint32_t ra_dicom_word(const uint8_t *at, int32_t bytes, bool big); /* an unsigned number of 2 or 4 bytes */
/* *out <- the k-th (from 0) of a text's numbers, separated by backslashes; false: there is none, or it is none. */
bool ra_dicom_decimal(ra_dicom_span text, int32_t k, double *out);

/* The compressed stream of a frame (frames.c): a span of the file, or of *joined [own], where it is in several fragments. */
int32_t ra_dicom_stream(const ra_dicom *d, int32_t frame, ra_dicom_span *stream, uint8_t **joined);

/* Values of a frame's bits as they are stored, cell[H,W,samples], without sign: of native pixels (cells.c), of a stream. */
void ra_dicom_native(const ra_dicom *d, int32_t frame, uint32_t *cell);
int32_t ra_dicom_rle(const ra_dicom *d, ra_dicom_span stream, uint32_t *cell);
int32_t ra_dicom_jpeg_ls(const ra_dicom *d, ra_dicom_span stream, uint32_t *cell);
int32_t ra_dicom_jpeg_2000(const ra_dicom *d, ra_dicom_span stream, uint32_t *cell);
int32_t ra_dicom_jpeg_more(const ra_dicom *d, ra_dicom_span stream, uint32_t *cell);
/* Is a stream of JPEG one of 8 bits, with a Huffman code and losses, that libjpeg reads? */
bool ra_dicom_jpeg_plain(ra_dicom_span stream);
/* values[size] <- what work(context, values) writes in a process of its own (apart.c); it returns a code, with a message. */
typedef int32_t ra_dicom_work(const void *context, uint8_t *values);
int32_t ra_dicom_apart(const char *name, ra_dicom_work *work, const void *context, uint8_t *values, size_t size);
/* Checks what a stream says of its image against the header. */
int32_t ra_dicom_fits(const ra_dicom *d, const char *what, double width, double height, double samples, double bits);
uint32_t ra_dicom_stored(const ra_dicom *d, uint32_t cell); /* the bits of a cell that are stored */
/* The number that a stored value stands for, by its sign and the modality's table or rescaling. */
double ra_dicom_number(const ra_dicom *d, uint32_t cell);
int32_t ra_dicom_signed(const ra_dicom *d, uint32_t cell);
int32_t ra_dicom_look_up(const ra_dicom_lut *t, int32_t stored);

#endif
