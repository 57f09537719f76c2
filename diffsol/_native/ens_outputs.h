/* ens_outputs.h - what SciPy does between two steps, for the lanes whose trial was accepted:
 * events, then t_eval points. The state is still the step's start, y_new its end. */
#include "event_rules.h"
#include "root.h"

/* The interpolant for `lanes`, each of which is charged for its evaluations; the lanes where that
 * failed. */
static int DS_ENS(need_dense)(ds_lanes *s, int lanes, int *charged) {
    if (!s->dense_known) {
        s->call.trapped = 0;
        DS_ENS(dense)(&s->problem, s->step.t, s->step.h, s->y, s->y_new, s->w, s->K, s->dense,
                      &s->call);
        s->dense_trapped = (int)s->call.trapped;
    }
    s->dense_known = 1;
    for (int lane = 0; lane < DS_LANES; ++lane)
        DS_LANE(s->n_dense, lane) += DS_HAS(lanes & ~*charged, lane);
    *charged |= lanes;
    return s->dense_trapped & lanes;
}

static void DS_ENS(interpolate)(ds_lanes *s, V t, V *out) {
    DS_ENS(evaluate)(s->ens->n, s->step.t, s->step.h, s->y, s->dense, t, out, 1);
}

typedef struct {
    ds_lanes *s;
    int lane;
    int64_t event;
} ds_event_place;

/* An event of one lane at t; the other lanes come along. */
static int DS_ENS(event_on_interpolant)(void *context, double t, double *value) {
    const ds_event_place *search = context;
    ds_lanes *s = search->s;
    s->call.trapped = 0;
    DS_ENS(interpolate)(s, DS_C(t), s->w);
    ds_ens_evaluate(&s->call, &s->ens->events, DS_C(t), s->w, s->g_try);
    *value = DS_LANE(s->g_try[search->event], search->lane);
    return DS_HAS(s->call.trapped, search->lane) || isnan(*value) ? DS_ROOT_NAN : 0;
}

/* Events of a lane that happened in the step into range->happened: how many. */
static int64_t DS_ENS(events_of)(const ds_lanes *s, int lane) {
    int64_t count = 0;
    for (int64_t e = 0; e < s->ens->n_events; ++e)
        if (ds_event_happened(DS_LANE(s->g[e], lane), DS_LANE(s->g_new[e], lane),
                              s->ens->event_direction[e]))
            s->range->happened[count++] = e;
    return count;
}

/* Counted with this occurrence, is it the one that ends the trajectory? */
static int DS_ENS(ends)(const ds_lanes *s, int lane, int64_t event) {
    const ds_ens *ens = s->ens;
    return (double)ens->event_count[s->index[lane] * ens->n_events + event] + 1 >=
           ens->event_max[event];
}

static void DS_ENS(keep_event)(const ds_lanes *s, int lane, int64_t event, double t) {
    const ds_ens *ens = s->ens;
    const int64_t series = s->index[lane] * ens->n_events + event;
    const int64_t k = ens->event_count[series]++;
    if (k >= ens->event_room) return;
    const int64_t record = series * ens->event_room + k;
    ens->event_t[record] = t;
    for (int64_t j = 0; j < ens->n; ++j)
        ens->event_y[record * ens->n + j] = DS_LANE(s->w[j], lane);
}

enum { DS_ENS_GOES_ON, DS_ENS_STOPS, DS_ENS_HAS_NO_ROOT };

/* The events of one lane, kept up to the one that ends the trajectory. Then t_stop is its time, and
 * w has the state there. */
static int DS_ENS(handle_lane)(ds_lanes *s, int lane) {
    ds_ens_range *range = s->range;
    const int64_t count = DS_ENS(events_of)(s, lane);
    const double t_old = DS_LANE(s->step.t, lane), t_new = DS_LANE(s->step.t_new, lane);
    int ended = 0;
    for (int64_t k = 0; k < count; ++k) {
        ds_event_place search = {s, lane, range->happened[k]};
        if (ds_find_root(DS_ENS(event_on_interpolant), &search, t_old, t_new, &range->roots[k]))
            return DS_ENS_HAS_NO_ROOT;
        ended |= DS_ENS(ends)(s, lane, range->happened[k]);
    }
    if (ended) ds_sort_roots(range->roots, range->happened, count, t_new > t_old ? 1 : -1);
    for (int64_t k = 0; k < count; ++k) {
        const int last = ended && DS_ENS(ends)(s, lane, range->happened[k]);
        DS_ENS(interpolate)(s, DS_C(range->roots[k]), s->w);
        DS_ENS(keep_event)(s, lane, range->happened[k], range->roots[k]);
        if (!last) continue;
        DS_LANE(s->t_stop, lane) = range->roots[k];
        return DS_ENS_STOPS;
    }
    return DS_ENS_GOES_ON;
}

