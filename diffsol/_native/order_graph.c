/* order_graph.c - see order.h. */
#include "linear_inside.h"
#include "order.h"
#include <stdlib.h>

/* Adds both directions of every entry off the diagonal: counts them in next (to NULL), or writes
 * each at next[vertex]++. */
static void add_pairs(const ds_pattern *pattern, int64_t *next, int64_t *to) {
    for (int64_t j = 0, k = 0; j < pattern->n; ++j) {
        const int64_t end = pattern->start ? pattern->start[j + 1] : k + pattern->n;
        for (; k < end; ++k) {
            const int64_t i = pattern->start ? pattern->rows[k] : k - j * pattern->n;
            if (i == j) continue;
            if (to) {
                to[next[i]] = j;
                to[next[j]] = i;
            }
            ++next[i];
            ++next[j];
        }
    }
}

static void drop_repeated(ds_graph *graph, int64_t *seen) {
    int64_t kept = 0;
    for (int64_t j = 0; j < graph->n; ++j) seen[j] = -1;
    for (int64_t j = 0; j < graph->n; ++j) {
        const int64_t begin = graph->start[j], end = graph->start[j + 1];
        graph->start[j] = kept;
        for (int64_t k = begin; k < end; ++k) {
            const int64_t i = graph->to[k];
            if (seen[i] == j) continue;
            seen[i] = j;
            graph->to[kept++] = i;
        }
    }
    graph->start[graph->n] = kept;
}

int ds_graph_make(const ds_pattern *pattern, ds_graph *graph) {
    const int64_t n = pattern->n;
    graph->n = n;
    graph->start = ds_lu_memory(n + 1, sizeof *graph->start);
    graph->to = ds_lu_memory(2 * pattern->count, sizeof *graph->to);
    int64_t *next = calloc((size_t)n + 1, sizeof *next);
    if (!graph->start || !graph->to || !next) {
        ds_graph_free(graph);
        free(next);
        return DS_LU_NO_MEMORY;
    }
    add_pairs(pattern, next, NULL);
    int64_t sum = 0;
    for (int64_t j = 0; j <= n; ++j) {
        const int64_t degree = next[j];
        graph->start[j] = next[j] = sum;
        sum += degree;
    }
    add_pairs(pattern, next, graph->to);
    drop_repeated(graph, next);
    free(next);
    return 0;
}

void ds_graph_free(ds_graph *graph) {
    free(graph->start);
    free(graph->to);
}
