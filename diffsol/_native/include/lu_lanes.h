/* lu_lanes.h - dense LU with partial pivoting of one small matrix in each lane, P A = L U.
 *
 * a: n * n values, row by row; afterwards L below the diagonal, U above it, and the inverses of the
 * pivots on it. pivots: n values, the number of the row that each was found in. Rows are swapped by
 * selection, lane by lane, from the pivot on; the pivot is the first of the largest (Golub & Van
 * Loan, Matrix Computations, algorithm 3.4.1). A pivot of 0 makes solutions inf or nan. */
#ifndef DS_LU_LANES_H
#define DS_LU_LANES_H
#include "ds_lane.h"

/* Where `swap` is true, two rows of `count` numbers change places. */
DS_FN void ds_lane_swap(ds_int count, M swap, V *row, V *other) {
    DS_UNROLL
    for (ds_int k = 0; k < count; ++k) {
        const V kept = row[k];
        row[k] = ds_sel(swap, other[k], kept);
        other[k] = ds_sel(swap, kept, other[k]);
    }
}

DS_FN V ds_lane_pivot(ds_int n, ds_int k, const V *a) {
    V largest = ds_abs(a[k * n + k]), pivot = DS_C(k);
    DS_UNROLL
    for (ds_int i = k + 1; i < n; ++i) {
        const V size = ds_abs(a[i * n + k]);
        const M larger = size > largest;
        largest = ds_sel(larger, size, largest);
        pivot = ds_sel(larger, DS_C(i), pivot);
    }
    return pivot;
}

DS_FN void ds_lane_factor(ds_int n, V *DS_RESTRICT a, V *DS_RESTRICT pivots) {
    DS_UNROLL
    for (ds_int k = 0; k < n; ++k) {
        V *row = a + k * n;
        const V pivot = pivots[k] = ds_lane_pivot(n, k, a);
        DS_UNROLL
        for (ds_int i = k + 1; i < n; ++i) {
            const M swap = pivot == DS_C(i);
            if (ds_any(swap)) ds_lane_swap(n - k, swap, row + k, a + i * n + k);
        }
        const V inverse = row[k] = DS_C(1) / row[k];
        DS_UNROLL
        for (ds_int i = k + 1; i < n; ++i) {
            V *below = a + i * n;
            const V factor = below[k] = below[k] * inverse;
            DS_UNROLL
            for (ds_int j = k + 1; j < n; ++j) below[j] = below[j] - factor * row[j];
        }
    }
}

/* b becomes A^-1 b. */
DS_FN void ds_lane_solve(ds_int n, const V *DS_RESTRICT a, const V *DS_RESTRICT pivots,
                       V *DS_RESTRICT b) {
    DS_UNROLL
    for (ds_int k = 0; k < n; ++k) {
        DS_UNROLL
        for (ds_int i = k + 1; i < n; ++i) {
            const M swap = pivots[k] == DS_C(i);
            if (ds_any(swap)) ds_lane_swap(1, swap, b + k, b + i);
        }
        DS_UNROLL
        for (ds_int i = k + 1; i < n; ++i) b[i] = b[i] - a[i * n + k] * b[k];
    }
    DS_UNROLL
    for (ds_int k = n - 1; k >= 0; --k) {
        V sum = b[k];
        DS_UNROLL
        for (ds_int j = k + 1; j < n; ++j) sum = sum - a[k * n + j] * b[j];
        b[k] = sum * a[k * n + k];
    }
}

#endif
