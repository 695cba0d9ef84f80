/* norm.c: statistics of channels, normalisation with its activation, and the
 * gradient of batch normalisation. x is [B,C,N]; a channel is B planes of N.
 *
 * A channel is cut by shape into blocks of about BLOCK elements (a range of one
 * plane, or several small planes). Within a block sums run in vector lanes
 * around a shift, mean first, then squared deviations, while the block is in
 * the first cache; blocks are combined in double by Chan, Golub and LeVeque
 * (1979). Few channels: a channel's blocks are cut into PARTS runs. */
#include "../base/math.h"
#include "kernel.h"

#include <math.h>

#include "../base/thread.h"
#include "affine_act.h"

enum { BLOCK = 2048, PARTS = 16, FEW = 16 };

typedef struct {
  int32_t B, C, N;
  int32_t planes, per_plane; /* planes in a block; or blocks in a plane */
  int32_t blocks, parts;
} cut;

static cut cut_of(int32_t B, int32_t C, int32_t N) {
  cut s = {.B = B, .C = C, .N = N, .planes = 1, .per_plane = 1};
  if (N >= BLOCK) s.per_plane = ra_ceil_div(N, BLOCK);
  else if (N > 0) s.planes = BLOCK / N;
  s.blocks = N > 0 ? ra_ceil_div(B, s.planes) * s.per_plane : 0;
  s.parts = C >= FEW || s.blocks < 2 ? 1 : ra_min(s.blocks, PARTS);
  return s;
}

/* Block i of a channel: planes b0..b1-1, of each the elements from..to-1. */
typedef struct { int32_t b0, b1, from, to; } range;

static range block_range(const cut *s, int32_t i) {
  int32_t group = i / s->per_plane, chunk = i % s->per_plane;
  range r = {.b0 = group * s->planes, .from = chunk * BLOCK};
  r.b1 = ra_min(r.b0 + s->planes, s->B);
  r.to = s->per_plane > 1 && r.from + BLOCK < s->N ? r.from + BLOCK : s->N;
  return r;
}

/* ---- statistics ---- */

static void merge(ra_moments *a, ra_moments b) {
  if (b.n == 0) return;
  double n = a->n + b.n, d = b.mean - a->mean;
  a->mean += d * (b.n / n);
  a->m2 += b.m2 + d * d * (a->n * b.n / n);
  a->n = n;
}

/* Moments of one block of a channel that starts at x. */
static ra_moments block_moments(const ra_real *x, int64_t batch, range r) {
  const ra_real shift = x[r.b0 * batch + r.from];
  double n = (double)(r.b1 - r.b0) * (r.to - r.from), rest = 0;
  vec s0 = vec_zero(), s1 = s0, s2 = s0, s3 = s0, around = vec_splat(shift);
  for (int32_t b = r.b0; b < r.b1; b++) {
    const ra_real *p = x + b * batch;
    int32_t i = r.from;
    for (; i + 4 * VL <= r.to; i += 4 * VL) {
      s0 += vec_load(p + i) - around;
      s1 += vec_load(p + i + VL) - around;
      s2 += vec_load(p + i + 2 * VL) - around;
      s3 += vec_load(p + i + 3 * VL) - around;
    }
    for (; i + VL <= r.to; i += VL) s0 += vec_load(p + i) - around;
    for (; i < r.to; i++) rest += (double)(p[i] - shift);
  }
  double offset = ((double)vec_sum((s0 + s1) + (s2 + s3)) + rest) / n;
  const ra_real mean = (ra_real)((double)shift + offset);
  s0 = s1 = s2 = s3 = vec_zero();
  rest = 0;
  around = vec_splat(mean);
  for (int32_t b = r.b0; b < r.b1; b++) {
    const ra_real *p = x + b * batch;
    int32_t i = r.from;
    for (; i + 4 * VL <= r.to; i += 4 * VL) {
      vec d0 = vec_load(p + i) - around, d1 = vec_load(p + i + VL) - around;
      vec d2 = vec_load(p + i + 2 * VL) - around, d3 = vec_load(p + i + 3 * VL) - around;
      s0 += d0 * d0;
      s1 += d1 * d1;
      s2 += d2 * d2;
      s3 += d3 * d3;
    }
    for (; i + VL <= r.to; i += VL) {
      vec d = vec_load(p + i) - around;
      s0 += d * d;
    }
    for (; i < r.to; i++) rest += (double)(p[i] - mean) * (double)(p[i] - mean);
  }
  double m2 = (double)vec_sum((s0 + s1) + (s2 + s3)) + rest;
  double miss = (double)shift + offset - (double)mean; /* the squares were taken around the rounded mean */
  m2 -= n * miss * miss;
  return (ra_moments){n, (double)shift + offset, m2 > 0 ? m2 : m2 == m2 ? 0 : m2};
}

