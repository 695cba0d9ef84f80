/* How much contrast agent a frame of a film shows: darkness at the scale of vessels, relative to the brightness around it.
 *   x   the frame as it is shown, 0..1, grey; shrunk to 256 pixels on the shorter side where that is larger
 *   s   x blurred with sigma = D/340, b   x blurred with sigma = D/42, D the shorter side (of 512 pixels: 1.5 and 12.2)
 *   m   sum of max(0, b - s) over the pixels / sum of b
 * Vessels, which are dark and narrower than D/20, add to it; bones, diaphragm and the edge of the collimator add nearly the same in all
 * frames, and brightness that changes from frame to frame cancels. The best frame is the first with the largest m. */
#include <math.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../file/file.h"
#include "codec.h"

enum { SIDE = 256 };

/* a [own] is given up for the next picture; NULL goes through. */
static ra_tensor *then(ra_tensor *a, ra_tensor *b) {
  ra_tensor_release(a);
  return b;
}

static ra_tensor *small_grey(ra_tensor *x) {
  if (x && x->dim[0] > 1) x = then(x, ra_image_grey(x, RA_GREY_BT601));
  if (!x) return NULL;
  int32_t H = x->dim[1], W = x->dim[2], D = H < W ? H : W;
  if (D <= SIDE) return x;
  double k = (double)SIDE / D;
  return then(x, ra_image_resize(x, (int32_t)fmax(1, H * k + 0.5), (int32_t)fmax(1, W * k + 0.5), RA_RESIZE_AREA));
}

/* *m <- the measure of x [own]. */
static int32_t measure(ra_tensor *x, double *m) {
  x = small_grey(x);
  if (!x) return ra_error_code();
  double D = x->dim[1] < x->dim[2] ? x->dim[1] : x->dim[2], dark = 0, all = 0;
  ra_tensor *s = ra_image_blur(x, D / 340), *b = s ? ra_image_blur(x, D / 42) : NULL;
  for (int32_t i = 0; b && i < b->size; i++) {
    dark += fmax(0, (double)b->data[i] - (double)s->data[i]);
    all += (double)b->data[i];
  }
  *m = all > 0 ? dark / all : 0;
  int32_t code = b ? RA_OK : ra_error_code();
  ra_tensor_release(x);
  ra_tensor_release(s);
  ra_tensor_release(b);
  return code;
}

static ra_tensor *of_bytes(const char *path, const uint8_t *bytes, size_t size) {
  ra_pixels header;
  if (ra_pixels_decode(path, bytes, size, 0, true, &header) != RA_OK) return NULL;
  int32_t frames = header.details.frames, code = RA_OK;
  ra_pixels_free(&header);
  ra_tensor *list = ra_tensor_new(1, &frames);
  for (int32_t f = 0; list && code == RA_OK && f < frames; f++) {
    double m = 0;
    code = measure(ra_image_load_frame(bytes, (double)size, f), &m);
    if (code == RA_OK) list->data[f] = (ra_real)m;
    else ra_fail_in(code, "%s: frame %d", path, f);
  }
  if (code == RA_OK) return list;
  ra_tensor_release(list);
  return NULL;
}

ra_tensor *ra_image_contrast(const char *path) {
  uint8_t *bytes;
  size_t size;
  if (ra_file_read(path, RA_LIMIT_IMAGE_FILE, &bytes, &size) != RA_OK) return NULL;
  ra_tensor *list = of_bytes(path, bytes, size);
  ra_mem_free(bytes);
  return list;
}

ra_tensor *ra_image_contrast_bytes(const void *bytes, double size) {
  if (size >= 0 && size <= RA_LIMIT_IMAGE_FILE) return of_bytes("image", bytes, (size_t)size);
  ra_fail(RA_ERR_ARG, "image: %.0f bytes given, at most %d are read", size, RA_LIMIT_IMAGE_FILE);
  return NULL;
}

int32_t ra_image_best_frame(const char *path, int32_t *frame) {
  ra_tensor *m = ra_image_contrast(path);
  if (!m) return ra_error_code();
  *frame = 0;
  for (int32_t f = 1; f < m->size; f++)
    if (m->data[f] > m->data[*frame]) *frame = f;
  ra_tensor_release(m);
  return RA_OK;
}
