/* inst_lu_banded.h - banded LU with partial pivoting, for one kind of number. The includer defines
 * DS_COMPLEX and DS_LU(name).
 *
 * LAPACK's storage (Users' Guide, "Band Storage"): column j of A lies in column j of the array,
 * entry (i, j) at row lower + upper + i - j; the `lower` rows on top are for the fill that row
 * exchanges bring. Pivots and divisions as in lu_small.h: a narrow band's solutions have the bits of
 * LAPACK's. */
#include "include/ds_scalar.h"

static int DS_LU(banded_factor)(ds_lu *lu, double alpha_re, double alpha_im, double beta,
                                const double *jac) {
    banded *b = (banded *)lu;
    const int bad = ds_lu_assemble(lu, &b->places, alpha_re, alpha_im, beta, jac, b->a);
    if (bad) return bad;
    lu->pivot = 0;
    b->reach = 0;
    const int64_t n = lu->n, step = b->rows - 1; /* from (i, j) to (i, j + 1) */
    int64_t last = 0; /* column that the rows eliminated so far reach to */
    for (int64_t k = 0; k < n; ++k) {
        S *restrict column = (S *)b->a + k * b->rows + b->lower + b->upper; /* from (k, k) */
        const int64_t below = b->lower < n - 1 - k ? b->lower : n - 1 - k;
        int64_t p = 0;
        R largest = S_SIZE(column[0]);
        for (int64_t i = 1; i <= below; ++i)
            if (S_SIZE(column[i]) > largest) {
                largest = S_SIZE(column[i]);
                p = i;
            }
        b->pivots[k] = p;
        const int64_t reach = k + p + b->upper < n ? k + p + b->upper : n - 1;
        if (reach > last) last = reach;
        if (last - k > b->reach) b->reach = last - k;
        if (p)
            for (int64_t j = 0; j <= last - k; ++j) {
                S *other = column + j * step;
                const S swapped = other[0];
                other[0] = other[p];
                other[p] = swapped;
            }
        const S inverse = S_INVERSE(column[0]);
        column[0] = S_KEPT(column[0], inverse);
        if (largest == 0) { /* nothing below to eliminate */
            if (!lu->pivot) lu->pivot = k + 1;
            continue;
        }
        for (int64_t i = 1; i <= below; ++i) column[i] = S_TIMES(column[i], inverse);
        for (int64_t j = 1; j <= last - k; ++j) {
            S *restrict other = column + j * step;
            const S top = other[0];
            for (int64_t i = 1; i <= below; ++i) other[i] = S_LESS(other[i], column[i], top);
        }
    }
    return lu->pivot ? DS_LU_SINGULAR : DS_LU_OK;
}

static void DS_LU(banded_substitute)(const banded *b, S *restrict x) {
    const int64_t n = b->lu.n;
    for (int64_t k = 0; k < n; ++k) {
        const S *column = (const S *)b->a + k * b->rows + b->lower + b->upper;
        const int64_t below = b->lower < n - 1 - k ? b->lower : n - 1 - k;
        const S top = x[k + b->pivots[k]];
        x[k + b->pivots[k]] = x[k];
        x[k] = top;
        for (int64_t i = 1; i <= below; ++i) x[k + i] = S_LESS(x[k + i], column[i], top);
    }
    for (int64_t k = n - 1; k >= 0; --k) {
        const S *column = (const S *)b->a + k * b->rows + b->lower + b->upper;
        const int64_t above = b->reach < k ? b->reach : k;
        const S value = S_OVER_KEPT(x[k], column[0]);
        x[k] = value;
        for (int64_t i = 1; i <= above; ++i) x[k - i] = S_LESS(x[k - i], column[-i], value);
    }
}

static void DS_LU(banded_solve)(ds_lu *lu, double *values) {
    const banded *b = (const banded *)lu;
    if (!b->order) {
        DS_LU(banded_substitute)(b, (S *)values);
        return;
    }
    S *x = (S *)b->x, *given = (S *)values;
    for (int64_t k = 0; k < lu->n; ++k) x[k] = given[b->order[k]];
    DS_LU(banded_substitute)(b, x);
    for (int64_t k = 0; k < lu->n; ++k) given[b->order[k]] = x[k];
}
