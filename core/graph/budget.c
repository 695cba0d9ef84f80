/* budget.c: a plan within a budget of memory. Values that wait for the backward pass are dropped after their last reader of the
 * forward pass and computed again before their first reader of the backward pass (Chen, Xu, Zhang, Guestrin, "Training deep nets
 * with sublinear memory cost", arXiv 1604.06174, 2016; here value by value), and those of skip connections, which backward reads
 * early and late, once more in between. The bits are those of a plan without a budget.
 *
 * Which: again and again, of the values that lie through the fullest step and are not wanted in it, the one that costs the least
 * time a byte; at the end those that turn out not to be needed are kept after all, the dearest first. */
#include "../base/mem.h"
#include "plan.h"

/* A processor as the choice assumes it: the same on every machine, so that a recipe has the same plan everywhere. */
#define FLOPS_A_SECOND 3e11
#define BYTES_A_SECOND 1e10

/* When a value is used, seen from one step: the last step before it and the first behind it that read the value or write it. */
typedef struct {
  int32_t before, behind; /* or RA_NONE */
  bool at;                /* in the step itself */
  bool lies;              /* through the step: what is read behind it is what was there before */
  bool fixed;             /* its life is not changed any more */
} use;

typedef struct {
  ra_plan *p;
  use *of;
  int32_t at, step; /* the step that they are seen from; the step that is looked at */
} view;

static void add_cost(ra_plan *p, int32_t node, void *to) {
  const ra_call *c = &p->node[node].call;
  double elements = c->out.size;
  for (int32_t k = 0; k < c->n_in; k++)
    if (c->in[k].rank >= 0) elements += c->in[k].size;
  *(double *)to += ra_call_flops(c) / FLOPS_A_SECOND + elements * (double)sizeof(ra_real) / BYTES_A_SECOND;
}

/* Seconds, as a guess, to compute the value of node i again, and whatever is dropped that it is made of. */
static double cost_of(ra_plan *p, int32_t i) {
  double seconds = 1e-9;
  for (int32_t k = 0; k <= i; k++) p->node[k].done = false;
  add_cost(p, i, &seconds);
  ra_plan_redo(p, i, RA_PASS_AGAIN, add_cost, &seconds);
  return seconds;
}

static void see(ra_plan *p, int32_t i, void *to) {
  (void)p;
  view *v = to;
  use *u = &v->of[i];
  if (v->step < v->at) u->before = v->step;
  else if (v->step == v->at) u->at = true;
  else if (u->behind < 0) u->behind = v->step, u->lies = true;
}

/* Fills uses as they are seen from step `at`. */
static void look_from(ra_plan *p, use *of, int32_t at) {
  view v = {p, of, at, 0};
  for (int32_t i = 0; i < p->n_nodes; i++) of[i] = (use){.before = RA_NONE, .behind = RA_NONE, .fixed = of[i].fixed};
  for (; v.step < p->n_steps; v.step++) {
    int32_t i = p->step[v.step].node;
    ra_plan_reads(p, i, p->step[v.step].pass, see, &v);
    if (ra_pass_is_backward(p->step[v.step].pass)) continue;
    bool anew = v.step > at && of[i].behind < 0;
    see(p, i, &v);
    if (anew) of[i].lies = false;
  }
}

/* A fleeting life would take the value of node i out of the step that u is seen from. */
static bool can_shorten(const ra_plan *p, int32_t i, const use *u) {
  const ra_plan_node *n = &p->node[i];
  if (n->kind != RA_NODE_OP || !n->used || u->fixed || n->value < 0 || ra_plan_is_output(p, i)) return false;
  if (n->life == RA_LIFE_FLEETING || u->at || u->before < 0 || !u->lies) return false;
  return u->before < p->n_forward ? u->behind >= p->n_forward : u->behind - u->before > RA_FAR;
}

/* The value that is made fleeting next, or RA_NONE. */
static int32_t next_to_shorten(ra_plan *p, use *of) {
  int32_t best = RA_NONE;
  double most = 0;
  look_from(p, of, p->fullest);
  for (int32_t i = 0; i < p->n_nodes; i++) {
    if (!can_shorten(p, i, &of[i])) continue;
    double gain = (double)p->buffer[p->node[i].value].bytes / cost_of(p, i);
    if (gain > most) most = gain, best = i;
  }
  return best;
}

/* Values that backward does not read are kept for nobody: where a dropped one is made of them they are computed again too. */
static void let_go(ra_plan *p, use *of) {
  look_from(p, of, p->n_forward - 1);
  for (int32_t i = 0; i < p->n_nodes; i++) {
    ra_plan_node *n = &p->node[i];
    of[i].fixed = n->kind == RA_NODE_OP && n->used && n->value >= 0 && !ra_plan_is_output(p, i) && of[i].behind < 0;
    if (of[i].fixed) n->life = RA_LIFE_FLEETING;
  }
}

/* Shortens lives until the arena fits; *least: the fewest bytes that were seen. */
static int32_t shorten(ra_plan *p, use *of, size_t budget, size_t *least) {
  *least = p->bytes;
  while (p->bytes > budget) {
    int32_t i = next_to_shorten(p, of);
    size_t before = p->lower_bound;
    if (i < 0) return RA_OK;
    p->node[i].life = RA_LIFE_FLEETING;
    RA_TRY(ra_plan_lay_out(p));
    if (p->lower_bound > before) {
      of[i].fixed = true;
      p->node[i].life = RA_LIFE_KEPT;
      RA_TRY(ra_plan_lay_out(p));
    }
    if (p->bytes < *least) *least = p->bytes;
  }
  return RA_OK;
}

/* Keeps what need not be dropped, the dearest first. */
static int32_t keep_what_fits(ra_plan *p, use *of, size_t budget) {
  for (;;) {
    int32_t dearest = RA_NONE;
    double most = 0;
    for (int32_t i = 0; i < p->n_nodes; i++) {
      if (p->node[i].life == RA_LIFE_KEPT || of[i].fixed) continue;
      double cost = cost_of(p, i);
      if (cost > most) most = cost, dearest = i;
    }
    if (dearest < 0) return RA_OK;
    ra_life was = p->node[dearest].life;
    p->node[dearest].life = was - 1;
    RA_TRY(ra_plan_lay_out(p));
    if (p->bytes <= budget) continue;
    of[dearest].fixed = true;
    p->node[dearest].life = was;
    RA_TRY(ra_plan_lay_out(p));
  }
}

int32_t ra_plan_fit(ra_plan *p, size_t budget) {
  size_t least = 0;
  p->bytes_before = p->bytes;
  if (p->bytes <= budget) return RA_OK;
  use *of = ra_mem_zalloc((size_t)p->n_nodes + 1, sizeof *of);
  if (!of) return RA_ERR_MEMORY;
  let_go(p, of);
  int32_t code = shorten(p, of, budget, &least);
  if (code == RA_OK && p->bytes > budget)
    code = ra_fail(RA_ERR_MEMORY, "memory: %.1f MB are less than this step can do with, which is %.1f MB (%.1f MB with nothing computed "
                   "twice); give that many, or a smaller batch, crop or net", (double)budget / 1e6, (double)least / 1e6,
                   (double)p->bytes_before / 1e6);
  if (code == RA_OK) code = keep_what_fits(p, of, budget);
  ra_mem_free(of);
  return code;
}
