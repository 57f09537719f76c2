/* ilu.c - see ilu.h. */
#include "ilu.h"
#include "include/ds_lane.h"
#include <stdlib.h>

void ds_ilu_free(ds_ilu *s) {
    if (!s) return;
    free(s->start);
    free(s->columns);
    free(s->diagonal);
    free(s->from);
    free(s->a);
    free(s->lu);
    free(s->place);
    free(s);
}

/* Row lengths into start[1 ...]; the number of diagonal entries that J does not have is returned
 * and each is counted. */
static int64_t count_rows(ds_ilu *s, const ds_pattern *p) {
    int64_t missing = 0;
    memset(s->start, 0, sizeof *s->start * (size_t)(p->n + 1));
    for (int64_t j = 0; j < p->n; ++j) {
        int found = 0;
        for (int64_t k = p->start[j]; k < p->start[j + 1]; ++k) {
            ++s->start[p->rows[k] + 1];
            found |= p->rows[k] == j;
        }
        if (found) continue;
        ++missing;
        ++s->start[j + 1];
    }
    for (int64_t i = 0; i < p->n; ++i) s->start[i + 1] += s->start[i];
    return missing;
}

/* Entries in the order of columns: each row gets its own in ascending order. `next` counts on from
 * the rows' starts. */
static void place_entries(ds_ilu *s, const ds_pattern *p, int32_t *next) {
    for (int64_t i = 0; i < p->n; ++i) next[i] = s->start[i];
    for (int64_t j = 0; j < p->n; ++j) {
        int found = 0;
        for (int64_t k = p->start[j]; k < p->start[j + 1]; ++k) {
            const int32_t at = next[p->rows[k]]++;
            s->columns[at] = (int32_t)j;
            s->from[at] = k;
            if (p->rows[k] != j) continue;
            s->diagonal[j] = at;
            found = 1;
        }
        if (found) continue;
        s->diagonal[j] = next[j];
        s->columns[next[j]] = (int32_t)j;
        s->from[next[j]++] = -1;
    }
}

ds_ilu *ds_ilu_new(const ds_pattern *pattern) {
    const int64_t n = pattern->n, most = pattern->count + n;
    if (!pattern->start || most > INT32_MAX) return NULL;
    ds_ilu *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->n = n;
    s->start = ds_lu_memory(n + 1, sizeof *s->start);
    s->diagonal = ds_lu_memory(n, sizeof *s->diagonal);
    s->place = ds_lu_memory(n, sizeof *s->place);
    if (s->start && s->diagonal && s->place) {
        s->count = pattern->count + count_rows(s, pattern);
        s->columns = ds_lu_memory(s->count, sizeof *s->columns);
        s->from = ds_lu_memory(s->count, sizeof *s->from);
        s->a = ds_lu_memory(s->count, sizeof *s->a);
        s->lu = ds_lu_memory(s->count, sizeof *s->lu);
    }
    if (!s->columns || !s->from || !s->a || !s->lu) {
        ds_ilu_free(s);
        return NULL;
    }
    place_entries(s, pattern, s->place);
    return s;
}

static int assemble(ds_ilu *s, const ds_shifted *a) {
    uint64_t bits = 0;
    for (int64_t k = 0; k < s->count; ++k) s->a[k] = s->from[k] < 0 ? 0 : -a->beta * a->jac[s->from[k]];
    for (int64_t i = 0; i < s->n; ++i) s->a[s->diagonal[i]] += a->alpha_re;
    for (int64_t k = 0; k < s->count; ++k) bits |= ds_not_finite_bits(s->a[k]);
    return ds_not_finite(bits) ? DS_LU_NOT_FINITE : DS_LU_OK;
}

/* Row i, less multiples of the rows above, at the places that it has. */
static void eliminate(ds_ilu *s, int32_t i) {
    const int32_t begin = s->start[i], end = s->start[i + 1];
    for (int32_t p = begin; p < end; ++p) s->place[s->columns[p]] = p;
    for (int32_t p = begin; p < s->diagonal[i]; ++p) {
        const int32_t above = s->columns[p];
        const double factor = s->lu[p] *= s->lu[s->diagonal[above]];
        for (int32_t q = s->diagonal[above] + 1; q < s->start[above + 1]; ++q) {
            /* places of earlier rows are smaller */
            const int32_t at = s->place[s->columns[q]];
            if (at >= begin) s->lu[at] -= factor * s->lu[q];
        }
    }
}

int ds_ilu_factor(ds_ilu *s, const ds_shifted *a) {
    if (assemble(s, a)) return DS_LU_NOT_FINITE;
    memcpy(s->lu, s->a, sizeof *s->lu * (size_t)s->count);
    for (int64_t i = 0; i < s->n; ++i) s->place[i] = -1;
    uint64_t bits = 0;
    for (int64_t i = 0; i < s->n; ++i) {
        eliminate(s, (int32_t)i);
        double *pivot = s->lu + s->diagonal[i];
        *pivot = 1 / *pivot;
        bits |= ds_not_finite_bits(*pivot);
    }
    return ds_not_finite(bits) ? DS_LU_SINGULAR : DS_LU_OK;
}

void ds_ilu_product(const ds_ilu *s, const double *DS_RESTRICT x, double *DS_RESTRICT y) {
    for (int64_t i = 0; i < s->n; ++i) {
        double sum = 0;
        for (int32_t k = s->start[i]; k < s->start[i + 1]; ++k) sum += s->a[k] * x[s->columns[k]];
        y[i] = sum;
    }
}

void ds_ilu_solve(const ds_ilu *s, double *x) {
    for (int64_t i = 0; i < s->n; ++i) {
        double sum = x[i];
        for (int32_t k = s->start[i]; k < s->diagonal[i]; ++k) sum -= s->lu[k] * x[s->columns[k]];
        x[i] = sum;
    }
    for (int64_t i = s->n - 1; i >= 0; --i) {
        double sum = x[i];
        for (int32_t k = s->diagonal[i] + 1; k < s->start[i + 1]; ++k)
            sum -= s->lu[k] * x[s->columns[k]];
        x[i] = sum * s->lu[s->diagonal[i]];
    }
}