/* Where the statistics of the channels go, each [C]. */
typedef struct {
  double eps;
  ra_real *mean, *var, *rstd;
} statistics;

typedef struct {
  cut s;
  const ra_real *x;
  statistics to;
  ra_moments part[FEW * PARTS];
} stats_job;

static void stats_out(const statistics *to, int32_t c, ra_moments m) {
  double var = m.n > 0 ? m.m2 / m.n : 0;
  to->mean[c] = (ra_real)m.mean;
  to->var[c] = (ra_real)var;
  to->rstd[c] = (ra_real)(1 / sqrt(var + to->eps));
}

/* Run p of the blocks of channel c; all its blocks where parts is 1. */
static void stats_item(void *context, int32_t item) {
  stats_job *j = context;
  int32_t c = item / j->s.parts, p = item % j->s.parts;
  int32_t from = (int32_t)((int64_t)j->s.blocks * p / j->s.parts);
  int32_t to = (int32_t)((int64_t)j->s.blocks * (p + 1) / j->s.parts);
  ra_moments all = {0};
  for (int32_t i = from; i < to; i++)
    merge(&all, block_moments(j->x + (int64_t)c * j->s.N, (int64_t)j->s.C * j->s.N, block_range(&j->s, i)));
  if (j->s.parts == 1) stats_out(&j->to, c, all);
  else j->part[item] = all;
}

void K(channel_stats)(int32_t B, int32_t C, int32_t N, const ra_real *x, double eps, ra_real *mean, ra_real *var,
                      ra_real *rstd) {
  stats_job j;
  j.s = cut_of(B, C, N);
  j.x = x;
  j.to = (statistics){eps, mean, var, rstd};
  ra_parallel(C * j.s.parts, stats_item, &j);
  if (j.s.parts == 1) return;
  for (int32_t c = 0; c < C; c++) {
    ra_moments all = {0};
    for (int32_t p = 0; p < j.s.parts; p++) merge(&all, j.part[c * j.s.parts + p]);
    stats_out(&j.to, c, all);
  }
}

typedef struct {
  int32_t chunks, C;
  const ra_moments *moments;
  statistics to;
} merge_job;

static void merge_channel(void *context, int32_t c) {
  const merge_job *j = context;
  ra_moments all = {0};
  for (int32_t p = 0; p < j->chunks; p++) merge(&all, j->moments[(int64_t)p * j->C + c]);
  stats_out(&j->to, c, all);
}

void K(merge_moments)(int32_t chunks, int32_t C, const ra_moments *moments, double eps, ra_real *mean, ra_real *var,
                      ra_real *rstd) {
  merge_job j = {chunks, C, moments, {eps, mean, var, rstd}};
  ra_parallel(C, merge_channel, &j);
}

/* ---- y = act(x * scale + shift) ---- */

typedef struct {
  int32_t C, N, planes; /* planes = B * C */
  int32_t group, chunks; /* planes in an item; or items in a plane */
  const ra_real *x;
  const ra_affine_act *e;
  ra_real *y;
} affine_job;

static void affine_item(void *context, int32_t item) {
  const affine_job *j = context;
  const ra_affine_act *e = j->e;
  int32_t first = item / j->chunks * j->group, chunk = item % j->chunks;
  int32_t last = ra_min(first + j->group, j->planes);
  int32_t from = chunk * RA_CHUNK, to = j->chunks > 1 && from + RA_CHUNK < j->N ? from + RA_CHUNK : j->N;
  for (int32_t k = first; k < last; k++) {
    affine prologue = affine_of(e, k % j->C);
    int64_t at = (int64_t)k * j->N + from;
    affine_row(&prologue, to - from, j->x + at, j->y + at);
  }
}

