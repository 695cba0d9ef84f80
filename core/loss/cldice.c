/* cldice: soft clDice (Shit, Paetzold, Sekuboyina, Ezhov, Unger, Zhylka, Pluim, Bauer, Menze, CVPR 2021), the overlap of
 * centre lines,
 *   1 - 2 tp ts / (tp + ts)     tp = (sum S(p) y + smooth) / (sum S(p) + smooth)     ts = (sum S(y) p + smooth) / (sum S(y) + smooth)
 * S is the soft skeleton: with erosion E (the least of a pixel and its four neighbours) and dilation D (the greatest of 3x3),
 *   x_0 = x, x_j = E(x_(j-1)), d_j = max(x_j - D(x_(j+1)), 0), s_0 = d_0, s_j = s_(j-1) + d_j (1 - s_(j-1)), S = s_n
 * n = iterations: at least half the greatest width of the vessels. Beyond the border there is nothing, neither least nor greatest.
 *   prediction, mask [B,C,H,W] -> rank 0
 * Sums are over all planes of the batch, or of each image. Forward keeps x_0 to x_(n+1) and s_0 to s_n of the prediction, S of the
 * mask, and the derivatives with respect to the three sums that depend on the prediction, for each group. */
#include "../base/math.h"
#include "../base/thread.h"
#include "loss.h"

enum { REDUCE = 1, ITERATIONS, SMOOTH }; /* slots */
enum { ERODED, SKELETON, OF_MASK, SLOPES };  /* saved */
enum { SKEL_Y, SKEL, BOTH_P, BOTH_Y, SUMS }; /* sum S(y), S(p), S(p) y, S(y) p */

static const ra_param params[] = {
  RA_PARAM_INPUT,
  RA_PARAM_REDUCE,
  {.name = "iterations", .kind = RA_PARAM_INT, .default_value = 5, .low = 1, .high = 100,
   .help = "erosions: at least half the width of the widest vessel, in pixels"},
  {.name = "smooth", .kind = RA_PARAM_NUMBER, .default_value = 1, .low = 1e-6, .high = 1e6, .live = true,
   .help = "added above and below, in pixels"},
  {0}};

typedef struct {
  ra_call *c;
  int32_t planes, H, W, levels; /* levels: iterations + 1, of the skeleton */
  int64_t area;
  double (*part)[SUMS];         /* [planes] */
  ra_real *scratch;             /* [planes][SCRATCH][area] */
} job;

enum { SCRATCH = 4 }; /* planes of area that a plane needs beside what is kept */

static int32_t groups_of(const ra_call *c) { return c->param[REDUCE] != 0 ? c->in[RA_PREDICTION].dim[0] : 1; }

static job job_of(ra_call *c) {
  const int32_t *dim = c->in[RA_PREDICTION].dim;
  job j = {.c = c, .planes = dim[0] * dim[1], .H = dim[2], .W = dim[3], .levels = (int32_t)c->param[ITERATIONS] + 1};
  j.area = (int64_t)j.H * j.W;
  j.part = c->work;
  void *behind = j.part + j.planes;
  j.scratch = behind;
  return j;
}

static int32_t infer(ra_call *c) {
  RA_TRY(ra_want_rank(c, RA_PREDICTION, 4));
  RA_TRY(ra_loss_want(c, RA_MASK));
  RA_TRY(ra_loss_infer(c));
  const int32_t *dim = c->in[RA_PREDICTION].dim;
  int32_t planes = dim[0] * dim[1], levels = (int32_t)c->param[ITERATIONS] + 1;
  RA_TRY(ra_save(c, 4, (int32_t[]){planes, levels + 1, dim[2], dim[3]}));
  RA_TRY(ra_save(c, 4, (int32_t[]){planes, levels, dim[2], dim[3]}));
  RA_TRY(ra_save(c, 3, (int32_t[]){planes, dim[2], dim[3]}));
  RA_TRY(ra_save(c, 2, (int32_t[]){groups_of(c), SUMS}));
  size_t area = (size_t)dim[2] * (size_t)dim[3];
  c->work_forward = c->work_backward = (size_t)planes * (sizeof(double[SUMS]) + SCRATCH * area * sizeof(ra_real));
  return RA_OK;
}

