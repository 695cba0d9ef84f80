/* class_overlap.c: losses of overlap for K exclusive classes. For each class k the sums over the pixels of the batch, or of
 * each image, are those of overlap.c with p = p_k and y = 1 where the label is k; L is the mean over the classes that
 * `average` names of f(both_k, P_k, Y_k), and over images where reduce = "image". Forward keeps the two derivatives of each
 * group and class, [G,K,2]. */
#include "../base/thread.h"
#include "classes.h"

enum { TILE = RA_CLASSES_TILE };
enum { BOTH, SUM_P, SUM_Y, SUMS };

typedef struct {
  ra_call *c;
  int32_t classes, chunks; /* chunks of one group */
  double *part;      /* forward: [chunks of all groups, classes, SUMS]; backward: [chunks] sums of squares */
  int32_t chunk;
} job;

static int32_t groups_of(const ra_call *c) { return c->param[RA_OVERLAP_REDUCE] != 0 ? c->in[RA_PREDICTION].dim[0] : 1; }

static job job_of(ra_call *c) {
  return (job){.c = c, .classes = c->in[RA_PREDICTION].dim[1], .chunks = ra_classes_chunks(c) / groups_of(c), .part = c->work};
}

int32_t ra_class_overlap_infer(ra_call *c) {
  RA_TRY(ra_classes_infer(c));
  int32_t K = c->in[RA_PREDICTION].dim[1];
  RA_TRY(ra_save(c, 3, (int32_t[]){groups_of(c), K, 2}));
  c->work_backward = (size_t)ra_classes_chunks(c) * sizeof(double);
  c->work_forward = c->work_backward * (size_t)K * SUMS;
  return RA_OK;
}

static void forward_tile(void *context, const ra_call *c, const ra_class_tile *t) {
  const job *j = context;
  ra_class_values p;
  ra_class_probabilities(c, t, RA_PREDICTION, p, NULL);
  double *sums = j->part + (int64_t)j->chunk * j->classes * SUMS;
  for (int32_t k = 0; k < t->classes; k++) {
    const ra_real *row = p + k * TILE;
    double sum = 0;
    for (int32_t i = 0; i < t->n; i++) sum += t->weight[i] != 0 ? (double)(t->weight[i] * row[i]) : 0;
    sums[k * SUMS + SUM_P] += sum;
  }
  for (int32_t i = 0; i < t->n; i++) {
    double *own = sums + t->label[i] * SUMS;
    if (t->weight[i] == 0) continue;
    own[BOTH] += (double)(t->weight[i] * p[t->label[i] * TILE + i]);
    own[SUM_Y] += (double)t->weight[i];
  }
}

static void forward_chunk(void *context, int32_t chunk) {
  job j = *(const job *)context;
  j.chunk = chunk;
  for (int32_t i = 0; i < j.classes * SUMS; i++) j.part[(int64_t)chunk * j.classes * SUMS + i] = 0;
  ra_classes_each_tile(j.c, chunk, forward_tile, &j);
}

static ra_overlap sums_of(const job *j, int32_t group, int32_t k) {
  ra_overlap o = {0};
  for (int32_t i = group * j->chunks; i < (group + 1) * j->chunks; i++) {
    const double *s = j->part + ((int64_t)i * j->classes + k) * SUMS;
    o.both += s[BOTH];
    o.p += s[SUM_P];
    o.y += s[SUM_Y];
  }
  return o;
}

bool ra_class_counts(int32_t average, int32_t k, bool occurs) {
  switch (average) {
    case RA_AVERAGE_FOREGROUND: return k > 0;
    case RA_AVERAGE_PRESENT: return k > 0 && occurs;
    case RA_AVERAGE_OCCURRING: return occurs;
    default: return true;
  }
}

/* The loss of one group; its derivatives, divided by `groups`, in slope [classes, 2]. */
static double group_loss(const job *j, ra_overlap_fn *fn, int32_t group, int32_t groups, ra_real *slope) {
  double loss = 0;
  int32_t used = 0;
  for (int32_t k = 0; k < j->classes; k++) {
    ra_overlap o = sums_of(j, group, k);
    bool in = ra_class_counts((int32_t)j->c->param[RA_OVERLAP_AVERAGE], k, o.y > 0);
    double one = fn(j->c, &o); /* NOLINT: NULL only beside a function of all classes */
    slope[2 * k] = in ? (ra_real)o.d_both : 0;
    slope[2 * k + 1] = in ? (ra_real)o.d_p : 0;
    if (in) loss += one;
    used += in;
  }
  if (used == 0) return 0;
  for (int32_t i = 0; i < 2 * j->classes; i++) slope[i] /= (ra_real)used * (ra_real)groups;
  return loss / used;
}

/* The same of one function of all classes. */
static double joint_loss(const job *j, ra_overlap_all_fn *fn, int32_t group, int32_t groups, ra_real *slope) {
  ra_overlap o[RA_CLASSES_MAX];
  for (int32_t k = 0; k < j->classes; k++) o[k] = sums_of(j, group, k);
  double loss = fn(j->c, j->classes, o);
  for (int32_t k = 0; k < j->classes; k++) {
    slope[2 * k] = (ra_real)(o[k].d_both / groups);
    slope[2 * k + 1] = (ra_real)(o[k].d_p / groups);
  }
  return loss;
}

static void forward(ra_call *c, ra_overlap_fn *fn, ra_overlap_all_fn *all) {
  job j = job_of(c);
  int32_t groups = groups_of(c);
  double loss = 0;
  ra_parallel(ra_classes_chunks(c), forward_chunk, &j);
  for (int32_t g = 0; g < groups; g++) {
    ra_real *slope = c->saved[0].data + (int64_t)g * j.classes * 2;
    loss += all ? joint_loss(&j, all, g, groups, slope) : group_loss(&j, fn, g, groups, slope);
  }
  c->out.data[0] = (ra_real)(loss / groups);
}

void ra_class_overlap_forward(ra_call *c, ra_overlap_fn *fn) { forward(c, fn, NULL); }
void ra_class_overlap_forward_all(ra_call *c, ra_overlap_all_fn *fn) { forward(c, NULL, fn); }

static void backward_tile(void *context, const ra_call *c, const ra_class_tile *t) {
  const job *j = context;
  const ra_real *slope = c->saved[0].data + (int64_t)(j->chunk / j->chunks) * j->classes * 2;
  ra_class_values p, a;
  ra_class_probabilities(c, t, RA_PREDICTION, p, NULL);
  for (int32_t k = 0; k < t->classes; k++) {
    ra_real d_both = slope[2 * k], d_p = slope[2 * k + 1];
    for (int32_t i = 0; i < TILE; i++) a[k * TILE + i] = p[k * TILE + i] * d_p;
    for (int32_t i = 0; i < t->n; i++) a[k * TILE + i] += t->label[i] == k ? p[k * TILE + i] * d_both : 0;
  }
  ra_class_from_log_input(c, t, p, a);
  j->part[j->chunk] += ra_class_store(c, t, c->dout.data[0], a);
}

static void backward_chunk(void *context, int32_t chunk) {
  job j = *(const job *)context;
  j.chunk = chunk;
  j.part[chunk] = 0;
  ra_classes_each_tile(j.c, chunk, backward_tile, &j);
}

void ra_class_overlap_backward(ra_call *c) {
  job j = job_of(c);
  ra_parallel(ra_classes_chunks(c), backward_chunk, &j);
  if (!c->norm2) return;
  *c->norm2 = 0;
  for (int32_t i = 0; i < ra_classes_chunks(c); i++) *c->norm2 += j.part[i];
}
