/* odeint.c - drives LSODA over grids of output times, for the sanitizers to watch: every size of
 * code, both families, every source of the Jacobian, failures. tests/integrate compares with SciPy. */
#include "odeint.h"
#include "drive.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 12, TIMES = 40 };

/* y' = -rate (y - cos t), each component leaning on the one before. */
typedef struct {
    int64_t n, lower, upper; /* lower < 0: a full matrix */
    double rate;
    long calls, fail_at; /* fail_at 0: never */
    double nan_after, inf_after;
} system_;

static void derivative(const system_ *s, double t, const double *y, double *out) {
    for (int64_t i = 0; i < s->n; ++i) {
        out[i] = -s->rate * (y[i] - cos(t)) + (i ? 0.1 * y[i - 1] : 0);
        if (t > s->nan_after) out[i] = NAN;
        if (t > s->inf_after) out[i] = INFINITY;
    }
}

static void jacobian(const system_ *s, double *values) {
    for (int64_t j = 0; j < s->n; ++j)
        for (int64_t i = 0; i < s->n; ++i) {
            const int outside = s->lower >= 0 && (i - j > s->lower || j - i > s->upper);
            if (!outside) *values++ = i == j ? -s->rate : i == j + 1 ? 0.1 : 0;
        }
}

static int python(void *handle, int which, int flags, double t, double *y, double *out) {
    system_ *s = handle;
    CHECK(flags == DS_T_IS_FLOAT);
    if (++s->calls == s->fail_at) return 1;
    if (which == DS_CALL_JACOBIAN)
        jacobian(s, out);
    else
        derivative(s, t, y, out);
    return 0;
}

/* Asks for Python now and then, raises a flag now and then. */
static int kernel(double t, const double *y, double *out, const double *p) {
    const system_ s = {.n = (int64_t)p[0], .rate = p[1], .nan_after = INFINITY,
                       .inf_after = INFINITY};
    derivative(&s, t, y, out);
    volatile double zero = 0, unused = 0;
    const double phase = fmod(fabs(t), 1.0);
    if (phase > 0.9) unused = 1 / zero;
    (void)unused;
    return phase < 0.1;
}

typedef struct {
    int compiled, given, told, critical, arrays;
    int64_t step_max;
    double t_end;
} options;

static int64_t band(int64_t n, int64_t lower, int64_t upper, int64_t *start, int64_t *rows) {
    int64_t count = 0;
    for (int64_t j = 0; j < n; ++j) {
        start[j] = count;
        for (int64_t i = 0; i < n; ++i)
            if (i - j <= lower && j - i <= upper) rows[count++] = i;
    }
    return start[n] = count;
}

