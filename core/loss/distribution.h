/* distribution.h: the cells of deep_distribution, which its two forms share: planes (deep_distribution.c) and K exclusive
 * classes (class_distribution.c). */
#ifndef RA_LOSS_DISTRIBUTION_H
#define RA_LOSS_DISTRIBUTION_H

#include "classes.h"

enum { RA_GRID_PATCHES = 1, RA_GRID_PATCH, RA_GRID_TAU, RA_GRID_SCALE, RA_GRID_COUNT, RA_GRID_DIRECTION, RA_GRID_EDGE }; /* slots */
enum { RA_SCALE_COUNT, RA_SCALE_FRACTION };
enum { RA_COUNT_SOFT, RA_COUNT_HARD };
enum { RA_STUDENT_TEACHER, RA_TEACHER_STUDENT, RA_JS };
enum { RA_EDGE_PARTIAL, RA_EDGE_DROP };

/* rows x cols cells of height x width pixels on each plane, the last of them perhaps cut by the border; the first
 * used_rows x used_cols count. */
typedef struct ra_grid {
  int32_t planes, H, W, height, width, rows, cols, used_rows, used_cols;
} ra_grid;

ra_grid ra_grid_of(const ra_call *c, int32_t planes);
int32_t ra_grid_check(const double *param);     /* of the parameters alone: the op's check */
int32_t ra_grid_check_size(const ra_call *c);   /* of the parameters and the size of the prediction */
int32_t ra_grid_row_end(const ra_grid *g, int32_t r); /* first row of pixels behind the cell row r */
/* sum[k * step] += column[x] of the cells k of a row of cells that the columns x0..x0+n-1 belong to. */
void ra_grid_add_columns(const ra_grid *g, int32_t x0, int32_t n, const double *column, double *sum, int32_t step);

int32_t ra_class_distribution_infer(ra_call *c);
void ra_class_distribution_forward(ra_call *c);
void ra_class_distribution_backward(ra_call *c);

#endif
