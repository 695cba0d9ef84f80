/* class_pixel.c: losses of K exclusive classes that are a mean over pixels,
 *   L = sum_i w_i f_i / sum_i w_i s_i      s: 1, or what the loss says (class weights of cross_entropy)
 * L is 0 where no pixel has a weight. Forward keeps the sum of the weights, [1]. */
#include "../base/thread.h"
#include "classes.h"

enum { TILE = RA_CLASSES_TILE };

typedef struct {
  ra_call *c;
  ra_class_pixel_fn *fn;
  ra_real scale;     /* backward: of every pixel's gradient */
  double (*part)[2]; /* [chunks]: sum of w f, or of squares of the gradient; sum of w s */
  double *now;       /* that of the chunk */
} job;

int32_t ra_class_pixel_infer(ra_call *c) {
  RA_TRY(ra_classes_infer(c));
  c->work_forward = c->work_backward = (size_t)ra_classes_chunks(c) * sizeof(double[2]);
  return ra_save(c, 1, (int32_t[]){1});
}

static double total(const job *j, int32_t which) {
  double sum = 0;
  for (int32_t i = 0; i < ra_classes_chunks(j->c); i++) sum += j->part[i][which];
  return sum;
}

static void ones(ra_real share[TILE]) {
  for (int32_t i = 0; i < TILE; i++) share[i] = 1;
}

static void forward_tile(void *context, const ra_call *c, const ra_class_tile *t) {
  const job *j = context;
  ra_real value[TILE], share[TILE];
  ones(share);
  j->fn(c, t, value, NULL, share);
  ra_loss_weigh(t->n, t->weight, value);
  ra_loss_weigh(t->n, t->weight, share);
  for (int32_t i = 0; i < t->n; i++) {
    j->now[0] += (double)value[i];
    j->now[1] += (double)share[i];
  }
}

static void forward_chunk(void *context, int32_t chunk) {
  job j = *(const job *)context;
  j.now = j.part[chunk];
  j.now[0] = j.now[1] = 0;
  ra_classes_each_tile(j.c, chunk, forward_tile, &j);
}

void ra_class_pixel_forward(ra_call *c, ra_class_pixel_fn *fn) {
  job j = {.c = c, .fn = fn, .part = c->work};
  ra_parallel(ra_classes_chunks(c), forward_chunk, &j);
  double weights = total(&j, 1);
  c->out.data[0] = weights > 0 ? (ra_real)(total(&j, 0) / weights) : 0;
  c->saved[0].data[0] = (ra_real)weights;
}

static void backward_tile(void *context, const ra_call *c, const ra_class_tile *t) {
  const job *j = context;
  ra_class_values g;
  ra_real share[TILE];
  ones(share);
  j->fn(c, t, NULL, g, share);
  j->now[0] += ra_class_store(c, t, j->scale, g);
}

static void backward_chunk(void *context, int32_t chunk) {
  job j = *(const job *)context;
  j.now = j.part[chunk];
  j.now[0] = 0;
  ra_classes_each_tile(j.c, chunk, backward_tile, &j);
}

void ra_class_pixel_backward(ra_call *c, ra_class_pixel_fn *fn) {
  job j = {.c = c, .fn = fn, .part = c->work};
  double weights = (double)c->saved[0].data[0];
  j.scale = weights > 0 ? (ra_real)((double)c->dout.data[0] / weights) : 0;
  ra_parallel(ra_classes_chunks(c), backward_chunk, &j);
  if (c->norm2) *c->norm2 = total(&j, 0);
}

void ra_class_cross_entropy(const ra_call *c, const ra_class_tile *t, const ra_real *h, ra_real *value, ra_real *g) {
  ra_class_values p, lp;
  ra_class_probabilities(c, t, RA_PREDICTION, p, value ? lp : NULL);
  if (value && !h) {
    for (int32_t i = 0; i < t->n; i++) value[i] = -lp[t->label[i] * TILE + i];
  } else if (value) {
    for (int32_t i = 0; i < t->n; i++) value[i] = 0;
    for (int32_t k = 0; k < t->classes; k++)
      for (int32_t i = 0; i < t->n; i++) value[i] -= h[k * TILE + i] * lp[k * TILE + i];
  } else {
    int32_t size = t->classes * TILE;
    if (!h) memset(g, 0, (size_t)size * sizeof *g);
    for (int32_t i = 0; !h && i < t->n; i++) g[t->label[i] * TILE + i] = -1;
    for (int32_t i = 0; h && i < size; i++) g[i] = -h[i];
    ra_class_from_log_input(c, t, p, g);
  }
}
