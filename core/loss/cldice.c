/* cldice: soft clDice (Shit, Paetzold, Sekuboyina, Ezhov, Unger, Zhylka, Pluim, Bauer, Menze, CVPR 2021), the overlap of
 * centre lines,
 *   1 - 2 tp ts / (tp + ts)     tp = (sum S(p) y + smooth) / (sum S(p) + smooth)     ts = (sum S(y) p + smooth) / (sum S(y) + smooth)
 * S is the soft skeleton (soft_skeleton.h), s_n; n = iterations: at least half the greatest width of the vessels.
 *   prediction, mask [B,C,H,W] -> rank 0; K logits against a label map (classes.h): the mean over the classes that `average` names, p the
 *   softmax, y = 1 where the label is k
 * Sums are over all planes (of classes: those of a class) of the batch, or of each image. Forward keeps x_0 to x_(n+1) and s_0 to s_n of
 * the prediction, S of the mask, and for each group the derivatives with respect to the three sums that depend on the prediction. */
#include "../base/math.h"
#include "../base/thread.h"
#include "classes.h"
#include "soft_skeleton.h"

enum { REDUCE = 1, AVERAGE, ITERATIONS, SMOOTH }; /* slots */
enum { ERODED, SKELETON, OF_MASK, SLOPES };  /* saved */
enum { SKEL_Y, SKEL, BOTH_P, BOTH_Y, SUMS }; /* sum S(y), S(p), S(p) y, S(y) p */
enum { SCRATCH = 3 };                        /* planes of area that a plane needs beside what is kept */

static const ra_param params[] = {
  RA_PARAM_INPUT,
  RA_PARAM_REDUCE,
  RA_PARAM_AVERAGE_OF(RA_AVERAGE_FOREGROUND),
  {.name = "iterations", .kind = RA_PARAM_INT, .default_value = 5, .low = 1, .high = 100,
   .help = "erosions: at least half the width of the widest vessel, in pixels"},
  {.name = "smooth", .kind = RA_PARAM_NUMBER, .default_value = 1, .low = 1e-6, .high = 1e6, .live = true,
   .help = "added above and below, in pixels"},
  {0}};

typedef struct {
  ra_call *c;
  int32_t planes, classes, levels; /* classes: K, 0 of planes; levels: iterations + 1, of the skeleton */
  int32_t groups;                  /* plane p belongs to group_of(p) */
  int64_t area;
  ra_soft_skeleton shape;
  double (*part)[SUMS];            /* [planes]; of classes, backward: [chunks] */
  ra_real *scratch;                /* [planes][SCRATCH][area] */
  int32_t chunk;
} job;

static int32_t parts_of(const ra_call *c) {
  int32_t planes = c->in[RA_PREDICTION].dim[0] * c->in[RA_PREDICTION].dim[1];
  return ra_loss_classes(c) ? ra_max(planes, ra_classes_chunks(c)) : planes;
}

static job job_of(ra_call *c) {
  const int32_t *dim = c->in[RA_PREDICTION].dim;
  job j = {.c = c, .planes = dim[0] * dim[1], .classes = ra_loss_classes(c), .levels = (int32_t)c->param[ITERATIONS] + 1};
  j.groups = (c->param[REDUCE] != 0 ? dim[0] : 1) * ra_max(j.classes, 1);
  j.area = (int64_t)dim[2] * dim[3];
  j.shape = (ra_soft_skeleton){dim[2], dim[3], j.levels};
  j.part = c->work;
  void *behind = j.part + parts_of(c);
  j.scratch = behind;
  return j;
}

/* Of planes a group is the batch or an image, of classes one class of it. */
static int32_t group_of(const job *j, int32_t plane) { return j->classes ? plane % j->groups : plane / (j->planes / j->groups); }

static int32_t infer(ra_call *c) {
  RA_TRY(ra_want_rank(c, RA_PREDICTION, 4));
  if (ra_loss_classes(c)) RA_TRY(ra_classes_infer(c));
  else {
    RA_TRY(ra_loss_want(c, RA_MASK));
    RA_TRY(ra_loss_infer(c));
  }
  const int32_t *dim = c->in[RA_PREDICTION].dim;
  job j = job_of(c);
  RA_TRY(ra_save(c, 4, (int32_t[]){j.planes, j.levels + 1, dim[2], dim[3]}));
  RA_TRY(ra_save(c, 4, (int32_t[]){j.planes, j.levels, dim[2], dim[3]}));
  RA_TRY(ra_save(c, 3, (int32_t[]){j.planes, dim[2], dim[3]}));
  RA_TRY(ra_save(c, 2, (int32_t[]){j.groups, SUMS}));
  size_t scratch = (size_t)j.planes * SCRATCH * (size_t)j.area * sizeof(ra_real);
  c->work_forward = c->work_backward = (size_t)parts_of(c) * sizeof(double[SUMS]) + scratch;
  return RA_OK;
}

