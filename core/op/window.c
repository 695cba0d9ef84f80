#include "window.h"

#include "../base/math.h"
#include "../base/thread.h"

int32_t ra_windows_check(const double *param) {
  if (param[RA_WINDOW_SHIFT] < param[RA_WINDOW_SIZE]) return RA_OK;
  return ra_fail(RA_ERR_ARG, "windows: shift = %g must be below window = %g", param[RA_WINDOW_SHIFT], param[RA_WINDOW_SIZE]);
}

ra_windows ra_windows_of(const ra_call *c, int32_t H, int32_t W) {
  int32_t size = (int32_t)c->param[RA_WINDOW_SIZE], shift = (int32_t)c->param[RA_WINDOW_SHIFT];
  return (ra_windows){.H = H, .W = W, .size = size, .rows = ra_ceil_div(H, size), .columns = ra_ceil_div(W, size),
                      .shift_h = H > size ? shift : 0, .shift_w = W > size ? shift : 0};
}

typedef struct {
  const ra_windows *w;
  int32_t C;
  bool add, join;
  const ra_real *from;
  ra_real *to;
} job;

/* The windows of one row of windows of one sample. */
static void row_of_windows(void *context, int32_t item) {
  const job *j = context;
  const ra_windows *w = j->w;
  int32_t b = item / w->rows, r = item % w->rows, size = w->size, C = j->C;
  int64_t window = (int64_t)item * w->columns * size * size * C;
  for (int32_t k = 0; k < w->columns * size * size; k++) {
    int32_t y = ra_window_row(w, r * size + k / size % size), x = ra_window_column(w, k / (size * size) * size + k % size);
    int64_t place = window + (int64_t)k * C, pixel = (((int64_t)b * w->H + y) * w->W + x) * C;
    bool inside = y < w->H && x < w->W;
    if (!inside && !j->join && !j->add) memset(j->to + place, 0, (size_t)C * sizeof(ra_real));
    if (!inside) continue;
    const ra_real *from = j->from + (j->join ? place : pixel);
    ra_real *to = j->to + (j->join ? pixel : place);
    if (j->add)
      for (int32_t i = 0; i < C; i++) to[i] += from[i];
    else memcpy(to, from, (size_t)C * sizeof *to);
  }
}

void ra_windows_cut(const ra_windows *w, int32_t B, int32_t C, const ra_real *map, bool add, ra_real *windows) {
  ra_parallel(B * w->rows, row_of_windows, &(job){.w = w, .C = C, .add = add, .from = map, .to = windows});
}

void ra_windows_join(const ra_windows *w, int32_t B, int32_t C, const ra_real *windows, bool add, ra_real *map) {
  ra_parallel(B * w->rows, row_of_windows, &(job){.w = w, .C = C, .add = add, .join = true, .from = windows, .to = map});
}
