/* reach.c: how far around a pixel of the input a graph's output looks, along one axis, and on which grid windows into a picture have to
 * begin so that strides fall on the pixels on which they fall in the whole.
 *
 * Of every node: position o reads the input from o * step - before to o * step + after. An op that reads its input from
 * p * s - b to p * s + a makes of it step * s, before + b * step, after + a * step; of several inputs the farthest counts. Ends are
 * taken outwards (a, b >= 0), so that what lies beyond an edge, where a window sees padding and the whole sees the picture, is within. */
#include <math.h>

#include "../base/mem.h"
#include "graph.h"

typedef struct {
  bool of_input;   /* the value depends on the input */
  int32_t culprit; /* the node by which it depends on all of it; -1: it does not */
  double step, before, after;
} sight;

typedef struct {
  const ra_graph *g;
  int32_t axis;
  double grid;
  sight *of; /* by node */
} walk;

enum { GRID_MOST = 1 << 16 };

static bool whole(double v) { return fabs(v - round(v)) < 1e-9 * (1 + fabs(v)); }

static double common_multiple(double a, double b) {
  double n = a;
  while (n <= GRID_MOST && !whole(n / b)) n += a;
  return n;
}

/* The grid has to hold windows of `step` pixels, or 1 / step positions a pixel. False: none does. */
static bool hold(walk *w, double step) {
  if (step < 1) return whole(1 / step);
  if (!whole(step)) return false;
  w->grid = common_multiple(w->grid, round(step));
  return w->grid <= GRID_MOST;
}

/* What node i sees through input k; false: all. */
static bool see_through(walk *w, const ra_call *c, int32_t i, int32_t k) {
  const ra_node *n = &w->g->node[i];
  sight *to = &w->of[i];
  const sight *from = &w->of[n->in[k]];
  ra_sight s = {1, 0, 0, 1};
  ra_sees how = n->op->sees ? n->op->sees(c, k, w->axis, &s) : RA_SEES_ALL;
  if (how == RA_SEES_WEIGHTS) return !from->of_input;
  if (how != RA_SEES_NEAR || !from->of_input) return how != RA_SEES_ALL && from->of_input;
  double step = from->step * s.step;
  if (!hold(w, step) || !hold(w, from->step * s.align) || (to->of_input && fabs(to->step - step) > 1e-9 * step)) return false;
  to->of_input = true;
  to->step = step;
  to->before = fmax(to->before, from->before + fmax(s.before, 0) * from->step);
  to->after = fmax(to->after, from->after + fmax(s.after, 0) * from->step);
  return true;
}

static int32_t look(walk *w, int32_t i) {
  const ra_node *n = &w->g->node[i];
  sight *to = &w->of[i];
  bool any = false;
  ra_call c;
  for (int32_t k = 0; k < n->n_in; k++) {
    if (n->in[k] < 0 || !w->of[n->in[k]].of_input) continue;
    any = true;
    if (to->culprit < 0) to->culprit = w->of[n->in[k]].culprit;
  }
  if (!any && n->n_in > 0) return RA_OK;
  RA_TRY(ra_graph_call(w->g, i, &c));
  for (int32_t k = 0; k < n->n_in && to->culprit < 0; k++)
    if (n->in[k] >= 0 && !see_through(w, &c, i, k)) to->culprit = i;
  to->of_input = any;
  return RA_OK;
}

/* The answer for an output, or why there is none. */
static int32_t answer(const walk *w, int32_t input, int32_t output, ra_reach *reach) {
  const sight *s = &w->of[output];
  const ra_node *x = &w->g->node[input], *y = &w->g->node[output];
  if (s->culprit >= 0)
    return ra_fail(RA_ERR_ARG, "no finite reach: %s (step %d of the model) reads all of the picture, or scales it by another factor at "
                   "each size", w->g->node[s->culprit].op->name, s->culprit);
  bool same = x->rank == y->rank && x->rank >= 2 && x->dim[x->rank - 2 + w->axis] == y->dim[y->rank - 2 + w->axis];
  if (!s->of_input || !same || fabs(s->step - 1) > 1e-9)
    return ra_fail(RA_ERR_ARG, "no finite reach: the output is not of the picture's size");
  *reach = (ra_reach){.pixels = (int32_t)ceil(fmax(s->before, s->after) - 1e-9), .grid = (int32_t)w->grid};
  return RA_OK;
}

int32_t ra_graph_reach(const ra_graph *g, int32_t input, int32_t output, int32_t axis, ra_reach *reach) {
  if (input < 0 || input >= g->size || output < 0 || output >= g->size || axis < 0 || axis > 1)
    return ra_fail(RA_ERR_ARG, "reach: nodes %d and %d, axis %d: the graph has %d nodes, a plane 2 axes", input, output, axis, g->size);
  walk w = {.g = g, .axis = axis, .grid = 1, .of = ra_mem_zalloc((size_t)g->size, sizeof *w.of)};
  if (!w.of) return RA_ERR_MEMORY;
  int32_t code = RA_OK;
  for (int32_t i = 0; i <= output && code == RA_OK; i++) {
    w.of[i] = (sight){.culprit = -1, .step = 1, .of_input = i == input};
    if (g->node[i].kind == RA_NODE_OP) code = look(&w, i);
  }
  if (code == RA_OK) code = answer(&w, input, output, reach);
  ra_mem_free(w.of);
  return code;
}
