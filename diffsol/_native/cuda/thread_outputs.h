/* thread_outputs.h - what happens between two steps of a trajectory, as in ens_outputs.h: events,
 * then t_eval points. The state is still the step's start, y_new its end. */
#if DS_OUTPUTS
/* The interpolant of the step; 0 if a function gave up. */
DS_FN int ds_thread_dense(ds_thread *s) {
    if (!s->dense_known) {
        s->call.trapped = 0;
        DS_STEP(dense)(&s->problem, s->step.t, s->step.h, s->y, s->y_new, s->w, s->K, s->dense,
                       &s->call);
        s->dense_known = 1;
        ++s->n_dense;
        if (s->call.trapped) s->status = DS_ENS_TRAPPED;
    }
    return s->status != DS_ENS_TRAPPED;
}

DS_FN void ds_thread_interpolate(ds_thread *s, T t) {
    DS_STEP(evaluate)(DS_N, s->step.t, s->step.h, s->y, s->dense, t, s->w, 1);
}
#endif

#if DS_EVENTS
typedef struct {
    ds_thread *s;
    ds_int event;
} ds_event_place;

DS_FN int ds_event_on_interpolant(void *context, double t, double *value) {
    const ds_event_place *search = (const ds_event_place *)context;
    ds_thread *s = search->s;
    s->call.trapped = 0;
    ds_thread_interpolate(s, t);
    ds_event_values(&s->call, t, s->w, s->g_try);
    *value = s->g_try[search->event];
    return s->call.trapped || *value != *value ? DS_ROOT_NAN : 0;
}

DS_FN int ds_event_ends(const ds_thread *s, ds_int event) {
    const ds_arguments *a = s->a;
    return (double)a->event_count[event * a->size + s->i] + 1 >= a->event_max[event];
}

DS_FN void ds_keep_event(const ds_thread *s, ds_int event, T t) {
    const ds_arguments *a = s->a;
    const ds_int k = a->event_count[event * a->size + s->i]++;
    if (k >= a->event_room) return;
    const ds_int record = event * a->event_room + k;
    a->event_t[record * a->size + s->i] = t;
    for (int j = 0; j < DS_N; ++j) a->event_y[(record * DS_N + j) * a->size + s->i] = s->w[j];
}

/* The trajectory ends at t, with the state in w. */
DS_FN void ds_thread_stop(ds_thread *s, T t) {
    const ds_arguments *a = s->a;
    s->status = DS_ENS_EVENT;
    s->t_stop = t;
    a->t[s->i] = t;
    for (int j = 0; j < DS_N; ++j) a->y[j * a->size + s->i] = s->w[j];
}

/* Keeps the events that happened, up to the one that ends the trajectory. */
DS_FN void ds_thread_locate(ds_thread *s, int64_t *happened, ds_int count) {
    double roots[DS_EVENTS];
    int ended = 0;
    for (ds_int k = 0; k < count; ++k) {
        ds_event_place search = {s, happened[k]};
        if (ds_brent(ds_event_on_interpolant, &search, s->step.t, s->step.t_new, &roots[k])) {
            s->status = DS_ENS_TRAPPED;
            return;
        }
        ended |= ds_event_ends(s, happened[k]);
    }
    if (ended) ds_sort_roots(roots, happened, count, s->step.t_new > s->step.t ? 1 : -1);
    for (ds_int k = 0; k < count; ++k) {
        const int last = ended && ds_event_ends(s, happened[k]);
        ds_thread_interpolate(s, roots[k]);
        ds_keep_event(s, happened[k], roots[k]);
        if (last) {
            ds_thread_stop(s, roots[k]);
            return;
        }
    }
}

DS_FN void ds_thread_events(ds_thread *s) {
    int64_t happened[DS_EVENTS];
    ds_int count = 0;
    s->call.trapped = 0;
    ds_event_values(&s->call, s->step.t_new, s->y_new, s->g_new);
    if (s->call.trapped) s->status = DS_ENS_TRAPPED;
    for (int e = 0; e < DS_EVENTS; ++e) {
        if (ds_event_happened(s->g[e], s->g_new[e], s->a->event_direction[e]))
            happened[count++] = e;
        s->g[e] = s->g_new[e];
    }
    if (s->status != DS_ENS_TRAPPED && count && ds_thread_dense(s))
        ds_thread_locate(s, happened, count);
}
#endif

#if DS_SAVES
/* The t_eval points up to t_stop. A nan is never reached. */
DS_FN void ds_thread_save(ds_thread *s) {
    const ds_arguments *a = s->a;
    ds_int k = a->n_saved[s->i];
    if (s->status == DS_ENS_TRAPPED) return;
    for (; k < a->n_eval; ++k) {
        const T t = a->t_eval[k];
        if (!(s->problem.direction * (s->t_stop - t) >= 0) || !ds_thread_dense(s)) break;
        ds_thread_interpolate(s, t);
        for (int j = 0; j < DS_N; ++j) a->ys[(k * DS_N + j) * a->size + s->i] = s->w[j];
    }
    a->n_saved[s->i] = k;
}
#endif
