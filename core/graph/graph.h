/* graph.h: a recorded graph, as graph.c makes it and plan.c reads it. */
#ifndef RA_GRAPH_H
#define RA_GRAPH_H

#include "../op/op.h"

typedef enum { RA_NODE_INPUT, RA_NODE_TENSOR, RA_NODE_OP } ra_node_kind;

typedef struct ra_node {
  ra_node_kind kind;
  int32_t rank, dim[RA_MAX_RANK], size;
  ra_tensor *tensor; /* RA_NODE_TENSOR: a view that the graph holds */
  const ra_op *op;   /* RA_NODE_OP from here */
  double param[RA_MAX_SLOTS];
  int32_t n_in, in[RA_MAX_IN]; /* -1: absent */
} ra_node;

struct ra_graph {
  int32_t size, capacity;
  ra_node *node;
};

/* The call of op node i, its shapes and parameters filled in. */
int32_t ra_graph_call(const ra_graph *g, int32_t i, ra_call *c);

#endif