/* One grid; the code that it ended with. */
static int solve(const options *o, system_ *s) {
    double t[TIMES], y[TIMES * MOST], state[MOST], tolerances[MOST];
    double columns[4][TIMES];
    int32_t counts[5][TIMES];
    int64_t start[MOST + 1], rows[MOST * MOST];
    const double crit[] = {0.3 * o->t_end, 0.9 * o->t_end}, p[] = {(double)s->n, s->rate};
    ds_odeint *d = ds_odeint_new(s->n);
    CHECK(d);
    for (int k = 0; k < TIMES; ++k) t[k] = o->t_end * (k / 2) / (TIMES / 2); /* each one twice */
    for (int64_t i = 0; i < s->n; ++i) state[i] = 1, tolerances[i] = 1e-6;
    d->handle = s, d->python = python;
    d->t = t, d->n_times = TIMES, d->row = ds_odeint_first(t, TIMES);
    d->state = state, d->y = y;
    d->rtol_value = d->atol_value = 1e-6;
    if (o->arrays) d->rtol = d->atol = tolerances, d->rtol_stride = d->atol_stride = 1;
    if (o->critical) d->t_crit = crit, d->n_crit = 2;
    if (o->compiled) d->fun.kernel = kernel, d->fun.params = p;
    d->jac_source = o->given ? DS_JAC_GIVEN : DS_JAC_DIFFERENCES;
    d->step_max = o->step_max, d->adams_order_max = 12, d->bdf_order_max = 5;
    if (s->lower >= 0) {
        const ds_lu_plan plan = {.kind = DS_LU_BANDED, .lower = s->lower, .upper = s->upper};
        const ds_pattern pattern = {s->n, band(s->n, s->lower, s->upper, start, rows), start, rows};
        ds_odeint_set_jacobian(d, &pattern, &plan);
        ds_odeint_set_band(d, s->lower, s->upper);
    }
    if (o->told) {
        d->hu = columns[0], d->tcur = columns[1], d->tolsf = columns[2], d->tsw = columns[3];
        d->nst = counts[0], d->nfe = counts[1], d->nje = counts[2], d->nqu = counts[3];
        d->mused = counts[4];
    }
    int code = DS_RUNNING;
    while (code == DS_RUNNING) {
        code = ds_odeint_advance(d, 1e-7);
        if (code == DS_RUNNING && d->jacobian_count == 1) { /* another structure on its way */
            const ds_pattern full = {.n = s->n, .count = s->n * s->n};
            const ds_lu_plan plan = {0};
            if (s->lower < 0) ds_odeint_set_jacobian(d, &full, &plan);
        }
    }
    const int64_t first = ds_odeint_first(t, TIMES);
    double sum = 0; /* read all that was filled: rows of repeated first times are the caller's */
    for (int64_t k = first * s->n; k < d->row * s->n && !(code == DS_FAILED); ++k) sum += y[k] - y[k];
    for (int64_t k = first - 1; o->told && k < d->row - 1; ++k)
        sum += 0 * (columns[0][k] + counts[4][k]);
    CHECK(sum == 0 || s->nan_after < INFINITY);
    if (code == DS_FINISHED && !o->compiled && s->rate > 1)
        CHECK(s->nan_after < INFINITY || fabs(y[(TIMES - 1) * s->n] - cos(t[TIMES - 1])) < 0.3);
    ds_odeint_free(d);
    return code;
}

static void every_combination(void) {
    const int64_t sizes[] = {1, 2, 3, 5, 11};
    const double rates[] = {0.5, 50, 1e4};
    for (int bits = 0; bits < 64; ++bits)
        for (int k = 0; k < 5; ++k)
            for (int r = 0; r < 3; ++r) {
                const options o = {.compiled = bits & 1, .given = bits >> 1 & 1,
                                   .told = bits >> 2 & 1, .critical = bits >> 3 & 1,
                                   .arrays = bits >> 4 & 1, .step_max = 500, .t_end = 3};
                const int banded = bits >> 5 & 1 && sizes[k] > 2;
                system_ s = {.n = sizes[k], .lower = banded ? 1 : -1, .upper = 2,
                             .rate = rates[r], .nan_after = INFINITY, .inf_after = INFINITY};
                snprintf(where, sizeof where, "odeint: bits %d n %d rate %g", bits, (int)sizes[k],
                         rates[r]);
                CHECK(solve(&o, &s) == DS_FINISHED);
            }
}

static void failures(void) {
    for (long fail_at = 1; fail_at < 80; ++fail_at) {
        const options o = {.given = fail_at & 1, .told = 1, .step_max = 500, .t_end = 1};
        system_ s = {.n = 3, .lower = -1, .rate = 1e4, .fail_at = fail_at, .nan_after = INFINITY,
                     .inf_after = INFINITY};
        snprintf(where, sizeof where, "odeint: fails at %ld", fail_at);
        CHECK(solve(&o, &s) == DS_PYTHON_ERROR);
    }
    for (int kind = 0; kind < 4; ++kind) {
        const options o = {.told = 1, .step_max = kind == 2 ? 3 : kind == 3 ? -1 : 500,
                           .t_end = kind == 3 ? 1 : -0.3 - 2 * kind};
        system_ s = {.n = 2, .lower = -1, .rate = kind ? -1 : 1e3,
                     .nan_after = kind == 0 ? -0.1 : INFINITY,
                     .inf_after = kind == 1 ? -0.1 : INFINITY};
        snprintf(where, sizeof where, "odeint: failure %d", kind);
        const int code = solve(&o, &s);
        CHECK(kind == 0 ? code != DS_RUNNING : code == DS_FAILED);
    }
}

