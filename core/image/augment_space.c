/* The geometric half of augmentation: flips, rotations, scale, shift, elastic
 * displacement and the crop, combined into one map from output to input pixels.
 *
 *   input = A (output + origin - centre of canvas) + b + elastic(output) + centre of input
 *
 * The canvas is the whole image after the affine steps (sides swapped by a
 * quarter turn); the crop is a window of it. Every field is sampled as its kind
 * says (kind.c). Where nothing geometric acts the crop is a plain copy. */
#include <math.h>
#include <string.h>

#include "../base/error.h"
#include "augment.h"
#include "kind.h"

typedef struct elastic {
  double alpha, spacing; /* pixels */
  int32_t number;        /* of its draws; -1: none */
  int32_t rows, columns; /* nodes */
} elastic;

/* m after undoing a linear step whose inverse is (xx xy; yx yy). */
static ra_affine then(ra_affine m, double xx, double xy, double yx, double yy) {
  return (ra_affine){m.xx * xx + m.xy * yx, m.xx * xy + m.xy * yy, m.yx * xx + m.yy * yx, m.yx * xy + m.yy * yy, m.bx, m.by};
}

static ra_affine flip_h(ra_affine m, const ra_space_step *s) {
  (void)s;
  return then(m, -1, 0, 0, 1);
}

static ra_affine flip_v(ra_affine m, const ra_space_step *s) {
  (void)s;
  return then(m, 1, 0, 0, -1);
}

static ra_affine rot90(ra_affine m, const ra_space_step *s) {
  static const double cosine[4] = {1, 0, -1, 0}, sine[4] = {0, 1, 0, -1};
  int32_t turns = (int32_t)ra_augment_draw(s->key, s->number, 1, 0, 4);
  if (!s->any_turn) turns &= 2;
  if (turns & 1) {
    int32_t side = *s->canvas_h;
    *s->canvas_h = *s->canvas_w;
    *s->canvas_w = side;
  }
  return then(m, cosine[turns], -sine[turns], sine[turns], cosine[turns]);
}

static ra_affine rotate(ra_affine m, const ra_space_step *s) {
  double turn = s->value * (3.14159265358979323846 / 180);
  return then(m, cos(turn), -sin(turn), sin(turn), cos(turn)); /* counter-clockwise as seen, y points down */
}

static ra_affine scale(ra_affine m, const ra_space_step *s) { return then(m, 1 / s->value, 0, 0, 1 / s->value); }

static ra_affine shift(ra_affine m, const ra_space_step *s) {
  double dx = s->value, dy = ra_augment_draw(s->key, s->number, 2, s->step->a, s->step->b);
  m.bx -= m.xx * dx + m.xy * dy;
  m.by -= m.yx * dx + m.yy * dy;
  return m;
}

#define RANGE(low, high) {low, low}, {high, high}, {NULL, NULL}, {0, 0}
#define NO_NUMBERS {0, 0}, {0, 0}, {NULL, NULL}, {0, 0}
const ra_augment_row ra_augment_space_rows[] = {
  {{RA_AUGMENT_FLIP_H, RA_STEP_FLAG, RA_EXPAND_NONE, false, "flip horizontally", "", "", NO_NUMBERS}, flip_h, NULL},
  {{RA_AUGMENT_FLIP_V, RA_STEP_FLAG, RA_EXPAND_NONE, false, "flip vertically", "", "", NO_NUMBERS}, flip_v, NULL},
  {{RA_AUGMENT_ROT90, RA_STEP_FLAG, RA_EXPAND_NONE, false, "rot90", "0 to 3 quarter turns", "", NO_NUMBERS}, rot90, NULL},
  {{RA_AUGMENT_ROTATE, RA_STEP_RANGE, RA_EXPAND_BOTH, false, "rotate", "degrees, counter-clockwise",
    " degrees", RANGE(-360, 360)}, rotate, NULL},
  {{RA_AUGMENT_SCALE, RA_STEP_RANGE, RA_EXPAND_FACTOR, false, "scale", "above 1 things get larger", "", RANGE(0.05, 20)}, scale, NULL},
  {{RA_AUGMENT_SHIFT, RA_STEP_RANGE, RA_EXPAND_BOTH, false, "shift", "pixels, for each axis", " pixels", RANGE(-1e4, 1e4)}, shift, NULL},
  {{RA_AUGMENT_ELASTIC, RA_STEP_PAIR, RA_EXPAND_NONE, false, "elastic",
    "smooth random displacement: { alpha = its deviation, sigma = its smoothness }, in pixels", " pixels", {0, 1}, {1000, 1000},
    {"alpha", "sigma"}, {0, 0}}, NULL, NULL},
};
const int32_t ra_augment_space_count = sizeof ra_augment_space_rows / sizeof *ra_augment_space_rows;

