/* rows_windows.c: windows of attention in ONNX (core/op/window.h) for any height and width.
 *
 * Along each dimension of n places and windows of s: c = ceil(n / s) windows, p = c s places with padding, and a cyclic shift that
 * is 0 where one window holds all: min(c - 1, 1) shift. They are int64 [1] in the graph. */
#include "rows.h"

typedef struct {
  ra_onnx_build *o;
  const ra_onnx_call *c;
  int64_t size, shift;
  const char *n[2], *count[2], *padded[2], *by[2]; /* of height and width, as above */
} windows;

static const char *binary(const windows *w, const char *type, const char *a, const char *b) { return ra_onnx_binary(w->o, type, a, b); }
static const char *number(const windows *w, int64_t v) { return ra_onnx_int(w->o, v); }

/* The windows of a map [B,H,W,C] whose value is map. */
static windows windows_of(ra_onnx_build *o, const ra_onnx_call *c, const char *map) {
  windows w = {.o = o, .c = c, .size = (int64_t)ra_onnx_param(c, "window"), .shift = (int64_t)ra_onnx_param(c, "shift")};
  for (int32_t i = 0; i < 2; i++) {
    w.n[i] = ra_onnx_shape(o, map, 1 + i, 2 + i);
    w.count[i] = binary(&w, "Div", binary(&w, "Add", w.n[i], number(&w, w.size - 1)), number(&w, w.size));
    w.padded[i] = binary(&w, "Mul", w.count[i], number(&w, w.size));
    w.by[i] = binary(&w, "Mul", binary(&w, "Min", binary(&w, "Sub", w.count[i], number(&w, 1)), number(&w, 1)), number(&w, w.shift));
  }
  return w;
}

/* x moved cyclically so that place `first` comes first, along an axis. */
static const char *roll(const windows *w, const char *x, const char *first, int64_t axis) {
  const char *a = ra_onnx_slice(w->o, x, first, number(w, INT64_MAX), number(w, axis));
  const char *b = ra_onnx_slice(w->o, x, number(w, 0), first, number(w, axis));
  return ra_onnx_join(w->o, RA_IN(a, b), (int32_t)axis);
}

/* A padded map [B,c s,c s,C] to [B,c,c,s s,C]. */
static const char *cut(const windows *w, const char *map) {
  const char *size = number(w, w->size);
  const char *shape = ra_onnx_join(w->o, RA_IN(number(w, 0), w->count[0], size, w->count[1], size, number(w, -1)), 0);
  const char *x = ra_onnx_permute(w->o, binary(w, "Reshape", map, shape), 6, (int64_t[]){0, 1, 3, 2, 4, 5});
  const char *end = ra_onnx_join(w->o, RA_IN(number(w, 0), w->count[0], w->count[1], number(w, w->size * w->size), number(w, -1)), 0);
  return binary(w, "Reshape", x, end);
}

const char *ra_onnx_window_partition(ra_onnx_build *o, const ra_onnx_call *c) {
  windows w = windows_of(o, c, c->in[0]);
  const char *zeros = ra_onnx_ints(o, 5, (int64_t[5]){0});
  const char *pads = ra_onnx_join(o, RA_IN(zeros, binary(&w, "Sub", w.padded[0], w.n[0]), binary(&w, "Sub", w.padded[1], w.n[1]),
                                           number(&w, 0)), 0);
  const char *x = ra_onnx_binary(o, "Pad", c->in[0], pads);
  for (int32_t i = 0; i < 2 && w.shift > 0; i++) x = roll(&w, x, w.by[i], 1 + i);
  return cut(&w, x);
}

const char *ra_onnx_window_merge(ra_onnx_build *o, const ra_onnx_call *c) {
  windows w = windows_of(o, c, c->in[1]);
  const char *size = number(&w, w.size);
  /* five sizes are kept or given, so that -1 stands for the channels */
  const char *six = ra_onnx_join(o, RA_IN(number(&w, 0), w.count[0], w.count[1], size, size, number(&w, -1)), 0);
  const char *x = ra_onnx_permute(o, binary(&w, "Reshape", c->in[0], six), 6, (int64_t[]){0, 1, 3, 2, 4, 5});
  const char *four = ra_onnx_join(o, RA_IN(number(&w, 0), w.padded[0], w.padded[1], number(&w, -1)), 0);
  x = binary(&w, "Reshape", x, four);
  for (int32_t i = 0; i < 2 && w.shift > 0; i++) x = roll(&w, x, binary(&w, "Sub", w.padded[i], w.by[i]), 1 + i);
  return ra_onnx_slice(o, x, ra_onnx_ints(o, 2, (int64_t[]){0, 0}), ra_onnx_join(o, RA_IN(w.n[0], w.n[1]), 0),
                       ra_onnx_ints(o, 2, (int64_t[]){1, 2}));
}

