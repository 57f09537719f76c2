/* order_amd.c - the approximate minimum degree order: Amestoy, Davis & Duff, SIAM J. Matrix
 * Anal. Appl. 17 (1996) 886-905, with its quotient graph.
 *
 * An eliminated vertex becomes an element, which stands for the clique of its neighbours. Each
 * vertex keeps a list of the elements it belongs to and of the neighbours that no element covers
 * yet. Vertices with equal lists are one supervariable, eliminated together. */
#include "linear_inside.h"
#include "order.h"
#include <math.h>
#include <stdlib.h>

enum { NONE = -1 };

/* A vertex with more neighbours than this times sqrt(n) is kept out and ordered last: each
 * elimination near it would look through its list (the authors' AMD does the same, with this
 * number; ACM TOMS 30 (2004) 381-388). */
static const double BUSY = 10;

/* Arrays of n, by vertex, which is a variable or (once eliminated) an element. */
typedef struct {
    int64_t n;
    int64_t *lists;       /* all lists, one after another, with holes */
    int64_t room, used;
    int64_t *at, *length; /* the list of a vertex: its elements first */
    int64_t *elements;    /* how many elements it begins with; NONE: is an element itself */
    int64_t *weight;      /* vertices in the supervariable; 0: merged or an element absorbed;
                             negative while in the newest element */
    int64_t *degree;      /* bound on its external degree; of an element: weight of its list */
    int64_t *head, *next, *previous; /* lists of variables by degree */
    int64_t *stamp;       /* of elements, see note_overlap */
    int64_t *hash_head, *hash; /* variables of the newest element by hash of their lists */
    int64_t *member_next, *member_last; /* who was merged into a supervariable */
    int64_t least, mark, left; /* degree to look from; least stamp in use; vertices left */
} quotient;

enum { ARRAYS = 13 };

static int64_t **array(quotient *q, int i) {
    int64_t **all[ARRAYS] = {&q->at,   &q->length,    &q->elements, &q->weight,      &q->degree,
                             &q->head, &q->next,      &q->previous, &q->stamp,       &q->hash_head,
                             &q->hash, &q->member_next, &q->member_last};
    return all[i];
}

static void quotient_free(quotient *q) {
    for (int i = 0; i < ARRAYS; ++i) free(*array(q, i));
    free(q->lists);
}

static void insert(quotient *q, int64_t i) {
    const int64_t d = q->degree[i], old = q->head[d];
    q->previous[i] = NONE;
    q->next[i] = old;
    if (old != NONE) q->previous[old] = i;
    q->head[d] = i;
    if (d < q->least) q->least = d;
}

static void take_out(quotient *q, int64_t i) {
    if (q->next[i] != NONE) q->previous[q->next[i]] = q->previous[i];
    if (q->previous[i] != NONE)
        q->next[q->previous[i]] = q->next[i];
    else
        q->head[q->degree[i]] = q->next[i];
}

static int quotient_make(quotient *q, const ds_graph *graph) {
    const int64_t n = q->n = q->left = q->least = graph->n;
    q->mark = 1;
    q->used = graph->start[n];
    q->room = q->used + 2 * n; /* a new element needs n at most, and compressing makes room */
    q->lists = ds_lu_memory(q->room, sizeof *q->lists);
    int complete = q->lists != NULL;
    for (int i = 0; i < ARRAYS; ++i) {
        *array(q, i) = ds_lu_memory(n, sizeof(int64_t));
        complete = complete && *array(q, i);
    }
    if (!complete) return DS_LU_NO_MEMORY;
    if (q->used) memcpy(q->lists, graph->to, sizeof *q->lists * (size_t)q->used);
    for (int64_t i = 0; i < n; ++i) {
        q->at[i] = graph->start[i];
        q->length[i] = q->degree[i] = graph->start[i + 1] - graph->start[i];
        q->elements[i] = q->stamp[i] = 0;
        q->weight[i] = 1;
        q->head[i] = q->hash_head[i] = q->member_next[i] = NONE;
        q->member_last[i] = i;
    }
    for (int64_t i = n - 1; i >= 0; --i) {
        if ((double)q->length[i] <= BUSY * sqrt((double)n)) {
            insert(q, i);
            continue;
        }
        q->length[i] = q->weight[i] = 0;
        --q->left;
    }
    return 0;
}

