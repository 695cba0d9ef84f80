/* broadcast.c: index spaces that several arrays share, and sums over the
 * dimensions along which one of them was stretched. */
#include "broadcast.h"

#include "../base/math.h"
#include "../base/thread.h"

int32_t ra_broadcast_shape(const ra_call *c, int32_t a, int32_t b, int32_t dim[RA_MAX_RANK]) {
  char s[80], t[80];
  const ra_array *x = &c->in[a], *y = &c->in[b];
  int32_t rank = x->rank > y->rank ? x->rank : y->rank;
  for (int32_t i = 0; i < rank; i++) {
    int32_t p = i < rank - x->rank ? 1 : x->dim[i - (rank - x->rank)];
    int32_t q = i < rank - y->rank ? 1 : y->dim[i - (rank - y->rank)];
    if (p != q && p != 1 && q != 1)
      return ra_fail(RA_ERR_SHAPE, "%s: %s and %s do not broadcast: dimensions, counted from the last, must agree or be 1",
                     c->op->name, ra_in_text(c, a, s), ra_in_text(c, b, t));
    dim[i] = p == 1 ? q : p;
  }
  return rank;
}

ra_space ra_space_of(int32_t rank, const int32_t *dim, int32_t n, const ra_array *const *array) {
  ra_space s = {0};
  int64_t stride[RA_MAX_ARRAYS][RA_MAX_RANK];
  for (int32_t k = 0; k < n; k++) {
    int64_t step = 1;
    for (int32_t i = rank - 1; i >= 0; i--) {
      int32_t j = i - (rank - array[k]->rank), size = j < 0 ? 1 : array[k]->dim[j];
      stride[k][i] = size == 1 ? 0 : step;
      step *= size;
    }
  }
  for (int32_t i = 0; i < rank; i++) {
    if (dim[i] == 1) continue;
    int32_t last = s.rank - 1;
    bool merge = last >= 0;
    for (int32_t k = 0; merge && k < n; k++) merge = s.stride[k][last] == stride[k][i] * dim[i];
    if (!merge) last = s.rank++;
    s.dim[last] = merge ? s.dim[last] * dim[i] : dim[i];
    for (int32_t k = 0; k < n; k++) s.stride[k][last] = stride[k][i];
  }
  if (s.rank == 0) {
    s.rank = 1;
    s.dim[0] = 1;
  }
  s.rows = 1;
  for (int32_t i = 0; i < s.rank - 1; i++) s.rows *= s.dim[i];
  return s;
}

int64_t ra_space_at(const ra_space *s, int32_t k, int64_t row) {
  int64_t at = 0;
  for (int32_t i = s->rank - 2; i >= 0; i--) {
    at += row % s->dim[i] * s->stride[k][i];
    row /= s->dim[i];
  }
  return at;
}

/* ---- sums ----
 * The dimensions before the last are kept (stride of array 0 not 0) or summed.
 * Last dimension summed: each kept index sums whole rows; if there are few
 * kept indices, their rows are divided into ranges, each with a partial sum. Last dimension kept: strips of
 * columns, each summing its rows into double accumulators. */

enum { STRIP = 64, RANGES = 256 };

typedef struct {
  const ra_space *s;
  ra_row_fn *expression;
  const void *context;
  double scale;
  bool add, inner;       /* inner: the last dimension is summed */
  int64_t kept, summed;  /* products over the dimensions before the last */
  int32_t ranges;        /* of each kept index, inner only */
  int64_t strips, group; /* strips of a row; kept indices of an item */
  ra_real *target;
  double partial[RANGES];
} sum_job;

/* The row whose kept coordinates are `kept` and whose summed ones `summed`. */
static int64_t row_of(const sum_job *j, int64_t kept, int64_t summed, int64_t *target) {
  const ra_space *s = j->s;
  int64_t row = 0, weight = 1;
  *target = 0;
  for (int32_t i = s->rank - 2; i >= 0; i--) {
    if (s->dim[i] == 0) continue;
    bool keep = s->stride[0][i] != 0;
    int64_t *from = keep ? &kept : &summed, index = *from % s->dim[i];
    *from /= s->dim[i];
    if (keep) *target += index * s->stride[0][i];
    row += index * weight;
    weight *= s->dim[i];
  }
  return row;
}

