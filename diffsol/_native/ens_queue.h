/* ens_queue.h - trajectories are started as many at once as there are lanes, wait, and move into
 * lanes that have become free. */

/* What became of trajectory i; y: rows with its state in `lane`. */
static void DS_ENS(store)(const ds_lanes *s, int64_t i, int status, double t, const V *y,
                          int lane) {
    const ds_ens *ens = s->ens;
    ens->status[i] = status;
    ens->t[i] = t;
    for (int64_t j = 0; j < ens->n; ++j) ens->y[i * ens->n + j] = DS_LANE(y[j], lane);
    ++s->range->public.n_done;
}

/* Counts of a trajectory that has made no step. */
static void DS_ENS(store_start)(const ds_ens *ens, int64_t i, int evaluations) {
    ens->nfev[i] = evaluations;
    ens->n_steps[i] = ens->n_rejected[i] = 0;
    if (ens->n_eval) ens->n_saved[i] = 0;
    for (int64_t e = 0; e < ens->n_events; ++e) ens->event_count[i * ens->n_events + e] = 0;
}

static void DS_ENS(load)(ds_queue *queue, const ds_ens *ens, int64_t i, int lane) {
    const double t0 = ens->t0[i * ens->t0_stride];
    const double t_bound = ens->t_bound[i * ens->t_bound_stride];
    queue->index[lane] = i;
    DS_LANE(queue->t, lane) = t0;
    DS_LANE(queue->problem.t_bound, lane) = t_bound;
    DS_LANE(queue->problem.direction, lane) = ds_direction(t0, t_bound);
    for (int64_t j = 0; j < ens->n; ++j)
        DS_LANE(queue->y[j], lane) = ens->y0[i * ens->y0_stride + j];
    for (int64_t j = 0; j < ens->m; ++j)
        DS_LANE(queue->q[j], lane) = ens->q[i * ens->q_stride + j];
}

/* Derivatives, event values and first steps of what is loaded; the lanes that failed. The lanes'
 * own w and y_new are free between two trials. */
static int DS_ENS(start)(ds_lanes *s) {
    ds_queue *queue = &s->queue;
    ds_ens_call call = {.ens = s->ens, .q = queue->q};
    ds_ens_derivative(&call, queue->t, queue->y, queue->f);
    if (s->ens->n_events)
        ds_ens_evaluate(&call, &s->ens->events, queue->t, queue->y, queue->g);
    queue->h_abs = DS_C(s->ens->first_step);
    if (!(s->ens->first_step > 0))
        DS_ENS(initial_step)(&queue->problem, DS_ENS_ERROR_ORDER, queue->t, queue->y, queue->f,
                             s->w, s->y_new, &queue->h_abs, &call);
    return (int)call.trapped;
}

/* The next trajectories of the range. Those without time to pass are done, as in SciPy without a
 * step; if they have events, that is for Python. */
static void DS_ENS(fill_queue)(ds_lanes *s) {
    ds_ens_worker *worker = &s->range->public;
    ds_queue *queue = &s->queue;
    int count = 0;
    for (; count < DS_LANES && worker->next < worker->last; ++count)
        DS_ENS(load)(queue, s->ens, worker->next++, count);
    const int trapped = DS_ENS(start)(s);
    const int trivial = ds_mask(queue->t == queue->problem.t_bound);
    const int evaluations = 1 + !(s->ens->first_step > 0);
    for (int lane = 0; lane < count; ++lane) {
        const int64_t i = queue->index[lane];
        const int fails = DS_HAS(trapped, lane), rests = DS_HAS(trivial, lane);
        DS_ENS(store_start)(s->ens, i, rests ? 1 : evaluations);
        if (fails || rests)
            DS_ENS(store)(s, i, fails || s->ens->n_events ? DS_ENS_TRAPPED : DS_ENS_END,
                          DS_LANE(queue->t, lane), queue->y, lane);
        else
            queue->waiting |= 1 << lane;
    }
}

static void DS_ENS(copy_lane)(int64_t count, V *to, int lane, const V *from, int source) {
    for (int64_t j = 0; j < count; ++j) DS_LANE(to[j], lane) = DS_LANE(from[j], source);
}

/* The trajectory that waits at `source` goes into a lane. */
static void DS_ENS(move_in)(ds_lanes *s, int lane, int source) {
    const ds_ens *ens = s->ens;
    const ds_queue *queue = &s->queue;
    const double direction = DS_LANE(queue->problem.direction, source);
    s->index[lane] = queue->index[source];
    s->saved[lane] = 0;
    DS_LANE(s->t_save, lane) = ens->n_eval ? ens->t_eval[0] : direction * INFINITY;
    DS_LANE(s->problem.t_bound, lane) = DS_LANE(queue->problem.t_bound, source);
    DS_LANE(s->problem.direction, lane) = direction;
    DS_LANE(s->step.t, lane) = DS_LANE(queue->t, source);
    DS_LANE(s->step.h_abs, lane) = DS_LANE(queue->h_abs, source);
    DS_LANE(s->step.rejected, lane) = 0;
    DS_LANE(s->active, lane) = -1;
    DS_LANE(s->n_trials, lane) = DS_LANE(s->n_steps, lane) = DS_LANE(s->n_dense, lane) = 0;
    DS_ENS(copy_lane)(ens->n, s->y, lane, queue->y, source);
    DS_ENS(copy_lane)(ens->n, s->K + DS_ENS_F_AT(ens->n), lane, queue->f, source);
    DS_ENS(copy_lane)(ens->m, s->q, lane, queue->q, source);
    DS_ENS(copy_lane)(ens->n_events, s->g, lane, queue->g, source);
}

/* Every free lane gets a trajectory, as long as there are any. */
static void DS_ENS(refill)(ds_lanes *s) {
    const ds_ens_worker *worker = &s->range->public;
    ds_queue *queue = &s->queue;
    for (int lane = 0; lane < DS_LANES; ++lane) {
        if (DS_HAS(s->active_lanes, lane)) continue;
        while (!queue->waiting && worker->next < worker->last) DS_ENS(fill_queue)(s);
        if (!queue->waiting) break;
        int source = 0;
        while (!DS_HAS(queue->waiting, source)) ++source;
        queue->waiting &= ~(1 << source);
        DS_ENS(move_in)(s, lane, source);
        s->active_lanes |= 1 << lane;
    }
}
