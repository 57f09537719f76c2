/* adjoint.c - the adjoint equation as a right-hand side, and the backward pass. */
#include "adjoint_inside.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static ds_backward *inside(const void *adjoint) { return (ds_backward *)(uintptr_t)adjoint; }

ds_adjoint *ds_adjoint_new(int method, int64_t n, int64_t n_params, int64_t n_jac_values) {
    ds_backward *b = calloc(1, sizeof *b);
    if (!b) return NULL;
    ds_adjoint *a = &b->public;
    const int64_t widest = n > n_params ? n : n_params;
    a->method = method;
    a->n = n;
    a->n_params = n_params;
    a->n_jac_values = n_jac_values;
    b->method = ds_find_method(method, 0);
    const int64_t rows = MOST_NODES * (n_params + 1);
    const int64_t levels = 4 * (MOST_HALVINGS + 1) * (n_params + 1);
    const size_t doubles =
        (size_t)(2 * n + (n + 1) + widest + n_jac_values + n + n_params + rows + levels);
    b->x = calloc(doubles, sizeof(double));
    if (!b->x) {
        free(b);
        return NULL;
    }
    b->x_cost = b->x + 2 * n;
    b->slope = b->x_cost + n + 1;
    b->jac_values = b->slope + widest;
    a->lambda_t = b->jac_values + n_jac_values;
    a->gradient = a->lambda_t + n;
    b->rows = a->gradient + n_params;
    b->levels = b->rows + rows;
    b->x_cost[0] = 1;
    return a;
}

void ds_adjoint_free(ds_adjoint *adjoint) {
    if (!adjoint) return;
    free(inside(adjoint)->x);
    free(inside(adjoint)->q);
    free(adjoint);
}

/* --- the forward solution --------------------------------------------------------------------- */

/* To the segment before the current one; 0: there is none. */
int ds_adjoint_go_back(ds_backward *b) {
    if (b->segment) return --b->segment, 1;
    if (!b->chunk) return 0;
    b->segment = b->public.chunks[--b->chunk].count - 1;
    return 1;
}

static int go_on(ds_backward *b) {
    const ds_adjoint *a = &b->public;
    if (b->segment + 1 < a->chunks[b->chunk].count) return ++b->segment, 1;
    if (b->chunk + 1 >= a->n_chunks) return 0;
    ++b->chunk;
    b->segment = 0;
    return 1;
}

double ds_adjoint_begins(const ds_backward *b) { return b->public.chunks[b->chunk].t_old[b->segment]; }
static double ends(const ds_backward *b) { return b->public.chunks[b->chunk].t[b->segment]; }

/* Make the segment current in which t lies; of two that meet there, the one that was nearer. */
void ds_adjoint_find(ds_backward *b, double t) {
    const double sign = b->public.direction;
    while (sign * (t - ds_adjoint_begins(b)) < 0 && ds_adjoint_go_back(b)) continue;
    while (sign * (t - ends(b)) > 0 && go_on(b)) continue;
}

/* y(t) by the current segment. */
void ds_adjoint_forward_state(const ds_backward *b, double t, double *y) {
    const ds_adjoint *a = &b->public;
    const ds_chunk *c = a->chunks + b->chunk;
    const int64_t s = b->segment;
    const double h = c->t[s] - c->t_old[s], *y_old = c->y_old + s * a->n;
    if (h == 0)
        memcpy(y, y_old, a->n * sizeof *y);
    else
        b->method->evaluate(a->n, c->t_old[s], h, y_old, c->q + c->at[s], t, y, 1);
}

/* --- the right-hand side ------------------------------------------------------------------------ */

/* One kernel; what is not finite the stepper notices, and flags mean no warning of Python's here. */
int ds_adjoint_call(const ds_function *function, double t, const double *x, double *out) {
    const int asked = function->kernel(t, x, out, function->params);
    if (ds_flags_raised()) ds_flags_clear();
    return asked;
}

int ds_adjoint_kernel(double t, const double *lambda, double *out, const double *adjoint) {
    ds_backward *b = inside(adjoint);
    ds_adjoint *a = &b->public;
    ++a->n_vjp;
    memcpy(b->x, lambda, a->n * sizeof *lambda);
    ds_adjoint_find(b, t);
    ds_adjoint_forward_state(b, t, b->x + a->n);
    if (ds_adjoint_call(&a->vjp, t, b->x, out)) return 1;
    if (!a->cost_vjp.kernel) return 0;
    memcpy(b->x_cost + 1, b->x + a->n, a->n * sizeof *lambda);
    if (ds_adjoint_call(&a->cost_vjp, t, b->x_cost, b->slope)) return 1;
    for (int64_t i = 0; i < a->n; ++i) out[i] += b->slope[i];
    return 0;
}