/* ---- erosion and dilation ---- */

static inline ra_real least(ra_real a, ra_real b) { return a < b ? a : b; }
static inline ra_real most(ra_real a, ra_real b) { return a > b ? a : b; }

static void erode(const job *j, const ra_real *x, ra_real *y) {
  int32_t W = j->W;
  for (int32_t r = 0; r < j->H; r++) {
    const ra_real *row = x + (int64_t)r * W, *up = r > 0 ? row - W : row, *down = r + 1 < j->H ? row + W : row;
    ra_real *out = y + (int64_t)r * W;
    RA_SIMD
    for (int32_t i = 0; i < W; i++) out[i] = least(row[i], least(up[i], down[i]));
    for (int32_t i = 0; i < W; i++) out[i] = least(out[i], least(row[i > 0 ? i - 1 : 0], row[i + 1 < W ? i + 1 : i]));
  }
}

static void dilate(const job *j, const ra_real *x, ra_real *y) {
  int32_t W = j->W;
  for (int32_t r = 0; r < j->H; r++) {
    const ra_real *row = x + (int64_t)r * W, *up = r > 0 ? row - W : row, *down = r + 1 < j->H ? row + W : row;
    ra_real *out = y + (int64_t)r * W, before, now;
    RA_SIMD
    for (int32_t i = 0; i < W; i++) out[i] = most(row[i], most(up[i], down[i]));
    before = out[0];
    for (int32_t i = 0; i < W; i++, before = now) {
      now = out[i];
      out[i] = most(most(before, now), out[i + 1 < W ? i + 1 : i]);
    }
  }
}

/* Where the least of the cross at (r, i) lies: the vertical neighbours go first, the earlier of equal ones. */
static int64_t least_at(const job *j, const ra_real *x, int32_t r, int32_t i) {
  static const int32_t dy[5] = {-1, 0, 1, 0, 0}, dx[5] = {0, 0, 0, -1, 1};
  int64_t best = -1;
  for (int32_t k = 0; k < 5; k++) {
    int32_t y = r + dy[k], z = i + dx[k];
    if (y < 0 || y >= j->H || z < 0 || z >= j->W) continue;
    int64_t at = (int64_t)y * j->W + z;
    if (best < 0 || x[at] < x[best]) best = at;
  }
  return best;
}

static int64_t most_at(const job *j, const ra_real *x, int32_t r, int32_t i) {
  int64_t best = -1;
  for (int32_t y = r > 0 ? r - 1 : 0; y <= r + 1 && y < j->H; y++)
    for (int32_t z = i > 0 ? i - 1 : 0; z <= i + 1 && z < j->W; z++) {
      int64_t at = (int64_t)y * j->W + z;
      if (best < 0 || x[at] > x[best]) best = at;
    }
  return best;
}

/* ---- forward ---- */

/* The soft skeleton of x[0], whose erosions are written to x[1], x[2], .. and stages to s, one behind the other; step 0: in place. */
static void skeleton(const job *j, ra_real *x, ra_real *s, int64_t step_x, int64_t step_s, ra_real *opened) {
  int64_t area = j->area;
  for (int32_t k = 0; k < j->levels; k++) {
    ra_real *now = x + (step_x ? k * step_x : (k & 1) * area), *next = x + (step_x ? (k + 1) * step_x : (~k & 1) * area);
    const ra_real *old = s + (k - 1) * step_s;
    ra_real *out = s + k * step_s;
    erode(j, now, next);
    dilate(j, next, opened);
    for (int64_t i = 0; i < area; i++) {
      ra_real d = most(now[i] - opened[i], 0);
      out[i] = k == 0 ? d : old[i] + d * (1 - old[i]);
    }
  }
}

