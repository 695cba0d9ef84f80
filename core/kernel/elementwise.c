/* elementwise.c: y[i] = f(x[i]), its gradient, f(a[i], b[i]), sums and products
 * of flat arrays. Work is cut into chunks of RA_CHUNK elements (sums: into at
 * most PARTS). Any target may be the very memory of a source. */
#include "../base/math.h"
#include "kernel.h"

#include "../base/thread.h"
#include "vec.h"
#include "vmath.h"

/* Loops carry nothing from one element to the next even where arrays are one. */
#define EACH V_LOOP for (int64_t i = 0; i < n; i++)

typedef struct {
  int f;
  ra_real p, q;
  bool add;
  int64_t n;
  const ra_real *a, *b, *c;
  ra_real *y;
} job;

static void run(job *j, ra_chunk_fn *fn) {
  int32_t chunks = (int32_t)ra_ceil_div(j->n, RA_CHUNK);
  ra_parallel(chunks, fn, j);
}

static int64_t chunk_length(const job *j, int32_t chunk) {
  int64_t left = j->n - (int64_t)chunk * RA_CHUNK;
  return ra_min(left, RA_CHUNK);
}

/* ---- y = f(x) ---- */

static void unary_chunk(void *context, int32_t chunk) {
  const job *j = context;
  int64_t n = chunk_length(j, chunk);
  const ra_real *x = j->a + (int64_t)chunk * RA_CHUNK;
  ra_real *y = j->y + (int64_t)chunk * RA_CHUNK;
  ra_real p = j->p, q = j->q;
  switch ((ra_unary)j->f) {
    case RA_UNARY_RELU: EACH y[i] = x[i] < 0 ? 0 : x[i]; break;
    case RA_UNARY_LEAKY_RELU: EACH { ra_real v = x[i], s = v * p; y[i] = v < 0 ? s : v; } break;
    case RA_UNARY_GELU: EACH y[i] = x[i] * v_phi(x[i]); break;
    case RA_UNARY_SILU: EACH y[i] = x[i] * v_sigmoid(x[i]); break;
    case RA_UNARY_SIGMOID: EACH y[i] = v_sigmoid(x[i]); break;
    case RA_UNARY_TANH: EACH y[i] = v_tanh(x[i]); break;
    case RA_UNARY_EXP: EACH y[i] = v_exp(x[i]); break;
    case RA_UNARY_LOG: EACH y[i] = v_log(x[i]); break;
    case RA_UNARY_POW:
      if (p == 2) EACH y[i] = x[i] * x[i];
      else for (int64_t i = 0; i < n; i++) y[i] = (ra_real)pow((double)x[i], (double)p);
      break;
    case RA_UNARY_CLAMP: EACH { ra_real v = x[i] < p ? p : x[i]; y[i] = v > q ? q : v; } break;
    case RA_UNARY_AFFINE: EACH y[i] = p * x[i] + q; break;
    case RA_UNARY_SOFTPLUS: EACH y[i] = v_softplus(x[i]); break;
    case RA_UNARY_ABS: EACH y[i] = v_abs(x[i]); break;
    case RA_UNARY_SQRT: EACH y[i] = v_sqrt(x[i]); break;
    case RA_UNARY_COUNT: break;
  }
}

void K(unary)(ra_unary f, ra_real p, ra_real q, int64_t n, const ra_real *x, ra_real *y) {
  job j = {.f = (int)f, .p = p, .q = q, .n = n, .a = x, .y = y};
  run(&j, unary_chunk);
}

/* ---- dx (+)= dy f'(x) ---- */

/* Derivatives: functions of x, or of y = f(x) where that is cheaper (see kernel.h). */
static inline ra_real d_gelu(ra_real x) {
  return v_phi(x) + x * (ra_real)0.39894228040143267794 * v_exp((ra_real)-0.5 * x * x);
}
static inline ra_real d_silu(ra_real x) {
  ra_real s = v_sigmoid(x);
  return s * (1 + x * (1 - s));
}

/* One loop for each of overwrite and add; `slope` is f' at element i. */
#define GRAD(slope) \
  do { \
    if (add) EACH dx[i] += dy[i] * (slope); \
    else EACH dx[i] = dy[i] * (slope); \
  } while (0)

static void unary_grad_chunk(void *context, int32_t chunk) {
  const job *j = context;
  int64_t n = chunk_length(j, chunk), at = (int64_t)chunk * RA_CHUNK;
  const ra_real *x = j->a + at, *y = j->b + at, *dy = j->c + at;
  ra_real *dx = j->y + at;
  ra_real p = j->p, q = j->q;
  bool add = j->add;
  switch ((ra_unary)j->f) {
    case RA_UNARY_RELU:
      if (add) EACH { ra_real d = dy[i], s = dx[i]; dx[i] = y[i] > 0 ? s + d : s; }
      else EACH { ra_real d = dy[i]; dx[i] = y[i] > 0 ? d : 0; }
      break;
    case RA_UNARY_LEAKY_RELU: GRAD(y[i] > 0 ? (ra_real)1 : p); break;
    case RA_UNARY_GELU: GRAD(d_gelu(x[i])); break;
    case RA_UNARY_SILU: GRAD(d_silu(x[i])); break;
    case RA_UNARY_SIGMOID: GRAD(y[i] * (1 - y[i])); break;
    case RA_UNARY_TANH: GRAD(1 - y[i] * y[i]); break;
    case RA_UNARY_EXP: GRAD(y[i]); break;
    case RA_UNARY_LOG: GRAD(1 / x[i]); break;
    case RA_UNARY_POW:
      if (p == 2) GRAD(2 * x[i]);
      else if (p == 0) GRAD((ra_real)0);
      else for (int64_t i = 0; i < n; i++) {
        ra_real d = dy[i] * (ra_real)((double)p * pow((double)x[i], (double)p - 1));
        dx[i] = add ? dx[i] + d : d;
      }
      break;
    case RA_UNARY_CLAMP: GRAD(x[i] >= p && x[i] <= q ? (ra_real)1 : (ra_real)0); break;
    case RA_UNARY_AFFINE: GRAD(p); break;
    case RA_UNARY_SOFTPLUS: GRAD(v_sigmoid(x[i])); break;
    case RA_UNARY_ABS: GRAD((ra_real)(x[i] > 0) - (ra_real)(x[i] < 0)); break;
    case RA_UNARY_SQRT: GRAD((ra_real)0.5 / y[i]); break;
    case RA_UNARY_COUNT: break;
  }
}