/* ---- the bias ---- */

static const char *to_int(const windows *w, const char *x) {
  return ra_onnx_node(w->o, "Cast", RA_IN(x), RA_WITH(RA_A_INT("to", ONNX__ELEMENT_TYPE__ELEMENT_INT64)));
}

static const char *scalar(const windows *w, const char *x) { return ra_onnx_binary(w->o, "Squeeze", x, number(w, 0)); }

/* int64 [p]: which part of the map each place of the moved map is from, 0, 1 or 2, by dimension i; -9 where it is padding. */
static const char *parts_along(const windows *w, int32_t i) {
  const char *zero = scalar(w, number(w, 0)), *one = scalar(w, number(w, 1));
  const char *place = ra_onnx_node(w->o, "Range", RA_IN(zero, scalar(w, w->padded[i]), one), NULL);
  const char *from = binary(w, "Mod", binary(w, "Add", place, w->by[i]), w->padded[i]);
  const char *outside = to_int(w, ra_onnx_binary(w->o, "GreaterOrEqual", from, w->n[i]));
  const char *second = binary(w, "GreaterOrEqual", place, binary(w, "Sub", w->padded[i], number(w, w->size)));
  const char *third = binary(w, "GreaterOrEqual", place, binary(w, "Sub", w->padded[i], w->by[i]));
  const char *moved = binary(w, "Min", w->by[i], number(w, 1));
  const char *part = binary(w, "Mul", binary(w, "Add", to_int(w, second), to_int(w, third)), moved);
  return binary(w, "Sub", part, binary(w, "Mul", outside, number(w, 99)));
}

/* bool [c,c,s s,s s]: key j is hidden from query i: j is padding, or both are in the map and from different parts of it. */
static const char *hidden(const windows *w) {
  const char *y = ra_onnx_binary(w->o, "Unsqueeze", parts_along(w, 0), number(w, 1)), *x = parts_along(w, 1);
  const char *part = binary(w, "Add", binary(w, "Mul", y, number(w, 3)), x);
  const char *map = ra_onnx_binary(w->o, "Unsqueeze", part, ra_onnx_ints(w->o, 2, (int64_t[]){0, 3}));
  const char *all = ra_onnx_binary(w->o, "Squeeze", cut(w, map), ra_onnx_ints(w->o, 2, (int64_t[]){0, 4})); /* [c,c,s s] */
  const char *query = ra_onnx_binary(w->o, "Unsqueeze", all, number(w, 3)), *key = ra_onnx_binary(w->o, "Unsqueeze", all, number(w, 2));
  const char *zero = scalar(w, number(w, 0));
  const char *inside = binary(w, "GreaterOrEqual", query, zero);
  const char *differ = ra_onnx_node(w->o, "Not", RA_IN(binary(w, "Equal", query, key)), NULL);
  return binary(w, "Or", binary(w, "Less", key, zero), binary(w, "And", inside, differ));
}

const char *ra_onnx_window_bias(ra_onnx_build *o, const ra_onnx_call *c) {
  windows w = windows_of(o, c, c->in[1]);
  int32_t size = (int32_t)w.size, n = size * size;
  int64_t *index = ra_onnx_keep(o, (size_t)n * (size_t)n, sizeof *index);
  if (!index) return "";
  for (int32_t i = 0; i < n; i++)
    for (int32_t j = 0; j < n; j++)
      index[i * n + j] = (i / size - j / size + size - 1) * (2 * size - 1) + i % size - j % size + size - 1;
  const char *turned = ra_onnx_permute(o, c->in[0], 2, (int64_t[]){1, 0}); /* [heads,(2s-1)^2] */
  const char *learned = ra_onnx_node(o, "Gather", RA_IN(turned, ra_onnx_ints(o, n * n, index)), RA_WITH(RA_A_INT("axis", 1)));
  const char *bias = ra_onnx_binary(o, "Reshape", learned, ra_onnx_ints(o, 5, (int64_t[]){1, 1, -1, n, n}));
  const char *mask = ra_onnx_node(o, "Where", RA_IN(hidden(&w), ra_onnx_number(o, -100), ra_onnx_number(o, 0)), NULL);
  return ra_onnx_binary(o, "Add", bias, ra_onnx_binary(o, "Unsqueeze", mask, number(&w, 2)));
}
