/* lovasz (Berman, Triki, Blaschko, CVPR 2018): the Lovasz extension of the Jaccard loss, by which the Jaccard index itself is
 * optimised. The errors m of a set of pixels are sorted, greatest first; with F = sum w of the foreground, and f_i, b_i the sums of w of
 * the foreground and background among the first i,
 *   L = sum_i m_i (J_i - J_(i-1))     J_i = 1 - (F - f_i) / (F + b_i), J_0 = 0
 *   one channel: the Lovasz hinge, m = max(1 - z s, 0), z the logit, s = 1 in the foreground and -1 elsewhere
 *   K logits against a label map (classes.h): Lovasz-softmax, for each class m = |y - p|, p the softmax
 *   prediction, mask of any one shape -> rank 0; the sets are the planes of the batch or of each image, one for each channel or class
 * L is the mean over sets; over the classes that `average` names. w is 1, or the weights of the pixels: a pixel of weight 2 is two pixels.
 * Of equal errors the earlier pixel goes first. Forward keeps dL/dz, or dL/dp over w, of each pixel, and each set's share in the mean. */
#include "../base/math.h"
#include "../base/thread.h"
#include "classes.h"

enum { AVERAGE = 2 };      /* slot */
enum { SLOPE, SHARE };     /* saved: [shape of the prediction], [sets] */
enum { DIGIT = 8, RADIX = 1 << DIGIT };

static const ra_param params[] = {
  RA_PARAM_INPUT,
  RA_PARAM_REDUCE,
  RA_PARAM_AVERAGE_OF(RA_AVERAGE_OCCURRING),
  {0}};

#ifdef RA_DOUBLE
typedef uint64_t error_bits;
#else
typedef uint32_t error_bits;
#endif

/* A pixel and the bits of its error, inverted: those of numbers >= 0 are in the order of the numbers. */
typedef struct {
  error_bits key;
  int32_t at; /* index in the prediction */
} entry;

typedef struct {
  ra_call *c;
  ra_loss_planes planes;
  double *part;   /* [sets] the loss of each; backward: [chunks] sums of squares */
  double *front;  /* [sets] sum w of its foreground */
  entry *entries; /* [2][size of the prediction], a set's own in one piece */
  int32_t chunk;
} job;

static job job_of(ra_call *c) {
  job j = {.c = c, .planes = ra_loss_planes_of(c, c->param[RA_OVERLAP_REDUCE] != 0), .part = c->work};
  j.front = j.part + j.planes.groups;
  void *behind = j.front + j.planes.groups;
  j.entries = behind;
  return j;
}

static int32_t plane_chunks(const ra_call *c) { return (int32_t)ra_ceil_div((int64_t)c->in[RA_PREDICTION].size, (int64_t)RA_LOSS_CHUNK); }

static int32_t infer(ra_call *c) {
  if (ra_loss_classes(c)) RA_TRY(ra_classes_infer(c));
  else {
    RA_TRY(ra_loss_want(c, RA_MASK));
    RA_TRY(ra_loss_infer(c));
  }
  const ra_array *x = &c->in[RA_PREDICTION];
  ra_loss_planes p = ra_loss_planes_of(c, c->param[RA_OVERLAP_REDUCE] != 0);
  RA_TRY(ra_save(c, x->rank, x->dim));
  RA_TRY(ra_save(c, 1, &p.groups));
  c->work_forward = (size_t)p.groups * 2 * sizeof(double) + 2 * (size_t)x->size * sizeof(entry);
  c->work_backward = (size_t)(ra_loss_classes(c) ? ra_classes_chunks(c) : plane_chunks(c)) * sizeof(double);
  return RA_OK;
}

/* ---- sorting ---- */

