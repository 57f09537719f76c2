/* vode.c - walks through VODE and ZVODE: families, iterations, tasks, bands, failures. */
#include "drive.h"
#include "vode.h"
#include <math.h>
#include <string.h>

enum { N = 4 };

typedef struct {
    int is_complex, band;
    long calls, fail_at; /* fail_at 0: never */
    double rate;         /* y' = -rate y (+ i y); jumps at t = 1 where it is 0 */
} user;

static int answer(void *handle, int which, int flags, double t, double *y, double *out) {
    user *u = handle;
    (void)flags;
    if (++u->calls == u->fail_at) return 1;
    const int parts = 1 + u->is_complex;
    if (which == DS_CALL_JACOBIAN) {
        const int64_t stride = u->band ? 1 : N + 1; /* diagonal of the band, or of the matrix */
        memset(out, 0, sizeof(double) * parts * (u->band ? N : N * N));
        for (int64_t j = 0; j < N; ++j) out[parts * j * stride] = -u->rate;
        return 0;
    }
    for (int64_t i = 0; i < parts * N; ++i)
        out[i] = u->rate ? -u->rate * (y[i] - cos(t)) : t < 1 ? 1 : -1e6;
    return 0;
}

static ds_vode *make(user *u, int family, int iteration, int source, double *numbers) {
    ds_vode *s = ds_vode_new(N, u->is_complex);
    CHECK(s != NULL);
    s->handle = u;
    s->python = answer;
    s->family = family;
    s->iteration = iteration;
    s->jac_source = source;
    s->order_max = family == 1 ? 12 : 5;
    s->rtol_value = 1e-6;
    s->atol_value = 1e-8;
    s->step_max = 500;
    s->state = numbers;
    for (int i = 0; i < 2 * N; ++i) numbers[i] = 1;
    s->task = 1;
    return s;
}

static int call(ds_vode *s, int anew, double t_out, double seconds) {
    const double t = s->t;
    int code;
    do code = ds_vode_run(s, seconds, s->task, anew, t, t_out);
    while (code == DS_RUNNING);
    return code;
}

/* J's only entries are the diagonal's. */
static void set_diagonal_band(ds_vode *s) {
    static const int64_t start[N + 1] = {0, 1, 2, 3, 4}, rows[N] = {0, 1, 2, 3};
    const ds_pattern pattern = {.n = N, .count = N, .start = start, .rows = rows};
    const ds_lu_plan plan = {.kind = DS_LU_BANDED};
    ds_vode_set_jacobian(s, &pattern, &plan);
    ds_vode_set_band(s, 0, 0);
}

static void solve(user u, int family, int iteration, int source) {
    double numbers[4 * N] = {0};
    ds_vode *s = make(&u, family, iteration, source, numbers);
    if (u.band) set_diagonal_band(s);
    CHECK(call(s, 1, 0, 1) == DS_FINISHED); /* nothing to do */
    CHECK(call(s, 0, 1, 1) == DS_FAILED && s->istate == -3); /* not started */
    CHECK(call(s, 1, 0.5, 0) == DS_FINISHED && s->t == 0.5);
    for (s->task = 3; s->task >= 1; --s->task) {
        CHECK(call(s, 0, 4 - 0.5 * s->task, 1) == DS_FINISHED);
        CHECK(fabs(s->state[0] - cos(s->t)) < 1); /* it lags behind */
    }
    s->task = 1;
    CHECK(call(s, 0, 1.0, 1) == DS_FAILED && s->istate == -3); /* long past */
    u.fail_at = u.calls + 5;
    CHECK(call(s, 0, 20, 1) == DS_PYTHON_ERROR);
    CHECK(call(s, 1, s->t + 3, 1) == DS_FINISHED);
    CHECK(call(s, 1, s->t - 0.01, 1) == DS_FINISHED); /* backward */
    CHECK(s->step_count > 0 && (iteration != 1 || s->factor_count > 0));
    ds_vode_free(s);
}

/* Failed error tests down to order 1 and beyond, too many steps, and options refused. */
static void failures(int is_complex, int family, int iteration) {
    double numbers[4 * N] = {0};
    user u = {.is_complex = is_complex};
    ds_vode *s = make(&u, family, iteration, DS_JAC_DIFFERENCES, numbers);
    CHECK(call(s, 1, 2, 1) == DS_FINISHED && s->rejection_count > 3);
    s->h_min = 0.01;
    CHECK(call(s, 1, s->t + 2, 1) != DS_RUNNING);
    s->t = 0;
    CHECK(call(s, 1, 2, 1) == DS_FAILED && s->istate == -4 && s->worst == N - 1);
    s->h_min = 0;
    s->step_max = 3;
    s->t = 0;
    CHECK(call(s, 1, 2, 1) == DS_FAILED && s->istate == -1);
    s->order_max = 0;
    CHECK(call(s, 1, 2, 1) == DS_FAILED && s->istate == -3);
    s->order_max = family == 1 ? 13 : 6; /* more than the history has room for */
    CHECK(call(s, 1, 2, 1) == DS_FAILED && s->istate == -3);
    s->order_max = 5;
    s->rtol_value = s->atol_value = 0;
    CHECK(call(s, 1, 2, 1) == DS_FAILED && s->istate == -3);
    s->rtol_value = 1e-3;
    s->step_max = 500;
    s->state[0] = NAN;
    CHECK(call(s, 1, s->t + 2, 1) == DS_FAILED);
    ds_vode_free(s);
}

void drive_vode(void) {
    for (int is_complex = 0; is_complex < 2; ++is_complex)
        for (int family = 1; family <= 2; ++family) {
            snprintf(where, sizeof where, "vode: complex %d, family %d", is_complex, family);
            const user slow = {.is_complex = is_complex, .rate = 1};
            user stiff = {.is_complex = is_complex, .rate = 50};
            solve(slow, family, 0, DS_JAC_DIFFERENCES);
            solve(stiff, family, 3, DS_JAC_DIFFERENCES);
            for (stiff.band = 0; stiff.band < 2; ++stiff.band) {
                solve(stiff, family, 1, DS_JAC_DIFFERENCES);
                solve(stiff, family, 1, DS_JAC_GIVEN);
            }
            for (int iteration = 0; iteration < 2; ++iteration)
                failures(is_complex, family, iteration);
        }
    CHECK(ds_vode_new(-1, 0) == NULL);
    CHECK(ds_vode_new(INT64_MAX / 4096, 1) == NULL);
    ds_vode_free(NULL);
}
