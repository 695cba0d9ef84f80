/* loss.h: functions and constants shared by the losses.
 *
 * A loss is an op (core/op/op.h) with the inputs prediction, mask, teacher, inside, weight in that order, an output of
 * rank 0 and a gradient to the prediction only. It ignores mask or teacher where it does not need it. Its first
 * parameter says whether prediction and teacher hold logits or probabilities. K > 1 channels against a label map are K exclusive
 * classes (classes.h); otherwise every number is a pixel of its own, K channels against K planes K independent classes.
 *
 * inside and weight are optional, [shape of the prediction]. The weight w of a pixel is
 *   w = 0 where inside < 0.5, else weight, or 1 without a weight
 * and multiplies its term in every sum over pixels, numerator and denominator alike: a mean of f is sum(w f) / sum(w), an area is sum(w).
 * A pixel of weight 0 is in no sum and has no gradient, whatever its values are (NaN too). Without both inputs the sums are
 * those over all pixels.
 *
 * Pixels are processed in chunks of a fixed length, each in tiles that stay in the first cache; sums are computed in double,
 * per chunk, and added in the order of the chunks, so that no bit depends on the number of threads. */
#ifndef RA_LOSS_H
#define RA_LOSS_H

#include "../op/op.h"

enum { RA_PREDICTION, RA_MASK, RA_TEACHER, RA_INSIDE, RA_WEIGHT }; /* inputs */
enum { RA_LOSS_INPUT = 0 };                       /* slot of the parameter `input` */
enum { RA_INPUT_LOGITS, RA_INPUT_PROB };
enum { RA_TILE = 512, RA_LOSS_CHUNK = 8192 };     /* pixels */

/* Fields that are the same in the table of every loss. */
#define RA_LOSS_TABLE                                            \
  .inputs = "prediction,mask?,teacher?,inside?,weight?",         \
  .flags = RA_OP_LOSS,                                           \
  .no_grad = 1 << RA_MASK | 1 << RA_TEACHER | 1 << RA_INSIDE | 1 << RA_WEIGHT
enum { RA_READS_WEIGHTS = RA_READS_IN3 | RA_READS_IN4 };

/* The loops of the losses are independent from one pixel to the next. (In
 * double they call libm and stay as they are.) */
#define RA_SIMD_TEXT(x) _Pragma(#x)
#ifdef RA_DOUBLE
#define RA_SIMD
#define RA_SIMD_SUM(...)
#else
#define RA_SIMD RA_SIMD_TEXT(omp simd)
#define RA_SIMD_SUM(...) RA_SIMD_TEXT(omp simd reduction(+ : __VA_ARGS__))
#endif

#define RA_PARAM_INPUT \
  {.name = "input", .kind = RA_PARAM_CHOICE, .default_value = RA_INPUT_LOGITS, .choices = "logits|prob", \
   .help = "what prediction and teacher hold"}

#define RA_PARAM_SMOOTHING \
  {.name = "smoothing", .kind = RA_PARAM_NUMBER, .default_value = 0, .low = 0, .high = 1, .live = true, \
   .help = "label smoothing: this share of each target is spread over all classes (of one channel: foreground and background)"}

/* ---- one tile of Bernoulli distributions ---- */

/* p = sigmoid(u), q = 1 - p, and their logarithms, each to full relative
 * precision on both sides (at u = 30, q is 9.4e-14 and not 0). */
typedef struct ra_bernoulli {
  ra_real p[RA_TILE], q[RA_TILE], lp[RA_TILE], lq[RA_TILE];
} ra_bernoulli;

/* From u = scale * z, n <= RA_TILE; the logarithms only if requested. */
void ra_bernoulli_logit(int32_t n, const ra_real *z, ra_real scale, bool logs, ra_bernoulli *b);
/* From probabilities. A logarithm of 0 counts as -100 (as PyTorch's binary_cross_entropy). */
void ra_bernoulli_prob(int32_t n, const ra_real *x, bool logs, ra_bernoulli *b);
/* By the parameter `input` of the call. */
void ra_bernoulli_input(const ra_call *c, int32_t n, const ra_real *x, bool logs, ra_bernoulli *b);

/* exp and log of a tile in place; x^power (x > 0) and sigmoid(x) into y. */
void ra_tile_exp(int32_t n, ra_real *x);
void ra_tile_log(int32_t n, ra_real *x);
void ra_tile_pow(int32_t n, const ra_real *x, ra_real power, ra_real *y);
void ra_tile_sigmoid(int32_t n, const ra_real *x, ra_real *y);

/* Turns a gradient with respect to the logit of the prediction into one with
 * respect to the prediction: nothing to do for logits; g / max(p q, 1e-12) for probabilities. */
void ra_from_logit(const ra_call *c, int32_t n, const ra_bernoulli *b, ra_real *g);
/* The same for a gradient with respect to the probability: g * p q for logits. */
void ra_from_prob(const ra_call *c, int32_t n, const ra_bernoulli *b, ra_real *g);

