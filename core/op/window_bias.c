/* window_bias: what attention inside windows adds to q k^T (Liu et al., ICCV 2021, 3.2): a learned number for every head and
 * relative position, and -100 for keys that are padding or that the cyclic shift brought from another side of the map.
 *   table [(2s-1)^2,heads], ref [B,H,W,C] -> [ceil(H/s),ceil(W/s),heads,s*s,s*s], or [1,1,heads,s*s,s*s] where nothing is masked
 *   y[..,h,i,j] = table[(yi - yj + s - 1)(2s - 1) + xi - xj + s - 1, h], i the query, j the key at (yj, xj) of the window
 * Only the shape of ref matters. */
#include "../base/thread.h"
#include "window.h"

enum { MOST = 32, MASKED = -100 };

static const ra_param params[] = {RA_WINDOW_PARAMS(32), {0}};

static ra_windows windows_of(const ra_call *c) { return ra_windows_of(c, c->in[1].dim[1], c->in[1].dim[2]); }

static int32_t infer(ra_call *c) {
  char a[80];
  RA_TRY(ra_want_rank(c, 0, 2));
  RA_TRY(ra_want_rank(c, 1, 4));
  ra_windows w = windows_of(c);
  int32_t n = w.size * w.size, across = 2 * w.size - 1;
  if (c->in[0].dim[0] != across * across)
    return ra_fail(RA_ERR_SHAPE, "window_bias: table %s has %d rows, a window of %d has (2 %d - 1)^2 = %d relative positions",
                   ra_in_text(c, 0, a), c->in[0].dim[0], w.size, w.size, across * across);
  bool mask = w.shift_h > 0 || w.shift_w > 0 || w.H % w.size || w.W % w.size;
  return ra_out(c, 5, (int32_t[]){mask ? w.rows : 1, mask ? w.columns : 1, c->in[0].dim[1], n, n});
}

/* Which part of the map row i of the moved map is from: parts see only themselves. -1: padding. */
static int32_t part(int32_t i, int32_t moved, int32_t length, int32_t padded, int32_t size, int32_t shift) {
  if (moved >= length) return -1;
  return shift == 0 || i < padded - size ? 0 : i < padded - shift ? 1 : 2;
}

/* parts[k] of the places of window (r, q); -1: padding. */
static void parts_of(const ra_windows *w, int32_t r, int32_t q, int32_t *parts) {
  for (int32_t k = 0; k < w->size * w->size; k++) {
    int32_t i = r * w->size + k / w->size, j = q * w->size + k % w->size;
    int32_t y = part(i, ra_window_row(w, i), w->H, w->rows * w->size, w->size, w->shift_h);
    int32_t x = part(j, ra_window_column(w, j), w->W, w->columns * w->size, w->size, w->shift_w);
    parts[k] = y < 0 || x < 0 ? -1 : 3 * y + x;
  }
}

static int32_t entry(int32_t size, int32_t i, int32_t j) {
  return (i / size - j / size + size - 1) * (2 * size - 1) + i % size - j % size + size - 1;
}

static void forward_window(void *context, int32_t window) {
  ra_call *c = context;
  ra_windows w = windows_of(c);
  int32_t parts[MOST * MOST] = {0}, heads = c->out.dim[2], n = c->out.dim[3];
  parts_of(&w, window / c->out.dim[1], window % c->out.dim[1], parts);
  bool mask = c->out.dim[0] * c->out.dim[1] > 1 || w.rows * w.columns == 1;
  ra_real *y = c->out.data + (int64_t)window * heads * n * n;
  for (int32_t h = 0; h < heads; h++)
    for (int32_t i = 0; i < n; i++)
      for (int32_t j = 0; j < n; j++) {
        bool hidden = mask && (parts[j] < 0 || (parts[i] >= 0 && parts[i] != parts[j]));
        *y++ = c->in[0].data[entry(w.size, i, j) * heads + h] + (ra_real)(hidden ? MASKED : 0);
      }
}

static void forward(ra_call *c) { ra_parallel(c->out.dim[0] * c->out.dim[1], forward_window, c); }

static void backward_head(void *context, int32_t h) {
  ra_call *c = context;
  int32_t heads = c->out.dim[2], n = c->out.dim[3], rows = c->in[0].dim[0];
  double sum[(2 * MOST - 1) * (2 * MOST - 1)] = {0};
  for (int32_t window = 0; window < c->out.dim[0] * c->out.dim[1]; window++) {
    const ra_real *dy = c->dout.data + ((int64_t)window * heads + h) * n * n;
    for (int32_t i = 0; i < n; i++)
      for (int32_t j = 0; j < n; j++) sum[entry((int32_t)c->param[RA_WINDOW_SIZE], i, j)] += (double)*dy++;
  }
  ra_real *to = c->din[0].data + h;
  for (int32_t k = 0; k < rows; k++) to[k * heads] = (ra_real)(sum[k] + (c->add[0] ? (double)to[k * heads] : 0));
}

static void backward(ra_call *c) { ra_parallel(c->out.dim[2], backward_head, c); }

const ra_op ra_op_window_bias = {
  .name = "window_bias",
  .help = "the bias of attention inside windows (Liu et al. 2021, 3.2): a learned number for every head and relative position, and\n"
          "-100 for keys that are padding or that the shift brought from another side of the map; only the shape of ref matters\n"
          "table [(2s-1)^2,heads], ref [B,H,W,C] -> [ceil(H/s),ceil(W/s),heads,s s,s s], or [1,1,heads,s s,s s] where nothing is masked",
  .inputs = "table,ref",
  .params = params,
  .no_grad = 1 << 1,
  .check = ra_windows_check,
  .infer = infer,
  .forward = forward,
  .backward = backward,
  .samples = "9,2 1,4,6,1 | window=2\n25,2 1,5,7,2 | window=3 shift=1\n49,1 1,3,8,2 | window=4 shift=2",
};
