/* events.c - which events happened in a step, when, and whether one of them ends the solve. The
 * rules are SciPy's (_ivp/ivp.py), oddities included: an event that is zero at a step's end
 * happens in both steps that meet there, and roots are put in order only when one of them ends
 * the solve. */
#include "ivp.h"
#include "root.h"
#include <math.h>

static int event_value(ds_ivp *ivp, int64_t event, int flags, double t, double *y, double *value) {
    const int which = 1 + (int)event;
    return ds_evaluate(ivp, &ivp->events[event], which, flags, t, y, value);
}

static int happened(double g, double g_new, double direction) {
    const int up = g <= 0 && g_new >= 0;
    const int down = g >= 0 && g_new <= 0;
    return (up && direction > 0) || (down && direction < 0) || ((up || down) && direction == 0);
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

/* In the direction of integration; equal roots keep the order of their events. */
static void sort_roots(ds_ivp *ivp, int64_t count) {
    ds_solver *solver = ds_inside(ivp);
    const double sign = ivp->t > ivp->t_old ? 1 : -1;
    for (int64_t i = 1; i < count; ++i) {
        const double root = solver->roots[i];
        const int64_t event = solver->active[i];
        int64_t k = i;
        for (; k > 0 && sign * solver->roots[k - 1] > sign * root; --k) {
            solver->roots[k] = solver->roots[k - 1];
            solver->active[k] = solver->active[k - 1];
        }
        solver->roots[k] = root;
        solver->active[k] = event;
    }
}

/* How many roots count: all, or those up to the one that ends the solve. */
static int64_t cut_at_end(ds_ivp *ivp, int64_t count, int *ended) {
    ds_solver *solver = ds_inside(ivp);
    *ended = 0;
    for (int64_t i = 0; i < count; ++i) *ended |= ends_solve(ivp, solver->active[i]);
    if (!*ended) return count;
    sort_roots(ivp, count);
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
        if (happened(ivp->g[i], solver->g_new[i], ivp->event_direction[i]))
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