/* Sorts n entries by key, digit by digit, the order of equal ones kept; other: room for as many. */
static void sort_entries(int32_t n, entry *list, entry *other) {
  for (size_t shift = 0; shift < 8 * sizeof(error_bits); shift += DIGIT) { /* an even number of digits: the result ends in list */
    int32_t start[RADIX + 1] = {0};
    for (int32_t i = 0; i < n; i++) start[(list[i].key >> shift & (RADIX - 1)) + 1]++;
    for (int32_t k = 0; k < RADIX; k++) start[k + 1] += start[k];
    for (int32_t i = 0; i < n; i++) other[start[list[i].key >> shift & (RADIX - 1)]++] = list[i];
    entry *t = list;
    list = other;
    other = t;
  }
}

static error_bits key_of(ra_real error) {
  error_bits bits;
  memcpy(&bits, &error, sizeof bits);
  return ~bits;
}

static ra_real error_of(error_bits key) {
  ra_real error;
  key = ~key;
  memcpy(&error, &key, sizeof error);
  return error;
}

/* ---- forward ---- */

/* The logits of n pixels, where probabilities are given too. */
static void scores(const ra_call *c, int64_t first, int32_t n, ra_real *z) {
  memcpy(z, c->in[RA_PREDICTION].data + first, (size_t)n * sizeof *z);
  if (c->param[RA_LOSS_INPUT] != RA_INPUT_PROB) return;
  ra_bernoulli b;
  ra_bernoulli_prob(n, z, true, &b);
  for (int32_t i = 0; i < n; i++) z[i] = b.lp[i] - b.lq[i];
}

/* Weight and foreground of n <= RA_TILE pixels of a unit from its pixel `at`; their errors. Of classes the saved slope holds p. */
static void pixels_of(const job *j, int32_t unit, int32_t at, int32_t n, ra_real *w, bool *front, ra_real *error) {
  const ra_call *c = j->c;
  int32_t K = ra_loss_classes(c);
  int64_t own = (int64_t)unit * j->planes.size + at, pixel = K ? (int64_t)(unit / K) * j->planes.size + at : own;
  const ra_real *y = c->in[RA_MASK].data + pixel, *given = ra_loss_weights(c, pixel, n, w);
  const ra_real *p = c->saved[SLOPE].data + own, half = (ra_real)0.5;
  ra_real z[RA_TILE];
  if (!K) scores(c, own, n, z);
  for (int32_t i = 0; i < n; i++) {
    if (!given) w[i] = 1;
    if (K && !(y[i] >= 0 && y[i] < (ra_real)K)) w[i] = 0;
    front[i] = w[i] != 0 && (K ? (int32_t)y[i] == unit % K : y[i] >= half);
    ra_real e = K ? (front[i] ? 1 - p[i] : p[i]) : (front[i] ? 1 - z[i] : 1 + z[i]);
    error[i] = e <= 0 ? 0 : e; /* what is not a number stays */
  }
}

/* Enters the pixels of a set whose error is not 0; returns their number. The slopes of the others are 0. */
static int32_t enter(const job *j, int32_t set, entry *list) {
  const ra_loss_planes *p = &j->planes;
  ra_real *slope = j->c->saved[SLOPE].data;
  int32_t n = 0;
  j->front[set] = 0;
  for (int32_t unit = set; unit < p->units; unit += p->groups)
    for (int32_t at = 0; at < p->size; at += RA_TILE) {
      int32_t count = ra_min(p->size - at, (int32_t)RA_TILE), own = unit * p->size + at;
      ra_real w[RA_TILE], error[RA_TILE];
      bool front[RA_TILE];
      pixels_of(j, unit, at, count, w, front, error);
      for (int32_t i = 0; i < count; i++) {
        if (front[i]) j->front[set] += (double)w[i];
        if (w[i] != 0 && error[i] != 0) list[n++] = (entry){key_of(error[i]), own + i};
        slope[own + i] = front[i] ? -w[i] : w[i]; /* for walk: the sign of the pixel and its weight */
        if (error[i] == 0) slope[own + i] = 0;
      }
    }
  return n;
}

