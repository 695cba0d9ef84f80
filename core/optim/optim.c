/* optim.c: SGD, Adam and AdamW over one flat block of weights, with clipping of
 * the gradient's norm, and averages of weights. The arithmetic is in
 * kernel/optimizer.c; here are state, clipping and checks. */
#include <math.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../kernel/kernel.h"

typedef enum { SGD, ADAM, ADAMW } optim_kind;

struct ra_optim {
  ra_optim_config config;
  optim_kind kind;
  ra_tensor *weight, *gradient; /* views that it holds */
  ra_optim_range *range;        /* ranges of them, in order; at least one */
  int32_t ranges;
  ra_tensor *m, *v;             /* averages of gradient and squared gradient; NULL where the kind has none */
  double steps;
};

static int32_t kind_of(const char *name, optim_kind *kind) {
  static const char *const names[] = {"sgd", "adam", "adamw"};
  for (int i = 0; i < 3; i++) {
    if (strcmp(name, names[i]) == 0) {
      *kind = (optim_kind)i;
      return RA_OK;
    }
  }
  return ra_fail(RA_ERR_ARG, "unknown optimizer '%s'; known are sgd, adam and adamw", name);
}

ra_optim *ra_optim_new(const char *name, const ra_optim_config *config, ra_tensor *weight, ra_tensor *gradient) {
  optim_kind kind = SGD;
  if (kind_of(name, &kind) != RA_OK) return NULL;
  if (weight->size != gradient->size || !ra_tensor_contiguous(weight) || !ra_tensor_contiguous(gradient)) {
    ra_fail(RA_ERR_SHAPE, "optimizer: weights (%d) and gradients (%d) must be flat blocks of one length", weight->size,
            gradient->size);
    return NULL;
  }
  ra_optim *o = ra_mem_zalloc(1, sizeof *o);
  if (!o) return NULL;
  o->config = *config;
  o->kind = kind;
  o->weight = ra_tensor_slice(weight, 0, 1, &weight->size);
  o->gradient = ra_tensor_slice(gradient, 0, 1, &weight->size);
  bool fine = o->weight && o->gradient;
  if (fine)
    fine = ra_optim_ranges(o, &(ra_optim_range){.count = weight->size, .lr = 1, .weight_decay = config->weight_decay}, 1) == RA_OK;
  if (fine && (kind != SGD || config->momentum > 0)) fine = (o->m = ra_tensor_zeros(1, &weight->size)) != NULL;
  if (fine && kind != SGD) fine = (o->v = ra_tensor_zeros(1, &weight->size)) != NULL;
  if (fine) return o;
  ra_optim_release(o);
  return NULL;
}

void ra_optim_release(ra_optim *o) {
  if (!o) return;
  ra_tensor_release(o->weight);
  ra_tensor_release(o->gradient);
  ra_tensor_release(o->m);
  ra_tensor_release(o->v);
  ra_mem_free(o->range);
  ra_mem_free(o);
}

static bool holds(double v, double low) { return v >= low && isfinite(v); }

int32_t ra_optim_ranges(ra_optim *o, const ra_optim_range *ranges, int32_t n) {
  int64_t at = 0;
  for (int32_t i = 0; i < n; i++) {
    const ra_optim_range *r = &ranges[i];
    if (r->first != at || r->count < 0)
      return ra_fail(RA_ERR_ARG, "optimizer: range %d is %d elements from %d on; wanted from %lld on, where the one before ends", i,
                     r->count, r->first, (long long)at);
    if (!holds(r->lr, 0) || !holds(r->weight_decay, 0) || !(r->from >= 0))
      return ra_fail(RA_ERR_ARG, "optimizer: range %d has lr %g, weight decay %g, from %g; none may be below 0", i, r->lr, r->weight_decay,
                     r->from);
    at += r->count;
  }
  if (at != o->weight->size)
    return ra_fail(RA_ERR_ARG, "optimizer: ranges end at %lld of %d elements", (long long)at, o->weight->size);
  ra_optim_range *copy = ra_mem_alloc((size_t)(n > 0 ? n : 1), sizeof *copy);
  if (!copy) return RA_ERR_MEMORY;
  if (n > 0) memcpy(copy, ranges, (size_t)n * sizeof *copy);
  ra_mem_free(o->range);
  o->range = copy;
  o->ranges = n;
  return RA_OK;
}

