/* order_rcm.c - the reverse Cuthill-McKee order, for a narrow band (George & Liu, Computer
 * Solution of Large Sparse Positive Definite Systems, 1981, chapter 4). */
#include "linear_inside.h"
#include "order.h"
#include <stdlib.h>

typedef struct {
    const ds_graph *graph;
    int64_t *mark;  /* number of the search that met the vertex last */
    int64_t search; /* number of this one */
} searcher;

static int64_t degree(const ds_graph *graph, int64_t v) {
    return graph->start[v + 1] - graph->start[v];
}

/* Breadth first from root into queue, neighbours by rising degree; how many vertices. `last`:
 * where the last level begins in the queue, `levels`: how many there are. */
static int64_t breadth_first(searcher *s, int64_t root, int64_t *queue, int64_t *last,
                             int64_t *levels) {
    const ds_graph *graph = s->graph;
    ++s->search;
    int64_t count = 1, level_end = 1;
    queue[0] = root;
    s->mark[root] = s->search;
    *last = *levels = 0;
    for (int64_t k = 0; k < count; ++k) {
        if (k == level_end) {
            *last = level_end;
            level_end = count;
            ++*levels;
        }
        const int64_t first = count;
        for (int64_t e = graph->start[queue[k]]; e < graph->start[queue[k] + 1]; ++e) {
            const int64_t v = graph->to[e];
            if (s->mark[v] == s->search) continue;
            s->mark[v] = s->search;
            int64_t at = count++;
            for (; at > first && degree(graph, queue[at - 1]) > degree(graph, v); --at)
                queue[at] = queue[at - 1];
            queue[at] = v;
        }
    }
    return count;
}

/* A vertex at an end of its component, to start from: George & Liu, algorithm 4.3.1 (FNROOT). */
static int64_t peripheral(searcher *s, int64_t root, int64_t *queue) {
    int64_t last, levels, before = -1;
    for (;;) {
        const int64_t count = breadth_first(s, root, queue, &last, &levels);
        if (levels <= before) return root;
        before = levels;
        root = queue[last];
        for (int64_t k = last + 1; k < count; ++k)
            if (degree(s->graph, queue[k]) < degree(s->graph, root)) root = queue[k];
    }
}

static void reverse(int64_t n, int64_t *order) {
    for (int64_t k = 0; k < n / 2; ++k) {
        const int64_t swapped = order[k];
        order[k] = order[n - 1 - k];
        order[n - 1 - k] = swapped;
    }
}

int ds_order_rcm(const ds_pattern *pattern, int64_t *order) {
    ds_graph graph;
    if (ds_graph_make(pattern, &graph)) return DS_LU_NO_MEMORY;
    searcher s = {&graph, calloc((size_t)graph.n + 1, sizeof(int64_t)), 0};
    if (!s.mark) {
        ds_graph_free(&graph);
        return DS_LU_NO_MEMORY;
    }
    int64_t last, levels;
    for (int64_t v = 0, done = 0; v < graph.n; ++v)
        if (s.mark[v] == 0) {
            const int64_t root = peripheral(&s, v, order + done);
            done += breadth_first(&s, root, order + done, &last, &levels);
        }
    reverse(graph.n, order);
    free(s.mark);
    ds_graph_free(&graph);
    return 0;
}