/* Pixels of a plane: probability p, or the mask's value, 0 where the weight is 0; w: weights, all 1 unless given. */
static void gather(const job *j, int32_t plane, int32_t from, ra_real *v, ra_real *w) {
  const ra_call *c = j->c;
  bool logits = from == RA_PREDICTION && c->param[RA_LOSS_INPUT] == RA_INPUT_LOGITS;
  for (int64_t i = 0; i < j->area; i += RA_TILE) {
    int32_t n = (int32_t)ra_min(j->area - i, (int64_t)RA_TILE);
    int64_t at = plane * j->area + i;
    ra_real memory[RA_TILE];
    const ra_real *x = c->in[from].data + at, *given = ra_loss_weights(c, at, n, memory);
    if (logits) ra_tile_sigmoid(n, x, v + i);
    else memcpy(v + i, x, (size_t)n * sizeof *x);
    for (int32_t k = 0; k < n; k++) {
      w[i + k] = given ? given[k] : 1;
      if (given && given[k] == 0) v[i + k] = 0;
    }
  }
}

static void forward_plane(void *context, int32_t plane) {
  const job *j = context;
  int64_t area = j->area;
  ra_real *x = j->c->saved[ERODED].data + plane * (j->levels + 1) * area, *s = j->c->saved[SKELETON].data + plane * j->levels * area;
  ra_real *of_mask = j->c->saved[OF_MASK].data + plane * area, *mask = j->scratch + plane * SCRATCH * area;
  ra_real *w = mask + 2 * area, *opened = mask + 3 * area;
  gather(j, plane, RA_PREDICTION, x, w);
  skeleton(j, x, s, area, area, opened);
  gather(j, plane, RA_MASK, mask, w);
  skeleton(j, mask, of_mask, 0, 0, opened); /* its two erosions take turns: the mask's own place is lost */
  gather(j, plane, RA_MASK, mask, w);
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

/* The loss of a group from its sums, and its derivatives over `groups`. */
static double group_loss(const double *sum, double smooth, int32_t groups, ra_real *slope) {
  double below_p = sum[SKEL] + smooth, below_y = sum[SKEL_Y] + smooth;
  double tp = (sum[BOTH_P] + smooth) / below_p, ts = (sum[BOTH_Y] + smooth) / below_y, both = tp + ts;
  double d_tp = -2 * ts * ts / (both * both) / groups, d_ts = -2 * tp * tp / (both * both) / groups;
  slope[SKEL_Y] = 0;
  slope[SKEL] = (ra_real)(-d_tp * tp / below_p);
  slope[BOTH_P] = (ra_real)(d_tp / below_p);
  slope[BOTH_Y] = (ra_real)(d_ts / below_y);
  return 1 - 2 * tp * ts / both;
}

static void forward(ra_call *c) {
  job j = job_of(c);
  int32_t groups = groups_of(c), each = j.planes / groups;
  double loss = 0;
  ra_parallel(j.planes, forward_plane, &j);
  for (int32_t g = 0; g < groups; g++) {
    double sum[SUMS] = {0};
    for (int32_t i = g * each; i < (g + 1) * each; i++)
      for (int32_t k = 0; k < SUMS; k++) sum[k] += j.part[i][k];
    loss += group_loss(sum, c->param[SMOOTH], groups, c->saved[SLOPES].data + (int64_t)g * SUMS);
  }
  c->out.data[0] = (ra_real)(loss / groups);
}

/* ---- backward ---- */

/* From gs, the gradient of s_k: what d_k gets is added to now (of x_k) and, behind the dilation, next (of x_(k+1)); gs becomes that of
 * s_(k-1). */
static void backward_level(const job *j, int32_t k, const ra_real *x, const ra_real *s, ra_real *gs, ra_real *now, ra_real *next,
                           ra_real *opened) {
  const ra_real *below = x + j->area, *old = s - j->area;
  dilate(j, below, opened);
  for (int32_t r = 0; r < j->H; r++)
    for (int32_t i = 0; i < j->W; i++) {
      int64_t at = (int64_t)r * j->W + i;
      ra_real d = x[at] - opened[at], gd = k > 0 ? gs[at] * (1 - old[at]) : gs[at];
      if (k > 0) gs[at] *= 1 - most(d, 0);
      if (!(d > 0) || gd == 0) continue;
      now[at] += gd;
      next[most_at(j, below, r, i)] -= gd;
    }
  for (int32_t r = 0; r < j->H; r++)
    for (int32_t i = 0; i < j->W; i++) {
      int64_t at = (int64_t)r * j->W + i;
      if (next[at] != 0) now[least_at(j, x, r, i)] += next[at];
    }
}

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
    const ra_real *given = ra_loss_weights(c, at, n, w);
    for (int32_t k = 0; given && k < n; k++) if (given[k] == 0) tile[k] = 0;
    sum += ra_loss_store(c->add[RA_PREDICTION], n, c->dout.data[0], tile, dx ? dx + at : NULL);
  }
  return sum;
}