/* The square of the gradient's norm over the ranges that move in step `step`; neighbours that move are one sum. */
static double square_norm(const ra_optim *o, double step) {
  const ra_kernels *k = ra_kernel();
  double sum = 0;
  for (int32_t i = 0; i < o->ranges;) {
    int64_t first = o->range[i].first, n = 0;
    while (i < o->ranges && step > o->range[i].from) n += o->range[i++].count;
    if (n > 0) sum += k->dot(n, o->gradient->data + first, o->gradient->data + first);
    while (i < o->ranges && !(step > o->range[i].from)) i++;
  }
  return sum;
}

/* Step number `steps` of one range, from 1 on. */
static void move(const ra_optim *o, const ra_optim_range *r, double steps, double lr, double scale) {
  const ra_kernels *k = ra_kernel();
  const ra_optim_config *c = &o->config;
  int32_t at = r->first;
  ra_real *p = o->weight->data + at, *m = o->m ? o->m->data + at : NULL;
  const ra_real *g = o->gradient->data + at;
  if (o->kind == SGD) k->sgd(r->count, p, g, m, lr * r->lr, r->weight_decay, c->momentum, c->nesterov, steps == 1, scale);
  else
    k->adam(r->count, p, g, m, o->v->data + at, lr * r->lr, r->weight_decay, c->beta1, c->beta2, c->eps, 1 - pow(c->beta1, steps),
            1 - pow(c->beta2, steps), o->kind == ADAMW, scale);
}

/* Clipping as torch.nn.utils.clip_grad_norm_: factor clip / (norm + 1e-6) where that is below 1. */
int32_t ra_optim_step(ra_optim *o, double lr, double *norm, bool *clipped) {
  const ra_optim_config *c = &o->config;
  double step = o->steps + 1;
  *norm = sqrt(square_norm(o, step));
  *clipped = false;
  if (!isfinite(*norm)) return ra_fail(RA_ERR_STATE, "the gradient's norm is not finite (%g); the weights were not changed", *norm);
  double scale = 1;
  if (c->clip > 0 && c->clip / (*norm + 1e-6) < 1) {
    scale = c->clip / (*norm + 1e-6);
    *clipped = true;
  }
  o->steps = step;
  for (int32_t i = 0; i < o->ranges; i++)
    if (step > o->range[i].from) move(o, &o->range[i], step - o->range[i].from, lr, scale);
  return RA_OK;
}

double ra_optim_steps(const ra_optim *o) { return o->steps; }
void ra_optim_set_steps(ra_optim *o, double steps) { o->steps = steps; }

ra_tensor *ra_optim_state(ra_optim *o, const char *name) {
  ra_tensor *t = strcmp(name, "m") == 0 ? o->m : strcmp(name, "v") == 0 ? o->v : NULL;
  if (t) return ra_tensor_slice(t, 0, 1, &t->size);
  ra_fail(RA_ERR_ARG, "this optimizer keeps no state '%s'", name);
  return NULL;
}

int32_t ra_ema_update(ra_tensor *average, const ra_tensor *value, double decay) {
  if (average->size != value->size || !ra_tensor_contiguous(average) || !ra_tensor_contiguous(value))
    return ra_fail(RA_ERR_SHAPE, "average of weights: %d and %d elements; wanted contiguous blocks of one length", average->size,
                   value->size);
  const ra_kernels *k = ra_kernel();
  k->axpy(average->size, (ra_real)decay, average->data, false, average->data);
  k->axpy(average->size, (ra_real)(1 - decay), value->data, true, average->data);
  return RA_OK;
}

int32_t ra_gradient_add(ra_tensor *sum, const ra_tensor *gradient) {
  if (sum->size != gradient->size || !ra_tensor_contiguous(sum) || !ra_tensor_contiguous(gradient))
    return ra_fail(RA_ERR_SHAPE, "sum of gradients: %d and %d elements; wanted contiguous blocks of one length", sum->size, gradient->size);
  ra_kernel()->axpy(sum->size, 1, gradient->data, true, sum->data);
  return RA_OK;
}
