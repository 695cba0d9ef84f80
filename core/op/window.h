/* Windows of attention on maps [B,H,W,C] (Liu et al., ICCV 2021, 3.2): the map is padded at the bottom and right to multiples of
 * the window, moved cyclically by -shift, and cut. A dimension that fits one window is not moved. */
#ifndef RA_OP_WINDOW_H
#define RA_OP_WINDOW_H

#include "op.h"

enum { RA_WINDOW_SIZE, RA_WINDOW_SHIFT }; /* slots */

#define RA_WINDOW_PARAMS(most) \
  {.name = "window", .kind = RA_PARAM_INT, .default_value = 7, .low = 1, .high = most, .help = "side of a window"}, \
  {.name = "shift", .kind = RA_PARAM_INT, .default_value = 0, .low = 0, .high = most - 1, \
   .help = "by how much the map is moved up and to the left, cyclically; below window"}

typedef struct ra_windows {
  int32_t H, W, size, rows, columns; /* of the map; side; windows in each direction */
  int32_t shift_h, shift_w;
} ra_windows;

/* Of a map of H x W, by the parameters of the call; ra_windows_check: the condition on both of them. */
ra_windows ra_windows_of(const ra_call *c, int32_t H, int32_t W);
int32_t ra_windows_check(const double *param);

/* The row of the map that row i of the moved, padded map holds; H or more: padding. */
static inline int32_t ra_window_row(const ra_windows *w, int32_t i) { return (i + w->shift_h) % (w->rows * w->size); }
static inline int32_t ra_window_column(const ra_windows *w, int32_t i) { return (i + w->shift_w) % (w->columns * w->size); }

/* map [B,H,W,C] to windows [B,rows,columns,size*size,C], zeros where the map is padded; and back, padding left out. */
void ra_windows_cut(const ra_windows *w, int32_t B, int32_t C, const ra_real *map, bool add, ra_real *windows);
void ra_windows_join(const ra_windows *w, int32_t B, int32_t C, const ra_real *windows, bool add, ra_real *map);

#endif