/* A kernel of three states that never asks for Python, and one that soon does. */
static int smooth(double t, const double *y, double *out, const double *p) {
    const system_ s = {.n = 3, .rate = p[0], .nan_after = INFINITY, .inf_after = INFINITY};
    derivative(&s, t, y, out);
    return p[1] != 0 && t > p[1];
}

/* Solve after solve with one solver: each the same, also after one that asked for Python. */
static void again(void) {
    enum { N = 3 };
    double t[TIMES], y[4][TIMES * N], state[N], floats[4 * TIMES], p[] = {1e3, 0};
    int32_t ints[5 * TIMES];
    for (int k = 0; k < TIMES; ++k) t[k] = 0.1 * (k / 2);
    snprintf(where, sizeof where, "odeint: again");
    ds_odeint *d = ds_odeint_new(N);
    CHECK(d);
    d->state = state;
    d->rtol_value = d->atol_value = 1e-6;
    d->fun.kernel = smooth, d->fun.params = p;
    ds_odeint_set_limits(d, 0, 0, 0, 500, 12, 5);
    ds_odeint_only_kernels(d);
    for (int k = 0; k < 4; ++k) {
        const double falling[] = {1, 2, 0};
        for (int i = 0; i < N; ++i) y[k][i] = 1;
        CHECK(ds_odeint_begin(d, falling, y[k], 3) == 0);
        CHECK(ds_odeint_begin(d, t, y[k], TIMES) == 2);
        ds_odeint_set_columns(d, floats, ints, TIMES - 1);
        p[1] = k == 1 ? 0.5 : 0;
        int code = DS_RUNNING;
        while (code == DS_RUNNING) code = ds_odeint_advance(d, 1e-7);
        CHECK(code == (k == 1 ? DS_PYTHON_ERROR : DS_FINISHED));
        CHECK(k == 1 || !memcmp(y[k], y[0], sizeof y[0]));
    }
    ds_odeint_free(d);
}

/* From call to call, in slices. */
static void go_on(void) {
    double rows[2 * 3], state[] = {1, 2, 3}, before[3], p[] = {1e3, 0};
    snprintf(where, sizeof where, "odeint: from call to call");
    ds_odeint *d = ds_odeint_new(3);
    CHECK(d);
    d->state = state, d->y = rows;
    d->rtol_value = d->atol_value = 1e-6;
    d->fun.kernel = smooth, d->fun.params = p;
    ds_odeint_set_limits(d, 0, 0, 0, 500, 12, 5);
    for (int k = 0; k < 5; ++k) {
        const double found = state[0];
        int code = DS_RUNNING;
        while (code == DS_RUNNING) code = ds_odeint_run(d, 0, k, k + 1);
        CHECK(code == DS_FINISHED && d->istate == 2);
        ds_odeint_before(d, before);
        CHECK(before[0] == found && fabs(state[0] - cos(k + 1)) < 0.1);
    }
    ds_odeint_free(d);
}

static void misuse(void) {
    const double mixed[] = {0, 1, 0.5}, falling[] = {1, 1, 0}, unknown[] = {0, NAN};
    snprintf(where, sizeof where, "odeint: misuse");
    CHECK(ds_odeint_new(-1) == NULL && ds_odeint_new(INT64_MAX) == NULL);
    CHECK(ds_odeint_first(mixed, 3) == 0 && ds_odeint_first(falling, 3) == 2);
    CHECK(ds_odeint_first(unknown, 2) == 0 && ds_odeint_first(mixed, 1) == 1);
    for (int k = 0; k < 2; ++k) { /* orders that the history has no room for */
        double t[] = {0, 1}, y[2] = {1, 1}, state[1], p[] = {1, 1, 0};
        ds_odeint *d = ds_odeint_new(1);
        CHECK(d);
        d->state = state, d->fun.kernel = kernel, d->fun.params = p;
        d->rtol_value = d->atol_value = 1e-6;
        ds_odeint_set_limits(d, 0, 0, 0, 500, 12 + k, 6 - k);
        CHECK(ds_odeint_begin(d, t, y, 2) == 1 && ds_odeint_advance(d, 1) == DS_FAILED);
        CHECK(d->istate == -3);
        ds_odeint_free(d);
    }
    ds_odeint_free(NULL);
}

void drive_odeint(void) {
    every_combination();
    failures();
    again();
    go_on();
    misuse();
}