int ds_adjoint_jacobian(double t, const double *lambda, double *out, const double *adjoint) {
    ds_backward *b = inside(adjoint);
    const ds_adjoint *a = &b->public;
    (void)lambda; /* the equation is linear in it */
    ds_adjoint_find(b, t);
    ds_adjoint_forward_state(b, t, b->x + a->n);
    if (ds_adjoint_call(&a->jac, t, b->x + a->n, b->jac_values)) return 1;
    for (int64_t k = 0; k < a->n_jac; ++k) out[k] = -b->jac_values[a->jac_from[k]];
    return 0;
}

int ds_adjoint_asked(void *adjoint, int which, int flags, double t, double *y, double *out) {
    (void)flags, (void)y, (void)out;
    if (which == DS_CALL_SINGULAR) return 0; /* Newton's iteration fails, and the step is made smaller */
    inside(adjoint)->public.trap_t = t;
    return 1;
}

/* --- the backward pass ------------------------------------------------------------------------------ */

static double largest(int64_t n, const double *x) {
    double result = 0;
    for (int64_t i = 0; i < n; ++i) result = fmax(result, fabs(x[i]));
    return result;
}

/* Leave a stop for the next one, if there is one. */
static int open_interval(ds_backward *b, ds_ivp *back) {
    ds_adjoint *a = &b->public;
    for (int64_t i = 0; i < a->n; ++i) a->lambda_t[i] += a->jumps[b->stop * a->n + i];
    if (++b->stop == a->n_stops) return DS_FINISHED;
    back->t0 = a->stops[b->stop - 1];
    back->t_bound = a->stops[b->stop];
    back->y0 = a->lambda_t;
    const double length = fabs(back->t_bound - back->t0);
    back->first_step = a->step < length ? a->step : length;
    double size = largest(a->n, a->lambda_t);
    if (a->cost_vjp.kernel) { /* what the integral adds on the way counts as well */
        ds_adjoint_find(b, back->t0);
        ds_adjoint_forward_state(b, back->t0, b->x_cost + 1);
        if (ds_adjoint_call(&a->cost_vjp, back->t0, b->x_cost, b->slope)) return DS_PYTHON_ERROR;
        size = fmax(size, length * largest(a->n, b->slope));
    }
    back->atol_value = fmax(fmax(a->atol_relative * size, a->atol), 1e-300);
    b->open = 1;
    return ds_ivp_start(back);
}

/* Is a time before those that are there? */
static int is_too_early(const ds_adjoint *a, double t) {
    return a->direction * (t - a->chunks[0].t_old[0]) < 0;
}

/* How far the next step may go back. */
static double reach(const ds_adjoint *a, const ds_ivp *back) {
    const double t = back->t - a->direction * back->h_abs;
    return a->direction * (t - back->t_bound) < 0 ? back->t_bound : t;
}

static int step(ds_backward *b, ds_ivp *back) {
    ds_adjoint *a = &b->public;
    const double tried = back->h_abs;
    const int code = ds_ivp_step(back);
    if (code != DS_RUNNING && code != DS_FINISHED) return code;
    const int error = ds_adjoint_integrate_step(b, back);
    if (error) return error;
    if (code == DS_FINISHED) { /* the last step was as long as there was room: the one before tells more */
        memcpy(a->lambda_t, back->y, a->n * sizeof *back->y);
        a->step = fmax(back->h_abs, tried);
        b->open = 0;
    }
    return DS_RUNNING;
}

int ds_adjoint_run(ds_adjoint *adjoint, ds_ivp *back, double seconds) {
    ds_backward *b = inside(adjoint);
    const int64_t q_size = ds_ivp_q_size(back);
    if (q_size > b->q_room) {
        free(b->q);
        b->q = calloc((size_t)q_size + 1, sizeof(double));
        b->q_room = b->q ? q_size : 0;
        if (!b->q) return DS_NO_MEMORY;
    }
    b->chunk = adjoint->n_chunks - 1; /* they may be others than before */
    b->segment = adjoint->chunks[b->chunk].count - 1;
    ds_slice_begin(&b->slice, seconds);
    do {
        if (!b->open) {
            if (is_too_early(adjoint, adjoint->stops[b->stop])) return DS_EARLIER;
            const int code = open_interval(b, back);
            if (code) return code;
        }
        if (is_too_early(adjoint, reach(adjoint, back))) return DS_EARLIER;
        const int code = step(b, back);
        if (code) return code;
    } while (!ds_slice_is_over(&b->slice, 1));
    return DS_RUNNING;
}