/* ---- pixels ---- */

/* w <- the weights of n <= RA_TILE pixels of a plane; y unless NULL <- the mask, or 1 where the label is the plane's class; 0 where w
 * is 0. */
static void truth(const job *j, int32_t plane, int64_t at, int32_t n, ra_real *y, ra_real *w) {
  const ra_call *c = j->c;
  int32_t K = j->classes;
  int64_t first = (K ? plane / K : plane) * j->area + at;
  const ra_real *mask = c->in[RA_MASK].data + first, *given = ra_loss_weights(c, first, n, w);
  for (int32_t k = 0; !given && k < n; k++) w[k] = 1;
  if (!K && !given) {
    if (y) memcpy(y, mask, (size_t)n * sizeof *y);
    return;
  }
  for (int32_t k = 0; k < n; k++) {
    if (K && !(mask[k] >= 0 && mask[k] < (ra_real)K)) w[k] = 0;
    if (y) y[k] = w[k] == 0 ? 0 : K ? (int32_t)mask[k] == plane % K : mask[k];
  }
}

static void gather_truth(const job *j, int32_t plane, ra_real *y, ra_real *w) {
  for (int64_t i = 0; i < j->area; i += RA_TILE)
    truth(j, plane, i, (int32_t)ra_min(j->area - i, (int64_t)RA_TILE), y + i, w + i);
}

static ra_real *eroded(const job *j, int32_t plane) { return j->c->saved[ERODED].data + (int64_t)plane * (j->levels + 1) * j->area; }

/* x_0 of a plane: the probability, 0 where the weight is 0. */
static void gather_plane(const job *j, int32_t plane, ra_real *x) {
  const ra_call *c = j->c;
  for (int64_t i = 0; i < j->area; i += RA_TILE) {
    int32_t n = (int32_t)ra_min(j->area - i, (int64_t)RA_TILE);
    ra_real w[RA_TILE];
    const ra_real *z = c->in[RA_PREDICTION].data + plane * j->area + i;
    if (c->param[RA_LOSS_INPUT] == RA_INPUT_LOGITS) ra_tile_sigmoid(n, z, x + i);
    else memcpy(x + i, z, (size_t)n * sizeof *z);
    truth(j, plane, i, n, NULL, w);
    for (int32_t k = 0; k < n; k++)
      if (w[k] == 0) x[i + k] = 0;
  }
}

/* The same of all classes of a tile. */
static void gather_tile(void *context, const ra_call *c, const ra_class_tile *t) {
  const job *j = context;
  ra_class_values p;
  int32_t first = (int32_t)(t->pixel / j->area) * j->classes;
  int64_t at = t->pixel % j->area;
  ra_class_probabilities(c, t, RA_PREDICTION, p, NULL);
  for (int32_t k = 0; k < t->classes; k++)
    for (int32_t i = 0; i < t->n; i++) eroded(j, first + k)[at + i] = t->weight[i] != 0 ? p[k * RA_CLASSES_TILE + i] : 0;
}

static void gather_chunk(void *context, int32_t chunk) { ra_classes_each_tile(((const job *)context)->c, chunk, gather_tile, context); }

/* ---- forward ---- */

static void forward_plane(void *context, int32_t plane) {
  const job *j = context;
  int64_t area = j->area;
  ra_real *x = eroded(j, plane), *s = j->c->saved[SKELETON].data + plane * j->levels * area;
  ra_real *of_mask = j->c->saved[OF_MASK].data + plane * area, *mask = j->scratch + plane * SCRATCH * area;
  ra_real *w = mask + 2 * area;
  if (!j->classes) gather_plane(j, plane, x);
  ra_soft_skeleton_forward(&j->shape, x, s, area, area);
  gather_truth(j, plane, mask, w);
  ra_soft_skeleton_forward(&j->shape, mask, of_mask, 0, 0); /* its two erosions take turns: the mask's own place is lost */
  gather_truth(j, plane, mask, w);
  const ra_real *last = s + (j->levels - 1) * area;
  double sum[SUMS] = {0};
  for (int64_t i = 0; i < area; i++) {
    sum[SKEL_Y] += (double)(w[i] * of_mask[i]);
    sum[SKEL] += (double)(w[i] * last[i]);
    sum[BOTH_P] += (double)(w[i] * last[i] * mask[i]);
    sum[BOTH_Y] += (double)(w[i] * of_mask[i] * x[i]);
  }
  memcpy(j->part[plane], sum, sizeof sum);
}

