/* max: over all elements (a result of rank 0) or over the dimensions `dim`. The
 * gradient goes to the greatest element, of equal ones to the first; forward
 * keeps its index in x (int32_t). NaN wins. */
#include <string.h>

#include "reduce.h"

static const ra_param params[] = {RA_REDUCE_PARAMS, {0}};

static int32_t infer(ra_call *c) {
  char text[80];
  RA_TRY(ra_reduce_infer(c));
  if (c->in[0].size == 0 && c->out.size > 0)
    return ra_fail(RA_ERR_SHAPE, "max: x %s has no element to be the greatest", ra_in_text(c, 0, text));
  return ra_save(c, 1, &c->out.size);
}

static void forward(ra_call *c) {
  ra_space s = ra_reduce_space(c);
  int32_t last = s.rank - 1, n = s.dim[last];
  int32_t *best = (int32_t *)(void *)c->saved[0].data;
  const ra_real *x = c->in[0].data;
  ra_real *y = c->out.data;
  for (int32_t i = 0; i < c->out.size; i++) best[i] = -1;
  for (int64_t row = 0; row < s.rows; row++) {
    int64_t at = ra_space_at(&s, 0, row);
    for (int32_t i = 0; i < n; i++) {
      int64_t to = at + i * s.stride[0][last], from = row * n + i;
      if (best[to] >= 0 && !(x[from] > y[to] || (x[from] != x[from] && y[to] == y[to]))) continue;
      best[to] = (int32_t)from;
      y[to] = x[from];
    }
  }
}

static void backward(ra_call *c) {
  const int32_t *best = (const int32_t *)(const void *)c->saved[0].data;
  ra_real *dx = c->din[0].data;
  if (!c->add[0]) memset(dx, 0, (size_t)c->in[0].size * sizeof *dx);
  for (int32_t i = 0; i < c->out.size; i++) dx[best[i]] += c->dout.data[i];
}

const ra_op ra_op_max = {
  .name = "max",
  .help = "greatest of all elements, or over some dimensions; the gradient goes to the first of equal ones\n"
          "x of any shape -> rank 0, or x without the dimensions dim (with size 1: keepdim = true)",
  .inputs = "x",
  .params = params,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4\n2,3,4 | dim=2\n2,3,4,5 | dim={1,3} keepdim=true\n2,3,4 | dim=3",
};