void K(channel_affine)(int32_t B, int32_t C, int32_t N, const ra_real *x, const ra_affine_act *e, ra_real *y) {
  affine_job j = {.C = C, .N = N, .planes = B * C, .group = 1, .chunks = 1, .x = x, .e = e, .y = y};
  if (N <= 0 || j.planes <= 0) return;
  if (N > RA_CHUNK) j.chunks = ra_ceil_div(N, RA_CHUNK);
  else j.group = RA_CHUNK / N;
  ra_parallel(ra_ceil_div(j.planes, j.group) * j.chunks, affine_item, &j);
}

/* ---- gradient of y = act(g (x - mean) rstd + b), mean and rstd of the batch ----
 * With d = dy act'(z), M = B N, sums over the channel:
 *   db = sum d,  dg = rstd sum d (x - mean)
 *   dx = g rstd (d - db / M - (x - mean) rstd^2 sum d (x - mean) / M) */

typedef struct { double d, dx; } sums; /* of d, of d (x - mean) */

typedef struct {
  cut s;
  bool batch; /* statistics of x itself */
  const ra_real *x, *dy, *mean, *rstd, *g, *b;
  ra_real slope; /* act' where z <= 0: 1 without an activation, 0 for relu */
  bool add_dx, add_dg, add_db;
  ra_real *dx, *dg, *db;
  sums part[FEW * PARTS];
} grad_job;

/* Of one channel; the forward pass compared z = x * scale + shift with 0. */
typedef struct { ra_real mean, scale, shift, slope; } coefficients;

static coefficients coefficients_of(const grad_job *j, int32_t c) {
  ra_real scale = j->g ? j->g[c] * j->rstd[c] : j->rstd[c];
  ra_real drop = j->mean[c] * scale;
  return (coefficients){j->mean[c], scale, (j->b ? j->b[c] : 0) - drop, j->slope};
}

static sums block_sums(const ra_real *x, const ra_real *dy, int64_t batch, range r, coefficients k) {
  vec mean = vec_splat(k.mean), scale = vec_splat(k.scale), shift = vec_splat(k.shift), slope = vec_splat(k.slope);
  vec zero = vec_zero(), s0 = zero, s1 = zero, t0 = zero, t1 = zero;
  sums rest = {0};
  for (int32_t b = r.b0; b < r.b1; b++) {
    const ra_real *p = x + b * batch, *q = dy + b * batch;
    int32_t i = r.from;
    for (; i + 2 * VL <= r.to; i += 2 * VL) {
      vec x0 = vec_load(p + i), x1 = vec_load(p + i + VL), d0 = vec_load(q + i), d1 = vec_load(q + i + VL);
      d0 = vec_select((veci)(x0 * scale + shift > zero), d0, d0 * slope);
      d1 = vec_select((veci)(x1 * scale + shift > zero), d1, d1 * slope);
      s0 += d0;
      s1 += d1;
      t0 += d0 * (x0 - mean);
      t1 += d1 * (x1 - mean);
    }
    for (; i < r.to; i++) {
      ra_real d = p[i] * k.scale + k.shift > 0 ? q[i] : q[i] * k.slope;
      rest.d += (double)d;
      rest.dx += (double)(d * (p[i] - k.mean));
    }
  }
  return (sums){(double)vec_sum(s0 + s1) + rest.d, (double)vec_sum(t0 + t1) + rest.dx};
}

static void block_grad(const ra_real *x, const ra_real *dy, int64_t batch, range r, coefficients k, ra_real c0, ra_real c1,
                       bool add, ra_real *dx) {
  vec mean = vec_splat(k.mean), scale = vec_splat(k.scale), shift = vec_splat(k.shift), slope = vec_splat(k.slope);
  vec v0 = vec_splat(c0), v1 = vec_splat(c1), zero = vec_zero();
  for (int32_t b = r.b0; b < r.b1; b++) {
    const ra_real *p = x + b * batch, *q = dy + b * batch;
    ra_real *o = dx + b * batch;
    int32_t i = r.from;
    for (; i + VL <= r.to; i += VL) {
      vec xi = vec_load(p + i), d = vec_load(q + i);
      d = vec_select((veci)(xi * scale + shift > zero), d, d * slope);
      d = d * scale + ((xi - mean) * v1 + v0);
      if (add) d += vec_load(o + i);
      vec_store(o + i, d);
    }
    for (; i < r.to; i++) {
      ra_real d = p[i] * k.scale + k.shift > 0 ? q[i] : q[i] * k.slope;
      d = d * k.scale + ((p[i] - k.mean) * c1 + c0);
      o[i] = add ? o[i] + d : d;
    }
  }
}