/* Lanes in which the sign of an event may have changed. */
static int DS_ENS(suspects)(const ds_lanes *s, M accepted) {
    M any = ds_and(accepted, ds_not(accepted)); /* none */
    for (int64_t e = 0; e < s->ens->n_events; ++e) {
        const V g = s->g[e], g_new = s->g_new[e];
        const M up = ds_and(g <= DS_C(0), g_new >= DS_C(0));
        const M down = ds_and(g >= DS_C(0), g_new <= DS_C(0));
        any = ds_or(any, ds_or(up, down));
    }
    return ds_mask(ds_and(any, accepted));
}

/* All events of the step. Adds the lanes that ended to *stopped (their results are stored), and
 * those without an answer to *trapped. */
static void DS_ENS(handle_events)(ds_lanes *s, M accepted, int *charged, int *stopped,
                                  int *trapped) {
    s->call.trapped = 0;
    ds_ens_evaluate(&s->call, &s->ens->events, s->step.t_new, s->y_new, s->g_new);
    *trapped |= (int)s->call.trapped & ds_mask(accepted);
    int lanes = DS_ENS(suspects)(s, accepted) & ~*trapped;
    for (int lane = 0; lane < DS_LANES; ++lane)
        if (DS_HAS(lanes, lane) && !DS_ENS(events_of)(s, lane)) lanes &= ~(1 << lane);
    if (lanes) *trapped |= DS_ENS(need_dense)(s, lanes, charged);
    for (int lane = 0; lane < DS_LANES; ++lane) {
        if (!DS_HAS(lanes & ~*trapped, lane)) continue;
        const int outcome = DS_ENS(handle_lane)(s, lane);
        if (outcome == DS_ENS_HAS_NO_ROOT) *trapped |= 1 << lane;
        if (outcome != DS_ENS_STOPS) continue;
        *stopped |= 1 << lane;
        DS_ENS(store)(s, s->index[lane], DS_ENS_EVENT, DS_LANE(s->t_stop, lane), s->w, lane);
    }
    for (int64_t e = 0; e < s->ens->n_events; ++e)
        s->g[e] = ds_sel(accepted, s->g_new[e], s->g[e]);
}

/* The state at its point into the outputs of each of `lanes`; then the point after that. */
static void DS_ENS(save_point)(ds_lanes *s, int lanes) {
    const ds_ens *ens = s->ens;
    DS_ENS(interpolate)(s, s->t_save, s->w);
    for (int lane = 0; lane < DS_LANES; ++lane) {
        if (!DS_HAS(lanes, lane)) continue;
        const int64_t point = s->index[lane] * ens->n_eval + s->saved[lane];
        for (int64_t j = 0; j < ens->n; ++j) ens->ys[point * ens->n + j] = DS_LANE(s->w[j], lane);
        const int64_t next = ++s->saved[lane];
        ens->n_saved[s->index[lane]] = next;
        DS_LANE(s->t_save, lane) = next < ens->n_eval
                                       ? ens->t_eval[next]
                                       : DS_LANE(s->problem.direction, lane) * INFINITY;
    }
}

/* The t_eval points up to t_stop. A nan is never reached. */
static void DS_ENS(save)(ds_lanes *s, M accepted, int *charged, int *trapped) {
    for (;;) {
        const M reached = s->problem.direction * (s->t_stop - s->t_save) >= DS_C(0);
        const int lanes = ds_mask(ds_and(accepted, reached)) & ~*trapped;
        if (!lanes) return;
        const int failed = DS_ENS(need_dense)(s, lanes, charged);
        *trapped |= failed;
        if (lanes & ~failed) DS_ENS(save_point)(s, lanes & ~failed);
    }
}
