/* describe.c: a plan as text: its steps with shape, algorithm and the reason for it, fusions, bytes and, after
 * profiled runs, time, share of the run, GFLOP/s, fraction of the processors' peak, and GB/s. */
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

static const ra_plan_node *source(const ra_plan *p, const ra_plan_node *n) {
  return n->call.n_in > 0 && n->in[0] >= 0 ? &p->node[n->in[0]] : NULL;
}

/* ---- algorithm and fusions of a step ---- */

/* The ops that were fused into node i, in their order. */
static void put_fused(writer *w, const ra_plan *p, int32_t i) {
  for (int32_t j = i + 1; j < p->n_nodes; j++)
    if (p->node[j].into != j && ra_plan_source(p, j) == i) put(w, "+%s", p->node[j].call.op->name);
}

static void put_how(writer *w, const ra_plan *p, const ra_plan_step *step) {
  char text[RA_HOW_TEXT];
  const ra_plan_node *n = &p->node[step->node], *from = source(p, n);
  const ra_call *c = &n->call;
  bool forward = step->pass == RA_PASS_FORWARD;
  const char *how = c->op->how ? c->op->how(c, step->pass, text) : NULL;
  put(w, "  %s", how ? how : "");
  put_fused(w, p, step->node);
  if (from && from->segmented) put(w, " of %d segments", from->call.n_in);
  if (from && from->call.fused.deferred) put(w, " of normalised");
  if (forward && c->fused.deferred) put(w, " when read");
  if (forward && c->fused.moments_in_chunks > 0) put(w, ", statistics from above");
}

/* ---- measured speed ---- */

static double step_flops(const ra_plan *p, const ra_plan_step *step) {
  const ra_call *c = &p->node[step->node].call;
  bool whole = step->pass == RA_PASS_BACKWARD && !c->op->backward_weights;
  return ra_call_flops(c) * (whole ? (c->din[1].data != NULL) + ra_wants_dx(c) : 1);
}

double ra_plan_flops(const ra_plan *p) {
  double flops = 0;
  for (int32_t s = 0; s < p->n_steps; s++) flops += step_flops(p, &p->step[s]);
  return flops;
}

/* Bytes of the arrays that a step reads and writes, each once. */
static double bytes_of(const ra_call *c, ra_pass pass) {
  bool backward = ra_pass_is_backward(pass);
  double elements = 0;
  if (backward) elements += c->dout.size;
  else if (!c->fused.deferred) elements += c->out.size;
  for (int32_t k = 0; k < c->n_in; k++) {
    bool written = backward && (k > 0 ? c->din[k].data != NULL : pass == RA_PASS_BACKWARD && ra_wants_dx(c));
    if (c->in[k].rank < 0 || (k == 0 && !backward && c->fused.moments_in)) continue;
    if (!backward || (ra_pass_reads(c->op, pass) >> k & 1)) elements += c->in[k].size;
    if (written) elements += c->in[k].size;
  }
  if (!backward && c->fused.residual) elements += c->out.size;
  return elements * (double)sizeof(ra_real);
}

static void put_speed(writer *w, const ra_plan *p, const ra_plan_step *step, double whole, double peak) {
  const ra_plan_node *n = &p->node[step->node];
  double t = step->seconds / p->runs, flops = step_flops(p, step);
  put(w, " %9.3f %5.1f", 1e3 * t, 100 * t / whole);
  if (flops > 0 && t > 0) put(w, " %8.0f %5.0f%%", flops / t / 1e9, 100 * flops / t / 1e9 / peak);
  else put(w, " %8s %6s", "", "");
  put(w, " %6.1f", t > 0 ? bytes_of(&n->call, step->pass) / t / 1e9 : 0);
}

static double seconds_of(const ra_plan *p) {
  double sum = 0;
  for (int32_t s = 0; s < p->n_steps; s++) sum += p->step[s].seconds;
  return sum / p->runs;
}

/* ---- the text ---- */

/* What a budget costs. */
static void put_twice(writer *w, const ra_plan *p) {
  double flops = 0, seconds = 0;
  if (p->n_again == 0) return;
  for (int32_t s = 0; s < p->n_steps; s++) {
    if (p->step[s].pass != RA_PASS_AGAIN) continue;
    flops += step_flops(p, &p->step[s]);
    seconds += p->step[s].seconds;
  }
  put(w, "=> %d values are computed twice, %.2f GFLOP of %.2f, to save memory: %.2f MB instead of %.2f", p->n_again, flops / 1e9,
      ra_plan_flops(p) / 1e9, (double)p->bytes / 1e6, (double)p->bytes_before / 1e6);
  if (p->runs > 0) put(w, "; %.2f ms", 1e3 * seconds / p->runs);
  put(w, "\n");
}

static void put_step(writer *w, const ra_plan *p, const ra_plan_step *step, double whole, double peak) {
  char shape[80];
  const ra_plan_node *n = &p->node[step->node];
  const ra_call *c = &n->call;
  const char *const arrow[] = {[RA_PASS_FORWARD] = "->", [RA_PASS_WEIGHTS] = "<-", [RA_PASS_BACKWARD] = "<-", [RA_PASS_AGAIN] = "=>"};
  put(w, "%4d %-2s %-18s %-18s", step->node, arrow[step->pass], c->op->name,
      ra_shape_text(c->out.rank, c->out.dim, shape));
  if (p->runs > 0) put_speed(w, p, step, whole, peak);
  int32_t b = ra_pass_is_backward(step->pass) ? n->grad : step->value;
  if (b >= 0) put(w, " %8.2f %8.2f", (double)p->buffer[b].bytes / 1e6, (double)p->buffer[b].offset / 1e6);
  else put(w, " %8s %8s", "-", "");
  put_how(w, p, step);
  if (b >= 0 && p->buffer[b].root != b) put(w, " in place");
  put(w, "\n");
}

const char *ra_plan_describe(ra_plan *p) {
  writer w = {.size = 512 + 256 * (size_t)(p->n_steps + 1)};
  w.text = ra_mem_alloc(w.size, 1);
  if (!w.text) return NULL;
  double whole = p->runs > 0 ? seconds_of(p) : 0, peak = p->runs > 0 ? ra_peak_gflops() : 0;
  put(&w, "node    %-18s %-18s", "op", "shape");
  if (p->runs > 0) put(&w, " %9s %5s %8s %6s %6s", "ms", "%", "GFLOP/s", "peak", "GB/s");
  put(&w, " %8s %8s  how\n", "MB", "at MB");
  for (int32_t s = 0; s < p->n_steps; s++) put_step(&w, p, &p->step[s], whole, peak);
  if (p->runs > 0) {
    double flops = ra_plan_flops(p);
    put(&w, "%.2f ms a run of %.2f GFLOP (as direct convolutions): %.0f GFLOP/s; %s kernels on %d threads can do %.0f at most\n",
        1e3 * whole, flops / 1e9, flops / whole / 1e9, ra_isa(), ra_threads(), peak);
  }
  put(&w, "%d steps (%d forward, %d backward); arena %.2f MB, lower bound %.2f MB\n", p->n_steps, p->n_forward,
      p->n_steps - p->n_forward - p->n_again, (double)p->bytes / 1e6, (double)p->lower_bound / 1e6);
  put_twice(&w, p);
  ra_mem_free(p->text);
  p->text = w.text;
  return w.text;
}
