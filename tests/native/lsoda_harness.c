/* lsoda_harness.c - step_lsoda.h behind plain functions, for ctypes: the right-hand side, the
 * Jacobian and the linear algebra are callbacks (LAPACK's own, so that steps can have SciPy's bits).
 * Built by test_lsoda.py. */
#include <stdlib.h>
#include <string.h>

typedef int (*derivative)(double t, double *y, double *out);
typedef int (*linear)(double *values);

typedef struct harness harness;

#define DS_LSODA(name) harness_##name
#define DS_LSODA_CONTEXT harness *
#define DS_RHS(h, t, y, out) call_rhs((h), (t), (y), (out))
#define DS_JAC(h, t, y, jac) call_jacobian((h), (t), (y), (jac))
#define DS_FACTOR(h, m) call_factor((h), (m))
#define DS_SOLVE(h, b) call_solve((h), (b))
static int call_rhs(harness *h, double t, double *y, double *out);
static int call_jacobian(harness *h, double t, double *y, double *jac);
static int call_factor(harness *h, double *m);
static void call_solve(harness *h, double *b);
#include "step_lsoda.h"

struct harness {
    ds_lsoda_problem p;
    ds_lsoda_state s;
    derivative rhs, jacobian;
    linear factor, solve;
    double rtol, atol;
    ds_index *start, *rows;
};

static int call_rhs(harness *h, double t, double *y, double *out) { return h->rhs(t, y, out); }

static int call_jacobian(harness *h, double t, double *y, double *jac) {
    if (!h->jacobian) return DS_LSODA_DIFFERENCES;
    return h->jacobian(t, y, jac) ? DS_LSODA_STOPPED : DS_LSODA_OK;
}

static int call_factor(harness *h, double *m) { return h->factor(m); }
static void call_solve(harness *h, double *b) { h->solve(b); }

static void band_pattern(harness *h, ds_int n, ds_int lower, ds_int upper) {
    h->start = malloc(sizeof(ds_index) * (n + 1));
    h->rows = malloc(sizeof(ds_index) * n * (lower + upper + 1));
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
harness *harness_new(ds_int n, derivative rhs, derivative jacobian, linear factor, linear solve,
                     double rtol, double atol, const double *limits, const int *orders,
                     ds_int step_max, ds_int lower, ds_int upper) {
    harness *h = calloc(1, sizeof *h);
    h->rhs = rhs, h->jacobian = jacobian, h->factor = factor, h->solve = solve;
    h->rtol = rtol, h->atol = atol;
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
    return h;
}

void harness_free(harness *h) {
    free(h->s.history);
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
