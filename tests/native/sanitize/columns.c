/* columns.c - every path of the steppers with sensitivity columns behind the state. */
#include "api.h"
#include "drive.h"
#include <math.h>
#include <string.h>

enum { COLUMNS = 2, MOST = 11 };

/* y_j' = -a y_j + b y_j^2 / 10 in k components, with columns for a and b; b = 0.5. */
typedef struct {
    int64_t k;
    double a;
    long calls, fail_at;  /* fail_at 0: never */
    double nan_after;     /* the columns' derivatives are nan beyond this time */
    double jump;          /* added to the first one beyond t = 2 */
    double jacobian;      /* factor of the Jacobian that is told */
    int changes;          /* each Jacobian has another pattern than the one before */
    int diagonal;         /* the pattern now */
    ds_ivp *ivp;
} user;

static const int64_t places[MOST + 1] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

static void derivative(int64_t k, double a, const double *y, double *out) {
    for (int64_t j = 0; j < k; ++j) out[j] = -a * y[j] + 0.05 * y[j] * y[j];
}

static void augmented(int64_t k, double a, const double *y, double *out) {
    const double *S = y + k;
    double *dS = out + k;
    derivative(k, a, y, out);
    for (int64_t j = 0; j < k; ++j) {
        const double slope = -a + 0.1 * y[j];
        dS[j] = slope * S[j] - y[j];
        dS[k + j] = slope * S[k + j] + y[j] * y[j] / 10;
    }
}

static void set_pattern(user *u, int diagonal) {
    const int64_t k = u->k;
    ds_pattern pattern = {.n = k, .count = diagonal ? k : k * k};
    if (diagonal) pattern.start = pattern.rows = places;
    int64_t order[MOST];
    for (int64_t j = 0; j < k; ++j) order[j] = k - 1 - j;
    const ds_lu_plan plan = {.kind = diagonal ? DS_LU_SPARSE : DS_LU_DENSE,
                             .order = diagonal ? order : NULL};
    u->diagonal = diagonal;
    CHECK(ds_ivp_set_jacobian(u->ivp, &pattern, &plan) == 0);
}

static void jacobian(user *u, const double *y, double *out) {
    const int64_t k = u->k;
    if (u->changes) {
        set_pattern(u, !u->diagonal);
        out = u->ivp->jac_values;
    }
    memset(out, 0, sizeof(double) * (size_t)(u->diagonal ? k : k * k));
    for (int64_t j = 0; j < k; ++j)
        out[u->diagonal ? j : j * (k + 1)] = u->jacobian * (-u->a + 0.1 * y[j]);
}

static int answer(void *handle, int which, int flags, double t, double *y, double *out) {
    user *u = handle;
    (void)flags;
    if (++u->calls == u->fail_at) return 1;
    switch (which) {
    case DS_CALL_SINGULAR: break;
    case DS_CALL_JACOBIAN: jacobian(u, y, out); break;
    case DS_CALL_AUGMENTED:
        augmented(u->k, u->a, y, out);
        if (t > 2) out[u->k] += u->jump;
        if (t > u->nan_after) out[u->k] = NAN;
        break;
    case 0: derivative(u->k, u->a, y, out); break;
    default: out[0] = y[0] - 0.5; break;
    }
    return 0;
}

/* It asks for Python now and then. */
static int kernel(double t, const double *y, double *out, const double *p) {
    augmented((int64_t)p[0], p[1], y, out);
    return fmod(t, 1.0) < 0.1;
}

/* bits: 1 the columns' errors are controlled, 2 compiled, 4 dense output, 8 t_eval, 16 the Jacobian is told,
 * 32 it begins with a diagonal pattern. */
