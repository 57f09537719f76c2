/* kernels.h - ensembles on a GPU: ds_begin starts all trajectories, ds_advance takes each of some a
 * bounded number of trial steps further. A rejected step is tried again beside others that go on, so
 * that no thread waits for another's rejections. */
DS_FN int64_t ds_thread_number() { return (int64_t)blockIdx.x * blockDim.x + threadIdx.x; }

/* An accepted step becomes the state. */
DS_FN void ds_thread_commit(ds_thread *s, ds_int steps_before) {
    const ds_int most = s->a->max_steps;
    for (int j = 0; j < DS_N; ++j) s->y[j] = s->y_new[j];
    s->step.t = s->step.t_new;
    ++s->n_steps;
    if (s->status != DS_UNDER_WAY) return;
    if (s->problem.direction * (s->problem.t_bound - s->step.t) <= 0)
        s->status = DS_ENS_END;
    else if (most && steps_before + s->n_steps >= most)
        s->status = DS_ENS_MAX_STEPS;
}

/* One trial and what follows from it. */
DS_FN void ds_thread_attempt(ds_thread *s, ds_int steps_before) {
    s->call.trapped = 0;
    DS_STEP(trial)(&s->problem, &s->step, s->y, s->y_new, s->K, &s->call);
    if (s->step.failed) {
        s->status = DS_ENS_STEP;
        return;
    }
    ++s->n_trials;
    if (s->call.trapped) s->status = DS_ENS_TRAPPED;
    if (!s->step.accepted || s->call.trapped) return;
#if DS_OUTPUTS
    s->dense_known = 0;
    s->t_stop = s->step.t_new;
#endif
#if DS_EVENTS
    ds_thread_events(s);
#endif
#if DS_SAVES
    ds_thread_save(s);
#endif
    ds_thread_commit(s, steps_before);
}

extern "C" __global__ void ds_begin(const __grid_constant__ ds_arguments a) {
    const ds_int i = ds_thread_number();
    DS_THREAD(s);
    if (i >= a.count) return;
    ds_thread_inputs(&s, &a, i);
    ds_thread_start(&s);
    ds_thread_counts(&s);
    ds_thread_store(&s);
}

extern "C" __global__ void ds_advance(const __grid_constant__ ds_arguments a) {
    const ds_int k = ds_thread_number();
    DS_THREAD(s);
    if (k >= a.count) return;
    const ds_int i = a.index ? a.index[k] : k, steps_before = a.n_steps[i];
    if (a.status[i] != DS_UNDER_WAY) return;
    ds_thread_inputs(&s, &a, i);
    ds_thread_load(&s);
#pragma unroll 1
    for (ds_int attempt = 0; attempt < a.attempts; ++attempt) {
        ds_thread_attempt(&s, steps_before);
        if (s.status != DS_UNDER_WAY) break;
    }
    ds_thread_store(&s);
    a.nfev[i] += s.n_trials * DS_STEP_TRIAL_CALLS + s.n_dense * DS_STEP_DENSE_CALLS;
    a.n_steps[i] += s.n_steps;
    a.n_rejected[i] += s.n_trials - s.n_steps;
}
