/* lu_small.h - dense LU with partial pivoting, P A = L U, for small matrices.
 *
 * A template by inclusion, for one kind of number (DS_COMPLEX), names DS_LU(name), and DS_UNROLLED
 * before each loop: a pragma, for instances that are called with a constant n, or nothing. Golub & Van
 * Loan, Matrix Computations, algorithm 3.4.1 (outer products), with the pivots LAPACK chooses: the
 * first of the largest. No libc, no memory of its own.
 *
 * a: n by n, column by column; afterwards L below the diagonal and U on it and above, complex
 * pivots as their inverses. Columns of L are multiplied by inverses, real solutions are divided: these
 * are LAPACK's roundings, and real systems of up to three unknowns get its very bits. After a pivot of 0
 * the solution has an inf or nan as it has in LAPACK. */
#include "ds_scalar.h"

/* Row with the first of the largest numbers in rows k.. of a column. */
DS_FN int DS_LU(pivot_row)(int n, int k, const S *column) {
    int best = k;
    R largest = S_SIZE(column[k]);
    DS_UNROLLED for (int i = k + 1; i < n; ++i) {
        const R size = S_SIZE(column[i]);
        if (size > largest) {
            largest = size;
            best = i;
        }
    }
    return best;
}

/* 0, or 1 + the first k whose pivot is 0. pivots: n numbers of rows. */
DS_FN int DS_LU(factor)(int n, S *DS_RESTRICT a, int *DS_RESTRICT pivots) {
    int zero = 0;
    DS_UNROLLED for (int k = 0; k < n; ++k) {
        S *column = a + k * n;
        const int p = DS_LU(pivot_row)(n, k, column);
        pivots[k] = p;
        if (p != k)
            DS_UNROLLED for (int j = 0; j < n; ++j) {
                const S swapped = a[j * n + k];
                a[j * n + k] = a[j * n + p];
                a[j * n + p] = swapped;
            }
        const int is_zero = S_SIZE(column[k]) == 0;
        const S inverse = S_INVERSE(column[k]);
        column[k] = S_KEPT(column[k], inverse);
        if (is_zero) { /* all of the column below is 0: there is nothing to eliminate */
            if (!zero) zero = k + 1;
            continue;
        }
        DS_UNROLLED for (int i = k + 1; i < n; ++i) column[i] = S_TIMES(column[i], inverse);
        DS_UNROLLED for (int j = k + 1; j < n; ++j) {
            S *other = a + j * n;
            DS_UNROLLED for (int i = k + 1; i < n; ++i)
                other[i] = S_LESS(other[i], column[i], other[k]);
        }
    }
    return zero;
}

/* b becomes A^-1 b. */
DS_FN void DS_LU(solve)(int n, const S *DS_RESTRICT a, const int *DS_RESTRICT pivots,
                        S *DS_RESTRICT b) {
    DS_UNROLLED for (int k = 0; k < n; ++k) {
        const S swapped = b[k];
        b[k] = b[pivots[k]];
        b[pivots[k]] = swapped;
    }
    DS_UNROLLED for (int k = 0; k < n; ++k)
        DS_UNROLLED for (int i = k + 1; i < n; ++i) b[i] = S_LESS(b[i], a[k * n + i], b[k]);
    DS_UNROLLED for (int k = n - 1; k >= 0; --k) {
        b[k] = S_OVER_KEPT(b[k], a[k * n + k]);
        DS_UNROLLED for (int i = 0; i < k; ++i) b[i] = S_LESS(b[i], a[k * n + i], b[k]);
    }
}
