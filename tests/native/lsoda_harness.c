/* lsoda_harness.c - step_lsoda.h behind plain functions, for ctypes: the right-hand side is a
 * callback, the matrix is dense. Built by test_lsoda.py. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef int (*callback)(double t, double *y, double *out);

typedef struct harness harness;
static int factor(harness *h, const double *m);
static void solve(harness *h, double *b);
static int jacobian(harness *h, double t, double *y, double *jac);

#define DS_LSODA(name) harness_##name
#define DS_LSODA_CONTEXT harness *
#define DS_RHS(h, t, y, out) ((h)->rhs((t), (y), (out)))
#define DS_JAC(h, t, y, jac) jacobian((h), (t), (y), (jac))
#define DS_FACTOR(h, m) factor((h), (m))
#define DS_SOLVE(h, b) solve((h), (b))
struct harness;
static int call_rhs(harness *h, double t, double *y, double *out);
#undef DS_RHS
#define DS_RHS(h, t, y, out) call_rhs((h), (t), (y), (out))
#include "step_lsoda.h"

struct harness {
    ds_lsoda_problem p;
    ds_lsoda_state s;
    callback rhs, jac;
    double rtol, atol;
    double *lu;
    int *pivots;
    ds_int *start, *rows;
};

static int call_rhs(harness *h, double t, double *y, double *out) { return h->rhs(t, y, out); }

static int jacobian(harness *h, double t, double *y, double *jac) {
    if (!h->jac) return DS_LSODA_DIFFERENCES;
    return h->jac(t, y, jac) ? DS_LSODA_STOPPED : DS_LSODA_OK;
}

/* I + M dense, LAPACK's pivots (the first of the largest). */
static int factor(harness *h, const double *m) {
    const ds_int n = h->p.n;
    double *a = h->lu;
    int singular = 0;
    memset(a, 0, sizeof(double) * n * n);
    for (ds_int j = 0; j < n; ++j) {
        const ds_int begin = h->start ? h->start[j] : j * n;
        const ds_int end = h->start ? h->start[j + 1] : (j + 1) * n;
        for (ds_int k = begin; k < end; ++k) a[(h->start ? h->rows[k] : k - begin) + j * n] = m[k];
        a[j + j * n] += 1.0;
    }
    for (ds_int j = 0; j < n; ++j) {
        ds_int pivot = j;
        for (ds_int i = j + 1; i < n; ++i)
            if (fabs(a[i + j * n]) > fabs(a[pivot + j * n])) pivot = i;
        h->pivots[j] = (int)pivot;
        if (a[pivot + j * n] == 0) {
            singular = 1;
            continue;
        }
        for (ds_int k = 0; k < n && pivot != j; ++k) {
            const double kept = a[j + k * n];
            a[j + k * n] = a[pivot + k * n];
            a[pivot + k * n] = kept;
        }
        const double inverse = 1 / a[j + j * n];
        for (ds_int i = j + 1; i < n; ++i) {
            a[i + j * n] *= inverse;
            for (ds_int k = j + 1; k < n; ++k) a[i + k * n] -= a[i + j * n] * a[j + k * n];
        }
    }
    return singular;
}

static void solve(harness *h, double *b) {
    const ds_int n = h->p.n;
    const double *a = h->lu;
    for (ds_int j = 0; j < n; ++j) {
        const double kept = b[j];
        b[j] = b[h->pivots[j]];
        b[h->pivots[j]] = kept;
    }
    for (ds_int j = 0; j < n; ++j)
        for (ds_int i = j + 1; i < n; ++i) b[i] -= a[i + j * n] * b[j];
    for (ds_int j = n - 1; j >= 0; --j) {
        b[j] /= a[j + j * n];
        for (ds_int i = 0; i < j; ++i) b[i] -= a[i + j * n] * b[j];
    }
}

static void band_pattern(harness *h, ds_int n, ds_int lower, ds_int upper) {
    h->start = malloc(sizeof(ds_int) * (n + 1));
    h->rows = malloc(sizeof(ds_int) * n * (lower + upper + 1));
    ds_int count = 0;
    for (ds_int j = 0; j < n; ++j) {
        h->start[j] = count;
        for (ds_int i = j > upper ? j - upper : 0; i <= j + lower && i < n; ++i) h->rows[count++] = i;
    }
    h->start[n] = count;
    h->p.start = h->start;
    h->p.rows = h->rows;
    h->p.banded = 1;
    h->p.lower = lower;
    h->p.upper = upper;
}

/* lower < 0: a full matrix. limits: h0, h_min, h_max. orders: Adams, BDF. */
harness *harness_new(ds_int n, callback rhs, callback jac, double rtol, double atol,
                     const double *limits, const int *orders, ds_int step_max, ds_int lower,
                     ds_int upper) {
    harness *h = calloc(1, sizeof *h);
    h->rhs = rhs, h->jac = jac, h->rtol = rtol, h->atol = atol;
    h->p.n = n, h->p.rtol = &h->rtol, h->p.atol = &h->atol;
    h->p.h0 = limits[0], h->p.h_min = limits[1], h->p.h_max = limits[2];
    h->p.order_max[0] = orders[0], h->p.order_max[1] = orders[1];
    h->p.step_max = step_max;
    if (lower >= 0) band_pattern(h, n, lower, upper);
    h->s.history = calloc(n * 17 + n * n, sizeof(double));
    h->s.weight = h->s.history + 13 * n;
    h->s.f = h->s.weight + n;
    h->s.correction = h->s.f + n;
    h->s.y = h->s.correction + n;
    h->s.jac = h->s.y + n;
    h->lu = calloc(n * n, sizeof(double));
    h->pivots = calloc(n, sizeof(int));
    return h;
}

void harness_free(harness *h) {
    free(h->s.history);
    free(h->lu);
    free(h->pivots);
    free(h->start);
    free(h->rows);
    free(h);
}

double *harness_y(harness *h) { return h->s.y; }
double *harness_history(harness *h) { return h->s.history; }

int harness_to(harness *h, double t, int task, double t_out, double t_crit, ds_int allowance) {
    return harness_call(&h->p, &h->s, t, task, t_out, t_crit, allowance, h);
}

double harness_interpolant(harness *h, double *z) { return ds_lsoda_dense(&h->p, &h->s, z); }

/* t_out, t, h, h_used, t_switch, excess; family, order, family_used, order_used, steps,
 * evaluations, Jacobians. */
void harness_report(const harness *h, double *numbers, ds_int *counts) {
    const ds_lsoda_state *s = &h->s;
    const double all[] = {s->t_out, s->t, s->h, s->h_used, s->t_switch, s->excess};
    const ds_int all_counts[] = {s->family, s->order, s->family_used, s->order_used, s->step_count,
                                 s->evaluation_count, s->jacobian_count};
    memcpy(numbers, all, sizeof all);
    memcpy(counts, all_counts, sizeof all_counts);
}
