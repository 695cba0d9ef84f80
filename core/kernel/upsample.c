/* upsample.c: planes [H,W] resampled to [Ho,Wo], nearest or bilinear, up or down.
 *
 * Bilinear is separable: y = V x R. Forward stretches a source row along W once
 * (two such rows are kept) and blends rows along H, the long part, in vectors.
 * Backward is the transpose: the dy rows that a source row feeds are blended
 * first, then folded along W. Each source row is written by one worker. */
#include "kernel.h"

#include <math.h>
#include <string.h>

#include "../base/thread.h"

enum { ITEMS = 64 }; /* at most; each has its own scratch, whatever the number of threads */

/* Output i = (1 - w) * source[a] + w * source[b]. */
typedef struct { int32_t a, b; ra_real w; } tap;

static tap tap_of(const ra_upsample *s, int32_t i, int32_t size, double step) {
  tap t = {0};
  if (!s->bilinear) {
    t.a = (int32_t)floor((double)((float)i * (float)step)); /* in float, as PyTorch */
    if (t.a > size - 1) t.a = size - 1;
    t.b = t.a;
    return t;
  }
  double at = s->align_corners ? i * step : (i + 0.5) * step - 0.5;
  if (at < 0) at = 0;
  t.a = (int32_t)at;
  if (t.a > size - 1) t.a = size - 1;
  t.b = t.a < size - 1 ? t.a + 1 : t.a;
  t.w = (ra_real)(at - t.a);
  if (t.w > 1) t.w = 1;
  return t;
}

typedef struct {
  const ra_upsample *s;
  const ra_real *x;
  ra_real *y;
  bool add;
  tap *column;      /* [Wo] */
  tap *row;         /* [Ho] */
  ra_real *scratch; /* [items][2][Wo] */
  int32_t items;
  bool twice;       /* bilinear, corners not aligned, W doubled */
} job;

static size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

size_t K(upsample_work)(const ra_upsample *s) {
  return aligned((size_t)s->Wo * sizeof(tap)) + aligned((size_t)s->Ho * sizeof(tap)) +
         2 * ITEMS * aligned((size_t)s->Wo * sizeof(ra_real));
}

static void prepare(job *j, const ra_upsample *s, void *work, int64_t rows) {
  j->s = s;
  j->column = work;
  work = (char *)work + aligned((size_t)s->Wo * sizeof(tap));
  j->row = work;
  j->scratch = (ra_real *)(void *)((char *)work + aligned((size_t)s->Ho * sizeof(tap)));
  for (int32_t i = 0; i < s->Wo; i++) j->column[i] = tap_of(s, i, s->W, s->step_w);
  for (int32_t i = 0; i < s->Ho; i++) j->row[i] = tap_of(s, i, s->H, s->step_h);
  j->twice = s->bilinear && !s->align_corners && s->Wo == 2 * s->W && s->step_w == 0.5;
  /* by shape: about 4096 outputs an item or more */
  int64_t items = (int64_t)s->planes * s->Ho * s->Wo / 4096;
  j->items = items < 1 ? 1 : items > ITEMS ? ITEMS : (int32_t)items;
  if (j->items > rows) j->items = (int32_t)rows;
}

static ra_real *scratch_of(const job *j, int32_t item, int32_t which) {
  size_t row = aligned((size_t)j->s->Wo * sizeof(ra_real)) / sizeof(ra_real);
  return j->scratch + (size_t)(2 * item + which) * row;
}

/* ---- forward ---- */

static void stretch(const job *j, const ra_real *x, ra_real *t) {
  const ra_upsample *s = j->s;
  if (!s->bilinear) {
    for (int32_t i = 0; i < s->Wo; i++) t[i] = x[j->column[i].a];
    return;
  }
  if (j->twice) {
    const ra_real near = (ra_real)0.75, far = (ra_real)0.25;
    int32_t last = s->W - 1;
    t[0] = x[0];
#pragma omp simd
    for (int32_t i = 0; i < last; i++) {
      ra_real a = x[i], b = x[i + 1];
      t[2 * i + 1] = near * a + far * b;
      t[2 * i + 2] = far * a + near * b;
    }
    t[2 * last + 1] = x[last];
    return;
  }
  for (int32_t i = 0; i < s->Wo; i++) {
    tap c = j->column[i];
    t[i] = (1 - c.w) * x[c.a] + c.w * x[c.b];
  }
}

static void blend(int32_t n, ra_real w, const ra_real *a, const ra_real *b, ra_real *y) {
  ra_real v = 1 - w;
#pragma omp simd
  for (int32_t i = 0; i < n; i++) y[i] = v * a[i] + w * b[i];
}

