/* overlap.c: losses of overlap, functions of three sums over the pixels of a
 * batch or of each image,
 *   both = sum w p y, P = sum w p, Y = sum w y      L = f(both, P, Y)
 *   dL/dp_i = w_i (df/dboth y_i + df/dP)
 * w is 1, or as inside and weight say (loss.h). Forward keeps the two derivatives
 * of each group, [G,2]: G is 1 (reduce = "batch") or the images of the batch
 * ("image": L is their mean). Of a loss that looks at planes one by one they are
 * [1,G,2], a group for each channel (of each image), and L is the mean of all. */
#include "../base/math.h"
#include "../base/thread.h"
#include "classes.h"

enum { BOTH, SUM_P, SUM_Y, ALL, SUMS };

typedef struct {
  ra_call *c;
  double (*part)[SUMS]; /* [units * chunks of a unit] */
} job;

/* Planes one by one, or all pixels of a group in one piece. */
static ra_loss_planes pieces_of(const ra_call *c, bool planes) {
  bool by_image = c->param[RA_OVERLAP_REDUCE] != 0;
  if (planes) return ra_loss_planes_of(c, by_image);
  const ra_array *x = &c->in[RA_PREDICTION];
  int32_t groups = by_image && x->rank > 0 ? x->dim[0] : 1;
  return (ra_loss_planes){groups, groups, x->size / groups};
}

static ra_loss_planes pieces(const ra_call *c) { return pieces_of(c, c->saved[0].rank == 3); }

/* chunks of one unit */
static int32_t chunks_of(const ra_loss_planes *p) { return (int32_t)ra_ceil_div((int64_t)p->size, (int64_t)RA_LOSS_CHUNK); }

static int32_t infer(ra_call *c, bool planes) {
  if (ra_loss_classes(c)) return ra_class_overlap_infer(c);
  RA_TRY(ra_loss_want(c, RA_MASK));
  RA_TRY(ra_loss_infer(c));
  ra_loss_planes p = pieces_of(c, planes);
  if (planes) RA_TRY(ra_save(c, 3, (int32_t[]){1, p.groups, 2}));
  else RA_TRY(ra_save(c, 2, (int32_t[]){p.groups, 2}));
  c->work_forward = (size_t)p.units * (size_t)chunks_of(&p) * sizeof(double[SUMS]);
  c->work_backward = c->work_forward;
  return RA_OK;
}

int32_t ra_overlap_infer(ra_call *c) { return infer(c, false); }
int32_t ra_overlap_infer_planes(ra_call *c) { return infer(c, true); }

/* Pixels first to end of a chunk; returns its group. */
static int32_t range(const ra_call *c, int32_t chunk, int64_t *first, int64_t *end) {
  ra_loss_planes p = pieces(c);
  int32_t unit = chunk / chunks_of(&p), k = chunk % chunks_of(&p);
  int64_t start = (int64_t)k * RA_LOSS_CHUNK, base = (int64_t)unit * p.size;
  *first = base + start;
  *end = base + ra_min(start + (int64_t)RA_LOSS_CHUNK, (int64_t)p.size);
  return unit % p.groups;
}

/* The sums of w p y, w p and w y. */
static void add_weighted(int32_t n, const ra_real *w, const ra_real *p, const ra_real *y, double *both, double *sum_p,
                         double *sum_y) {
  double a = 0, b = 0, d = 0;
  RA_SIMD_SUM(a, b, d)
  for (int32_t k = 0; k < n; k++) {
    ra_real wp = w[k] != 0 ? w[k] * p[k] : 0, known = w[k] != 0 ? y[k] : 0;
    a += (double)(wp * known);
    b += (double)wp;
    d += (double)(w[k] * known);
  }
  *both = a;
  *sum_p = b;
  *sum_y = d;
}

static double sum_of(int32_t n, const ra_real *w) {
  double sum = 0;
  for (int32_t k = 0; k < n; k++) sum += (double)w[k];
  return sum;
}

