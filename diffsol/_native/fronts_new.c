/* fronts_new.c - analysis for fronts.h: elimination tree, fronts, index lists, memory. */
#include "fronts.h"
#include <stdlib.h>

/* A front may hold this share of zeros more than its columns would by themselves, by how many
 * pivots it has: wide fronts are fast, and a small one costs more to assemble than to compute. */
static const struct {
    int64_t pivots;
    double zeros;
} RELAXED[] = {{8, 0.5}, {24, 0.2}, {INT32_MAX, 0.05}};

/* What the analysis knows, by position in the order given. */
typedef struct {
    ds_graph graph;
    int64_t n;
    const int64_t *unknown; /* at a position */
    int64_t *own_unknown;   /* where no order was given, else NULL */
    int64_t *position;      /* of an unknown */
    int64_t *parent;         /* elimination tree; -1: a root */
    int64_t *count;          /* entries of column j of L, with the diagonal */
    int64_t *mark;           /* for searches */

    /* Columns merged into fronts: a front goes by its last column. */
    int64_t *pivots;
    int64_t *filled;                /* entries that its columns have by themselves */
    int64_t *column_next;           /* its columns as a list, from column_first; -1 ends */
    int64_t *column_first, *column_last;
    int64_t *child, *sibling;       /* fronts below it, -1 ends */
} analysis;

enum { ARRAYS = 10 };

static int64_t **array(analysis *a, int i) {
    int64_t **all[ARRAYS] = {&a->parent,      &a->count,        &a->mark,        &a->pivots,
                             &a->filled,      &a->column_next,  &a->column_first, &a->column_last,
                             &a->child,       &a->sibling};
    return all[i];
}

/* Liu's algorithm with path compression (Liu, SIAM J. Matrix Anal. Appl. 11 (1990) 134-172). */
static void elimination_tree(analysis *a) {
    int64_t *ancestor = a->mark;
    for (int64_t j = 0; j < a->n; ++j) {
        a->parent[j] = ancestor[j] = -1;
        const int64_t v = a->unknown[j];
        for (int64_t e = a->graph.start[v]; e < a->graph.start[v + 1]; ++e) {
            int64_t i = a->position[a->graph.to[e]];
            if (i >= j) continue;
            while (ancestor[i] != -1 && ancestor[i] != j) {
                const int64_t next = ancestor[i];
                ancestor[i] = j;
                i = next;
            }
            if (ancestor[i] == -1) ancestor[i] = a->parent[i] = j;
        }
    }
}

/* Row j of L has the columns on the paths from its entries of A up to j. */
static void count_columns(analysis *a) {
    for (int64_t j = 0; j < a->n; ++j) {
        a->count[j] = 1;
        a->mark[j] = -1;
    }
    for (int64_t j = 0; j < a->n; ++j) {
        a->mark[j] = j;
        const int64_t v = a->unknown[j];
        for (int64_t e = a->graph.start[v]; e < a->graph.start[v + 1]; ++e)
            for (int64_t i = a->position[a->graph.to[e]]; i < j && a->mark[i] != j;
                 i = a->parent[i]) {
                a->mark[i] = j;
                ++a->count[i];
            }
    }
}

static double relaxed(int64_t pivots) {
    int i = 0;
    while (pivots > RELAXED[i].pivots) ++i;
    return RELAXED[i].zeros;
}

/* Numbers in the two panels of a front. */
static int64_t front_size(int64_t pivots, int64_t below) { return pivots * (pivots + 2 * below); }

/* Is front c better eliminated in its parent j? */
static int should_merge(const analysis *a, int64_t j, int64_t c) {
    const int64_t pivots = a->pivots[j] + a->pivots[c];
    const int64_t size = front_size(pivots, a->count[j] - 1);
    const int64_t filled = a->filled[j] + a->filled[c];
    return (double)(size - filled) <= relaxed(pivots) * (double)size;
}

static void merge(analysis *a, int64_t j, int64_t c) {
    a->pivots[j] += a->pivots[c];
    a->filled[j] += a->filled[c];
    a->column_next[a->column_last[c]] = a->column_first[j];
    a->column_first[j] = a->column_first[c];
}

static void adopt(analysis *a, int64_t j, int64_t c) {
    a->sibling[c] = a->child[j];
    a->child[j] = c;
}

