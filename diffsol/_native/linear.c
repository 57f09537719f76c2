/* linear.c - see linear.h; each kind of factors has a file of its own. */
#include "linear_inside.h"
#include <stdlib.h>

static int fits(const ds_pattern *pattern) {
    if (pattern->n < 0) return 0;
    if (!pattern->start) return pattern->count == pattern->n * pattern->n;
    for (int64_t j = 0; j < pattern->n; ++j)
        for (int64_t k = pattern->start[j]; k < pattern->start[j + 1]; ++k)
            if (pattern->rows[k] < 0 || pattern->rows[k] >= pattern->n) return 0;
    return pattern->start[0] == 0 && pattern->start[pattern->n] == pattern->count;
}

ds_lu *ds_lu_new(const ds_pattern *pattern, int jac_complex, int is_complex,
                 const ds_lu_plan *plan) {
    if (!fits(pattern) || (jac_complex && !is_complex)) return NULL;
    ds_lu *lu = NULL;
    switch (plan->kind) {
    case DS_LU_DENSE: lu = ds_lu_dense_new(pattern, is_complex, plan); break;
    case DS_LU_BANDED: lu = ds_lu_banded_new(pattern, is_complex, plan); break;
    case DS_LU_SPARSE: lu = ds_lu_sparse_new(pattern, is_complex, plan); break;
    case DS_LU_ITERATIVE: lu = ds_lu_iterative_new(pattern, is_complex, plan); break;
    }
    if (lu) {
        lu->n = pattern->n;
        lu->jac_complex = jac_complex;
        lu->is_complex = is_complex;
    }
    return lu;
}

void ds_lu_free(ds_lu *lu) {
    if (lu) lu->free(lu);
}

int ds_lu_factor(ds_lu *lu, double alpha_re, double alpha_im, double beta, const double *jac) {
    return lu->factor(lu, alpha_re, alpha_im, beta, jac);
}

void ds_lu_solve(ds_lu *lu, double *b) { lu->solve(lu, b); }

double *ds_lu_scale(ds_lu *lu) { return lu->scale; }

void ds_lu_solve_within(ds_lu *lu, double *b, double tol) {
    if (lu->solve_within)
        lu->solve_within(lu, b, tol);
    else
        lu->solve(lu, b);
}

int64_t ds_lu_pivot(const ds_lu *lu) { return lu->pivot; }

int64_t ds_lu_size(const ds_lu *lu) { return lu->size; }

void *ds_lu_memory(int64_t count, size_t item) {
    if (count < 0 || (uint64_t)count > SIZE_MAX / 2 / item) return NULL;
    return malloc(count ? (size_t)count * item : 1);
}

int64_t *ds_lu_copy(const int64_t *indices, int64_t count) {
    int64_t *copy = ds_lu_memory(count, sizeof *copy);
    if (copy) memcpy(copy, indices, sizeof *copy * (size_t)count);
    return copy;
}

int64_t *ds_lu_positions(int64_t n, const int64_t *order) {
    int64_t *position = ds_lu_memory(n, sizeof *position);
    if (!position) return NULL;
    for (int64_t k = 0; k < n; ++k) position[k] = order ? -1 : k;
    for (int64_t k = 0; order && k < n; ++k) {
        if (order[k] < 0 || order[k] >= n || position[order[k]] >= 0) {
            free(position);
            return NULL;
        }
        position[order[k]] = k;
    }
    return position;
}

/* Values from J to A, `step` doubles apart in A; the bits of ds_not_finite_bits. */
static inline uint64_t copy(const ds_lu_places *places, double beta, const double *jac, double *a,
                            int from, int step) {
    uint64_t bits = 0;
    for (int64_t k = 0; k < places->count; ++k)
        for (int part = 0; part < from; ++part) {
            const double value = -beta * jac[k * from + part];
            bits |= ds_not_finite_bits(value);
            a[(places->to ? places->to[k] : k) * step + part] = value;
        }
    return bits;
}

int ds_lu_assemble(const ds_lu *lu, const ds_lu_places *places, double alpha_re, double alpha_im,
                   double beta, const double *jac, double *a) {
    const int parts = 1 + lu->is_complex;
    if (places->to || parts != 1 + lu->jac_complex)
        memset(a, 0, sizeof *a * (size_t)(places->room * parts));
    uint64_t bits;
    if (parts == 1)
        bits = copy(places, beta, jac, a, 1, 1);
    else if (lu->jac_complex)
        bits = copy(places, beta, jac, a, 2, 2);
    else
        bits = copy(places, beta, jac, a, 1, 2);
    for (int64_t j = 0; j < places->n; ++j) {
        double *entry = a + parts * (places->diagonal + j * places->diagonal_step);
        entry[0] += alpha_re;
        bits |= ds_not_finite_bits(entry[0]);
        if (lu->is_complex) {
            entry[1] += alpha_im;
            bits |= ds_not_finite_bits(entry[1]);
        }
    }
    return ds_not_finite(bits) ? DS_LU_NOT_FINITE : DS_LU_OK;
}