static sums part_sums(const grad_job *j, int32_t c, int32_t p) {
  int32_t from = (int32_t)((int64_t)j->s.blocks * p / j->s.parts);
  int32_t to = (int32_t)((int64_t)j->s.blocks * (p + 1) / j->s.parts);
  int64_t at = (int64_t)c * j->s.N, batch = (int64_t)j->s.C * j->s.N;
  coefficients k = coefficients_of(j, c);
  sums all = {0};
  for (int32_t i = from; i < to; i++) {
    sums s = block_sums(j->x + at, j->dy + at, batch, block_range(&j->s, i), k);
    all.d += s.d;
    all.dx += s.dx;
  }
  return all;
}

static void part_grad(const grad_job *j, int32_t c, int32_t p, sums all) {
  int32_t from = (int32_t)((int64_t)j->s.blocks * p / j->s.parts);
  int32_t to = (int32_t)((int64_t)j->s.blocks * (p + 1) / j->s.parts);
  int64_t at = (int64_t)c * j->s.N, batch = (int64_t)j->s.C * j->s.N;
  double M = (double)j->s.B * j->s.N, scale = (j->g ? (double)j->g[c] : 1) * (double)j->rstd[c];
  if (!j->batch) all = (sums){0}; /* mean and rstd are constants: dx = dy * scale */
  ra_real c0 = (ra_real)(-scale * all.d / M);
  ra_real c1 = (ra_real)(-scale * (double)j->rstd[c] * (double)j->rstd[c] * all.dx / M);
  coefficients k = coefficients_of(j, c);
  for (int32_t i = from; i < to; i++)
    block_grad(j->x + at, j->dy + at, batch, block_range(&j->s, i), k, c0, c1, j->add_dx, j->dx + at);
}

static void grad_out(const grad_job *j, int32_t c, sums all) {
  if (j->dg) j->dg[c] = (ra_real)(all.dx * (double)j->rstd[c] + (j->add_dg ? (double)j->dg[c] : 0));
  if (j->db) j->db[c] = (ra_real)(all.d + (j->add_db ? (double)j->db[c] : 0));
}

/* Both passes of one channel; the second reads it from the cache. */
static void grad_channel(void *context, int32_t c) {
  const grad_job *j = context;
  sums all = part_sums(j, c, 0);
  if (j->dx) part_grad(j, c, 0, all);
  grad_out(j, c, all);
}

static void grad_pass1(void *context, int32_t item) {
  grad_job *j = context;
  j->part[item] = part_sums(j, item / j->s.parts, item % j->s.parts);
}

static sums whole(const grad_job *j, int32_t c) {
  sums all = {0};
  for (int32_t p = 0; p < j->s.parts; p++) {
    all.d += j->part[c * j->s.parts + p].d;
    all.dx += j->part[c * j->s.parts + p].dx;
  }
  return all;
}

static void grad_pass2(void *context, int32_t item) {
  const grad_job *j = context;
  int32_t c = item / j->s.parts;
  part_grad(j, c, item % j->s.parts, whole(j, c));
}

void K(batch_norm_grad)(bool batch, int32_t B, int32_t C, int32_t N, const ra_real *x, const ra_real *dy, const ra_real *mean,
                        const ra_real *rstd, const ra_real *g, const ra_real *b, ra_act act, ra_real slope,
                        bool add_dx, ra_real *dx, bool add_dg, ra_real *dg, bool add_db, ra_real *db) {
  grad_job j;
  j.s = cut_of(B, C, N);
  j.batch = batch;
  j.x = x, j.dy = dy, j.mean = mean, j.rstd = rstd, j.g = g, j.b = b;
  j.slope = act == RA_ACT_RELU ? 0 : act == RA_ACT_LEAKY_RELU ? slope : 1;
  j.add_dx = add_dx, j.add_dg = add_dg, j.add_db = add_db;
  j.dx = dx, j.dg = dg, j.db = db;
  if (j.s.parts == 1) {
    ra_parallel(C, grad_channel, &j);
    return;
  }
  ra_parallel(C * j.s.parts, grad_pass1, &j);
  if (dx) ra_parallel(C * j.s.parts, grad_pass2, &j);
  for (int32_t c = 0; c < C; c++) grad_out(&j, c, whole(&j, c));
}
