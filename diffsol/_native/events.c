/* events.c - which events happened in a step, when, and whether one of them ends the solve. */
#include "event_rules.h"
#include "ivp.h"
#include "root.h"
#include <math.h>

static int event_value(ds_ivp *ivp, int64_t event, int flags, double t, double *y, double *value) {
    const int which = 1 + (int)event;
    return ds_evaluate(ivp, &ivp->events[event], which, flags, t, y, value);
}

typedef struct {
    ds_ivp *ivp;
    const double *q;
    int64_t event;
} ds_event_search;

static int event_on_interpolant(void *context, double t, double *value) {
    const ds_event_search *search = context;
    double *y = ds_inside(search->ivp)->event_y;
    ds_interpolate(search->ivp, search->q, t, y);
    const int stopped = event_value(search->ivp, search->event, DS_T_IS_FLOAT, t, y, value);
    if (stopped || !isnan(*value)) return stopped;
    search->ivp->error_t = t;
    return DS_ROOT_NAN;
}

/* Roots of the active events, in the order of the events. */
static int find_roots(ds_ivp *ivp, const double *q, int64_t count) {
    ds_solver *solver = ds_inside(ivp);
    for (int64_t i = 0; i < count; ++i) {
        ds_event_search search = {ivp, q, solver->active[i]};
        const int error =
            ds_find_root(event_on_interpolant, &search, ivp->t_old, ivp->t, &solver->roots[i]);
        if (error) {
            ivp->event_error = solver->active[i];
            return error;
        }
    }
    return DS_RUNNING;
}

static int ends_solve(const ds_ivp *ivp, int64_t event) {
    return (double)ivp->event_count[event] >= ivp->event_max[event];
}

/* How many roots count: all, or those up to the one that ends the solve. */
static int64_t cut_at_end(ds_ivp *ivp, int64_t count, int *ended) {
    ds_solver *solver = ds_inside(ivp);
    *ended = 0;
    for (int64_t i = 0; i < count; ++i) *ended |= ends_solve(ivp, solver->active[i]);
    if (!*ended) return count;
    ds_sort_roots(solver->roots, solver->active, count, ivp->t > ivp->t_old ? 1 : -1);
    for (int64_t i = 0; i < count; ++i)
        if (ends_solve(ivp, solver->active[i])) return i + 1;
    return count;
}

static int keep_roots(ds_ivp *ivp, const double *q, int64_t count) {
    ds_solver *solver = ds_inside(ivp);
    for (int64_t i = 0; i < count; ++i) {
        ds_interpolate(ivp, q, solver->roots[i], solver->event_y);
        const int error = ds_keep_event(ivp, solver->active[i], solver->roots[i], solver->event_y);
        if (error) return error;
    }
    return DS_RUNNING;
}

/* Values at the end of the step, and the events between there and its start. */
static int find_active(ds_ivp *ivp, int64_t *count) {
    ds_solver *solver = ds_inside(ivp);
    const int flags = solver->t_is_float ? DS_T_IS_FLOAT : 0;
    *count = 0;
    for (int64_t i = 0; i < ivp->n_events; ++i) {
        const int error = event_value(ivp, i, flags, ivp->t, ivp->y, &solver->g_new[i]);
        if (error) return error;
    }
    for (int64_t i = 0; i < ivp->n_events; ++i) {
        if (ds_event_happened(ivp->g[i], solver->g_new[i], ivp->event_direction[i]))
            solver->active[(*count)++] = i;
        ivp->g[i] = solver->g_new[i];
    }
    return DS_RUNNING;
}

int ds_handle_events(ds_ivp *ivp, double **q) {
    ds_solver *solver = ds_inside(ivp);
    int64_t count;
    int ended, error = find_active(ivp, &count);
    if (error || count == 0) return error;
    error = ds_need_interpolant(ivp, q);
    if (error) return error;
    for (int64_t i = 0; i < count; ++i) ++ivp->event_count[solver->active[i]];
    error = find_roots(ivp, *q, count);
    if (error) return error;
    count = cut_at_end(ivp, count, &ended);
    error = keep_roots(ivp, *q, count);
    if (error || !ended) return error;
    ivp->t_stop = solver->roots[count - 1]; /* event_y holds the state there */
    return DS_EVENT;
}