static void put(const sum_job *j, int64_t at, double sum) {
  j->target[at] = (ra_real)(j->scale * sum + (j->add ? (double)j->target[at] : 0));
}

/* Chunks are numbered across rows, so that one long row is divided among threads too. */
static double sum_rows(const sum_job *j, int64_t kept, int32_t range, int64_t *target) {
  int64_t length = j->s->dim[j->s->rank - 1], chunks = ra_ceil_div(length, (int64_t)RA_ROW), all = j->summed * chunks;
  int64_t from = all * range / j->ranges, to = all * (range + 1) / j->ranges;
  ra_real values[RA_ROW];
  double sum = 0;
  row_of(j, kept, 0, target);
  for (int64_t p = from; p < to; p++) {
    int64_t row = row_of(j, kept, p / chunks, target), first = p % chunks * RA_ROW;
    int32_t n = (int32_t)(length - first < RA_ROW ? length - first : RA_ROW);
    j->expression(j->context, row, first, n, values);
    sum += ra_kernel()->sum(n, values);
  }
  return sum;
}

static void rows_item(void *context, int32_t item) {
  sum_job *j = context;
  int64_t target;
  if (j->ranges > 1) {
    j->partial[item] = sum_rows(j, item / j->ranges, item % j->ranges, &target);
    return;
  }
  for (int64_t kept = item * j->group; kept < (item + 1) * j->group && kept < j->kept; kept++) {
    double sum = sum_rows(j, kept, 0, &target);
    put(j, target, sum);
  }
}

static void strip_item(void *context, int32_t item) {
  const sum_job *j = context;
  int64_t length = j->s->dim[j->s->rank - 1], first = item % j->strips * STRIP, target;
  int32_t n = (int32_t)(length - first < STRIP ? length - first : STRIP);
  ra_real values[STRIP];
  double sum[STRIP] = {0};
  row_of(j, item / j->strips, 0, &target);
  for (int64_t r = 0; r < j->summed; r++) {
    int64_t row = row_of(j, item / j->strips, r, &target);
    j->expression(j->context, row, first, n, values);
    for (int32_t i = 0; i < n; i++) sum[i] += (double)values[i];
  }
  for (int32_t i = 0; i < n; i++) put(j, target + first + i, sum[i]);
}

void ra_space_sum(const ra_space *s, ra_row_fn *expression, const void *context, double scale, bool add, ra_real *target) {
  sum_job j;
  j.s = s, j.expression = expression, j.context = context, j.scale = scale, j.add = add, j.target = target;
  j.kept = j.summed = 1;
  for (int32_t i = 0; i < s->rank - 1; i++) {
    if (s->stride[0][i] != 0) j.kept *= s->dim[i];
    else j.summed *= s->dim[i];
  }
  int64_t length = s->dim[s->rank - 1];
  j.inner = s->stride[0][s->rank - 1] == 0;
  j.ranges = 1;
  j.group = 1;
  if (!j.inner) {
    j.strips = ra_ceil_div(length, (int64_t)STRIP);
    ra_parallel((int32_t)(j.kept * j.strips), strip_item, &j);
    return;
  }
  int64_t work = j.summed * length; /* of a kept index */
  if (j.kept <= 16 && work > 4 * RA_ROW) {
    int64_t ranges = work / (2 * RA_ROW);
    j.ranges = (int32_t)ra_min(ranges, (int64_t)16);
    ra_parallel((int32_t)j.kept * j.ranges, rows_item, &j);
    for (int64_t k = 0; k < j.kept; k++) {
      double sum = 0;
      int64_t at;
      row_of(&j, k, 0, &at);
      for (int32_t p = 0; p < j.ranges; p++) sum += j.partial[k * j.ranges + p];
      put(&j, at, sum);
    }
    return;
  }
  if (work > 0 && work < RA_CHUNK) j.group = RA_CHUNK / work;
  ra_parallel((int32_t)ra_ceil_div(j.kept, j.group), rows_item, &j);
}
