/* drive.c - walks through every method and path of the native solver, for the sanitizers to
 * watch. Results are checked only roughly; tests/native compares them with SciPy's. Built by
 * .ci/sanitize. */
#include "drive.h"
#include "api.h"
#include "mathlib.h"
#include <math.h>
#include <string.h>

char where[100];

/* The callback's side: how many components, and when it "raises". */
typedef struct {
    int64_t n;
    int is_complex;
    long calls, fail_at; /* fail_at 0: never */
    double nan_after;    /* event 2 is nan beyond this time, where its root is sought */
    int quiet;           /* do not raise now */
    int diagonal;        /* the Jacobian's pattern is the diagonal, else full */
} user;

/* y' = -y/2, or y' = i y. */
static void derivative(const user *u, const double *y, double *out) {
    for (int64_t j = 0; j < u->n; ++j) {
        if (u->is_complex) {
            out[2 * j] = -y[2 * j + 1];
            out[2 * j + 1] = y[2 * j];
        } else
            out[j] = -0.5 * y[j];
    }
}

/* J of the above, into the places of the pattern. */
static void jacobian(const user *u, double *out) {
    const int64_t n = u->n, parts = 1 + u->is_complex, step = u->diagonal ? 1 : n + 1;
    memset(out, 0, sizeof(double) * parts * (u->diagonal ? n : n * n));
    for (int64_t j = 0; j < n; ++j) {
        if (u->is_complex)
            out[2 * step * j + 1] = 1;
        else
            out[step * j] = -0.5;
    }
}

int ds_call_python(void *handle, int which, int flags, double t, double *y, double *out) {
    user *u = handle;
    if (!u->quiet && ++u->calls == u->fail_at) return 1;
    const int64_t width = u->n * (1 + u->is_complex);
    switch (which) {
    case DS_CALL_SINGULAR: break;
    case DS_CALL_JACOBIAN: jacobian(u, out); break;
    case DS_CALL_MANY:
        for (int k = 0; k < flags >> DS_COLUMNS_SHIFT; ++k)
            derivative(u, y + k * width, out + k * width);
        break;
    case 0: derivative(u, y, out); break;
    case 1: out[0] = u->n ? y[0] - 0.7 : t - 1; break;
    case 2: out[0] = t - 1.5; break;
    default: out[0] = flags && u->nan_after < t ? NAN : t - u->nan_after; break;
    }
    return 0;
}

/* Asks for Python now and then, raises a flag now and then. */
static int kernel(double t, const double *y, double *out, const double *p) {
    const user u = {.n = (int64_t)p[0], .is_complex = p[1] != 0};
    derivative(&u, y, out);
    volatile double zero = 0, unused = 0;
    const double phase = fmod(fabs(t), 1.0);
    if (phase > 0.8) unused = 1 / zero;
    (void)unused;
    return phase < 0.1;
}

typedef struct {
    int method, is_complex, compiled, dense, t_eval, arrays;
    int jacobian; /* bit 0: given, bit 1: diagonal, bit 2: all differences in one call */
    int64_t n, n_events;
    double t_bound, first_step, max_step, terminal;
} options;

