/* pivoting.c - see pivoting.h. */
#include "pivoting.h"
#include <stdlib.h>

/* The diagonal is the pivot when it is at least this share of the largest number in its column:
 * the fill then stays near what the order promised (Duff, Erisman & Reid, Direct Methods for
 * Sparse Matrices, 2017, section 5.2). */
#define DIAGONAL_SHARE 0.1

/* Visits row `root` and, through columns of L, all rows that change when it is eliminated; they go
 * to reached[top - 1] and down, each before those it depends on it. Depth first, without
 * recursion: path and resume are the stack. The new top. */
static int64_t visit(ds_pivoting *p, int64_t root, int64_t k, int64_t top) {
    int64_t depth = 0;
    p->path[0] = root;
    p->resume[0] = -1; /* not entered yet */
    while (depth >= 0) {
        const int64_t i = p->path[depth], j = p->position[i];
        if (p->resume[depth] < 0) {
            p->mark[i] = k;
            p->resume[depth] = j < 0 ? 0 : p->l.start[j];
        }
        const int64_t end = j < 0 ? 0 : p->l.start[j + 1];
        int64_t e = p->resume[depth];
        while (e < end && p->mark[p->l.rows[e]] == k) ++e;
        if (e == end || j < 0) {
            p->reached[--top] = i;
            --depth;
            continue;
        }
        p->resume[depth] = e + 1;
        ++depth;
        p->path[depth] = p->l.rows[e];
        p->resume[depth] = -1;
    }
    return top;
}

/* Rows of column k of L and U: reached[top..n-1]. The diagonal is always among them. */
static int64_t reach(ds_pivoting *p, const ds_pattern *pattern, int64_t unknown, int64_t k) {
    int64_t top = p->n;
    for (int64_t e = pattern->start[unknown]; e < pattern->start[unknown + 1]; ++e)
        if (p->mark[pattern->rows[e]] != k) top = visit(p, pattern->rows[e], k, top);
    if (p->mark[unknown] != k) top = visit(p, unknown, k, top);
    return top;
}

static int grow(ds_columns *c, int64_t needed, int parts) {
    if (needed <= c->room) return 1;
    const int64_t room = 2 * needed;
    int64_t *rows = realloc(c->rows, sizeof *rows * (size_t)room);
    if (rows) c->rows = rows;
    double *values = realloc(c->values, sizeof *values * (size_t)(parts * room));
    if (values) c->values = values;
    if (!rows || !values) return 0;
    c->room = room;
    return 1;
}

/* Room for `count` more entries in column k. */
static int make_room(ds_pivoting *p, int64_t k, int64_t count) {
    const int parts = 1 + p->is_complex;
    return grow(&p->l, p->l.start[k] + count, parts) && grow(&p->u, p->u.start[k] + count, parts);
}

#define DS_COMPLEX 0
#define P(name) real_##name
#include "inst_pivoting.h"
#undef DS_COMPLEX
#undef P
#define DS_COMPLEX 1
#define P(name) complex_##name
#include "inst_pivoting.h"

static int all_finite(const ds_pattern *pattern, const ds_shifted *a) {
    uint64_t bits = ds_not_finite_bits(a->alpha_re) | ds_not_finite_bits(a->alpha_im);
    for (int64_t e = 0; e < pattern->count << a->jac_complex; ++e)
        bits |= ds_not_finite_bits(a->beta * a->jac[e]);
    return !ds_not_finite(bits);
}

int ds_pivoting_factor(ds_pivoting *p, const ds_pattern *pattern, const int64_t *order,
                       const ds_shifted *a, int64_t *pivot) {
    if (!all_finite(pattern, a)) return DS_LU_NOT_FINITE;
    for (int64_t i = 0; i < p->n; ++i) p->position[i] = p->mark[i] = -1;
    const int code = p->is_complex ? complex_factor(p, pattern, order, a, pivot)
                                   : real_factor(p, pattern, order, a, pivot);
    if (code != DS_LU_OK) return code;
    for (int64_t e = 0; e < p->l.start[p->n]; ++e) p->l.rows[e] = p->position[p->l.rows[e]];
    return DS_LU_OK;
}

void ds_pivoting_solve(ds_pivoting *p, const int64_t *order, double *b) {
    if (p->is_complex)
        complex_solve(p, order, (ds_pair *)b);
    else
        real_solve(p, order, b);
}

int64_t ds_pivoting_size(const ds_pivoting *p) {
    return (p->l.start[p->n] + p->u.start[p->n] + p->n) * (1 + p->is_complex);
}

void ds_pivoting_free(ds_pivoting *p) {
    if (!p) return;
    ds_columns *both[2] = {&p->l, &p->u};
    for (int i = 0; i < 2; ++i) {
        free(both[i]->start);
        free(both[i]->rows);
        free(both[i]->values);
    }
    free(p->inverse);
    free(p->row);
    free(p->position);
    free(p->reached);
    free(p->path);
    free(p->resume);
    free(p->mark);
    free(p->x);
    free(p);
}

ds_pivoting *ds_pivoting_new(int64_t n, int is_complex) {
    ds_pivoting *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->n = n;
    p->is_complex = is_complex;
    int64_t **integers[] = {&p->l.start, &p->u.start, &p->row,    &p->position,
                            &p->reached, &p->path,    &p->resume, &p->mark};
    int complete = 1;
    for (size_t i = 0; i < sizeof integers / sizeof *integers; ++i) {
        *integers[i] = calloc((size_t)n + 1, sizeof(int64_t));
        complete = complete && *integers[i];
    }
    p->inverse = ds_lu_memory(n * (1 + is_complex), sizeof *p->inverse);
    p->x = ds_lu_memory(n * (1 + is_complex), sizeof *p->x);
    if (complete && p->inverse && p->x) return p;
    ds_pivoting_free(p);
    return NULL;
}