static void forward_item(void *context, int32_t item) {
  const job *j = context;
  const ra_upsample *s = j->s;
  int64_t rows = (int64_t)s->planes * s->Ho;
  int64_t from = rows * item / j->items, to = rows * (item + 1) / j->items;
  ra_real *line[2] = {scratch_of(j, item, 0), scratch_of(j, item, 1)};
  int64_t held[2] = {-1, -1}; /* which source row each line holds */
  for (int64_t r = from; r < to; r++) {
    int64_t base = r / s->Ho * s->H;
    tap t = j->row[r % s->Ho];
    int64_t a = base + t.a, b = base + t.b;
    ra_real *y = j->y + r * s->Wo;
    int ka = held[1] == a, kb;
    if (held[ka] != a) {
      ka = held[0] == b; /* do not lose b */
      stretch(j, j->x + a * s->W, line[ka]);
      held[ka] = a;
    }
    if (t.w == 0 || a == b) {
      memcpy(y, line[ka], (size_t)s->Wo * sizeof *y);
      continue;
    }
    kb = 1 - ka;
    if (held[kb] != b) {
      stretch(j, j->x + b * s->W, line[kb]);
      held[kb] = b;
    }
    blend(s->Wo, t.w, line[ka], line[kb], y);
  }
}

void K(upsample)(const ra_upsample *s, const ra_real *x, ra_real *y, void *work) {
  job j = {.x = x, .y = y};
  int64_t rows = (int64_t)s->planes * s->Ho;
  if (rows <= 0 || s->Wo <= 0) return;
  prepare(&j, s, work, rows);
  ra_parallel(j.items, forward_item, &j);
}

/* ---- backward ---- */

static void fold(const job *j, const ra_real *t, ra_real *dx) {
  const ra_upsample *s = j->s;
  if (!j->add) memset(dx, 0, (size_t)s->W * sizeof *dx);
  if (j->twice) {
    const ra_real near = (ra_real)0.75, far = (ra_real)0.25, whole = 1;
    int32_t last = s->W - 1;
    if (last == 0) {
      dx[0] += t[0] + t[1];
      return;
    }
    dx[0] += whole * t[0] + near * t[1] + far * t[2];
#pragma omp simd
    for (int32_t i = 1; i < last; i++)
      dx[i] += far * t[2 * i - 1] + near * t[2 * i] + near * t[2 * i + 1] + far * t[2 * i + 2];
    dx[last] += far * t[2 * last - 1] + near * t[2 * last] + whole * t[2 * last + 1];
    return;
  }
  for (int32_t i = 0; i < s->Wo; i++) {
    tap c = j->column[i];
    dx[c.a] += (1 - c.w) * t[i];
    dx[c.b] += c.w * t[i];
  }
}

static void gather(int32_t n, ra_real w, const ra_real *dy, bool first, ra_real *t) {
  if (first) {
#pragma omp simd
    for (int32_t i = 0; i < n; i++) t[i] = w * dy[i];
  } else {
#pragma omp simd
    for (int32_t i = 0; i < n; i++) t[i] += w * dy[i];
  }
}

static void backward_item(void *context, int32_t item) {
  const job *j = context;
  const ra_upsample *s = j->s;
  int64_t rows = (int64_t)s->planes * s->H;
  int64_t from = rows * item / j->items, to = rows * (item + 1) / j->items;
  ra_real *line = scratch_of(j, item, 0);
  int64_t plane = -1;
  int32_t low = 0; /* outputs before it end above this source row */
  for (int64_t r = from; r < to; r++) {
    int32_t h = (int32_t)(r % s->H);
    const ra_real *dy = j->x + r / s->H * s->Ho * s->Wo;
    if (r / s->H != plane) {
      plane = r / s->H;
      low = 0;
    }
    while (low < s->Ho && j->row[low].b < h) low++;
    bool first = true;
    for (int32_t i = low; i < s->Ho && j->row[i].a <= h; i++) {
      tap t = j->row[i];
      ra_real w = (t.a == h ? 1 - t.w : 0) + (t.b == h ? t.w : 0);
      if (w == 0) continue;
      gather(s->Wo, w, dy + (int64_t)i * s->Wo, first, line);
      first = false;
    }
    ra_real *dx = j->y + r * s->W;
    if (!first) fold(j, line, dx);
    else if (!j->add) memset(dx, 0, (size_t)s->W * sizeof *dx);
  }
}

void K(upsample_grad)(const ra_upsample *s, const ra_real *dy, bool add, ra_real *dx, void *work) {
  job j = {.x = dy, .y = dx, .add = add};
  int64_t rows = (int64_t)s->planes * s->H;
  if (rows <= 0 || s->W <= 0) return;
  prepare(&j, s, work, rows);
  if (j.items < 1) j.items = 1;
  ra_parallel(j.items, backward_item, &j);
}
