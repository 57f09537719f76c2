/* codes.c - every path of the codes behind SciPy's `ode`: Hairer's, and LSODA from call to call. */
#include "drive.h"
#include "hairer.h"
#include "odeint.h"
#include <math.h>

/* The callback's side: how many components, when it "raises", and what it answers to a step. */
typedef struct {
    int64_t n;
    double rate;         /* y' = -rate y */
    long calls, fail_at; /* fail_at 0: never */
    double answer;
} user;

static int answer(void *handle, int which, int flags, double t, double *y, double *out) {
    user *u = handle;
    (void)flags, (void)t;
    if (++u->calls == u->fail_at) return 1;
    if (which == DS_CALL_STEP)
        out[0] = u->calls > 30 ? u->answer : 0;
    else if (which == DS_CALL_JACOBIAN)
        for (int64_t j = 0; j < u->n; ++j) out[j * (u->n + 1)] = -u->rate;
    else
        for (int64_t j = 0; j < u->n; ++j) out[j] = -u->rate * y[j];
    return 0;
}

static int kernel(double t, const double *y, double *out, const double *p) {
    (void)t;
    for (int j = 0; j < (int)p[0]; ++j) out[j] = -0.5 * y[j];
    return t > 1.5; /* ask Python */
}

static int hairer_to(ds_hairer *s, double t_end) {
    s->t_end = t_end;
    ds_hairer_begin(s);
    int code = DS_RUNNING;
    while (code == DS_RUNNING) code = ds_hairer_advance(s, 1e-7);
    return code;
}

static void hairer(int method, int64_t n, int compiled, int watched) {
    double y[16], given[16], tolerances[16];
    const double params[] = {(double)n};
    int32_t counts[4];
    user u = {.n = n, .rate = 0.5};
    snprintf(where, sizeof where, "Hairer %d, n %d, compiled %d, watched %d", method, (int)n,
             compiled, watched);
    ds_hairer *s = ds_hairer_new(method, n);
    CHECK(s);
    for (int i = 0; i < 16; ++i) y[i] = 1, tolerances[i] = 1e-8;
    s->handle = &u;
    s->python = answer;
    s->y = y, s->given = given;
    s->rtol = s->atol = tolerances;
    s->rtol_stride = s->atol_stride = 1;
    s->safety = 0.9, s->factor_min = 0.2, s->factor_max = 10, s->beta = 0.04;
    s->step_max = 500;
    s->watched = watched;
    s->counts = counts;
    if (compiled) s->fun.kernel = kernel, s->fun.params = params;
    CHECK(hairer_to(s, 2) == DS_FINISHED);
    CHECK(n ? s->idid == 1 : s->idid < 0);
    if (n) CHECK(fabs(y[n - 1] - exp(-1.0)) < 1e-6 && s->t == 2 && counts[2] > 0);
    CHECK(hairer_to(s, 0) == DS_FINISHED); /* back, from the solver's own t */
    s->t = 0;
    for (long calls = 1; calls < 40; calls += 3) {
        u.fail_at = u.calls + calls;
        hairer_to(s, 2);
        s->t = 0, y[0] = 1;
    }
    ds_hairer_free(s);
}

static void hairer_gives_up(int method) {
    double y[1] = {1}, given[1];
    snprintf(where, sizeof where, "Hairer %d gives up", method);
    ds_hairer *s = ds_hairer_new(method, 1);
    user u = {.n = 1, .rate = 1e5};
    s->handle = &u, s->python = answer;
    s->y = y, s->given = given;
    s->rtol_value = 1e-6, s->atol_value = 1e-12;
    s->safety = 0.9, s->factor_min = 0.2, s->factor_max = 10;
    s->step_max = 100000;
    CHECK(hairer_to(s, 100) == DS_FINISHED && s->idid == -4);
    s->t = 0, y[0] = 1, s->step_max = 3;
    CHECK(hairer_to(s, 100) == DS_FINISHED && s->idid == -2);
    u.rate = NAN, s->t = 1, y[0] = 1, s->step_max = 5000;
    CHECK(hairer_to(s, 100) == DS_FINISHED && s->idid == -3);
    u.rate = 1, u.answer = -1, u.calls = 30, s->t = 0, y[0] = 1, s->watched = 1;
    CHECK(hairer_to(s, 100) == DS_FINISHED && s->idid == 2);
    u.answer = 2, s->t = 0, y[0] = 1;
    CHECK(hairer_to(s, 1) == DS_FINISHED && s->idid == 1);
    ds_hairer_free(s);
}

/* LSODA, one interval after the other, and what it tells in ODEPACK's arrays. */
static void lsoda(int64_t n, double rate, int given) {
    double t[2] = {0, 0}, rows[2 * 16], state[16];
    int32_t iwork[20];
    double *rwork = malloc(sizeof(double) * (20 + 16 * n));
    user u = {.n = n, .rate = rate};
    snprintf(where, sizeof where, "LSODA, n %d, rate %g, jacobian %d", (int)n, rate, given);
    ds_odeint *s = ds_odeint_new(n);
    CHECK(s && rwork);
    for (int i = 0; i < 16; ++i) state[i] = 1;
    s->handle = &u, s->python = answer;
    s->t = t, s->n_times = 2, s->y = rows, s->state = state;
    s->rtol_value = 1e-6, s->atol_value = 1e-9;
    s->step_max = 500, s->adams_order_max = 12, s->bdf_order_max = 5;
    s->jac_source = given ? DS_JAC_GIVEN : DS_JAC_DIFFERENCES;
    for (int i = 1; i <= 20; ++i) {
        t[0] = t[1], t[1] = 0.1 * i, s->row = 1;
        int code = DS_RUNNING;
        while (code == DS_RUNNING) code = ds_odeint_advance(s, 1e-7);
        CHECK(code == DS_FINISHED && s->istate == 2);
        ds_odeint_tell(s, rwork, iwork);
        CHECK(iwork[10] == s->step_count && rwork[12] == s->t_now);
        CHECK(fabs(rwork[20]) <= 1 && isfinite(rwork[20 + iwork[14] * n]));
    }
    CHECK(fabs(state[0] - exp(-2 * rate)) < 1e-4);
    free(rwork);
    ds_odeint_free(s);
}

void drive_codes(void) {
    for (int method = DS_DOPRI5; method <= DS_HAIRER_853; ++method) {
        for (int bits = 0; bits < 4; ++bits)
            for (int64_t n = 0; n <= 16; n += n < 3 ? 1 : 13)
                hairer(method, n, bits & 1, bits >> 1);
        hairer_gives_up(method);
        CHECK(ds_hairer_new(method, -1) == NULL && ds_hairer_new(method, INT64_MAX) == NULL);
    }
    ds_hairer_free(NULL);
    for (int given = 0; given < 2; ++given)
        for (int64_t n = 1; n <= 16; n *= 4) lsoda(n, 0.5, given), lsoda(n, 1e4, given);
}
