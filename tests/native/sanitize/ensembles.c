/* ensembles.c - drives every method of ensembles in every number of lanes that this processor has,
 * with all inputs, outputs and ends, for the sanitizers to watch. tests/ensemble compares. */
#include "drive.h"
#include "ens.h"
#include <math.h>
#include <string.h>

enum { MOST = 23, N = 3, TIMES = 7, EVENTS = 2, ROOM = 2 };

/* Lanes of a row, for kernels that know them by their parameters only. */
#define EACH(lane, p) for (int lane = 0, count = (int)(p)[0]; lane < count; ++lane)
#define AT(x, row, lane) (x)[(row) * count + (lane)]

/* A chain of reactions, q times as fast; gives up where the first component is above 8, and is nan
 * beyond t = 1.9. */
static int64_t chain(const double *t, const double *y, double *out, const double *p,
                     const double *q) {
    int64_t trapped = 0;
    EACH(l, p) {
        const double rate = t[l] > 1.9 ? NAN : q[l];
        AT(out, 0, l) = -rate * AT(y, 0, l);
        for (int i = 1; i < N; ++i) AT(out, i, l) = rate * (AT(y, i - 1, l) - AT(y, i, l));
        trapped |= (int64_t)(AT(y, 0, l) > 8) << l;
    }
    return trapped;
}

static int64_t chain_jac(const double *t, const double *y, double *out, const double *p,
                         const double *q) {
    (void)t, (void)y;
    EACH(l, p) {
        for (int i = 0; i < N * N; ++i) AT(out, i, l) = 0;
        for (int i = 0; i < N; ++i) AT(out, i * N + i, l) = -q[l];
        for (int i = 1; i < N; ++i) AT(out, i * N + i - 1, l) = q[l];
    }
    return 0;
}

static int64_t chain_dfdt(const double *t, const double *y, double *out, const double *p,
                          const double *q) {
    (void)t, (void)y, (void)q;
    EACH(l, p) for (int i = 0; i < N; ++i) AT(out, i, l) = 0;
    return 0;
}

static int64_t halves(const double *t, const double *y, double *out, const double *p,
                      const double *q) {
    (void)q;
    EACH(l, p) {
        AT(out, 0, l) = AT(y, 0, l) - 0.5;
        AT(out, 1, l) = sin(20 * t[l]);
    }
    return 0;
}

typedef struct {
    double t[MOST], y[MOST * N], ys[MOST * TIMES * N];
    double event_t[MOST * EVENTS * ROOM], event_y[MOST * EVENTS * ROOM * N];
    int64_t nfev[MOST], n_steps[MOST], n_rejected[MOST], n_saved[MOST], counts[MOST * EVENTS];
    int32_t status[MOST];
} results;

static double starts[MOST * N], rates[MOST], t0[MOST], t_bound[MOST];

static void fill_inputs(void) {
    for (int i = 0; i < MOST; ++i) {
        rates[i] = 0.1 * (1 + i * 7 % MOST);
        t0[i] = 0.01 * i;
        t_bound[i] = i % 9 == 4 ? t0[i] : 1.5 + 0.02 * i; /* no time to pass; beyond the nan */
        for (int j = 0; j < N; ++j) starts[i * N + j] = j + (i == 6 ? 9 : 1);
    }
}

/* All trajectories in two ranges and short slices; `many`: with outputs, events and limits. */
static void solve(int method, int lanes, int many, results *r) {
    const double params[] = {lanes}, rtol = 1e-5, atol[] = {1e-7, 1e-8, 1e-6};
    const double direction[] = {-1, 0}, event_max[] = {INFINITY, 4};
    double t_eval[TIMES];
    for (int k = 0; k < TIMES; ++k) t_eval[k] = 0.3 + 0.15 * k;
    ds_ens ens = {
        .method = method, .lanes = lanes, .n = N, .m = 1,
        .fun = {chain, params}, .jac = {chain_jac, params},
        .y0 = starts, .q = rates, .t0 = t0, .t_bound = t_bound,
        .y0_stride = N, .q_stride = 1, .t0_stride = 1, .t_bound_stride = 1,
        .rtol = &rtol, .atol = atol, .atol_stride = 1, .max_step = INFINITY,
        .t = r->t, .y = r->y, .status = r->status, .nfev = r->nfev, .n_steps = r->n_steps,
        .n_rejected = r->n_rejected,
    };
    if (many) {
        ens.dfdt = (ds_ens_function){chain_dfdt, params};
        ens.t_eval = t_eval, ens.n_eval = TIMES, ens.ys = r->ys, ens.n_saved = r->n_saved;
        ens.n_events = EVENTS, ens.events = (ds_ens_function){halves, params};
        ens.event_direction = direction, ens.event_max = event_max, ens.event_room = ROOM;
        ens.event_count = r->counts, ens.event_t = r->event_t, ens.event_y = r->event_y;
        ens.first_step = 0.01, ens.max_steps = 40;
    }
    for (int part = 0; part < 2; ++part) {
        ds_ens_worker *worker = ds_ens_new(&ens, part ? 10 : 0, part ? MOST : 10);
        CHECK(worker);
        while (ds_ens_run(worker, 1e-7) == DS_RUNNING) continue;
        CHECK(worker->n_done == (part ? MOST - 10 : 10));
        CHECK(worker->n_busy <= worker->n_attempts * lanes);
        ds_ens_free(worker);
    }
}

static void check(const results *r, int many) {
    CHECK(r->status[6] == DS_ENS_TRAPPED);
    CHECK(r->status[4] == (many ? DS_ENS_TRAPPED : DS_ENS_END) && r->n_steps[4] == 0);
    if (many) return;
    for (int i = 0; i < MOST; ++i) {
        if (r->status[i] != DS_ENS_END) continue;
        const double expected = exp(-rates[i] * (t_bound[i] - t0[i]));
        CHECK(r->t[i] == t_bound[i] && fabs(r->y[i * N] - expected) < 1e-3);
    }
    CHECK(r->status[MOST - 2] == DS_ENS_STEP && r->t[MOST - 2] <= 1.9);
}

void drive_ensembles(void) {
    static const int methods[] = {DS_RK23, DS_RK45, DS_DOP853, DS_RODAS5P};
    static results first, other;
    fill_inputs();
    for (int m = 0; m < 4; ++m)
        for (int many = 0; many < 2; ++many)
            for (int lanes = 1; lanes <= ds_ens_lanes(); lanes *= 2) {
                results *r = lanes == 1 ? &first : &other;
                snprintf(where, sizeof where, "ensemble %d, %d lanes, many %d", methods[m], lanes,
                         many);
                memset(r, 0, sizeof *r);
                solve(methods[m], lanes, many, r);
                check(r, many);
                CHECK(memcmp(&first, r, sizeof *r) == 0);
            }
    ds_ens none = {.method = DS_RADAU, .lanes = 1, .n = 1};
    CHECK(!ds_ens_new(&none, 0, 1));
    none.method = DS_RK45, none.n = INT64_MAX / 5000;
    CHECK(!ds_ens_new(&none, 0, 1));
}
