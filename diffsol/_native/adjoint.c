/* adjoint.c - the adjoint equation as a right-hand side, and the backward pass. */
#include "adjoint.h"
#include "ivp.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    ds_adjoint public; /* first: a ds_adjoint* is one of these */
    const ds_method *method;
    int64_t chunk, segment; /* used last */
    double *x;              /* lambda and y, 2 n numbers */
    double *x_cost;         /* 1 and y */
    double *slope;          /* n numbers, or n_params */
    double *jac_values;
    double *q;              /* interpolant of lambda, when its size is known */
    int64_t q_room;
    int64_t stop;           /* next one to be left */
    int open;               /* on the way from one to the next */
    ds_slice slice;
} ds_backward;

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
    const size_t doubles = (size_t)(2 * n + (n + 1) + widest + n_jac_values + n + n_params + 1);
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
static int go_back(ds_backward *b) {
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

static double begins(const ds_backward *b) { return b->public.chunks[b->chunk].t_old[b->segment]; }
static double ends(const ds_backward *b) { return b->public.chunks[b->chunk].t[b->segment]; }

/* Make the segment current in which t lies; of two that meet there, the one that was nearer. */
static void find(ds_backward *b, double t) {
    const double sign = b->public.direction;
    while (sign * (t - begins(b)) < 0 && go_back(b)) continue;
    while (sign * (t - ends(b)) > 0 && go_on(b)) continue;
}

/* y(t) by the current segment. */
static void forward_state(const ds_backward *b, double t, double *y) {
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
static int call(const ds_function *function, double t, const double *x, double *out) {
    const int asked = function->kernel(t, x, out, function->params);
    if (ds_flags_raised()) ds_flags_clear();
    return asked;
}

int ds_adjoint_kernel(double t, const double *lambda, double *out, const double *adjoint) {
    ds_backward *b = inside(adjoint);
    ds_adjoint *a = &b->public;
    ++a->n_vjp;
    memcpy(b->x, lambda, a->n * sizeof *lambda);
    find(b, t);
    forward_state(b, t, b->x + a->n);
    if (call(&a->vjp, t, b->x, out)) return 1;
    if (!a->cost_vjp.kernel) return 0;
    memcpy(b->x_cost + 1, b->x + a->n, a->n * sizeof *lambda);
    if (call(&a->cost_vjp, t, b->x_cost, b->slope)) return 1;
    for (int64_t i = 0; i < a->n; ++i) out[i] += b->slope[i];
    return 0;
}

int ds_adjoint_jacobian(double t, const double *lambda, double *out, const double *adjoint) {
    ds_backward *b = inside(adjoint);
    const ds_adjoint *a = &b->public;
    (void)lambda; /* the equation is linear in it */
    find(b, t);
    forward_state(b, t, b->x + a->n);
    if (call(&a->jac, t, b->x + a->n, b->jac_values)) return 1;
    for (int64_t k = 0; k < a->n_jac; ++k) out[k] = -b->jac_values[a->jac_from[k]];
    return 0;
}

int ds_adjoint_asked(void *adjoint, int which, int flags, double t, double *y, double *out) {
    (void)flags, (void)y, (void)out;
    if (which == DS_CALL_SINGULAR) return 0; /* Newton's iteration fails, and the step is made smaller */
    inside(adjoint)->public.trap_t = t;
    return 1;
}

/* --- integrals over time -------------------------------------------------------------------------- */

/* Gauss' formulas on [-1, 1] (Abramowitz & Stegun, table 25.4): m nodes are right to order 2 m. One is taken whose
 * error is no larger than that of the step it is for. */
enum { MOST_NODES = 4 };
typedef struct {
    int count;
    double node[MOST_NODES], weight[MOST_NODES];
} gauss;

static const gauss gauss2 = {2, {-0.57735026918962576451, 0.57735026918962576451}, {1, 1}};
static const gauss gauss3 = {3,
                             {-0.77459666924148337704, 0, 0.77459666924148337704},
                             {5.0 / 9, 8.0 / 9, 5.0 / 9}};
static const gauss gauss4 = {4,
                             {-0.86113631159405257522, -0.33998104358485626480,
                              0.33998104358485626480, 0.86113631159405257522},
                             {0.34785484513745385737, 0.65214515486254614263,
                              0.65214515486254614263, 0.34785484513745385737}};

static const gauss *formula_for(int method) {
    switch (method) {
    case DS_RK23: return &gauss2;
    case DS_DOP853: return &gauss4;
    default: return &gauss3;
    }
}

static int add(ds_backward *b, const ds_function *function, double t, const double *x, double w) {
    ds_adjoint *a = &b->public;
    if (!function->kernel) return 0;
    if (call(function, t, x, b->slope)) {
        a->trap_t = t;
        return DS_PYTHON_ERROR;
    }
    for (int64_t i = 0; i < a->n_params; ++i) a->gradient[i] += w * b->slope[i];
    return 0;
}

static int add_node(ds_backward *b, const ds_ivp *back, double t, double w) {
    ds_adjoint *a = &b->public;
    double *y = b->x + a->n, g = 0;
    forward_state(b, t, y);
    if (a->params.kernel) {
        ds_interpolate(back, b->q, t, b->x);
        const int error = add(b, &a->params, t, b->x, w);
        if (error) return error;
    }
    if (!a->cost.kernel) return 0;
    memcpy(b->x_cost + 1, y, a->n * sizeof *y);
    const int error = add(b, &a->cost_params, t, b->x_cost, w);
    if (error) return error;
    if (call(&a->cost, t, y, &g)) {
        a->trap_t = t;
        return DS_PYTHON_ERROR;
    }
    a->value += w * g;
    return 0;
}

/* The integrals over the step just made, piece by piece of the forward solution. */
static int integrate_step(ds_backward *b, ds_ivp *back) {
    ds_adjoint *a = &b->public;
    if (!a->params.kernel && !a->cost.kernel) return 0;
    if (a->params.kernel) {
        const int error = ds_ivp_dense(back, b->q);
        if (error) return error;
    }
    const gauss *formula = formula_for(a->method);
    double late = back->t_old;
    find(b, late);
    while (late != back->t) {
        if (begins(b) == late && !go_back(b)) break;
        double early = begins(b);
        if (a->direction * (early - back->t) < 0) early = back->t;
        const double half = (late - early) / 2, middle = (late + early) / 2;
        for (int k = 0; k < formula->count; ++k) {
            const int error = add_node(b, back, middle + half * formula->node[k],
                                       half * formula->weight[k]);
            if (error) return error;
        }
        late = early;
    }
    return 0;
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
        find(b, back->t0);
        forward_state(b, back->t0, b->x_cost + 1);
        if (call(&a->cost_vjp, back->t0, b->x_cost, b->slope)) return DS_PYTHON_ERROR;
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
    const int error = integrate_step(b, back);
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
