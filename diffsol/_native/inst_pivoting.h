/* inst_pivoting.h - the numbers of pivoting.h, for one kind of them. The includer defines
 * DS_COMPLEX and P(name). */
#include "include/ds_scalar.h"

/* Column `unknown` of A = alpha I - beta J is added to the zeros in x. */
static void P(add_column)(const ds_pattern *pattern, const ds_shifted *a, int64_t unknown, S *x) {
    for (int64_t e = pattern->start[unknown]; e < pattern->start[unknown + 1]; ++e) {
        double *entry = (double *)&x[pattern->rows[e]];
        entry[0] -= a->beta * a->jac[e << a->jac_complex];
        if (a->jac_complex) entry[1] -= a->beta * a->jac[2 * e + 1];
    }
    double *diagonal = (double *)&x[unknown];
    diagonal[0] += a->alpha_re;
    if (DS_COMPLEX) diagonal[1] += a->alpha_im;
}

/* x becomes L^-1 x. reached[top..n-1]: its rows, those that others depend on first. */
static void P(eliminate)(const ds_pivoting *p, int64_t top, S *x) {
    for (int64_t k = top; k < p->n; ++k) {
        const int64_t i = p->reached[k], j = p->position[i];
        if (j < 0) continue;
        const S value = x[i], *l = (const S *)p->l.values;
        for (int64_t e = p->l.start[j]; e < p->l.start[j + 1]; ++e)
            x[p->l.rows[e]] = S_LESS(x[p->l.rows[e]], l[e], value);
    }
}

/* The row of the pivot, or -1 when all rows left are 0. The diagonal if it is good enough. */
static int64_t P(choose)(const ds_pivoting *p, int64_t top, int64_t diagonal, const S *x) {
    int64_t best = -1;
    R largest = 0;
    for (int64_t k = top; k < p->n; ++k) {
        const int64_t i = p->reached[k];
        if (p->position[i] < 0 && S_SIZE(x[i]) > largest) {
            largest = S_SIZE(x[i]);
            best = i;
        }
    }
    if (best >= 0 && p->position[diagonal] < 0 && S_SIZE(x[diagonal]) >= DIAGONAL_SHARE * largest)
        return diagonal;
    return best;
}

/* Moves x into column k of L and U, and zeros it. */
static void P(store)(ds_pivoting *p, int64_t k, int64_t top, int64_t row, S *x) {
    const S inverse = S_INVERSE(x[row]);
    S *l = (S *)p->l.values, *u = (S *)p->u.values;
    int64_t l_end = p->l.start[k], u_end = p->u.start[k];
    p->position[row] = k;
    p->row[k] = row;
    ((S *)p->inverse)[k] = inverse;
    for (int64_t e = top; e < p->n; ++e) {
        const int64_t i = p->reached[e], j = p->position[i];
        if (j < 0) {
            p->l.rows[l_end] = i;
            l[l_end++] = S_TIMES(x[i], inverse);
        } else if (j < k) {
            p->u.rows[u_end] = j;
            u[u_end++] = x[i];
        }
    }
    for (int64_t e = top; e < p->n; ++e) memset(&x[p->reached[e]], 0, sizeof *x);
    p->l.start[k + 1] = l_end;
    p->u.start[k + 1] = u_end;
}

/* Columns of A one after another (the paper's algorithm). */
static int P(factor)(ds_pivoting *p, const ds_pattern *pattern, const int64_t *order,
                     const ds_shifted *a, int64_t *pivot) {
    S *x = (S *)p->x;
    memset(x, 0, sizeof *x * (size_t)p->n);
    for (int64_t k = 0; k < p->n; ++k) {
        const int64_t top = reach(p, pattern, order[k], k);
        if (!make_room(p, k, p->n - top)) return DS_LU_NO_MEMORY;
        P(add_column)(pattern, a, order[k], x);
        P(eliminate)(p, top, x);
        const int64_t row = P(choose)(p, top, order[k], x);
        if (row < 0) {
            *pivot = k + 1;
            return DS_LU_SINGULAR;
        }
        P(store)(p, k, top, row, x);
    }
    return DS_LU_OK;
}

static void P(solve)(ds_pivoting *p, const int64_t *order, S *b) {
    S *x = (S *)p->x;
    const S *l = (const S *)p->l.values, *u = (const S *)p->u.values;
    for (int64_t k = 0; k < p->n; ++k) x[k] = b[p->row[k]];
    for (int64_t k = 0; k < p->n; ++k)
        for (int64_t e = p->l.start[k]; e < p->l.start[k + 1]; ++e)
            x[p->l.rows[e]] = S_LESS(x[p->l.rows[e]], l[e], x[k]);
    for (int64_t k = p->n - 1; k >= 0; --k) {
        x[k] = S_TIMES(x[k], ((const S *)p->inverse)[k]);
        for (int64_t e = p->u.start[k]; e < p->u.start[k + 1]; ++e)
            x[p->u.rows[e]] = S_LESS(x[p->u.rows[e]], u[e], x[k]);
    }
    for (int64_t k = 0; k < p->n; ++k) b[order[k]] = x[k];
}