/* The loss of a group from its sums, and its derivatives over `parts`, how many such losses are averaged. */
static double group_loss(const double *sum, double smooth, int32_t parts, ra_real *slope) {
  double below_p = sum[SKEL] + smooth, below_y = sum[SKEL_Y] + smooth;
  double tp = (sum[BOTH_P] + smooth) / below_p, ts = (sum[BOTH_Y] + smooth) / below_y, both = tp + ts;
  double d_tp = -2 * ts * ts / (both * both) / parts, d_ts = -2 * tp * tp / (both * both) / parts;
  slope[SKEL_Y] = 0;
  slope[SKEL] = (ra_real)(-d_tp * tp / below_p);
  slope[BOTH_P] = (ra_real)(d_tp / below_p);
  slope[BOTH_Y] = (ra_real)(d_ts / below_y);
  return 1 - 2 * tp * ts / both;
}

/* The number of pixels of each class in image `image`, or in the batch (-1). */
static void count_classes(const job *j, int32_t image, double *pixels) {
  const ra_array *y = &j->c->in[RA_MASK];
  for (int32_t k = 0; k < j->classes; k++) pixels[k] = 0;
  for (int32_t b = ra_max(image, 0); b < (image < 0 ? y->dim[0] : image + 1); b++)
    for (int64_t i = 0; i < j->area; i += RA_TILE) {
      ra_real w[RA_TILE];
      int32_t n = (int32_t)ra_min(j->area - i, (int64_t)RA_TILE);
      truth(j, b * j->classes, i, n, NULL, w);
      for (int32_t k = 0; k < n; k++)
        if (w[k] != 0) pixels[(int32_t)y->data[b * j->area + i + k]]++;
    }
}

/* The sums of group g, over its planes in order. */
static void sum_group(const job *j, int32_t g, double *sum) {
  for (int32_t k = 0; k < SUMS; k++) sum[k] = 0;
  for (int32_t i = 0; i < j->planes; i++)
    for (int32_t k = 0; k < SUMS && group_of(j, i) == g; k++) sum[k] += j->part[i][k];
}

/* The loss of an image, or of the batch, whose groups begin at `first`. */
static double loss_of(const job *j, int32_t first, int32_t parts) {
  double pixels[RA_CLASSES_MAX], sum[SUMS], loss = 0;
  int32_t n = ra_max(j->classes, 1), used = 0;
  bool in[RA_CLASSES_MAX] = {true};
  if (j->classes) count_classes(j, parts > 1 ? first / n : -1, pixels);
  for (int32_t k = 0; k < j->classes; k++) in[k] = ra_class_counts((int32_t)j->c->param[AVERAGE], k, pixels[k] > 0);
  for (int32_t k = 0; k < n; k++) used += in[k];
  for (int32_t k = 0; k < n; k++) {
    ra_real *slope = j->c->saved[SLOPES].data + (int64_t)(first + k) * SUMS;
    for (int32_t i = 0; i < SUMS; i++) slope[i] = 0;
    if (!in[k]) continue;
    sum_group(j, first + k, sum);
    loss += group_loss(sum, j->c->param[SMOOTH], used * parts, slope);
  }
  return used > 0 ? loss / used : 0;
}

static void forward(ra_call *c) {
  job j = job_of(c);
  int32_t each = ra_max(j.classes, 1), parts = j.groups / each;
  double loss = 0;
  if (j.classes) ra_parallel(ra_classes_chunks(c), gather_chunk, &j);
  ra_parallel(j.planes, forward_plane, &j);
  for (int32_t i = 0; i < parts; i++) loss += loss_of(&j, i * each, parts);
  c->out.data[0] = (ra_real)(loss / parts);
}

/* ---- backward ---- */

static void zero(int64_t n, ra_real *x) {
  for (int64_t i = 0; i < n; i++) x[i] = 0;
}

/* Stores the gradient g with respect to the probabilities of a plane; returns the sum of squares. */
static double store(const job *j, int32_t plane, const ra_real *g) {
  ra_call *c = j->c;
  ra_real *dx = c->din[RA_PREDICTION].data;
  double sum = 0;
  for (int64_t i = 0; i < j->area; i += RA_TILE) {
    int32_t n = (int32_t)ra_min(j->area - i, (int64_t)RA_TILE);
    int64_t at = plane * j->area + i;
    ra_bernoulli b;
    ra_real tile[RA_TILE], w[RA_TILE];
    memcpy(tile, g + i, (size_t)n * sizeof *g);
    ra_bernoulli_input(c, n, c->in[RA_PREDICTION].data + at, false, &b);
    ra_from_prob(c, n, &b, tile);
    truth(j, plane, i, n, NULL, w);
    for (int32_t k = 0; k < n; k++)
      if (w[k] == 0) tile[k] = 0;
    sum += ra_loss_store(c->add[RA_PREDICTION], n, c->dout.data[0], tile, dx ? dx + at : NULL);
  }
  return sum;
}

