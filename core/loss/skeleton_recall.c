/* skeleton_recall (Kirchhoff, Rokuss, Roy, Kovacs, Ulrich, Wald, Zenk, Vollmuth, Kleesiek, Isensee, Maier-Hein, ECCV 2024): the recall of a
 * tube around the mask's centre line,
 *   1 - (sum w p s + smooth) / (sum w s + smooth)
 * s is the mask within `radius` steps (up, down, left, right: a diamond) of its skeleton (Zhang and Suen's thinning).
 *   prediction, mask [B,C,H,W] -> rank 0, each plane with its own skeleton; K logits against a label map (classes.h): the skeleton is
 *   that of all classes but the first together, s_k where the label is k, and the loss is the mean over those classes
 * Where the mask is less than 1, s is its value. A pixel of weight 0 belongs to no mask. The paper's is the negative recall: 1 is
 * added, so that 0 is the least. Forward keeps what overlap.c does, and s (of classes: the label where s is, else 0; void stays void). */
#include "../base/math.h"
#include "../base/thread.h"
#include "../geometry/geometry.h"
#include "classes.h"

enum { RADIUS = 3, SMOOTH }; /* slots */
enum { TUBE = 1 };           /* saved */

static const ra_param params[] = {
  RA_PARAM_INPUT,
  RA_PARAM_REDUCE,
  {.name = "average", .kind = RA_PARAM_CHOICE, .default_value = 0, .choices = "foreground|present",
   .help = "classes whose mean is the loss: those but the first, or those but the first that the mask has"},
  {.name = "radius", .kind = RA_PARAM_INT, .default_value = 2, .low = 0, .high = 100,
   .help = "of the tube around the skeleton, in pixels; 0: the skeleton alone"},
  {.name = "smooth", .kind = RA_PARAM_NUMBER, .default_value = 1, .low = 1e-6, .high = 1e6, .live = true,
   .help = "added above and below, in pixels"},
  {0}};

static size_t plane_work(int32_t H, int32_t W) {
  return ra_round_up(ra_skeleton_work(H, W) + 3 * (size_t)H * (size_t)W, sizeof(double));
}

static int32_t infer(ra_call *c) {
  RA_TRY(ra_want_rank(c, RA_PREDICTION, 4));
  RA_TRY(ra_overlap_infer(c));
  const ra_array *y = &c->in[RA_MASK];
  RA_TRY(ra_save(c, y->rank, y->dim));
  c->work_forward = ra_max(c->work_forward, (size_t)y->dim[0] * (size_t)y->dim[1] * plane_work(y->dim[2], y->dim[3]));
  return RA_OK;
}

/* to <- set, grown by a pixel above, below, left and right. */
static void grow(int32_t H, int32_t W, const uint8_t *set, uint8_t *to) {
  for (int32_t r = 0; r < H; r++)
    for (int32_t i = 0; i < W; i++) {
      int64_t at = (int64_t)r * W + i;
      to[at] = set[at] || (r > 0 && set[at - W]) || (r + 1 < H && set[at + W]) || (i > 0 && set[at - 1]) || (i + 1 < W && set[at + 1]);
    }
}

static void make_tube(void *context, int32_t plane) {
  const ra_call *c = context;
  int32_t H = c->in[RA_MASK].dim[2], W = c->in[RA_MASK].dim[3];
  int64_t area = (int64_t)H * W, first = plane * area;
  char *work = (char *)c->work + (size_t)plane * plane_work(H, W);
  void *behind = work + ra_skeleton_work(H, W);
  uint8_t *set = behind, *tube = set + area, *other = tube + area;
  ra_loss_set(c, first, area, 1, ra_loss_classes(c), set); /* of labels all classes but the first */
  ra_skeleton_in(set, H, W, tube, work);
  for (int32_t k = 0; k < (int32_t)c->param[RADIUS]; k++) {
    grow(H, W, tube, other);
    uint8_t *t = tube;
    tube = other;
    other = t;
  }
  const ra_real *y = c->in[RA_MASK].data + first;
  ra_real *s = c->saved[TUBE].data + first;
  int32_t K = ra_loss_classes(c);
  for (int64_t i = 0; i < area; i++) {
    bool unknown = K && !(y[i] >= 0 && y[i] < (ra_real)K);
    s[i] = unknown || (set[i] && tube[i]) ? y[i] : 0;
  }
}

static double loss(const ra_call *c, ra_overlap *o) {
  double smooth = c->param[SMOOTH], below = o->y + smooth;
  o->d_both = -1 / below;
  o->d_p = 0;
  return 1 - (o->both + smooth) / below;
}

/* The call with the tube in the place of the mask, and the choices of overlap.c. */
static ra_call with_tube(const ra_call *c) {
  ra_call inner = *c;
  inner.in[RA_MASK].data = c->saved[TUBE].data;
  inner.param[RA_OVERLAP_AVERAGE] = c->param[RA_OVERLAP_AVERAGE] != 0 ? RA_AVERAGE_PRESENT : RA_AVERAGE_FOREGROUND;
  return inner;
}

static void forward(ra_call *c) {
  ra_parallel(c->in[RA_MASK].dim[0] * c->in[RA_MASK].dim[1], make_tube, c);
  ra_call inner = with_tube(c);
  ra_overlap_forward(&inner, loss);
}

static void backward(ra_call *c) {
  ra_call inner = with_tube(c);
  ra_overlap_backward(&inner);
}

const ra_op ra_op_skeleton_recall = {
  .name = "skeleton_recall",
  .help = "skeleton recall loss: 1 - (sum p s + smooth) / (sum s + smooth), s the mask near its skeleton, a tube\n"
          "prediction, mask [B,C,H,W]; sums over the batch, or per image and averaged; add it to dice and cross-entropy\n"
          "K logits [B,K,H,W] against a label map [B,1,H,W]: the mean over classes but the first, one skeleton of them all, p the softmax\n"
          "Kirchhoff et al. 2024",
  RA_LOSS_TABLE,
  .params = params,
  .reads = RA_READS_IN0 | RA_READS_IN1 | RA_READS_WEIGHTS,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,1,7,6 2,1,7,6:mask\n2,2,5,6 2,2,5,6:mask | reduce=\"image\" smooth=0.5 radius=1\n"
             "1,1,6,7:prob 1,1,6,7:mask | input=\"prob\" radius=0\n"
             "2,1,7,6 2,1,7,6:mask - 2,1,7,6:mask 2,1,7,6:var\n"
             "2,3,5,4 2,1,5,4:label\n"
             "1,3,5,4:prob 1,1,5,4:label - 1,1,5,4:mask | input=\"prob\" average=\"present\"",
};
