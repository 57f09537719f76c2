/* order.h - the undirected graph of a square pattern, and orders of its vertices. */
#ifndef DS_ORDER_H
#define DS_ORDER_H
#include "linear.h"

/* Neighbours of each vertex, without itself, each once. */
typedef struct {
    int64_t n;
    int64_t *start; /* n + 1 */
    int64_t *to;
} ds_graph;

/* The graph of J + J^T; 0 or DS_LU_NO_MEMORY. */
int ds_graph_make(const ds_pattern *pattern, ds_graph *graph);
void ds_graph_free(ds_graph *graph);

#endif