/* The gradient with respect to x_0 of a plane, in its first scratch; of planes it is stored. */
static void backward_plane(void *context, int32_t plane) {
  const job *j = context;
  const ra_call *c = j->c;
  int64_t area = j->area;
  const ra_real *x = eroded(j, plane), *s = c->saved[SKELETON].data + plane * j->levels * area;
  const ra_real *of_mask = c->saved[OF_MASK].data + plane * area, *slope = c->saved[SLOPES].data + (int64_t)group_of(j, plane) * SUMS;
  ra_real *gs = j->scratch + plane * SCRATCH * area, *now = gs + area, *next = gs + 2 * area;
  gather_truth(j, plane, gs, now);
  RA_SIMD
  for (int64_t i = 0; i < area; i++) gs[i] = now[i] * (slope[SKEL] + slope[BOTH_P] * gs[i]);
  zero(area, now);
  for (int32_t k = j->levels - 1; k >= 0; k--) { /* `now` holds what x_(k+1) got already */
    ra_real *t = next;
    next = now;
    now = t;
    zero(area, now);
    ra_soft_skeleton_backward(&j->shape, k, x + k * area, s + k * area, gs, now, next);
  }
  for (int64_t i = 0; i < area; i += RA_TILE) {
    ra_real w[RA_TILE];
    int32_t n = (int32_t)ra_min(area - i, (int64_t)RA_TILE);
    truth(j, plane, i, n, NULL, w);
    RA_SIMD
    for (int32_t k = 0; k < n; k++) gs[i + k] = now[i + k] + w[k] * slope[BOTH_Y] * of_mask[i + k];
  }
  if (!j->classes) j->part[plane][0] = store(j, plane, gs);
}

/* From probabilities of classes to the prediction. */
static void backward_tile(void *context, const ra_call *c, const ra_class_tile *t) {
  const job *j = context;
  ra_class_values p, a;
  int32_t first = (int32_t)(t->pixel / j->area) * j->classes;
  int64_t at = t->pixel % j->area;
  ra_class_tile flat = *t; /* the weights are in the sums already */
  for (int32_t i = 0; i < t->n; i++) flat.weight[i] = t->weight[i] != 0;
  ra_class_probabilities(c, t, RA_PREDICTION, p, NULL);
  for (int32_t k = 0; k < t->classes; k++) {
    const ra_real *g = j->scratch + (int64_t)(first + k) * SCRATCH * j->area + at;
    for (int32_t i = 0; i < RA_CLASSES_TILE; i++) a[k * RA_CLASSES_TILE + i] = i < t->n ? p[k * RA_CLASSES_TILE + i] * g[i] : 0;
  }
  ra_class_from_log_input(c, t, p, a);
  j->part[j->chunk][0] += ra_class_store(c, &flat, c->dout.data[0], a);
}

static void backward_chunk(void *context, int32_t chunk) {
  job j = *(const job *)context;
  j.chunk = chunk;
  j.part[chunk][0] = 0;
  ra_classes_each_tile(j.c, chunk, backward_tile, &j);
}

static void backward(ra_call *c) {
  job j = job_of(c);
  int32_t n = j.classes ? ra_classes_chunks(c) : j.planes;
  ra_parallel(j.planes, backward_plane, &j);
  if (j.classes) ra_parallel(n, backward_chunk, &j);
  if (!c->norm2) return;
  *c->norm2 = 0;
  for (int32_t i = 0; i < n; i++) *c->norm2 += j.part[i][0];
}

const ra_op ra_op_cldice = {
  .name = "cldice",
  .help = "soft clDice: overlap of centre lines, by soft skeletons of prediction and mask\n"
          "prediction, mask [B,C,H,W]; sums over the batch, or per image and averaged; add it to dice with a weight below 1/2\n"
          "K logits [B,K,H,W] against a label map [B,1,H,W]: the mean over classes, p the softmax\n"
          "Shit et al. 2021",
  RA_LOSS_TABLE,
  .params = params,
  .reads = RA_READS_IN0 | RA_READS_IN1 | RA_READS_WEIGHTS,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,1,7,6 2,1,7,6:mask | iterations=2\n2,2,5,6 2,2,5,6:mask | reduce=\"image\" smooth=0.5 iterations=1\n"
             "1,1,6,7:prob 1,1,6,7:mask | input=\"prob\" iterations=3\n1,1,4,37 1,1,4,37:mask | iterations=2\n"
             "2,1,7,6 2,1,7,6:mask - 2,1,7,6:mask 2,1,7,6:var | iterations=2\n"
             "2,3,5,4 2,1,5,4:label | iterations=1\n"
             "2,3,5,6 2,1,5,6:label - - 2,1,5,6:var | iterations=2 reduce=\"image\" average=\"occurring\"\n"
             "1,3,5,4:prob 1,1,5,4:label - 1,1,5,4:mask | input=\"prob\" average=\"present\" iterations=2",
};