void K(unary_grad)(ra_unary f, ra_real p, ra_real q, int64_t n, const ra_real *x, const ra_real *y, const ra_real *dy,
                   bool add, ra_real *dx) {
  /* only one of x and y is read; the other may be anything, so keep pointer arithmetic on something real */
  job j = {.f = (int)f, .p = p, .q = q, .n = n, .a = x ? x : dy, .b = y ? y : dy, .c = dy, .add = add, .y = dx};
  run(&j, unary_grad_chunk);
}

/* ---- y = f(a, b), y (+)= p a ---- */

/* u, v: element i of a and b, or the one number that they are */
#define BINARY(u, v) \
  switch (f) { \
    case RA_BINARY_ADD: EACH y[i] = (u) + (v); break; \
    case RA_BINARY_SUB: EACH y[i] = (u) - (v); break; \
    case RA_BINARY_MUL: EACH y[i] = (u) * (v); break; \
    case RA_BINARY_DIV: EACH y[i] = (u) / (v); break; \
    case RA_BINARY_COUNT: break; \
  }

void K(binary_row)(ra_binary f, int64_t n, const ra_real *a, bool a_one, const ra_real *b, bool b_one, ra_real *y) {
  if (n <= 0) return;
  ra_real p = a[0], q = b[0];
  if (a_one && b_one) BINARY(p, q)
  else if (a_one) BINARY(p, b[i])
  else if (b_one) BINARY(a[i], q)
  else BINARY(a[i], b[i])
}

static void binary_chunk(void *context, int32_t chunk) {
  const job *j = context;
  int64_t at = (int64_t)chunk * RA_CHUNK;
  K(binary_row)((ra_binary)j->f, chunk_length(j, chunk), j->a + at, false, j->b + at, false, j->y + at);
}

void K(binary)(ra_binary f, int64_t n, const ra_real *a, const ra_real *b, ra_real *y) {
  job j = {.f = (int)f, .n = n, .a = a, .b = b, .y = y};
  run(&j, binary_chunk);
}

static void axpy_chunk(void *context, int32_t chunk) {
  const job *j = context;
  int64_t n = chunk_length(j, chunk), at = (int64_t)chunk * RA_CHUNK;
  const ra_real *x = j->a + at;
  ra_real *y = j->y + at;
  ra_real p = j->p;
  if (j->add) EACH y[i] += p * x[i];
  else EACH y[i] = p * x[i];
}

void K(axpy)(int64_t n, ra_real a, const ra_real *x, bool add, ra_real *y) {
  job j = {.p = a, .n = n, .a = x, .add = add, .y = y};
  run(&j, axpy_chunk);
}

/* ---- sums in double ---- */

enum { PARTS = 256, LANES = 16 };

typedef struct {
  int64_t n, length; /* of all, of a part */
  const ra_real *x, *y;
  double part[PARTS];
} sum_job;

static void sum_part(void *context, int32_t part) {
  sum_job *j = context;
  int64_t at = part * j->length, n = ra_min(j->n - at, j->length), i = 0;
  const ra_real *x = j->x + at, *y = j->y ? j->y + at : NULL;
  double lane[LANES] = {0}, s = 0;
  if (y) {
    for (; i + LANES <= n; i += LANES)
      for (int k = 0; k < LANES; k++) lane[k] += (double)x[i + k] * (double)y[i + k];
    for (; i < n; i++) s += (double)x[i] * (double)y[i];
  } else {
    for (; i + LANES <= n; i += LANES)
      for (int k = 0; k < LANES; k++) lane[k] += (double)x[i + k];
    for (; i < n; i++) s += (double)x[i];
  }
  for (int k = 0; k < LANES; k++) s += lane[k];
  j->part[part] = s;
}

static double sum_all(int64_t n, const ra_real *x, const ra_real *y) {
  sum_job j; /* field by field: clearing part would cost more than a short sum */
  j.n = n;
  j.x = x;
  j.y = y;
  j.length = ra_ceil_div(n, PARTS);
  if (j.length < RA_CHUNK) j.length = RA_CHUNK;
  int32_t parts = (int32_t)ra_ceil_div(n, j.length);
  ra_parallel(parts, sum_part, &j);
  double s = 0;
  for (int32_t i = 0; i < parts; i++) s += j.part[i];
  return s;
}

double K(sum)(int64_t n, const ra_real *x) { return sum_all(n, x, NULL); }
double K(dot)(int64_t n, const ra_real *x, const ra_real *y) { return sum_all(n, x, y); }
