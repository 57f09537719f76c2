/* adjoint.c - drives the backward pass of gradients for the sanitizers to watch: every method, stretches of the
 * forward solve that come one by one, kernels that ask for Python. tests/sens compares gradients. */
#include "adjoint.h"
#include "drive.h"
#include <math.h>
#include <string.h>

enum { N = 2 };

/* y0' = -p0 y0 + p1 y1, y1' = -p1 y1; p[2]: asks for Python before this time, behind p[3] */
static int asks(double t, const double *p) { return t < p[2] || t > p[3]; }

static int rates(double t, const double *y, double *out, const double *p) {
    (void)t;
    out[0] = -p[0] * y[0] + p[1] * y[1];
    out[1] = -p[1] * y[1];
    return 0;
}

static int jacobian(double t, const double *y, double *out, const double *p) {
    (void)y, (void)t;
    out[0] = -p[0], out[1] = 0, out[2] = p[1], out[3] = -p[1];
    return 0;
}

static int by_state(double t, const double *x, double *out, const double *p) {
    out[0] = p[0] * x[0];
    out[1] = -p[1] * x[0] + p[1] * x[1];
    return asks(t, p);
}

static int by_params(double t, const double *x, double *out, const double *p) {
    (void)p, (void)t;
    const double *lambda = x, *y = x + N;
    out[0] = -y[0] * lambda[0];
    out[1] = y[1] * lambda[0] - y[1] * lambda[1];
    return 0;
}

/* g = y0: nothing of it depends on p. */
static int cost(double t, const double *y, double *out, const double *p) {
    (void)p, (void)t;
    *out = y[0];
    return 0;
}

static int cost_by_state(double t, const double *x, double *out, const double *p) {
    (void)p, (void)t;
    out[0] = -x[0], out[1] = 0;
    return 0;
}

static int cost_by_params(double t, const double *x, double *out, const double *p) {
    (void)p, (void)t, (void)x;
    out[0] = out[1] = 0;
    return 0;
}

static int no_python(void *handle, int which, int flags, double t, double *y, double *out) {
    (void)handle, (void)which, (void)flags, (void)t, (void)y, (void)out;
    return 1;
}

static ds_ivp *make(int method, const double *params, const ds_pattern *pattern) {
    static const ds_lu_plan plan = {.kind = DS_LU_DENSE};
    ds_ivp *s = ds_ivp_new(method, N, 0);
    CHECK(s);
    s->rtol_value = 1e-6;
    s->atol_value = 1e-9;
    s->max_step = INFINITY;
    s->python = no_python;
    s->fun = (ds_function){rates, params};
    if (method >= DS_RADAU) {
        CHECK(ds_ivp_set_jacobian(s, pattern, &plan) == 0);
        s->jac = (ds_function){jacobian, params};
    }
    return s;
}

typedef struct {
    double lambda[N], gradient[N], value;
} outcome;

/* together: all interpolants at once, else step by step as they are asked for. */
static int solve(int method, const double *params, int with_cost, int together, outcome *found) {
    static const int64_t transposed[] = {0, 2, 1, 3};
    static const double stops[] = {2, 1, 0}, jumps[] = {1, 0, 0, 1, 0.5, 0.5};
    const ds_pattern pattern = {.n = N, .count = N * N};
    static double start[N] = {1, 2};
    ds_ivp *forward = make(method, params, &pattern);
    forward->t_bound = 2;
    forward->y0 = start;
    forward->dense = 1;
    CHECK(ds_ivp_start(forward) == DS_RUNNING);
    int code = DS_RUNNING;
    while (code == DS_RUNNING) code = ds_ivp_advance(forward, 1.0);
    CHECK(code == DS_FINISHED);

    const int implicit = method >= DS_RADAU;
    ds_adjoint *a = ds_adjoint_new(method, N, N, implicit ? N * N : 0);
    CHECK(a);
    ds_ivp *back = make(implicit ? DS_RADAU : method, params, &pattern);
    const double *self = (const double *)a;
    back->handle = a;
    back->python = ds_adjoint_asked;
    back->fun = (ds_function){ds_adjoint_kernel, self};
    back->jac = (ds_function){implicit ? ds_adjoint_jacobian : NULL, self};
    a->direction = 1;
    a->vjp = (ds_function){by_state, params};
    a->params = (ds_function){by_params, params};
    a->jac = (ds_function){jacobian, params};
    a->jac_from = transposed;
    a->n_jac = N * N;
    if (with_cost) {
        a->cost = (ds_function){cost, params};
        a->cost_vjp = (ds_function){cost_by_state, params};
        a->cost_params = (ds_function){cost_by_params, params};
    }
    a->n_stops = 3;
    a->stops = stops;
    a->jumps = jumps;
    a->atol_relative = 1e-6;
    a->step = 0.1;

    const int64_t count = forward->n_segments;
    int64_t first = together ? 0 : count;
    ds_chunk *chunk = NULL;
    code = together ? DS_RUNNING : DS_EARLIER;
    do {
        if (code == DS_EARLIER) {
            CHECK(first > 0);
            --first;
        }
        free(chunk); /* another array each time: nothing may hold on to the one before */
        chunk = malloc((size_t)(count - first) * sizeof *chunk);
        for (int64_t k = first; k < count; ++k)
            chunk[k - first] = (ds_chunk){1, forward->seg_t_old + k, forward->seg_t + k,
                                          forward->seg_y_old + k * N, forward->seg_q,
                                          forward->seg_at + k};
        a->chunks = chunk;
        a->n_chunks = count - first;
        code = ds_adjoint_run(a, back, 1e-6);
    } while (code == DS_EARLIER || code == DS_RUNNING);
    memcpy(found->lambda, a->lambda_t, sizeof found->lambda);
    memcpy(found->gradient, a->gradient, sizeof found->gradient);
    found->value = a->value;
    CHECK(code == DS_FINISHED || code == DS_PYTHON_ERROR);
    CHECK(code == DS_FINISHED || asks(a->trap_t, params));
    free(chunk);
    ds_adjoint_free(a);
    ds_ivp_free(back);
    ds_ivp_free(forward);
    return code;
}

void drive_adjoint(void) {
    static const double always[] = {0.7, 1.3, -INFINITY, INFINITY};
    static const double late[] = {0.7, 1.3, 0.5, INFINITY}, never[] = {0.7, 1.3, INFINITY, 0};
    for (int method = 0; method < DS_METHOD_COUNT; ++method)
        for (int with_cost = 0; with_cost < 2; ++with_cost) {
            snprintf(where, sizeof where, "adjoint of method %d, integral %d", method, with_cost);
            outcome whole, parts, broken;
            CHECK(solve(method, always, with_cost, 1, &whole) == DS_FINISHED);
            CHECK(solve(method, always, with_cost, 0, &parts) == DS_FINISHED);
            CHECK(memcmp(&whole, &parts, sizeof whole) == 0);
            CHECK(with_cost == (whole.value != 0));
            if (!with_cost) /* lambda0 = exp(-0.7 t) from 2 back to 0, and the jump at 0 */
                CHECK(fabs(whole.lambda[0] - 0.5 - exp(-1.4)) < 1e-4);
            CHECK(solve(method, late, with_cost, 1, &broken) == DS_PYTHON_ERROR);
            CHECK(solve(method, never, with_cost, 0, &broken) == DS_PYTHON_ERROR);
        }
    ds_adjoint_free(NULL);
}