/* Live lists move to the front. Each list's first entry changes places with its owner's number
 * meanwhile, so that one sweep finds whose list it is reading. */
static void compress(quotient *q) {
    for (int64_t i = 0; i < q->n; ++i)
        if (q->length[i] > 0) {
            const int64_t first = q->lists[q->at[i]];
            q->lists[q->at[i]] = -2 - i;
            q->at[i] = first;
        }
    int64_t kept = 0;
    for (int64_t k = 0; k < q->used;) {
        if (q->lists[k] > NONE) { /* in a hole */
            ++k;
            continue;
        }
        const int64_t i = -2 - q->lists[k];
        q->lists[k] = q->at[i];
        q->at[i] = kept;
        for (int64_t count = 0; count < q->length[i]; ++count) q->lists[kept++] = q->lists[k++];
    }
    q->used = kept;
}

static void drop_list(quotient *q, int64_t i) { q->length[i] = 0; }

/* Appends the variables of list entries first..last of vertex e to the newest element. */
static int64_t gather(quotient *q, int64_t e, int64_t first, int64_t last) {
    int64_t total = 0;
    for (int64_t k = first; k < last; ++k) {
        const int64_t i = q->lists[q->at[e] + k];
        if (q->weight[i] <= 0) continue; /* merged, or here already */
        total += q->weight[i];
        q->weight[i] = -q->weight[i];
        q->lists[q->used++] = i;
        take_out(q, i);
    }
    return total;
}

/* The variable `pivot` becomes an element: all its neighbours and those of its elements. */
static void make_element(quotient *q, int64_t pivot) {
    if (q->room - q->used < q->n) compress(q);
    const int64_t begin = q->used, weight = q->weight[pivot];
    q->weight[pivot] = -weight; /* keeps it out of its own list */
    int64_t total = gather(q, pivot, q->elements[pivot], q->length[pivot]);
    for (int64_t k = 0; k < q->elements[pivot]; ++k) {
        const int64_t e = q->lists[q->at[pivot] + k];
        total += gather(q, e, 0, q->length[e]);
        drop_list(q, e);
        q->weight[e] = 0;
    }
    q->at[pivot] = begin;
    q->length[pivot] = q->used - begin;
    q->elements[pivot] = NONE;
    q->degree[pivot] = total;
    q->left -= weight;
}

/* stamp[e] - mark becomes the weight of element e outside the newest one, for all elements that
 * touch it (algorithm 2 of the paper). */
static void note_overlap(quotient *q, int64_t pivot) {
    for (int64_t k = 0; k < q->length[pivot]; ++k) {
        const int64_t i = q->lists[q->at[pivot] + k];
        for (int64_t m = 0; m < q->elements[i]; ++m) {
            const int64_t e = q->lists[q->at[i] + m];
            if (q->stamp[e] < q->mark) q->stamp[e] = q->mark + q->degree[e];
            q->stamp[e] += q->weight[i]; /* which is negative here */
        }
    }
}

/* New lists of variable i: without what the newest element covers, and with that element. The
 * weight of what stays besides it. */
static int64_t renew_lists(quotient *q, int64_t i, int64_t pivot) {
    int64_t *list = q->lists + q->at[i];
    int64_t kept = 0, outside = 0, hash = 0;
    for (int64_t k = 0; k < q->elements[i]; ++k) {
        const int64_t e = list[k], rest = q->stamp[e] - q->mark;
        if (q->weight[e] == 0) continue;
        if (rest == 0) { /* wholly inside the newest one */
            drop_list(q, e);
            q->weight[e] = 0;
            continue;
        }
        outside += rest;
        hash += e;
        list[kept++] = e;
    }
    const int64_t n_elements = kept;
    for (int64_t k = q->elements[i]; k < q->length[i]; ++k) {
        const int64_t j = list[k];
        if (q->weight[j] <= 0) continue;
        outside += q->weight[j];
        hash += j;
        list[kept++] = j;
    }
    /* The newest element comes first; an entry went for it, as i was a neighbour of the pivot or
     * of an element that the pivot absorbed. */
    if (kept > n_elements) list[kept] = list[n_elements];
    if (n_elements > 0) list[n_elements] = list[0];
    list[0] = pivot;
    q->elements[i] = n_elements + 1;
    q->length[i] = kept + 1;
    q->hash[i] = (hash + pivot) % q->n;
    return outside;
}