/* ---- elastic: a cubic B-spline over normal numbers on a grid, its standard deviation alpha, smooth like a Gaussian of sigma ---- */

/* A cubic B-spline of spacing h has the variance h^2/3; the sum of its squared weights is 151/315 on average per axis. */
static elastic elastic_of(const ra_augment_step *s, int32_t number, int32_t h, int32_t w) {
  double spacing = s->b * 1.7320508075688772;
  return (elastic){.alpha = s->a / (151.0 / 315), .spacing = spacing, .number = number, .rows = (int32_t)(h / spacing) + 4,
                   .columns = (int32_t)(w / spacing) + 4};
}

static void spline(double at, ra_real weight[4]) {
  double t = at, u = 1 - t;
  weight[0] = (ra_real)(u * u * u / 6);
  weight[1] = (ra_real)((3 * t * t * t - 6 * t * t + 4) / 6);
  weight[2] = (ra_real)((3 * u * u * u - 6 * u * u + 4) / 6);
  weight[3] = (ra_real)(t * t * t / 6);
}

/* node[2, rows, columns]: displacements along x, then y. */
static void elastic_nodes(const elastic *e, const ra_random_key *key, ra_real *node) {
  int32_t n = 2 * e->rows * e->columns;
  for (int32_t k = 0; k < n; k++)
    node[k] = (ra_real)(e->alpha * ra_random_normal_at(key, ra_augment_many(e->number) + (uint64_t)k));
}

/* dx[w], dy[w] of output row i. line[2, columns]: scratch. */
static void elastic_row(const elastic *e, const ra_real *node, int32_t i, int32_t w, ra_real *line, ra_real *dx, ra_real *dy) {
  double at = i / e->spacing;
  int32_t cell = (int32_t)at;
  ra_real weight[4];
  spline(at - cell, weight);
  int32_t n = e->rows * e->columns, C = e->columns;
  for (int32_t j = 0; j < C; j++) {
    const ra_real *a = node + cell * C + j, *b = a + n;
    line[j] = weight[0] * a[0] + weight[1] * a[C] + weight[2] * a[2 * C] + weight[3] * a[3 * C];
    line[C + j] = weight[0] * b[0] + weight[1] * b[C] + weight[2] * b[2 * C] + weight[3] * b[3 * C];
  }
  for (int32_t j = 0; j < w; j++) {
    at = j / e->spacing;
    cell = (int32_t)at;
    spline(at - cell, weight);
    const ra_real *a = line + cell, *b = a + C;
    dx[j] = weight[0] * a[0] + weight[1] * a[1] + weight[2] * a[2] + weight[3] * a[3];
    dy[j] = weight[0] * b[0] + weight[1] * b[1] + weight[2] * b[2] + weight[3] * b[3];
  }
}

/* ---- the warp, row by row ---- */

static double fold(double v, double most) {
  if (most <= 0) return 0;
  v = fabs(v);
  double period = 2 * most;
  v -= period * floor(v / period);
  return v > most ? period - v : v;
}

static void map_point(const ra_row_map *m, int32_t j, double x, double y, int32_t H, int32_t W, int32_t border) {
  double most_x = W - 1, most_y = H - 1;
  m->inside[j] = x >= -0.5 && y >= -0.5 && x <= most_x + 0.5 && y <= most_y + 0.5;
  if (border == RA_BORDER_REFLECT) {
    x = fold(x, most_x);
    y = fold(y, most_y);
  }
  x = x > 0 ? (x < most_x ? x : most_x) : 0;
  y = y > 0 ? (y < most_y ? y : most_y) : 0;
  int32_t x0 = (int32_t)x, y0 = (int32_t)y;
  m->at[j] = y0 * W + x0;
  m->right[j] = x0 < W - 1;
  m->below[j] = y0 < H - 1 ? W : 0;
  m->fx[j] = (ra_real)(x - x0);
  m->fy[j] = (ra_real)(y - y0);
}

/* Values where the point lies outside the input: `outside`, or 0 for a constant border. */
static void pad_row(const ra_row_map *m, double outside, bool constant, int32_t w, ra_real *out) {
  if (isnan(outside)) {
    for (int32_t j = 0; j < w && constant; j++) out[j] *= m->inside[j];
    return;
  }
  ra_real value = (ra_real)outside;
  for (int32_t j = 0; j < w; j++) out[j] = m->inside[j] > 0 ? out[j] : value;
}