static int solve(int method, int bits, user *u) {
    double eval[41], params[] = {(double)u->k, u->a};
    const int64_t n = u->k * (1 + COLUMNS);
    for (int i = 0; i < 41; ++i) eval[i] = 0.1 * i;
    ds_ivp *s = u->ivp = ds_ivp_new(method, n, 0);
    CHECK(s);
    u->calls = 0;
    s->handle = u;
    s->python = answer;
    s->n_states = u->k;
    s->sens_control = bits & 1;
    if (bits & 2) s->augmented.kernel = kernel, s->augmented.params = params;
    for (int64_t i = 0; i < n; ++i) s->y0[i] = i < u->k ? 1 + 0.1 * (double)i : 0;
    s->t_bound = 4;
    s->rtol_value = u->changes ? 1e-6 : 1e-4, s->atol_value = 1e-3 * s->rtol_value;
    s->max_step = INFINITY;
    s->lower = s->upper = -1;
    s->dense = bits >> 2 & 1;
    s->save_steps = !(bits & 8);
    s->t_eval = eval, s->n_eval = bits & 8 ? 41 : 0;
    s->jac_source = bits & 16 ? DS_JAC_GIVEN : DS_JAC_DIFFERENCES;
    if (method >= DS_RADAU) set_pattern(u, bits >> 5 & 1);
    int code = ds_ivp_start(s);
    if (code == DS_RUNNING) {
        CHECK(ds_ivp_set_events(s, 1) == 0);
        s->event_max[0] = INFINITY, s->g[0] = 0.5;
    }
    while (code == DS_RUNNING) code = ds_ivp_advance(s, 1e-7);
    if (code == DS_FINISHED && isinf(u->nan_after) && u->a == 1) {
        const double a = exp(4.0), one = 1 / (a - 0.05 * (a - 1)); /* y_0(4), by separation */
        CHECK(fabs(s->y[0] - one) < 1e-2);
        CHECK(isfinite(s->y[n - 1]) && s->n_event_records == 1);
        CHECK(s->columns_nfev > 0 || method < DS_RADAU);
    }
    ds_ivp_free(s);
    return code;
}

static void every_combination(int method) {
    for (int bits = 0; bits < 64; ++bits)
        for (int64_t k = 1; k <= MOST; k += 5) {
            user u = {.k = k, .a = 1, .nan_after = INFINITY, .jacobian = 1};
            snprintf(where, sizeof where, "columns: method %d, bits %d, k %d", method, bits, (int)k);
            CHECK(solve(method, bits, &u) == DS_FINISHED);
        }
}

/* Jacobians that do not fit, whose pattern changes, exceptions, nan. */
static void trouble(int method) {
    for (int bits = 0; bits < 64; bits += 5) {
        snprintf(where, sizeof where, "columns: trouble of method %d, bits %d", method, bits);
        user wrong = {.k = 6, .a = 1, .nan_after = INFINITY, .jacobian = 0.2};
        CHECK(solve(method, bits, &wrong) == DS_FINISHED);
        wrong.changes = 1; /* where it is always wrong and another one, steps may get too small */
        CHECK(solve(method, bits, &wrong) != DS_PYTHON_ERROR);
        user jumping = {.k = 6, .a = 1, .nan_after = INFINITY, .jacobian = 1, .jump = 1e6};
        CHECK(solve(method, bits, &jumping) == DS_FINISHED);
        for (double a = 100; a < 1e6; a *= 10) {
            user stiff = {.k = 6, .a = a, .nan_after = INFINITY, .jacobian = 0.6};
            if (method >= DS_RADAU) CHECK(solve(method, bits, &stiff) == DS_FINISHED);
        }
        for (long fail_at = 1; fail_at < 90; fail_at += 4) {
            user failing = {.k = 6, .a = 1, .nan_after = INFINITY, .jacobian = 0.5, .fail_at = fail_at};
            const int code = solve(method, bits, &failing);
            CHECK(code == DS_PYTHON_ERROR || code == DS_FINISHED);
        }
        user spoilt = {.k = 6, .a = 1, .nan_after = 2, .jacobian = 1};
        const int code = solve(method, bits, &spoilt);
        CHECK(code == DS_FAILED || code == DS_FINISHED || code == DS_NOT_FINITE);
    }
}

void drive_columns(void) {
    for (int method = 0; method < DS_METHOD_COUNT; ++method) {
        every_combination(method);
        trouble(method);
    }
    ds_ivp *s = ds_ivp_new(DS_RK45, 4, 1);
    CHECK(s);
    s->n_states = 2, s->t_bound = 1;
    CHECK(ds_ivp_start(s) == DS_FAILED); /* complex states have none */
    ds_ivp_free(s);
}