static void merge(quotient *q, int64_t into, int64_t i) {
    q->member_next[q->member_last[into]] = i;
    q->member_last[into] = q->member_last[i];
    drop_list(q, i);
    q->elements[i] = NONE;
}

/* Variables of the newest element: new lists and degrees; those with nothing else are eliminated
 * with the pivot. */
static void update_variables(quotient *q, int64_t pivot) {
    for (int64_t k = 0; k < q->length[pivot]; ++k) {
        const int64_t i = q->lists[q->at[pivot] + k];
        const int64_t outside = renew_lists(q, i, pivot);
        if (q->length[i] == 1) {
            q->degree[pivot] += q->weight[i];
            q->left += q->weight[i];
            q->weight[i] = 0;
            merge(q, pivot, i);
            continue;
        }
        if (outside < q->degree[i]) q->degree[i] = outside;
        q->next[i] = q->hash_head[q->hash[i]];
        q->hash_head[q->hash[i]] = i;
    }
}

/* Has j the lists of i, whose entries carry the stamp `mark`? */
static int same_lists(const quotient *q, int64_t i, int64_t j) {
    if (q->length[i] != q->length[j] || q->elements[i] != q->elements[j]) return 0;
    for (int64_t k = 0; k < q->length[j]; ++k)
        if (q->stamp[q->lists[q->at[j] + k]] != q->mark) return 0;
    return 1;
}

/* Merges the variables equal to i that follow it in its hash bucket. */
static void merge_equals(quotient *q, int64_t i) {
    ++q->mark;
    for (int64_t k = 0; k < q->length[i]; ++k) q->stamp[q->lists[q->at[i] + k]] = q->mark;
    for (int64_t before = i, j = q->next[i]; j != NONE; j = q->next[j]) {
        if (!same_lists(q, i, j)) {
            before = j;
            continue;
        }
        q->weight[i] += q->weight[j];
        q->weight[j] = 0;
        merge(q, i, j);
        q->next[before] = q->next[j];
    }
}

static void find_equals(quotient *q, int64_t pivot) {
    for (int64_t k = 0; k < q->length[pivot]; ++k) {
        const int64_t i = q->lists[q->at[pivot] + k];
        if (q->weight[i] == 0) continue;
        for (int64_t j = q->hash_head[q->hash[i]]; j != NONE; j = q->next[j]) merge_equals(q, j);
        q->hash_head[q->hash[i]] = NONE;
    }
}

/* Puts the variables of the newest element back among the others. */
static void finish_element(quotient *q, int64_t pivot) {
    int64_t *list = q->lists + q->at[pivot], kept = 0;
    for (int64_t k = 0; k < q->length[pivot]; ++k) {
        const int64_t i = list[k];
        if (q->weight[i] == 0) continue;
        const int64_t weight = q->weight[i] = -q->weight[i];
        const int64_t bound = q->degree[i] + q->degree[pivot] - weight, rest = q->left - weight;
        q->degree[i] = bound < rest ? bound : rest;
        insert(q, i);
        list[kept++] = i;
    }
    q->length[pivot] = kept;
    q->used = q->at[pivot] + kept; /* it is the last list */
    q->weight[pivot] = kept > 0;   /* an element is alive while it has variables */
}

static void eliminate(quotient *q, int64_t pivot) {
    make_element(q, pivot);
    note_overlap(q, pivot);
    update_variables(q, pivot);
    q->mark += q->n + 1; /* above every stamp */
    find_equals(q, pivot);
    ++q->mark;
    finish_element(q, pivot);
}

int ds_order_amd(const ds_pattern *pattern, int64_t *order) {
    ds_graph graph;
    quotient q = {0};
    if (ds_graph_make(pattern, &graph)) return DS_LU_NO_MEMORY;
    const int failed = quotient_make(&q, &graph);
    ds_graph_free(&graph);
    int64_t done = 0;
    while (!failed && q.left > 0) {
        while (q.head[q.least] == NONE) ++q.least;
        const int64_t pivot = q.head[q.least];
        take_out(&q, pivot);
        eliminate(&q, pivot);
        for (int64_t i = pivot; i != NONE; i = q.member_next[i]) order[done++] = i;
    }
    for (int64_t i = 0; !failed && i < q.n; ++i)
        if (q.elements[i] == 0 && q.length[i] == 0 && q.weight[i] == 0) order[done++] = i;
    quotient_free(&q);
    return failed;
}