/* Fronts from the leaves up: each column begins as one and takes in children that fit. */
static void make_fronts(analysis *a) {
    for (int64_t j = 0; j < a->n; ++j) a->child[j] = -1;
    for (int64_t j = 0; j < a->n; ++j) {
        a->pivots[j] = 1;
        a->filled[j] = front_size(1, a->count[j] - 1);
        a->column_first[j] = a->column_last[j] = j;
        a->column_next[j] = -1;
        int64_t c = a->child[j];
        a->child[j] = -1;
        for (int64_t next; c != -1; c = next) {
            next = a->sibling[c];
            if (!should_merge(a, j, c)) {
                adopt(a, j, c);
                continue;
            }
            merge(a, j, c);
            for (int64_t g = a->child[c], after; g != -1; g = after) {
                after = a->sibling[g];
                adopt(a, j, g);
            }
        }
        if (a->parent[j] != -1) adopt(a, a->parent[j], j);
    }
}

/* Fronts in postorder: their columns are numbered anew, one front after another.
 * Iterative: trees may be deep. */
static void number_fronts(analysis *a, ds_fronts *f) {
    int64_t position = 0, top = 0, *path = a->count; /* counts have done their duty */
    f->count = 0;
    for (int64_t root = 0; root < a->n; ++root) {
        if (a->parent[root] != -1) continue;
        path[top++] = root;
        while (top > 0) {
            const int64_t j = path[top - 1], c = a->child[j];
            if (c != -1) { /* first the children, each taken off the list */
                a->child[j] = a->sibling[c];
                path[top++] = c;
                continue;
            }
            --top;
            ds_front *front = &f->fronts[f->count];
            front->first = (int32_t)position;
            front->pivots = (int32_t)a->pivots[j];
            front->parent = front->child = front->sibling = -1;
            for (int64_t k = a->column_first[j]; k != -1; k = a->column_next[k])
                f->order[position++] = (int32_t)a->unknown[k];
            ++f->count;
        }
    }
}

