/* extreme.c: the greatest or least element over dimensions, its place in x (int32_t) kept for backward. */
#include "extreme.h"

#include "reduce.h"

int32_t ra_extreme_infer(ra_call *c) {
  char text[80];
  RA_TRY(ra_reduce_infer(c));
  if (c->in[0].size == 0 && c->out.size > 0)
    return ra_fail(RA_ERR_SHAPE, "%s: x %s has no element to choose", c->op->name, ra_in_text(c, 0, text));
  return ra_save(c, 1, &c->out.size);
}

void ra_extreme_forward(ra_call *c, bool least) {
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
      if (best[to] >= 0 && !ra_extreme_better(x[from], y[to], least)) continue;
      best[to] = (int32_t)from;
      y[to] = x[from];
    }
  }
}

void ra_extreme_backward(ra_call *c) {
  const int32_t *best = (const int32_t *)(const void *)c->saved[0].data;
  ra_real *dx = c->din[0].data;
  if (!c->add[0]) memset(dx, 0, (size_t)c->in[0].size * sizeof *dx);
  for (int32_t i = 0; i < c->out.size; i++) dx[best[i]] += c->dout.data[i];
}