/* The loss of a set from its sorted entries; slopes from what enter left there. */
static double walk(const job *j, int32_t set, int32_t n, const entry *list) {
  ra_real *slope = j->c->saved[SLOPE].data;
  bool classes = ra_loss_classes(j->c) != 0;
  double loss = 0, F = j->front[set], front = 0, back = 0, before = 0;
  for (int32_t i = 0; i < n; i++) {
    double signed_weight = (double)slope[list[i].at], w = signed_weight < 0 ? -signed_weight : signed_weight;
    if (signed_weight < 0) front += w;
    else back += w;
    double left = F - front, jaccard = 1 - (left > 0 ? left : 0) / (F + back), step = jaccard - before;
    before = jaccard;
    loss += (double)error_of(list[i].key) * step;
    if (classes) step /= w; /* ra_class_store brings the weight */
    slope[list[i].at] = (ra_real)(signed_weight < 0 ? -step : step);
  }
  return loss;
}

static void forward_set(void *context, int32_t set) {
  const job *j = context;
  int64_t room = (int64_t)(j->planes.units / j->planes.groups) * j->planes.size;
  entry *list = j->entries + set * room, *other = list + j->c->in[RA_PREDICTION].size;
  int32_t n = enter(j, set, list);
  sort_entries(n, list, other);
  j->part[set] = walk(j, set, n, list);
}

static void keep_probabilities(void *context, const ra_call *c, const ra_class_tile *t) {
  ra_class_values p;
  (void)context;
  ra_class_probabilities(c, t, RA_PREDICTION, p, NULL);
  for (int32_t k = 0; k < t->classes; k++)
    memcpy(c->saved[SLOPE].data + t->first + k * t->stride, p + k * RA_CLASSES_TILE, (size_t)t->n * sizeof *p);
}

static void keep_chunk(void *context, int32_t chunk) { ra_classes_each_tile(context, chunk, keep_probabilities, NULL); }

/* The mean of n sets of one image or batch from `first`; their shares in the loss, of `parts` such means. */
static double mean_of(const job *j, int32_t first, int32_t n, int32_t parts) {
  int32_t K = ra_loss_classes(j->c), used = 0;
  double loss = 0;
  for (int32_t pass = 0; pass < 2; pass++)
    for (int32_t k = first; k < first + n; k++) {
      bool in = !K || ra_class_counts((int32_t)j->c->param[AVERAGE], k - first, j->front[k] > 0);
      if (pass == 0) used += in;
      else j->c->saved[SHARE].data[k] = in ? (ra_real)(1 / ((double)used * parts)) : 0;
      if (pass == 1 && in) loss += j->part[k];
    }
  return used > 0 ? loss / ((double)used * parts) : 0;
}

static void forward(ra_call *c) {
  job j = job_of(c);
  int32_t K = ra_loss_classes(c), groups = j.planes.groups, parts = K ? groups / K : 1;
  if (K) ra_parallel(ra_classes_chunks(c), keep_chunk, c);
  ra_parallel(groups, forward_set, &j);
  double loss = 0;
  for (int32_t i = 0; i < parts; i++) loss += mean_of(&j, i * (groups / parts), groups / parts, parts);
  c->out.data[0] = (ra_real)loss;
}

/* ---- backward ---- */

static void backward_plane_chunk(void *context, int32_t chunk) {
  const job *j = context;
  const ra_call *c = j->c;
  ra_real *dx = c->din[RA_PREDICTION].data;
  int64_t first = (int64_t)chunk * RA_LOSS_CHUNK, end = ra_min(first + (int64_t)RA_LOSS_CHUNK, (int64_t)c->in[RA_PREDICTION].size);
  double sum = 0;
  for (int64_t i = first; i < end; i += RA_TILE) {
    ra_bernoulli s;
    ra_real g[RA_TILE];
    int32_t n = (int32_t)ra_min(end - i, (int64_t)RA_TILE);
    for (int32_t k = 0; k < n; k++) g[k] = c->saved[SLOPE].data[i + k] * c->saved[SHARE].data[(i + k) / j->planes.size % j->planes.groups];
    ra_bernoulli_input(c, n, c->in[RA_PREDICTION].data + i, false, &s);
    ra_from_logit(c, n, &s, g);
    for (int32_t k = 0; k < n; k++)
      if (c->saved[SLOPE].data[i + k] == 0) g[k] = 0; /* a pixel outside may hold anything */
    sum += ra_loss_store(c->add[RA_PREDICTION], n, c->dout.data[0], g, dx ? dx + i : NULL);
  }
  j->part[chunk] = sum;
}

