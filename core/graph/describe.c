/* describe.c: a plan as text: its steps with shape, algorithm, fusion, bytes
 * and, after profiled runs, time and speed. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../base/mem.h"
#include "../tensor/tensor.h"
#include "plan.h"

typedef struct {
  char *text;
  size_t used, size;
} writer;

__attribute__((format(printf, 2, 3))) static void put(writer *w, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int n = vsnprintf(w->text + w->used, w->size - w->used, format, args);
  va_end(args);
  if (n > 0) w->used += (size_t)n < w->size - w->used ? (size_t)n : w->size - w->used - 1;
}

static const char *const algo_name[RA_CONV_ALGOS] = {"plain", "direct", "gemm", "winograd"};

static void put_step(writer *w, const ra_plan *p, const ra_plan_step *step) {
  char shape[80];
  const ra_plan_node *n = &p->node[step->node];
  const ra_call *c = &n->call;
  put(w, "%4d %-2s %-18s %-18s", step->node, step->backward ? "<-" : "->", c->op->name,
      ra_shape_text(c->out.rank, c->out.dim, shape));
  const char *detail = "";
  char algos[48] = "";
  if (strcmp(c->op->name, "conv2d") == 0) {
    if (!step->backward) detail = algo_name[c->algo[RA_CONV_FORWARD]];
    else {
      snprintf(algos, sizeof algos, "data %s, weight %s", c->din[0].data || c->dx.count > 0 ? algo_name[c->algo[RA_CONV_BACKWARD_DATA]] : "-",
               algo_name[c->algo[RA_CONV_BACKWARD_WEIGHT]]);
      detail = algos;
    }
  }
  static const char *const act_name[RA_ACT_COUNT] = {"", "+relu", "+leaky_relu"};
  put(w, " %s%s%s", detail, c->folded ? "+batch_norm" : "", act_name[c->act]);
  const ra_plan_node *from = c->n_in > 0 && n->in[0] >= 0 ? &p->node[n->in[0]] : NULL;
  if (from && from->parts) put(w, " of %d parts", from->call.n_in);
  if (from && from->call.lazy) put(w, " of normalised");
  if (!step->backward && c->lazy) put(w, " when read");
  if (!step->backward && c->gathered_pieces > 0) put(w, ", statistics from above");
  int32_t b = step->backward ? n->grad : n->value;
  if (b >= 0) put(w, "%s %.2f MB at %.2f", p->buffer[b].root != b ? " in place" : "", (double)p->buffer[b].bytes / 1e6, (double)p->buffer[b].offset / 1e6);
  if (p->runs > 0) {
    double t = n->seconds[step->backward] / p->runs, flops = ra_call_flops(c) * (step->backward ? 1 + (c->din[0].data || c->dx.count > 0) : 1);
    put(w, "  %.3f ms", 1e3 * t);
    if (flops > 0) put(w, " %.0f GFLOP/s", flops / t / 1e9);
  }
  put(w, "\n");
}

const char *ra_plan_describe(ra_plan *p) {
  writer w = {.size = 512 + 256 * (size_t)(p->n_steps + 1)};
  w.text = ra_mem_alloc(w.size, 1);
  if (!w.text) return "";
  put(&w, "node    op                 shape\n");
  for (int32_t s = 0; s < p->n_steps; s++) put_step(&w, p, &p->step[s]);
  put(&w, "%d steps (%d forward, %d backward); arena %.2f MB, lower bound %.2f MB\n", p->n_steps, p->n_forward,
      p->n_steps - p->n_forward, (double)p->bytes / 1e6, (double)p->lower_bound / 1e6);
  ra_mem_free(p->text);
  p->text = w.text;
  return w.text;
}