/* dx (+)= scale * g; returns the sum of squares of scale * g. dx may be NULL. */
double ra_loss_store(bool add, int32_t n, ra_real scale, const ra_real *g, ra_real *dx);

/* ---- weights of pixels ---- */

bool ra_loss_weighted(const ra_call *c); /* inside or weight is given */
/* The weights of n <= RA_TILE pixels from `first`, written to w; NULL where neither input is given: all are 1. */
const ra_real *ra_loss_weights(const ra_call *c, int64_t first, int32_t n, ra_real *w);
/* v[i] = w[i] * v[i], 0 where w[i] is 0; w NULL: nothing. */
void ra_loss_weigh(int32_t n, const ra_real *w, ra_real *v);

/* ---- infer ---- */

/* A prediction that is not empty, inside and weight of its shape; scalar output. */
int32_t ra_loss_infer(ra_call *c);
/* Fails unless the mask (the teacher) is given and has the shape of the prediction. */
int32_t ra_loss_want(const ra_call *c, int32_t k);
/* The input that a prediction is compared with: the teacher where one is given, else the mask. */
int32_t ra_loss_target(const ra_call *c);

/* Planes that a loss looks at one by one: unit u (image by image) has `size` pixels from u * size and belongs to group u % groups: of
 * [B,C,H,W] a group is one channel of the batch, or of an image; of other shapes it is the batch, or an image (the first dimension). */
typedef struct ra_loss_planes {
  int32_t units, groups, size;
} ra_loss_planes;
ra_loss_planes ra_loss_planes_of(const ra_call *c, bool by_image);

/* ---- losses that are a mean over pixels (pixel.c) ---- */

/* n <= RA_TILE pixels; y, t are NULL where mask or teacher is absent. Fills
 * value (the loss of each pixel, without its weight) or grad (its derivative with respect to x); the other is NULL. */
typedef void ra_pixel_fn(const ra_call *c, int32_t n, const ra_real *x, const ra_real *y, const ra_real *t,
                         ra_real *value, ra_real *grad);
/* infer of such a loss that compares with input k, RA_MASK or RA_TEACHER */
int32_t ra_pixel_infer(ra_call *c, int32_t k);
void ra_pixel_forward(ra_call *c, ra_pixel_fn *fn);
void ra_pixel_backward(ra_call *c, ra_pixel_fn *fn);

/* Cross-entropy against the target h of each pixel, as value or grad: -front h log p - (1 - h) log(1 - p). s has the
 * logarithms where value is wanted. */
void ra_cross_entropy(const ra_call *c, int32_t n, const ra_bernoulli *s, const ra_real *h, ra_real front, ra_real *value,
                      ra_real *grad);

/* Label smoothing of one channel: (1 - s) y + s / 2, written to h; y itself where s is 0. */
const ra_real *ra_loss_smooth(int32_t n, ra_real s, const ra_real *y, ra_real *h);

#define RA_PIXEL_LOSS(fn) \
  static void forward(ra_call *c) { ra_pixel_forward(c, fn); } \
  static void backward(ra_call *c) { ra_pixel_backward(c, fn); }

/* ---- losses of overlap: functions of three sums (overlap.c) ---- */

enum { RA_OVERLAP_REDUCE = 1, RA_OVERLAP_AVERAGE }; /* slots of the parameters `reduce` and `average` */
enum { RA_AVERAGE_ALL, RA_AVERAGE_FOREGROUND, RA_AVERAGE_PRESENT, RA_AVERAGE_OCCURRING };
#define RA_PARAM_REDUCE \
  {.name = "reduce", .kind = RA_PARAM_CHOICE, .default_value = 0, .choices = "batch|image", \
   .help = "batch: sums over the whole batch; image: the mean of each image's loss"}
#define RA_PARAM_AVERAGE_OF(usual) \
  {.name = "average", .kind = RA_PARAM_CHOICE, .default_value = usual, .choices = "all|foreground|present|occurring", \
   .help = "classes whose mean is the loss: all, those but the first, or those but the first (present) or any (occurring) that the mask " \
           "has"}
#define RA_PARAM_AVERAGE RA_PARAM_AVERAGE_OF(RA_AVERAGE_ALL)

/* Sums over the pixels of a batch or image, each with its weight; a loss returns its value and
 * fills in the derivatives with respect to both and p. */
typedef struct ra_overlap {
  double both, p, y, all;   /* sum of p*y, of p, of y, of the weights (of planes; classes leave it 0) */
  double d_both, d_p;
} ra_overlap;
typedef double ra_overlap_fn(const ra_call *c, ra_overlap *o);
/* Planes, or K exclusive classes (classes.h), as the shapes say. */
int32_t ra_overlap_infer(ra_call *c);
/* The same, but K planes are the mean of K losses. */
int32_t ra_overlap_infer_planes(ra_call *c);
void ra_overlap_forward(ra_call *c, ra_overlap_fn *fn);
void ra_overlap_backward(ra_call *c);

#endif