static void backward_tile(void *context, const ra_call *c, const ra_class_tile *t) {
  const job *j = context;
  ra_class_values p, a;
  ra_class_probabilities(c, t, RA_PREDICTION, p, NULL);
  for (int32_t k = 0; k < t->classes; k++) {
    const ra_real *slope = c->saved[SLOPE].data + t->first + k * t->stride;
    int32_t unit = (int32_t)((t->first + k * t->stride) / j->planes.size);
    ra_real share = c->saved[SHARE].data[unit % j->planes.groups];
    for (int32_t i = 0; i < RA_CLASSES_TILE; i++)
      a[k * RA_CLASSES_TILE + i] = i < t->n && t->weight[i] != 0 ? p[k * RA_CLASSES_TILE + i] * slope[i] * share : 0;
  }
  ra_class_from_log_input(c, t, p, a);
  j->part[j->chunk] += ra_class_store(c, t, c->dout.data[0], a);
}

static void backward_class_chunk(void *context, int32_t chunk) {
  job j = *(const job *)context;
  j.chunk = chunk;
  j.part[chunk] = 0;
  ra_classes_each_tile(j.c, chunk, backward_tile, &j);
}

static void backward(ra_call *c) {
  job j = job_of(c);
  bool classes = ra_loss_classes(c) != 0;
  int32_t chunks = classes ? ra_classes_chunks(c) : plane_chunks(c);
  ra_parallel(chunks, classes ? backward_class_chunk : backward_plane_chunk, &j);
  if (!c->norm2) return;
  *c->norm2 = 0;
  for (int32_t i = 0; i < chunks; i++) *c->norm2 += j.part[i];
}

const ra_op ra_op_lovasz = {
  .name = "lovasz",
  .help = "Lovasz extension of the Jaccard loss: sum_i m_i (J_i - J_(i-1)) over errors m, greatest first, J_i the Jaccard loss\n"
          "where the first i pixels are wrong\n"
          "prediction, mask of any one shape: the Lovasz hinge, m = max(1 - z, 0) in the foreground, max(1 + z, 0) elsewhere, z the\n"
          "logit; over the batch, or each image; K planes [B,K,H,W]: the mean of K such losses\n"
          "K logits [B,K,H,W] against a label map [B,1,H,W]: Lovasz-softmax, m = |y - p| for each class, p the softmax\n"
          "Berman, Triki, Blaschko 2018",
  RA_LOSS_TABLE,
  .params = params,
  .reads = RA_READS_IN0 | RA_READS_IN1 | RA_READS_WEIGHTS,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,1,5,4 2,1,5,4:mask\n3,2,3,4 3,2,3,4:mask | reduce=\"image\"\n3,2,3,4 3,2,3,4:mask\n8 8:mask\n"
             "2,1,3,5:prob 2,1,3,5:mask | input=\"prob\"\n"
             "2,1,5,4 2,1,5,4:mask - 2,1,5,4:mask 2,1,5,4:var\n"
             "2,3,5,4 2,1,5,4:label\n"
             "3,3,3,4 3,1,3,4:label - - 3,1,3,4:var | reduce=\"image\" average=\"present\"\n"
             "1,3,5,4:prob 1,1,5,4:label - 1,1,5,4:mask | input=\"prob\" average=\"foreground\"",
};
