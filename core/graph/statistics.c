/* statistics.c: what a run moves leaves by (running averages), kept apart from the move. Processes that compute the batches of a step
 * side by side exchange it, and each makes all moves in the order of the batches. */
#include "../base/mem.h"
#include "../tensor/tensor.h"
#include "plan.h"

static int32_t count_of(const ra_plan_node *n) {
  return n->used && n->kind == RA_NODE_OP && n->call.op->statistics ? n->call.op->statistics(&n->call) : 0;
}

int32_t ra_plan_hold(ra_plan *p) {
  int32_t count = 0;
  if (p->statistics) return p->n_statistics;
  for (int32_t i = 0; i < p->n_nodes; i++) count += count_of(&p->node[i]);
  p->statistics = ra_mem_zalloc((size_t)count + 1, sizeof *p->statistics);
  if (!p->statistics) return RA_ERR_MEMORY;
  p->n_statistics = count;
  double *at = p->statistics;
  for (int32_t i = 0; i < p->n_nodes; i++) {
    if (count_of(&p->node[i]) == 0) continue;
    p->node[i].call.statistics = at;
    at += count_of(&p->node[i]);
  }
  return count;
}

const double *ra_plan_statistics(const ra_plan *p) { return p->statistics; }

void ra_plan_move(ra_plan *p, const double *statistics) {
  for (int32_t i = 0; i < p->n_nodes; i++) {
    ra_plan_node *n = &p->node[i];
    if (count_of(n) == 0) continue;
    for (int32_t k = 0; k < n->call.n_in; k++)
      if (n->in[k] >= 0 && p->node[n->in[k]].tensor) n->call.in[k].data = p->node[n->in[k]].tensor->data;
    n->call.op->move(&n->call, statistics);
    statistics += count_of(n);
  }
}