static const int64_t places[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

/* The Jacobian of an implicit method: given or by differences, full or diagonal. */
static void set_jacobian(ds_ivp *s, const options *o, user *u) {
    u->diagonal = o->jacobian >> 1 & 1;
    const int64_t n = o->n;
    ds_pattern pattern = {.n = n, .count = u->diagonal ? n : n * n};
    if (u->diagonal) pattern.start = pattern.rows = places;
    const ds_lu_plan plan = {.kind = u->diagonal ? DS_LU_BANDED : DS_LU_DENSE};
    s->lower = s->upper = o->method == DS_LSODA && u->diagonal ? 0 : -1;
    s->jac_source = o->jacobian & 1 ? DS_JAC_GIVEN : DS_JAC_DIFFERENCES;
    s->vectorized = o->jacobian >> 2 & 1;
    static const int64_t one_group[17] = {0};
    if (u->diagonal) s->jac_groups = one_group, s->n_jac_groups = 1;
    CHECK(ds_ivp_set_jacobian(s, &pattern, &plan) == 0);
}

static ds_ivp *make(const options *o, user *u, const double *eval, int64_t n_eval,
                    const double *array, const double *params) {
    ds_ivp *s = ds_ivp_new(o->method, o->n, o->is_complex);
    CHECK(s);
    u->n = o->n;
    u->is_complex = o->is_complex;
    s->handle = u;
    if (o->compiled) {
        s->fun.kernel = kernel;
        s->fun.params = params;
    }
    for (int64_t i = 0; i < o->n * (1 + o->is_complex); ++i) s->y0[i] = 1 + (double)i;
    s->t_bound = o->t_bound;
    s->rtol_value = 1e-6;
    s->atol_value = 1e-9;
    if (o->arrays) {
        s->rtol = s->atol = array;
        s->rtol_stride = s->atol_stride = 1;
    }
    s->max_step = o->max_step;
    s->first_step = o->first_step;
    s->dense = o->dense;
    s->save_steps = !o->t_eval;
    s->t_eval = eval;
    s->n_eval = o->t_eval ? n_eval : 0;
    if (o->method >= DS_RADAU) set_jacobian(s, o, u);
    return s;
}

static void set_events(ds_ivp *s, const options *o) {
    CHECK(ds_ivp_set_events(s, o->n_events) == 0);
    ((user *)s->handle)->quiet = 1;
    for (int64_t i = 0; i < o->n_events; ++i) {
        s->event_direction[i] = i == 0 ? 0 : o->t_bound;
        s->event_max[i] = i == 0 ? INFINITY : o->terminal;
        CHECK(ds_call(s, 1 + (int)i, DS_T_IS_FLOAT, s->t0, s->y, &s->g[i]) == 0);
    }
    ((user *)s->handle)->quiet = 0;
}

static void evaluate_everywhere(const ds_ivp *s) {
    enum { COUNT = 50 };
    if (s->n_segments == 0) return;
    double t[COUNT], *out = malloc(sizeof(double) * 2 * COUNT * (s->n + 1));
    int64_t index[COUNT];
    for (int k = 0; k < COUNT; ++k) {
        index[k] = k % s->n_segments;
        t[k] = s->seg_t_old[index[k]];
    }
    ds_dense_eval(s->method, s->n, s->is_complex, s->seg_t_old, s->seg_t, s->seg_y_old, s->seg_q,
                  s->seg_at, COUNT, t, index, out);
    /* polynomials of multistep methods pass near the state before */
    const double near = s->method >= DS_BDF ? 1e-3 : 1e-9;
    for (int k = 0; k < COUNT; ++k)
        if (s->n) CHECK(fabs(out[(1 + s->is_complex) * k] -
                             s->seg_y_old[index[k] * s->n * (1 + s->is_complex)]) < near);
    free(out);
}

/* All points, handed over: they are those that were kept, and begin at multiples of 64 bytes. */
static void take_points(const ds_ivp *s) {
    const int64_t count = s->n_points, parts = 1 + s->is_complex;
    double *t = malloc((size_t)(count + 8) * sizeof *t);
    double *y = malloc((size_t)(count * s->n * parts + 8) * sizeof *y);
    const int skipped = ds_ivp_take_points(s, t, y);
    const double *from_t = t + skipped % 8, *from_y = y + skipped / 8;
    CHECK((uintptr_t)from_t % 64 == 0 && (uintptr_t)from_y % 64 == 0);
    for (int64_t i = 0; i < count; ++i) {
        CHECK(from_t[i] == s->ts[i]);
        for (int64_t j = 0; j < s->n; ++j)
            for (int64_t part = 0; part < parts; ++part)
                CHECK(from_y[(j * count + i) * parts + part] == s->ys[(i * s->n + j) * parts + part]);
    }
    free(t), free(y);
}

/* One solve from start to end; the last return code. */
static int solve(const options *o, user *u) {
    double eval[41], array[64], params[2] = {(double)o->n, o->is_complex};
    for (int i = 0; i < 41; ++i) eval[i] = o->t_bound * i / 40;
    for (int i = 0; i < 64; ++i) array[i] = 1e-5;
    ds_ivp *s = make(o, u, eval, 41, array, params);
    int code = ds_ivp_start(s);
    if (code == DS_RUNNING && o->n_events) set_events(s, o);
    while (code == DS_RUNNING) code = ds_ivp_advance(s, 1e-7);
    evaluate_everywhere(s);
    take_points(s);
    double sum = 0; /* read all outputs */
    for (int64_t i = 0; i < s->n_points; ++i)
        for (int64_t j = 0; j < s->n; ++j) sum += s->ts[i] + s->ys[i * s->n + j];
    for (int64_t i = 0; i < s->n_event_records; ++i) sum += (double)s->ev_index[i] + s->ev_t[i];
    CHECK(isfinite(sum));
    ds_ivp_free(s);
    return code;
}

static void every_combination(void) {
    const int64_t sizes[] = {0, 1, 3, 11, 16};
    for (int m = 0; m < DS_METHOD_COUNT; ++m)
        for (int bits = 0; bits < 64; ++bits)
            for (int k = 0; k < 5; ++k)
                for (int events = 0; events < 3; ++events) {
                    const options o = {.method = m, .is_complex = bits & 1,
                                       .compiled = bits >> 1 & 1, .dense = bits >> 2 & 1,
                                       .t_eval = bits >> 3 & 1,
                                       .arrays = bits >> 4 & 1, .n = sizes[k], .n_events = events,
                                       .jacobian = (bits >> 1 ^ events) & 7,
                                       .t_bound = bits >> 5 & 1 ? 3 : -3, .max_step = INFINITY,
                                       .terminal = bits & 4 ? 1 : INFINITY};
                    user u = {0};
                    if (o.is_complex && (m == DS_RADAU || m == DS_LSODA)) continue;
                    snprintf(where, sizeof where, "method %d bits %d n %d events %d", m, bits,
                             (int)sizes[k], events);
                    const int code = solve(&o, &u);
                    CHECK(code == DS_FINISHED || (events && code == DS_EVENT));
                }
}

static void errors_and_odd_spans(void) {
    for (int m = 0; m < DS_METHOD_COUNT; ++m) {
        options o = {.method = m, .n = 2, .t_bound = 3, .max_step = INFINITY, .dense = 1,
                     .n_events = 2, .terminal = INFINITY};
        snprintf(where, sizeof where, "errors of method %d", m);
        for (long fail_at = 1; fail_at < 60; ++fail_at) {
            user u = {.fail_at = fail_at};
            const int code = solve(&o, &u);
            CHECK(code == DS_PYTHON_ERROR || code == DS_FINISHED);
        }
        user nan_root = {.nan_after = 1.2};
        o.n_events = 3;
        o.first_step = 1.0;
        /* LSODA's times are Python floats at steps too: there the event is nan as well, and none */
        CHECK(solve(&o, &nan_root) == (m == DS_LSODA ? DS_FINISHED : DS_ROOT_NAN));
        o.n_events = 0;
        user none = {0};
        o.t_bound = 0, o.first_step = 0;
        CHECK(solve(&o, &none) == DS_FINISHED);
        o.t_bound = NAN; /* Newton's matrix meets it where there is one */
        CHECK(solve(&o, &none) == (m == DS_RADAU || m == DS_BDF ? DS_NOT_FINITE : DS_FAILED));
        o.t_bound = 3, o.max_step = 1e-323; /* below 10 spacings at t = 0 */
        const int code = solve(&o, &none);
        CHECK(code == DS_FAILED || (m == DS_RADAU && code == DS_NOT_FINITE));
    }
}

static void single_steps(void) {
    for (int m = 0; m < DS_METHOD_COUNT; ++m) {
        const options o = {.method = m, .n = 3, .t_bound = 2, .max_step = 0.1};
        user u = {0};
        ds_ivp *s = make(&o, &u, NULL, 0, NULL, NULL);
        CHECK(ds_ivp_step(s) == DS_FAILED); /* not started */
        CHECK(ds_ivp_start(s) == DS_RUNNING);
        double *q = malloc(sizeof(double) * (3 + 13 * o.n)); /* the longest there is */
        CHECK(ds_ivp_dense(s, q) == 0 || m == DS_DOP853); /* before a step: any content */
        u.fail_at = u.calls + 3;
        int code = DS_RUNNING;
        while (code == DS_RUNNING) code = ds_ivp_step(s);
        CHECK(code == DS_PYTHON_ERROR);
        while (ds_ivp_step(s) == DS_RUNNING) CHECK(ds_ivp_dense(s, q) == 0);
        CHECK(s->status == DS_FINISHED && fabs(s->y[0] - exp(-1.0)) < 1e-4);
        free(q);
        ds_ivp_free(s);
    }
}

static int always(double t, const double *y, double *out, const double *p) {
    const user u = {.n = (int64_t)p[0]};
    (void)t;
    derivative(&u, y, out);
    return 0;
}

static int go_on(ds_ivp *s, int code) {
    while (code == DS_RUNNING) code = ds_ivp_advance(s, 1e-7);
    return code;
}

/* The solver of another solve gives what a new one gives; without kernels it gives nothing. */
static void once_more(void) {
    double eval[2][41];
    for (int i = 0; i < 41; ++i) eval[0][i] = 3.0 * i / 40, eval[1][i] = -eval[0][i];
    for (int m = 0; m < DS_METHOD_COUNT; ++m) {
        snprintf(where, sizeof where, "once more by method %d", m);
        options o = {.method = m, .n = 3, .t_bound = 2, .max_step = INFINITY, .compiled = 1};
        const double params[2] = {(double)o.n, 0};
        user u = {0}, v = {0};
        ds_ivp *s = make(&o, &u, NULL, 0, NULL, params);
        s->fun.kernel = always;
        CHECK(go_on(s, ds_ivp_start(s)) == DS_FINISHED);
        double y0[3] = {1, 2, 3};
        for (int k = 0; k < 8; ++k) {
            o.t_bound = k & 1 ? -3 : 3, o.t_eval = k >> 1 & 1;
            const int code = ds_ivp_again(s, 0, o.t_bound, y0, o.t_eval ? eval[k & 1] : NULL, 41);
            CHECK(m < DS_RADAU ? code == DS_RUNNING : code == DS_FAILED);
            if (m >= DS_RADAU) break;
            CHECK(go_on(s, code) == DS_FINISHED);
            take_points(s);
            ds_ivp *fresh = make(&o, &v, eval[k & 1], 41, NULL, params);
            fresh->fun.kernel = always;
            CHECK(go_on(fresh, ds_ivp_start(fresh)) == DS_FINISHED);
            CHECK(s->nfev == fresh->nfev && s->n_points == fresh->n_points);
            CHECK(s->n_trials == fresh->n_trials && s->least_step == fresh->least_step);
            CHECK(!memcmp(s->ys, fresh->ys, sizeof(double) * 3 * (size_t)s->n_points));
            ds_ivp_free(fresh);
        }
        s->fun.kernel = NULL;
        if (m < DS_RADAU) CHECK(ds_ivp_again(s, 0, 1, y0, NULL, 0) == DS_PYTHON_ERROR);
        ds_ivp_free(s);
    }
}

static void misuse(void) {
    CHECK(ds_ivp_new(DS_METHOD_COUNT, 1, 0) == NULL);
    CHECK(ds_ivp_new(-1, 1, 0) == NULL);
    CHECK(ds_ivp_new(DS_RK45, -1, 0) == NULL);
    CHECK(ds_ivp_new(DS_RK45, INT64_MAX / 4096, 0) == NULL);
    CHECK(ds_ivp_new(DS_RK45, INT64_MAX, 1) == NULL);
    ds_ivp_free(NULL);
}

static void mathematics(void) {
    for (int i = 0; i < ds_math_count(); ++i) CHECK(ds_math_name(i) && ds_math_address(i));
}

int main(void) {
    every_combination();
    errors_and_odd_spans();
    single_steps();
    once_more();
    misuse();
    mathematics();
    drive_linear_algebra();
    drive_codes();
    drive_odeint();
    drive_vode();
    drive_ensembles();
    drive_columns();
    drive_adjoint();
    puts("sanitized: all paths");
    return 0;
}