/* Row i of one field. Without input: `absent` inside the image. */
static void warp_row(const ra_row_map *m, const ra_plane_set *in, size_t in_area, const ra_plane_set *out, size_t out_area,
                     int32_t w, int32_t i, bool constant) {
  const ra_field_kind *kind = &ra_field_kinds[in->kind];
  for (int32_t c = 0; c < in->channels; c++) {
    ra_real *to = out->data + (size_t)c * out_area + (size_t)i * (size_t)w;
    if (in->data) kind->sample(m, in->data + (size_t)c * in_area, w, to);
    else
      for (int32_t j = 0; j < w; j++) to[j] = (ra_real)in->absent;
    if (in->data && kind->binary) ra_plane_binary((size_t)w, to);
    pad_row(m, in->outside, constant && in->data, w, to);
  }
}

static int32_t warp(const ra_augment *program, ra_affine m, const elastic *e, const ra_sample_planes *in,
                    const ra_sample_planes *out, const ra_random_key *key, ra_augment_scratch *s) {
  size_t w = (size_t)out->width, nodes = e->number < 0 ? 0 : (size_t)e->rows * (size_t)e->columns;
  size_t columns = e->number < 0 ? 0 : (size_t)e->columns;
  ra_real *block = ra_augment_reserve(s, 8 * w + 2 * nodes + 2 * columns);
  if (!block) return RA_ERR_MEMORY;
  /* int32_t is never wider than ra_real */
  ra_row_map map = {.at = (int32_t *)(void *)block, .right = (int32_t *)(void *)(block + w),
                 .below = (int32_t *)(void *)(block + 2 * w), .fx = block + 3 * w, .fy = block + 4 * w,
                 .inside = block + 5 * w};
  ra_real *dx = block + 6 * w, *dy = block + 7 * w, *node = block + 8 * w, *line = node + 2 * nodes;
  if (e->number >= 0) elastic_nodes(e, key, node);
  for (int32_t i = 0; i < out->height; i++) {
    if (e->number >= 0) elastic_row(e, node, i, out->width, line, dx, dy);
    for (int32_t j = 0; j < out->width; j++) {
      double x = m.xx * j + m.xy * i + m.bx, y = m.yx * j + m.yy * i + m.by;
      if (e->number >= 0) {
        x += (double)dx[j];
        y += (double)dy[j];
      }
      map_point(&map, j, x, y, in->height, in->width, program->border);
    }
    for (int32_t f = 0; f < in->count; f++)
      if (out->set[f].data)
        warp_row(&map, &in->set[f], (size_t)in->height * (size_t)in->width, &out->set[f], (size_t)out->height * w, out->width, i,
                 program->border == RA_BORDER_CONSTANT);
  }
  return RA_OK;
}

/* ---- the crop ---- */

/* The planes whose values at or above one half are foreground, or NULL. */
static const ra_real *foreground_of(const ra_sample_planes *in) {
  return in->foreground >= 0 ? in->set[in->foreground].data : NULL;
}

static int64_t count_foreground(const ra_sample_planes *in, const ra_real *mask) {
  int64_t n = (int64_t)in->height * in->width, count = 0;
  for (int64_t i = 0; i < n; i++) count += mask[i] >= (ra_real)0.5;
  return count;
}

/* Where in the canvas the foreground pixel number `wanted` (0-based) lies. */
static void foreground_at(const ra_sample_planes *in, const ra_real *mask, int64_t wanted, ra_affine m, double *x, double *y) {
  int64_t n = (int64_t)in->height * in->width, i = 0;
  for (; i < n; i++)
    if (mask[i] >= (ra_real)0.5 && wanted-- == 0) break;
  int64_t row = i / in->width;
  double u = (double)(i % in->width) - (in->width - 1) / 2.0 - m.bx, v = (double)row - (in->height - 1) / 2.0 - m.by;
  double det = m.xx * m.yy - m.xy * m.yx;
  *x = (m.yy * u - m.xy * v) / det;
  *y = (m.xx * v - m.yx * u) / det;
}

/* First canvas pixel of a window of `size` in `canvas`; it must hold `point` (and some margin) when hold is true. */
static int32_t place(double uniform, int32_t canvas, int32_t size, bool hold, double point) {
  if (canvas <= size) return -((size - canvas) / 2);
  int32_t low = 0, high = canvas - size;
  if (hold) {
    int32_t margin = size / 8 < 8 ? size / 8 : 8, at = (int32_t)floor(point + 0.5);
    int32_t first = at - size + 1 + margin, last = at - margin;
    low = first < 0 ? 0 : first > high ? high : first;
    high = last < low ? low : last > high ? high : last;
  }
  int32_t offset = (int32_t)(uniform * (high - low + 1));
  return low + offset;
}

