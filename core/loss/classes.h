/* classes.h: losses of K exclusive classes.
 *
 * K > 1 logits against a label map are a softmax (ra_loss_classes):
 *   prediction, teacher [B,K,H,W]; mask [B,1,H,W], class numbers 0 to K - 1; inside, weight [B,1,H,W]
 * A pixel whose label is no class (RA_VOID, any other number, NaN) has the weight 0. With input = "prob" the K values of
 * a pixel are taken as they are: they are not divided by their sum.
 *
 * Pixels are processed in chunks of a fixed length inside one image, each in tiles of all K classes; sums are computed in
 * double, per chunk, and added in the order of the chunks (as in loss.h). A loss gives the derivative with respect to log p_k,
 * a_k; for logits the gradient is a_k - p_k sum_j a_j, for probabilities a_k / p_k. */
#ifndef RA_LOSS_CLASSES_H
#define RA_LOSS_CLASSES_H

#include "loss.h"

enum { RA_CLASSES_TILE = 64, RA_CLASSES_CHUNK = 1024 }; /* pixels */

/* One value of each pixel of a tile for each class: class k begins at k * RA_CLASSES_TILE. */
typedef ra_real ra_class_values[RA_CLASSES_MAX * RA_CLASSES_TILE];

/* n <= RA_CLASSES_TILE neighbouring pixels of one image. */
typedef struct ra_class_tile {
  int32_t classes, n;
  int64_t first, stride;           /* offset of the first pixel's class 0 in prediction and teacher; from one class to the next */
  int64_t pixel;                   /* offset in mask, inside and weight */
  int32_t label[RA_CLASSES_TILE];  /* 0 to classes - 1; 0 where weight is 0 */
  ra_real weight[RA_CLASSES_TILE];
} ra_class_tile;

/* K where the shapes of prediction and mask say that the call is one of K exclusive classes, else 0. */
int32_t ra_loss_classes(const ra_call *c);
/* set[0..n) <- 1 where pixel first, first + 1, .. of the mask is at or above a half, or a label map has a class from low to high - 1, and
 * the pixel counts; returns how many are set. */
int64_t ra_loss_set(const ra_call *c, int64_t first, int64_t n, int32_t low, int32_t high, uint8_t *set);
/* infer of what all of them share: shapes of teacher, inside and weight, rank-0 output. */
int32_t ra_classes_infer(ra_call *c);

/* ---- chunks ---- */

int32_t ra_classes_chunks(const ra_call *c); /* of the whole batch, image by image */
/* Calls visit for the tiles of a chunk in order. */
typedef void ra_class_visit(void *context, const ra_call *c, const ra_class_tile *t);
void ra_classes_each_tile(const ra_call *c, int32_t chunk, ra_class_visit *visit, void *context);
/* The tile of n pixels from pixel `at` of image b, in the order of rows. */
void ra_class_tile_at(const ra_call *c, int32_t b, int64_t at, int32_t n, ra_class_tile *t);

/* ---- one tile ---- */

/* p and, unless lp is NULL, log p of input k (prediction or teacher): softmax(scale * logits), or the probabilities; a logarithm
 * of 0 counts as -100. */
void ra_class_probabilities(const ra_call *c, const ra_class_tile *t, int32_t k, ra_real *p, ra_real *lp);
/* softmax(scale * u), u the logits of input k or the logarithms of its probabilities. */
void ra_class_soften(const ra_call *c, const ra_class_tile *t, int32_t k, ra_real scale, ra_real *p, ra_real *lp);
/* value[n] = sum over the other classes of p: 1 - p of the label, to full precision. */
void ra_class_others(const ra_class_tile *t, const ra_real *p, ra_real *others);
/* a (+)= with respect to log p, becomes the gradient with respect to logits whose softmax p is: a_k - p_k sum a. */
void ra_class_from_log(const ra_class_tile *t, const ra_real *p, ra_real *a);
/* The same, by the parameter `input`: a_k / p_k for probabilities. */
void ra_class_from_log_input(const ra_call *c, const ra_class_tile *t, const ra_real *p, ra_real *a);
/* g_k / p_k, p the probabilities that the prediction holds (at least 1e-12). */
void ra_class_per_probability(const ra_call *c, const ra_class_tile *t, ra_real *g);
/* dx (+)= scale * w g of all classes; returns the sum of squares of what was added. */
double ra_class_store(const ra_call *c, const ra_class_tile *t, ra_real scale, ra_real *g);

/* ---- losses that are a mean over pixels (class_pixel.c) ---- */

/* Fills value[n], or the gradient g with respect to the prediction; the other is NULL. share[n] is 1: what a pixel counts in
 * the mean, beside its weight. */
typedef void ra_class_pixel_fn(const ra_call *c, const ra_class_tile *t, ra_real *value, ra_real *g, ra_real *share);
int32_t ra_class_pixel_infer(ra_call *c);
void ra_class_pixel_forward(ra_call *c, ra_class_pixel_fn *fn);
void ra_class_pixel_backward(ra_call *c, ra_class_pixel_fn *fn);

/* value, or g, of -sum_k h_k log p_k. h: target of every class, NULL: the label */
void ra_class_cross_entropy(const ra_call *c, const ra_class_tile *t, const ra_real *h, ra_real *value, ra_real *g);

/* forward and backward of a loss over pixels with both forms */
#define RA_PIXEL_AND_CLASS_LOSS(fn, class_fn)                            \
  static void forward(ra_call *c) {                                      \
    if (ra_loss_classes(c)) ra_class_pixel_forward(c, class_fn);         \
    else ra_pixel_forward(c, fn);                                        \
  }                                                                      \
  static void backward(ra_call *c) {                                     \
    if (ra_loss_classes(c)) ra_class_pixel_backward(c, class_fn);        \
    else ra_pixel_backward(c, fn);                                       \
  }

/* ---- losses of overlap (class_overlap.c): the mean over classes of a function of each class's sums ---- */

int32_t ra_class_overlap_infer(ra_call *c);
void ra_class_overlap_forward(ra_call *c, ra_overlap_fn *fn);
/* The same of one function of the sums of all n classes, whose derivatives it fills in. */
typedef double ra_overlap_all_fn(const ra_call *c, int32_t n, ra_overlap *o);
void ra_class_overlap_forward_all(ra_call *c, ra_overlap_all_fn *fn);
/* Is class k one of those that the option `average` names? occurs: the mask has it. */
bool ra_class_counts(int32_t average, int32_t k, bool occurs);
void ra_class_overlap_backward(ra_call *c);

#endif