static void forward_chunk(void *context, int32_t chunk) {
  const job *j = context;
  const ra_call *c = j->c;
  int64_t first, end;
  double both = 0, sum_p = 0, sum_y = 0, all = 0;
  range(c, chunk, &first, &end);
  for (int64_t i = first; i < end; i += RA_TILE) {
    ra_real tile[RA_TILE], memory[RA_TILE];
    int32_t n = (int32_t)ra_min(end - i, (int64_t)RA_TILE);
    const ra_real *p = c->in[RA_PREDICTION].data + i, *y = c->in[RA_MASK].data + i;
    if (c->param[RA_LOSS_INPUT] != RA_INPUT_PROB) {
      ra_tile_sigmoid(n, p, tile);
      p = tile;
    }
    const ra_real *w = ra_loss_weights(c, i, n, memory);
    double a = 0, b = 0, d = 0;
    if (w) add_weighted(n, w, p, y, &a, &b, &d);
    else {
      RA_SIMD_SUM(a, b, d)
      for (int32_t k = 0; k < n; k++) {
        a += (double)(p[k] * y[k]);
        b += (double)p[k];
        d += (double)y[k];
      }
    }
    both += a;
    sum_p += b;
    sum_y += d;
    all += w ? sum_of(n, w) : n;
  }
  double *part = j->part[chunk];
  part[BOTH] = both;
  part[SUM_P] = sum_p;
  part[SUM_Y] = sum_y;
  part[ALL] = all;
}

/* The sums of a group: over its units, chunk by chunk. */
static ra_overlap sums_of(const job *j, const ra_loss_planes *p, int32_t group) {
  int32_t chunks = chunks_of(p);
  ra_overlap o = {0};
  for (int32_t unit = group; unit < p->units; unit += p->groups)
    for (int32_t k = unit * chunks; k < (unit + 1) * chunks; k++) {
      o.both += j->part[k][BOTH];
      o.p += j->part[k][SUM_P];
      o.y += j->part[k][SUM_Y];
      o.all += j->part[k][ALL];
    }
  return o;
}

void ra_overlap_forward(ra_call *c, ra_overlap_fn *fn) {
  if (ra_loss_classes(c)) {
    ra_class_overlap_forward(c, fn);
    return;
  }
  job j = {c, c->work};
  ra_loss_planes p = pieces(c);
  int32_t G = p.groups;
  ra_parallel(p.units * chunks_of(&p), forward_chunk, &j);
  double loss = 0;
  for (int32_t g = 0; g < G; g++) {
    ra_overlap o = sums_of(&j, &p, g);
    loss += fn(c, &o);
    c->saved[0].data[2 * g] = (ra_real)(o.d_both / G);
    c->saved[0].data[2 * g + 1] = (ra_real)(o.d_p / G);
  }
  c->out.data[0] = (ra_real)(loss / G);
}

static void backward_chunk(void *context, int32_t chunk) {
  const job *j = context;
  const ra_call *c = j->c;
  int64_t first, end;
  int32_t group = range(c, chunk, &first, &end);
  const ra_real d_both = c->saved[0].data[2 * group], d_p = c->saved[0].data[2 * group + 1];
  ra_real *dx = c->din[RA_PREDICTION].data;
  double sum = 0;
  for (int64_t i = first; i < end; i += RA_TILE) {
    ra_bernoulli s;
    ra_real grad[RA_TILE], memory[RA_TILE];
    int32_t n = (int32_t)ra_min(end - i, (int64_t)RA_TILE);
    const ra_real *y = c->in[RA_MASK].data + i;
    ra_bernoulli_input(c, n, c->in[RA_PREDICTION].data + i, false, &s);
    RA_SIMD
    for (int32_t k = 0; k < n; k++) grad[k] = d_both * y[k] + d_p;
    ra_from_prob(c, n, &s, grad);
    ra_loss_weigh(n, ra_loss_weights(c, i, n, memory), grad);
    sum += ra_loss_store(c->add[RA_PREDICTION], n, c->dout.data[0], grad, dx ? dx + i : NULL);
  }
  j->part[chunk][0] = sum;
}

void ra_overlap_backward(ra_call *c) {
  if (ra_loss_classes(c)) {
    ra_class_overlap_backward(c);
    return;
  }
  job j = {c, c->work};
  ra_loss_planes p = pieces(c);
  int32_t n = p.units * chunks_of(&p);
  ra_parallel(n, backward_chunk, &j);
  if (!c->norm2) return;
  *c->norm2 = 0;
  for (int32_t i = 0; i < n; i++) *c->norm2 += j.part[i][0];
}