static void choose_crop(const ra_augment *program, const ra_sample_planes *in, const ra_sample_planes *out,
                        const ra_random_key *key, ra_affine m, int32_t canvas_h, int32_t canvas_w, int32_t *top, int32_t *left) {
  enum { CROP = RA_AUGMENT_CROP_NUMBER, TRIES = 8 };
  bool movable = canvas_h > out->height || canvas_w > out->width, hold = false;
  double x = 0, y = 0, share = program->foreground_share;
  const ra_real *mask = foreground_of(in);
  if (movable && mask && share > 0 && ra_augment_draw(key, CROP, 0, 0, 1) < share) {
    int64_t count = count_foreground(in, mask);
    for (int32_t k = 0; k < TRIES && count > 0 && !hold; k++) { /* a step may have turned this pixel out of the canvas */
      int64_t wanted = (int64_t)ra_augment_draw(key, CROP, 3 + k, 0, (double)count);
      foreground_at(in, mask, wanted, m, &x, &y);
      x += (canvas_w - 1) / 2.0;
      y += (canvas_h - 1) / 2.0;
      hold = x >= 0 && y >= 0 && x <= canvas_w - 1 && y <= canvas_h - 1;
    }
  }
  *top = place(ra_augment_draw(key, CROP, 1, 0, 1), canvas_h, out->height, hold, y);
  *left = place(ra_augment_draw(key, CROP, 2, 0, 1), canvas_w, out->width, hold, x);
}

static void copy_plane(const ra_real *in, int32_t W, ra_real *out, int32_t h, int32_t w, int32_t top, int32_t left) {
  for (int32_t i = 0; i < h; i++)
    memcpy(out + (size_t)i * (size_t)w, in + (size_t)(top + i) * (size_t)W + left, (size_t)w * sizeof *out);
}

static void copy_window(const ra_sample_planes *in, const ra_sample_planes *out, int32_t top, int32_t left) {
  size_t from = (size_t)in->height * (size_t)in->width, to = (size_t)out->height * (size_t)out->width;
  for (int32_t f = 0; f < in->count; f++) {
    const ra_plane_set *set = &in->set[f];
    ra_real *data = out->set[f].data;
    for (int32_t c = 0; data && set->data && c < set->channels; c++)
      copy_plane(set->data + (size_t)c * from, in->width, data + (size_t)c * to, out->height, out->width, top, left);
    for (size_t i = 0; data && !set->data && i < to * (size_t)set->channels; i++) data[i] = (ra_real)set->absent;
  }
}

int32_t ra_augment_space(const ra_augment *program, const ra_sample_planes *in, const ra_sample_planes *out,
                         const ra_random_key *key, ra_augment_scratch *s) {
  ra_affine m = {1, 0, 0, 1, 0, 0};
  elastic e = {.number = -1};
  bool active = false, crop = program->height > 0;
  int32_t canvas_h = in->height, canvas_w = in->width;
  for (int32_t i = 0; i < program->count; i++) {
    int32_t kind = program->step[i].kind;
    if (!ra_augment_is_space(kind) || !ra_augment_acts(program, i, key)) continue;
    active = true;
    if (kind == RA_AUGMENT_ELASTIC) e = elastic_of(&program->step[i], ra_augment_number(program, i), out->height, out->width);
    else {
      const ra_augment_step *step = &program->step[i];
      int32_t number = ra_augment_number(program, i);
      ra_space_step one = {.step = step, .value = ra_augment_draw(key, number, 1, step->a, step->b), .key = key, .number = number,
                           .any_turn = crop || in->height == in->width, .canvas_h = &canvas_h, .canvas_w = &canvas_w};
      m = ra_augment_row_of(kind)->space(m, &one);
    }
  }
  int32_t top, left;
  choose_crop(program, in, out, key, m, canvas_h, canvas_w, &top, &left);
  bool within = top >= 0 && left >= 0 && top + out->height <= in->height && left + out->width <= in->width;
  if (!active && within) {
    copy_window(in, out, top, left);
    return RA_OK;
  }
  /* from output pixel (j, i) straight to input pixels */
  double x = left - (canvas_w - 1) / 2.0, y = top - (canvas_h - 1) / 2.0;
  ra_affine whole = m;
  whole.bx = m.xx * x + m.xy * y + m.bx + (in->width - 1) / 2.0;
  whole.by = m.yx * x + m.yy * y + m.by + (in->height - 1) / 2.0;
  return warp(program, whole, &e, in, out, key, s);
}
