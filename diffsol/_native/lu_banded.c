/* lu_banded.c - banded factors with row exchanges.
 *
 * Our own code for every width: LAPACK's gbtrf and gbtrs pay a BLAS call or two a column
 * (measured, see structure.py), and matrices so wide that it catches up are better off dense or
 * sparse. */
#include "linear_inside.h"
#include <stdlib.h>

typedef struct {
    ds_lu lu; /* first: a ds_lu* is a banded* */
    ds_lu_places places;
    int64_t lower, upper, rows; /* rows of the array */
    int64_t reach;              /* U's bandwidth: upper, and more where rows were exchanged */
    int64_t *to, *pivots;       /* exchanged with pivot k: the row that many below */
    int64_t *order;             /* or NULL */
    double *a, *x;
} banded;

#define DS_COMPLEX 0
#define DS_LU(name) real_##name
#include "inst_lu_banded.h"
#undef DS_COMPLEX
#undef DS_LU
#define DS_COMPLEX 1
#define DS_LU(name) complex_##name
#include "inst_lu_banded.h"

static void banded_free(ds_lu *lu) {
    banded *b = (banded *)lu;
    free(b->to);
    free(b->pivots);
    free(b->order);
    free(b->a);
    free(b->x);
    free(b);
}

/* Where (row, column) lies in the array, or -1 when it is outside the band. */
static int64_t place(const banded *b, int64_t row, int64_t column) {
    if (row - column > b->lower || column - row > b->upper) return -1;
    return column * b->rows + b->lower + b->upper + row - column;
}

/* The index table; 0 when an entry is outside the band or memory is short. */
static int make_table(banded *b, const ds_pattern *pattern, const int64_t *order) {
    int64_t *position = ds_lu_positions(pattern->n, order);
    b->to = ds_lu_memory(pattern->count, sizeof *b->to);
    int inside = position && b->to;
    for (int64_t j = 0, k = 0; inside && j < pattern->n; ++j) {
        const int64_t end = pattern->start ? pattern->start[j + 1] : k + pattern->n;
        for (; inside && k < end; ++k) {
            const int64_t row = pattern->start ? pattern->rows[k] : k - j * pattern->n;
            b->to[k] = place(b, position[row], position[j]);
            inside = b->to[k] >= 0;
        }
    }
    free(position);
    return inside;
}

ds_lu *ds_lu_banded_new(const ds_pattern *pattern, int is_complex, const ds_lu_plan *plan) {
    const int64_t n = pattern->n;
    if (plan->lower < 0 || plan->upper < 0) return NULL;
    banded *b = calloc(1, sizeof *b);
    if (!b) return NULL;
    /* Diagonals that the matrix does not have need no room. */
    b->lower = plan->lower < n ? plan->lower : n;
    b->upper = plan->upper < n ? plan->upper : n;
    b->rows = 2 * b->lower + b->upper + 1;
    b->lu.size = n * b->rows * (1 + is_complex);
    b->lu.factor = is_complex ? complex_banded_factor : real_banded_factor;
    b->lu.solve = is_complex ? complex_banded_solve : real_banded_solve;
    b->lu.free = banded_free;
    b->pivots = ds_lu_memory(n, sizeof *b->pivots);
    b->a = ds_lu_memory(b->lu.size, sizeof *b->a);
    b->x = ds_lu_memory(n * (1 + is_complex), sizeof *b->x);
    if (plan->order) b->order = ds_lu_copy(plan->order, n);
    if (!b->pivots || !b->a || !b->x || (plan->order && !b->order) ||
        !make_table(b, pattern, plan->order)) {
        banded_free(&b->lu);
        return NULL;
    }
    b->places = (ds_lu_places){.count = pattern->count, .to = b->to, .room = n * b->rows, .n = n,
                               .diagonal = b->lower + b->upper, .diagonal_step = b->rows};
    return &b->lu;
}
