/* graph.c: recording. Every node's shape is known when it is added. */
#include "graph.h"

#include <string.h>

#include "../base/mem.h"
#include "../op/call.h"
#include "../tensor/tensor.h"

ra_graph *ra_graph_new(void) { return ra_mem_zalloc(1, sizeof(ra_graph)); }

void ra_graph_release(ra_graph *g) {
  if (!g) return;
  for (int32_t i = 0; i < g->size; i++) ra_tensor_release(g->node[i].tensor);
  ra_mem_free(g->node);
  ra_mem_free(g);
}

/* The next node, zeroed; NULL if allocation fails. */
static ra_node *next_node(ra_graph *g) {
  if (g->size == g->capacity) {
    int32_t capacity = g->capacity ? 2 * g->capacity : 64;
    ra_node *node = ra_mem_realloc(g->node, (size_t)capacity, sizeof *node);
    if (!node) return NULL;
    g->node = node;
    g->capacity = capacity;
  }
  ra_node *node = &g->node[g->size];
  memset(node, 0, sizeof *node);
  return node;
}

static int32_t set_shape(ra_node *node, int32_t rank, const int32_t *dim) {
  char text[80];
  if (rank < 0 || rank > RA_MAX_RANK || ra_shape_size(rank, dim) < 0)
    return ra_fail(RA_ERR_SHAPE, "a node wants 0 to %d dimensions and fewer than 2^31 elements, given %s", RA_MAX_RANK,
                   ra_shape_text(rank < 0 ? 0 : rank > RA_MAX_RANK ? RA_MAX_RANK : rank, dim, text));
  node->rank = rank;
  if (rank > 0) memcpy(node->dim, dim, (size_t)rank * sizeof *dim);
  node->size = ra_shape_size(rank, dim);
  return RA_OK;
}

int32_t ra_graph_input(ra_graph *g, int32_t rank, const int32_t *dim) {
  ra_node *node = next_node(g);
  if (!node) return RA_ERR_MEMORY;
  RA_TRY(set_shape(node, rank, dim));
  node->kind = RA_NODE_INPUT;
  return g->size++;
}

int32_t ra_graph_tensor(ra_graph *g, ra_tensor *t) {
  if (!ra_tensor_contiguous(t))
    return ra_fail(RA_ERR_STATE, "a tensor in a graph must be contiguous; clone the view first");
  ra_node *node = next_node(g);
  if (!node) return RA_ERR_MEMORY;
  RA_TRY(set_shape(node, t->rank, t->dim));
  node->kind = RA_NODE_TENSOR;
  node->tensor = ra_tensor_slice(t, 0, t->rank, t->dim);
  return node->tensor ? g->size++ : ra_error_code();
}

static ra_array array_of_node(const ra_node *n) {
  ra_array a = {.rank = n->rank, .size = n->size};
  memcpy(a.dim, n->dim, sizeof a.dim);
  return a;
}

static int32_t prepare(const ra_graph *g, ra_call *c, const ra_op *op, const double *param, int32_t n_in, const int32_t *in) {
  ra_array array[RA_MAX_IN] = {0};
  if (n_in > RA_MAX_IN) return ra_fail(RA_ERR_ARG, "%s: given %d inputs, at most %d", ra_op_name(op), n_in, RA_MAX_IN);
  for (int32_t k = 0; k < n_in; k++) {
    if (in[k] >= g->size) return ra_fail(RA_ERR_ARG, "%s: input %d is not a node of this graph", ra_op_name(op), k + 1);
    if (in[k] >= 0) array[k] = array_of_node(&g->node[in[k]]);
    else array[k].rank = -1;
  }
  return ra_call_prepare(c, op, param, n_in, array, false);
}

int32_t ra_graph_op(ra_graph *g, const ra_op *op, const double *param, int32_t n_in, const int32_t *in) {
  ra_call c;
  RA_TRY(prepare(g, &c, op, param, n_in, in));
  ra_node *node = next_node(g);
  if (!node) return RA_ERR_MEMORY;
  RA_TRY(set_shape(node, c.out.rank, c.out.dim));
  node->kind = RA_NODE_OP;
  node->op = op;
  memcpy(node->param, c.param, sizeof node->param);
  node->n_in = n_in;
  memcpy(node->in, in, (size_t)n_in * sizeof *in);
  return g->size++;
}

int32_t ra_graph_shape(const ra_graph *g, int32_t node, int32_t *dim) {
  if (node < 0 || node >= g->size) return ra_fail(RA_ERR_ARG, "node %d: the graph has %d", node, g->size);
  memcpy(dim, g->node[node].dim, sizeof g->node[node].dim);
  return g->node[node].rank;
}

int32_t ra_graph_call(const ra_graph *g, int32_t i, ra_call *c) {
  const ra_node *n = &g->node[i];
  return prepare(g, c, n->op, n->param, n->n_in, n->in);
}

double ra_graph_flops(const ra_graph *g, int32_t node) {
  ra_call c;
  if (node < 0 || node >= g->size || g->node[node].kind != RA_NODE_OP) return 0;
  return ra_graph_call(g, node, &c) == RA_OK ? ra_call_flops(&c) : 0;
}
