/* optimizer.c: one step of an optimizer over flat blocks p (weights) and g
 * (gradients, each times gscale), as torch.optim computes it:
 *   sgd    d = g + wd p;  m = momentum m + d (first step: m = d);  p -= lr (nesterov ? d + momentum m : m)
 *   adam   g += wd p;      m, v averages of g, g^2;  p -= lr (m / c1) / (sqrt(v / c2) + eps)
 *   adamw  p *= 1 - lr wd; the same without wd in g (Loshchilov and Hutter, ICLR 2019) */
#include "../base/math.h"
#include "kernel.h"

#include <math.h>

#include "../base/thread.h"
#include "vmath.h"

#define EACH V_LOOP for (int64_t i = 0; i < n; i++)

typedef struct {
  int64_t n;
  ra_real *p, *m, *v;
  const ra_real *g;
  double lr, wd, momentum, beta1, beta2, eps, c1, c2, gscale;
  bool nesterov, first, decoupled;
} job;

static int64_t chunk_length(const job *j, int32_t chunk) {
  int64_t left = j->n - (int64_t)chunk * RA_CHUNK;
  return ra_min(left, RA_CHUNK);
}

static void sgd_chunk(void *context, int32_t chunk) {
  const job *j = context;
  int64_t n = chunk_length(j, chunk), at = (int64_t)chunk * RA_CHUNK;
  ra_real *p = j->p + at, *m = j->m ? j->m + at : NULL;
  const ra_real *g = j->g + at;
  ra_real lr = (ra_real)j->lr, wd = (ra_real)j->wd, momentum = (ra_real)j->momentum, scale = (ra_real)j->gscale;
  ra_real keep = j->first ? 0 : momentum;
  if (momentum == 0 || !m) EACH p[i] -= lr * (g[i] * scale + wd * p[i]);
  else if (j->nesterov) EACH {
    ra_real d = g[i] * scale + wd * p[i], v = keep * m[i] + d;
    m[i] = v;
    p[i] -= lr * (d + momentum * v);
  } else EACH {
    ra_real v = keep * m[i] + (g[i] * scale + wd * p[i]);
    m[i] = v;
    p[i] -= lr * v;
  }
}

void K(sgd)(int64_t n, ra_real *p, const ra_real *g, ra_real *m, double lr, double wd, double momentum, bool nesterov,
            bool first, double gscale) {
  job j = {.n = n, .p = p, .g = g, .m = m, .lr = lr, .wd = wd, .momentum = momentum, .nesterov = nesterov,
           .first = first, .gscale = gscale};
  ra_parallel((int32_t)ra_ceil_div(n, RA_CHUNK), sgd_chunk, &j);
}

static void adam_chunk(void *context, int32_t chunk) {
  const job *j = context;
  int64_t n = chunk_length(j, chunk), at = (int64_t)chunk * RA_CHUNK;
  ra_real *p = j->p + at, *m = j->m + at, *v = j->v + at;
  const ra_real *g = j->g + at;
  ra_real b1 = (ra_real)j->beta1, b2 = (ra_real)j->beta2, r1 = (ra_real)(1 - j->beta1), r2 = (ra_real)(1 - j->beta2);
  ra_real shrink = (ra_real)(j->decoupled ? 1 - j->lr * j->wd : 1), wd = (ra_real)(j->decoupled ? 0 : j->wd);
  ra_real step = (ra_real)(j->lr / j->c1), root = (ra_real)(1 / sqrt(j->c2)), eps = (ra_real)j->eps;
  ra_real scale = (ra_real)j->gscale;
  EACH {
    ra_real w = p[i] * shrink, d = g[i] * scale + wd * p[i];
    ra_real a = b1 * m[i] + r1 * d, b = b2 * v[i] + r2 * (d * d);
    m[i] = a;
    v[i] = b;
    p[i] = w - step * a / (v_sqrt(b) * root + eps);
  }
}

void K(adam)(int64_t n, ra_real *p, const ra_real *g, ra_real *m, ra_real *v, double lr, double wd, double beta1,
             double beta2, double eps, double c1, double c2, bool decoupled, double gscale) {
  job j = {.n = n, .p = p, .g = g, .m = m, .v = v, .lr = lr, .wd = wd, .beta1 = beta1, .beta2 = beta2, .eps = eps,
           .c1 = c1, .c2 = c2, .decoupled = decoupled, .gscale = gscale};
  ra_parallel((int32_t)ra_ceil_div(n, RA_CHUNK), adam_chunk, &j);
}
