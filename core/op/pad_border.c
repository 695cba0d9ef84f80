/* pad_border.c: x [..,H,W] -> [.., H + top + bottom, W + left + right]. The
 * border is a constant, the nearest pixel (edge) or the mirror image without
 * the border pixel itself (reflect). Backward sends each gradient to its source. */
#include <limits.h>
#include <string.h>

#include "../base/thread.h"
#include "pad.h"

int32_t ra_pad_infer(ra_call *c, const ra_border *b) {
  char text[80];
  const ra_array *x = &c->in[0];
  int32_t dim[RA_MAX_RANK];
  if (x->rank < 2)
    return ra_fail(RA_ERR_SHAPE, "%s: x wants 2 dimensions or more, given %s", c->op->name, ra_in_text(c, 0, text));
  memcpy(dim, x->dim, sizeof dim);
  int32_t H = dim[x->rank - 2], W = dim[x->rank - 1];
  int64_t Ho = (int64_t)H + b->top + b->bottom, Wo = (int64_t)W + b->left + b->right;
  if (Ho > INT_MAX || Wo > INT_MAX)
    return ra_fail(RA_ERR_SHAPE, "%s: the border is too large for x %s", c->op->name, ra_in_text(c, 0, text));
  if (b->mode == RA_PAD_EDGE && ((H == 0 && Ho > 0) || (W == 0 && Wo > 0)))
    return ra_fail(RA_ERR_SHAPE, "%s: x %s has no edge to repeat", c->op->name, ra_in_text(c, 0, text));
  if (b->mode == RA_PAD_REFLECT && (b->top >= H || b->bottom >= H || b->left >= W || b->right >= W) &&
      (b->top || b->bottom || b->left || b->right))
    return ra_fail(RA_ERR_SHAPE, "%s: mode reflect wants every border smaller than that side of x %s", c->op->name,
                   ra_in_text(c, 0, text));
  dim[x->rank - 2] = (int32_t)Ho;
  dim[x->rank - 1] = (int32_t)Wo;
  return ra_out(c, x->rank, dim);
}

/* Where index i (0 at the first of x) of a side of n comes from; -1: the constant. */
static int32_t source(int32_t i, int32_t n, int32_t mode) {
  if (i >= 0 && i < n) return i;
  if (mode == RA_PAD_CONSTANT) return -1;
  if (mode == RA_PAD_EDGE) return i < 0 ? 0 : n - 1;
  return i < 0 ? -i : 2 * (n - 1) - i;
}

typedef struct {
  ra_call *c;
  const ra_border *b;
  int32_t H, W, Ho, Wo;
} job;

static void forward_plane(void *context, int32_t plane) {
  const job *j = context;
  const ra_border *b = j->b;
  const ra_real *x = j->c->in[0].data + (int64_t)plane * j->H * j->W;
  ra_real *y = j->c->out.data + (int64_t)plane * j->Ho * j->Wo;
  for (int32_t i = 0; i < j->Ho; i++, y += j->Wo) {
    int32_t row = source(i - b->top, j->H, b->mode);
    if (row < 0) {
      for (int32_t k = 0; k < j->Wo; k++) y[k] = b->value;
      continue;
    }
    const ra_real *from = x + (int64_t)row * j->W;
    memcpy(y + b->left, from, (size_t)j->W * sizeof *y);
    for (int32_t k = 0; k < j->Wo; k++) {
      if (k == b->left) k += j->W; /* skip the pixels copied from x */
      if (k >= j->Wo) break;
      int32_t column = source(k - b->left, j->W, b->mode);
      y[k] = column < 0 ? b->value : from[column];
    }
  }
}

static void backward_plane(void *context, int32_t plane) {
  const job *j = context;
  const ra_border *b = j->b;
  ra_real *dx = j->c->din[0].data + (int64_t)plane * j->H * j->W;
  const ra_real *dy = j->c->dout.data + (int64_t)plane * j->Ho * j->Wo;
  if (!j->c->add[0]) memset(dx, 0, (size_t)j->H * (size_t)j->W * sizeof *dx);
  for (int32_t i = 0; i < j->Ho; i++, dy += j->Wo) {
    int32_t row = source(i - b->top, j->H, b->mode);
    if (row < 0) continue;
    ra_real *to = dx + (int64_t)row * j->W;
    for (int32_t k = 0; k < j->Wo; k++) {
      int32_t column = source(k - b->left, j->W, b->mode);
      if (column >= 0) to[column] += dy[k];
    }
  }
}

static void run(ra_call *c, const ra_border *b, ra_chunk_fn *plane) {
  int32_t rank = c->in[0].rank;
  job j = {c, b, c->in[0].dim[rank - 2], c->in[0].dim[rank - 1], c->out.dim[rank - 2], c->out.dim[rank - 1]};
  int64_t planes = 1;
  for (int32_t i = 0; i < rank - 2; i++) planes *= c->in[0].dim[i];
  ra_parallel((int32_t)planes, plane, &j);
}

void ra_pad_forward(ra_call *c, const ra_border *b) { run(c, b, forward_plane); }
void ra_pad_backward(ra_call *c, const ra_border *b) { run(c, b, backward_plane); }

ra_sees ra_pad_sees(const ra_border *b, int32_t first, int32_t last, ra_sight *s) {
  s->before = first;
  if (b->mode == RA_PAD_EDGE) s->before += last;
  if (b->mode == RA_PAD_REFLECT) s->before += 2 * last + 1, s->after = first;
  return RA_SEES_NEAR;
}