static int ascending(const void *a, const void *b) {
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static void *grown(void *memory, int64_t *room, int64_t needed, size_t item) {
    if (needed <= *room) return memory;
    *room = 2 * needed;
    return realloc(memory, (size_t)*room * item);
}

/* rows[] and the tree of fronts. 0 when memory is short. position: of unknowns in f->order. */
static int find_rows(ds_fronts *f, const ds_graph *graph, const int64_t *position,
                     const int64_t *front_of, int64_t *seen) {
    int64_t used = 0, room = 0;
    for (int64_t i = 0; i < f->n; ++i) seen[i] = -1;
    for (int64_t s = 0; s < f->count; ++s) {
        ds_front *front = &f->fronts[s];
        const int64_t end = front->first + front->pivots;
        front->rows = used;
        int32_t *rows = grown(f->rows, &room, used + f->n, sizeof *rows);
        if (!rows) return 0;
        f->rows = rows;
        for (int64_t k = front->first; k < end; ++k) {
            const int32_t v = f->order[k];
            for (int64_t e = graph->start[v]; e < graph->start[v + 1]; ++e) {
                const int64_t i = position[graph->to[e]];
                if (i < end || seen[i] == s) continue;
                seen[i] = s;
                rows[used++] = (int32_t)i;
            }
        }
        for (int32_t c = front->child; c != -1; c = f->fronts[c].sibling)
            for (int64_t k = 0; k < f->fronts[c].below; ++k) {
                const int32_t i = rows[f->fronts[c].rows + k];
                if (i < end || seen[i] == s) continue;
                seen[i] = s;
                rows[used++] = i;
            }
        front->below = (int32_t)(used - front->rows);
        qsort(rows + front->rows, (size_t)front->below, sizeof *rows, ascending);
        if (front->below == 0) continue;
        front->parent = (int32_t)front_of[rows[front->rows]];
        front->sibling = f->fronts[front->parent].child;
        f->fronts[front->parent].child = (int32_t)s;
    }
    f->fronts[f->count].rows = used;
    return 1;
}

static int find_relative(ds_fronts *f, int64_t *place) {
    f->relative = ds_lu_memory(f->fronts[f->count].rows, sizeof *f->relative);
    if (!f->relative) return 0;
    for (int64_t s = 0; s < f->count; ++s) {
        const ds_front *front = &f->fronts[s];
        if (front->parent < 0) continue;
        const ds_front *parent = &f->fronts[front->parent];
        for (int32_t k = 0; k < parent->below; ++k) place[f->rows[parent->rows + k]] = parent->pivots + k;
        for (int32_t k = 0; k < front->below; ++k) {
            const int32_t i = f->rows[front->rows + k];
            f->relative[front->rows + k] = (int32_t)(i < parent->first + parent->pivots
                                                         ? i - parent->first : place[i]);
        }
    }
    return 1;
}

/* Room of each front in values[] and of its F22 in a stack. The F22s that a front consumes are on
 * top of the stack of the other parity than its own, so it never overwrites what it reads. */
static void lay_out(ds_fronts *f, int64_t *rests, int64_t stack_size[2]) {
    const int parts = 1 + f->is_complex;
    int64_t top[2] = {0, 0};
    stack_size[0] = stack_size[1] = 0;
    for (int64_t s = f->count - 1; s >= 0; --s) {
        ds_front *front = &f->fronts[s];
        front->depth = front->parent < 0 ? 0 : f->fronts[front->parent].depth + 1;
        rests[s] = 0; /* doubles that its children left */
    }
    for (int64_t s = 0; s < f->count; ++s) {
        ds_front *front = &f->fronts[s];
        const int mine = front->depth & 1;
        front->values = f->size;
        f->size += parts * front_size(front->pivots, front->below);
        top[!mine] -= rests[s];
        front->rest = top[mine];
        const int64_t rest = parts * (int64_t)front->below * front->below;
        top[mine] += rest;
        if (top[mine] > stack_size[mine]) stack_size[mine] = top[mine];
        if (front->parent >= 0) rests[front->parent] += rest;
        if (front->below > f->most_below) f->most_below = front->below;
        if (front->pivots > f->most_pivots) f->most_pivots = front->pivots;
    }
}

/* from[], to[]: in which front and where in it each entry of J belongs. */
static int place_entries(ds_fronts *f, const ds_pattern *pattern, const int64_t *position,
                         const int64_t *front_of, int64_t *next) {
    f->from = ds_lu_memory(pattern->count, sizeof *f->from);
    f->to = ds_lu_memory(pattern->count, sizeof *f->to);
    if (!f->from || !f->to) return 0;
    for (int64_t s = 0; s <= f->count; ++s) next[s] = 0;
    for (int pass = 0; pass < 2; ++pass) {
        for (int64_t j = 0, k = 0; j < f->n; ++j) {
            const int64_t end = pattern->start ? pattern->start[j + 1] : k + f->n;
            for (; k < end; ++k) {
                const int64_t row = position[pattern->start ? pattern->rows[k] : k - j * f->n];
                const int64_t column = position[j];
                const int64_t s = front_of[row < column ? row : column];
                if (pass == 0) {
                    ++next[s];
                    continue;
                }
                const ds_front *front = &f->fronts[s];
                const int64_t last = front->first + front->pivots, m = front->pivots + front->below;
                const int in_panel = column < last;
                const int64_t far = in_panel ? row : column, near = in_panel ? column : row;
                int64_t at = far - front->first;
                if (far >= last) {
                    const int32_t key = (int32_t)far, *rows = f->rows + front->rows;
                    const int32_t *found =
                        bsearch(&key, rows, (size_t)front->below, sizeof key, ascending);
                    at = front->pivots + (found - rows);
                }
                f->from[next[s]] = k;
                f->to[next[s]++] =
                    in_panel ? at + (near - front->first) * m
                             : m * front->pivots + (at - front->pivots) +
                                   (near - front->first) * front->below;
            }
        }
        if (pass == 1) break;
        int64_t sum = 0;
        for (int64_t s = 0; s <= f->count; ++s) {
            f->fronts[s].entries = sum;
            sum += next[s];
            next[s] = f->fronts[s].entries;
        }
    }
    return 1;
}

static int take_memory(ds_fronts *f, const int64_t stack_size[2]) {
    const int parts = 1 + f->is_complex;
    f->values = ds_lu_memory(f->size, sizeof *f->values);
    f->exchanged = ds_lu_memory(f->n, sizeof *f->exchanged);
    f->x = ds_lu_memory(parts * f->n, sizeof *f->x);
    f->gathered = ds_lu_memory(parts * f->most_below, sizeof *f->gathered);
    f->packed = ds_lu_memory(ds_product_room(f->most_below, f->is_complex), sizeof *f->packed);
    for (int i = 0; i < 2; ++i) f->stack[i] = ds_lu_memory(stack_size[i], sizeof(double));
    return f->values && f->exchanged && f->x && f->gathered && f->packed && f->stack[0] &&
           f->stack[1];
}

void ds_fronts_free(ds_fronts *f) {
    if (!f) return;
    free(f->fronts);
    free(f->order);
    free(f->rows);
    free(f->relative);
    free(f->from);
    free(f->to);
    free(f->values);
    free(f->exchanged);
    free(f->stack[0]);
    free(f->stack[1]);
    free(f->packed);
    free(f->x);
    free(f->gathered);
    free(f);
}

/* Everything after the fronts are numbered. position, front_of, work: n + 1 numbers each. */
static int find_indices(ds_fronts *f, const ds_pattern *pattern, const ds_graph *graph,
                        int64_t *position, int64_t *front_of, int64_t *work) {
    int64_t stack_size[2];
    for (int64_t s = 0; s < f->count; ++s)
        for (int32_t k = 0; k < f->fronts[s].pivots; ++k) {
            const int64_t at = f->fronts[s].first + k;
            position[f->order[at]] = at;
            front_of[at] = s;
        }
    if (!find_rows(f, graph, position, front_of, work)) return 0;
    if (!find_relative(f, work)) return 0;
    if (!place_entries(f, pattern, position, front_of, work)) return 0;
    lay_out(f, work, stack_size);
    return take_memory(f, stack_size);
}

static void analysis_free(analysis *a) {
    for (int i = 0; i < ARRAYS; ++i) free(*array(a, i));
    free(a->own_unknown);
    free(a->position);
    ds_graph_free(&a->graph);
}

/* Memory, graph, tree and counts; 0 when memory is short or `order` is no permutation. */
static int analyse(analysis *a, const ds_pattern *pattern, const int64_t *order) {
    *a = (analysis){.n = pattern->n};
    if (pattern->n >= INT32_MAX || ds_graph_make(pattern, &a->graph)) return 0;
    a->position = ds_lu_positions(a->n, order);
    a->own_unknown = order ? NULL : ds_lu_positions(a->n, NULL);
    a->unknown = order ? order : a->own_unknown;
    int complete = a->position && a->unknown;
    for (int i = 0; i < ARRAYS; ++i) {
        *array(a, i) = ds_lu_memory(a->n + 1, sizeof(int64_t));
        complete = complete && *array(a, i);
    }
    if (complete) {
        elimination_tree(a);
        count_columns(a);
    } else
        analysis_free(a);
    return complete;
}

int ds_order_cost(const ds_pattern *pattern, const int64_t *order, double *entries, double *work) {
    analysis a;
    if (!analyse(&a, pattern, order)) return DS_LU_NO_MEMORY;
    *entries = *work = 0;
    for (int64_t j = 0; j < a.n; ++j) {
        const double below = (double)a.count[j] - 1;
        *entries += 1 + 2 * below;
        *work += below * (1 + below);
    }
    analysis_free(&a);
    return 0;
}

ds_fronts *ds_fronts_new(const ds_pattern *pattern, int is_complex, const int64_t *order) {
    analysis a;
    if (!analyse(&a, pattern, order)) return NULL;
    ds_fronts *f = calloc(1, sizeof *f);
    if (f) {
        f->n = a.n;
        f->is_complex = is_complex;
        f->fronts = ds_lu_memory(a.n + 1, sizeof *f->fronts);
        f->order = ds_lu_memory(a.n, sizeof *f->order);
    }
    int complete = f && f->fronts && f->order;
    if (complete) {
        make_fronts(&a);
        number_fronts(&a, f);
        /* The tree and the counts are done with: their memory serves again. */
        complete = find_indices(f, pattern, &a.graph, a.parent, a.count, a.mark);
    }
    analysis_free(&a);
    if (complete) return f;
    ds_fronts_free(f);
    return NULL;
}
