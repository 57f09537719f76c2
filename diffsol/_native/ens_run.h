/* ens_run.h - the loop of a worker: one trial of all lanes at a time. A rejected lane tries again
 * beside lanes that go on; a finished one is filled anew. */

/* The trajectory in a lane is over. */
static void DS_ENS(retire)(ds_lanes *s, int lane, int failed, int trapped, int stopped) {
    const ds_ens *ens = s->ens;
    const int64_t i = s->index[lane];
    ens->nfev[i] += DS_LANE(s->n_trials, lane) * DS_ENS_TRIAL_CALLS +
                    DS_LANE(s->n_dense, lane) * DS_ENS_DENSE_CALLS;
    ens->n_steps[i] = DS_LANE(s->n_steps, lane);
    ens->n_rejected[i] = DS_LANE(s->n_trials, lane) - DS_LANE(s->n_steps, lane);
    DS_LANE(s->active, lane) = 0;
    s->active_lanes &= ~(1 << lane);
    if (stopped) return; /* its state is stored */
    const double t = DS_LANE(s->step.t, lane);
    const int at_end = t == DS_LANE(s->problem.t_bound, lane);
    const int status = trapped  ? DS_ENS_TRAPPED
                       : failed ? DS_ENS_STEP
                       : at_end ? DS_ENS_END
                                : DS_ENS_MAX_STEPS;
    DS_ENS(store)(s, i, status, t, s->y, lane);
}

/* Accepted steps become the state. Lanes that are at their end or have made their last step. */
static int DS_ENS(commit)(ds_lanes *s, M accepted) {
    for (int64_t j = 0; j < s->ens->n; ++j) s->y[j] = ds_sel(accepted, s->y_new[j], s->y[j]);
    s->step.t = ds_sel(accepted, s->step.t_new, s->step.t);
    s->n_steps = s->n_steps + ds_count(accepted);
    const V left = s->problem.direction * (s->problem.t_bound - s->step.t);
    int ended = ds_mask(ds_and(accepted, left <= DS_C(0)));
    for (int lane = 0; s->ens->max_steps && lane < DS_LANES; ++lane)
        ended |= (DS_LANE(s->n_steps, lane) >= s->ens->max_steps) << lane;
    return ended;
}

/* One trial of all lanes and what follows from it. */
static void DS_ENS(attempt)(ds_lanes *s) {
    s->call.trapped = 0;
    DS_ENS(trial)(&s->problem, &s->step, s->y, s->y_new, s->K, &s->call);
    const M failed = ds_and(s->active, s->step.failed);
    s->n_trials = s->n_trials + ds_count(ds_and(s->active, ds_not(s->step.failed)));
    int trapped = (int)s->call.trapped & s->active_lanes, stopped = 0, charged = 0;
    const M accepted = ds_and(s->active, s->step.accepted);
    if (s->ens->n_events || s->ens->n_eval) {
        s->dense_known = 0;
        s->t_stop = s->step.t_new;
        if (s->ens->n_events) DS_ENS(handle_events)(s, accepted, &charged, &stopped, &trapped);
        if (s->ens->n_eval) DS_ENS(save)(s, accepted, &charged, &trapped);
    }
    const int failing = ds_mask(failed);
    const int over = (DS_ENS(commit)(s, accepted) | failing | trapped | stopped) & s->active_lanes;
    for (int lane = 0; over >> lane; ++lane)
        if (DS_HAS(over, lane))
            DS_ENS(retire)(s, lane, DS_HAS(failing, lane), DS_HAS(trapped, lane),
                           DS_HAS(stopped, lane));
}

static int DS_ENS(busy)(const ds_lanes *s) {
    int count = 0;
    for (int lane = 0; lane < DS_LANES; ++lane) count += DS_HAS(s->active_lanes, lane);
    return count;
}

static int DS_ENS(run)(ds_ens_range *range) {
    ds_lanes *s = range->lanes;
    ds_ens_worker *worker = &range->public;
    do {
        if (s->active_lanes != EVERY_LANE) DS_ENS(refill)(s);
        if (!s->active_lanes) return DS_FINISHED;
        ++worker->n_attempts;
        worker->n_busy += DS_ENS(busy)(s);
        DS_ENS(attempt)(s);
    } while (!ds_slice_is_over(&range->slice, 1));
    return DS_RUNNING;
}

const ds_ens_core DS_ENS_INSTANCE = {
    .size = DS_ENS(size), .begin = DS_ENS(begin), .run = DS_ENS(run)};