static void backward_plane(void *context, int32_t plane) {
  const job *j = context;
  const ra_call *c = j->c;
  int64_t area = j->area;
  const ra_real *x = c->saved[ERODED].data + plane * (j->levels + 1) * area, *s = c->saved[SKELETON].data + plane * j->levels * area;
  const ra_real *of_mask = c->saved[OF_MASK].data + plane * area;
  const ra_real *slope = c->saved[SLOPES].data + (int64_t)(plane / (j->planes / groups_of(c))) * SUMS;
  ra_real *gs = j->scratch + plane * SCRATCH * area, *now = gs + area, *next = gs + 2 * area, *opened = gs + 3 * area;
  gather(j, plane, RA_MASK, gs, now);
  for (int64_t i = 0; i < area; i++) gs[i] = now[i] * (slope[SKEL] + slope[BOTH_P] * gs[i]);
  zero(area, now);
  for (int32_t k = j->levels - 1; k >= 0; k--) { /* `now` holds what x_(k+1) got already */
    ra_real *t = next;
    next = now;
    now = t;
    zero(area, now);
    backward_level(j, k, x + k * area, s + k * area, gs, now, next, opened);
  }
  for (int64_t i = 0; i < area; i += RA_TILE) {
    ra_real memory[RA_TILE];
    int32_t n = (int32_t)ra_min(area - i, (int64_t)RA_TILE);
    const ra_real *w = ra_loss_weights(c, plane * area + i, n, memory);
    for (int32_t k = 0; k < n; k++) now[i + k] += (w ? w[k] : 1) * slope[BOTH_Y] * of_mask[i + k];
  }
  j->part[plane][0] = store(j, plane, now);
}

static void backward(ra_call *c) {
  job j = job_of(c);
  ra_parallel(j.planes, backward_plane, &j);
  if (!c->norm2) return;
  *c->norm2 = 0;
  for (int32_t i = 0; i < j.planes; i++) *c->norm2 += j.part[i][0];
}

const ra_op ra_op_cldice = {
  .name = "cldice",
  .help = "soft clDice: overlap of centre lines, by soft skeletons of prediction and mask\n"
          "prediction, mask [B,C,H,W]; sums over the batch, or per image and averaged; add it to dice with a weight below 1/2\n"
          "Shit et al. 2021",
  RA_LOSS_TABLE,
  .params = params,
  .reads = RA_READS_IN0 | RA_READS_IN1 | RA_READS_WEIGHTS,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,1,7,6 2,1,7,6:mask | iterations=2\n2,2,5,6 2,2,5,6:mask | reduce=\"image\" smooth=0.5 iterations=1\n"
             "1,1,6,7:prob 1,1,6,7:mask | input=\"prob\" iterations=3\n"
             "2,1,7,6 2,1,7,6:mask - 2,1,7,6:mask 2,1,7,6:var | iterations=2",
};
