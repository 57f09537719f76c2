/* lu_sparse.c - sparse factors: fronts on a pattern analysed once while their pivots are good,
 * rows exchanged freely where they are not. */
#include "fronts.h"
#include "linear_inside.h"
#include "pivoting.h"
#include <stdlib.h>

/* After bad pivots so many matrices at most go straight to row exchanges: their neighbours are
 * likely to be bad too, but one odd matrix must not slow down the rest of a solve. */
enum { MOST_SKIPPED = 16 };

typedef struct {
    ds_lu lu; /* first: a ds_lu* is a sparse* */
    ds_pattern pattern;
    int64_t *start, *rows, *order; /* owned, as the fallback reads them later */
    ds_fronts *fronts;
    ds_pivoting *pivoting; /* NULL until it is needed */
    int exchanged;         /* the factors at hand are its */
    int failures;          /* matrices in a row that had bad pivots in the fronts */
    int skip;              /* matrices not to try there */
} sparse;

static int factor_pivoting(sparse *s, const ds_shifted *a) {
    if (!s->pivoting) s->pivoting = ds_pivoting_new(s->lu.n, s->lu.is_complex);
    if (!s->pivoting) return DS_LU_NO_MEMORY;
    s->exchanged = 1;
    const int code = ds_pivoting_factor(s->pivoting, &s->pattern, s->order, a, &s->lu.pivot);
    if (code == DS_LU_OK) s->lu.size = ds_pivoting_size(s->pivoting);
    return code;
}

static int sparse_factor(ds_lu *lu, double alpha_re, double alpha_im, double beta,
                         const double *jac) {
    sparse *s = (sparse *)lu;
    const ds_shifted a = {lu->jac_complex, alpha_re, lu->is_complex ? alpha_im : 0, beta, jac};
    if (s->skip > 0) {
        --s->skip;
        return factor_pivoting(s, &a);
    }
    const int code = ds_fronts_factor(s->fronts, &a);
    if (code == DS_FRONTS_BAD_PIVOT) {
        ++s->failures;
        s->skip = s->failures < MOST_SKIPPED ? s->failures : MOST_SKIPPED;
        return factor_pivoting(s, &a);
    }
    s->failures = s->exchanged = 0;
    lu->size = s->fronts->size;
    return code;
}

static void sparse_solve(ds_lu *lu, double *b) {
    sparse *s = (sparse *)lu;
    if (s->exchanged)
        ds_pivoting_solve(s->pivoting, s->order, b);
    else
        ds_fronts_solve(s->fronts, b);
}

static void sparse_free(ds_lu *lu) {
    sparse *s = (sparse *)lu;
    free(s->start);
    free(s->rows);
    free(s->order);
    ds_fronts_free(s->fronts);
    ds_pivoting_free(s->pivoting);
    free(s);
}

/* Copies the pattern (written out where it is full) and the order. 0 when memory is short. */
static int keep(sparse *s, const ds_pattern *pattern, const int64_t *order) {
    const int64_t n = pattern->n;
    s->start = ds_lu_memory(n + 1, sizeof *s->start);
    s->rows = ds_lu_memory(pattern->count, sizeof *s->rows);
    s->order = order ? ds_lu_copy(order, n) : ds_lu_positions(n, NULL);
    if (!s->start || !s->rows || !s->order) return 0;
    for (int64_t j = 0; j <= n; ++j) s->start[j] = pattern->start ? pattern->start[j] : j * n;
    for (int64_t k = 0; k < pattern->count; ++k)
        s->rows[k] = pattern->start ? pattern->rows[k] : k % n;
    s->pattern = (ds_pattern){n, pattern->count, s->start, s->rows};
    return 1;
}

ds_lu *ds_lu_sparse_new(const ds_pattern *pattern, int is_complex, const ds_lu_plan *plan) {
    sparse *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->lu.factor = sparse_factor;
    s->lu.solve = sparse_solve;
    s->lu.free = sparse_free;
    if (keep(s, pattern, plan->order))
        s->fronts = ds_fronts_new(&s->pattern, is_complex, s->order);
    if (!s->fronts) {
        sparse_free(&s->lu);
        return NULL;
    }
    s->lu.size = s->fronts->size;
    return &s->lu;
}
