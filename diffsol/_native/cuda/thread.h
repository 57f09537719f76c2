/* thread.h - one trajectory in one thread: its state in registers, and how it gets there. The
 * includer has read arguments.h, the functions ds_fun, ds_events, ds_jac and ds_dfdt, and has bound
 * a method's step header to DS_STEP(name) by call.h. */
typedef struct {
    const ds_arguments *a;
    ds_int i; /* the trajectory */
    int status;
    ds_problem problem;
    ds_step step;
    ds_call call;
    int n_trials, n_steps, n_dense; /* in this launch */
    int dense_known;
    T t_stop; /* the step stands for the time up to here */
    V *y, *y_new, *K;
    V *w, *dense, *g, *g_new, *g_try; /* scratch, interpolant, events */
} ds_thread;

/* A ds_thread in the kernel's own memory, which becomes registers: that needs arrays for
 * themselves, not members of a struct (STACK in the cubin shows it). */
#if DS_OUTPUTS
#define DS_DENSE_SIZE (DS_N * DS_STEP_DENSE_ROWS)
#else
#define DS_DENSE_SIZE 1
#endif
#define DS_THREAD(s)                                                                        \
    ds_thread s;                                                                            \
    V s##_y[DS_N], s##_y_new[DS_N], s##_K[DS_STEP_K_SIZE(DS_N)], s##_q[DS_ROOM(DS_OWN)];    \
    V s##_w[DS_N], s##_dense[DS_DENSE_SIZE];                                                \
    V s##_g[DS_ROOM(DS_EVENTS)], s##_g_new[DS_ROOM(DS_EVENTS)], s##_g_try[DS_ROOM(DS_EVENTS)]; \
    s.y = s##_y;                                                                            \
    s.y_new = s##_y_new;                                                                    \
    s.K = s##_K;                                                                            \
    s.call.q = s##_q;                                                                       \
    s.w = s##_w;                                                                            \
    s.dense = s##_dense;                                                                    \
    s.g = s##_g;                                                                            \
    s.g_new = s##_g_new;                                                                    \
    s.g_try = s##_g_try

/* What launches do not change. */
DS_FN void ds_thread_inputs(ds_thread *s, const ds_arguments *a, ds_int i) {
    const T t0 = a->t0[i * a->t0_stride], t_bound = a->t_bound[i * a->t_bound_stride];
    ds_problem *p = &s->problem;
    s->a = a;
    s->i = i;
    p->n = DS_N;
    p->rtol = a->rtol;
    p->atol = a->atol;
    p->rtol_stride = DS_RTOL_COUNT > 1;
    p->atol_stride = DS_ATOL_COUNT > 1;
    p->t_bound = t_bound;
    p->direction = (V)ds_direction(t0, t_bound);
    p->max_step = (V)a->max_step;
    s->call.a = a;
    s->call.trapped = 0;
    for (int j = 0; j < DS_OWN; ++j) s->call.q[j] = a->q[i * a->q_stride + j];
    s->n_trials = s->n_steps = s->n_dense = 0;
}

/* A first step, from nothing but the inputs. The trajectory may be over already. */
DS_FN void ds_thread_start(ds_thread *s) {
    const ds_arguments *a = s->a;
    V *f = s->K + DS_STEP_F_AT(DS_N);
    s->step.t = a->t0[s->i * a->t0_stride];
    for (int j = 0; j < DS_N; ++j) s->y[j] = a->y0[s->i * a->y0_stride + j];
    ds_derivative(&s->call, s->step.t, s->y, f);
#if DS_EVENTS
    ds_event_values(&s->call, s->step.t, s->y, s->g);
#endif
    s->step.h_abs = (V)a->first_step;
    if (!(a->first_step > 0))
        DS_STEP(initial_step)(&s->problem, DS_STEP_ERROR_ORDER, s->step.t, s->y, f, s->w,
                              s->y_new, &s->step.h_abs, &s->call);
    s->step.rejected = 0;
    s->status = s->call.trapped                     ? DS_ENS_TRAPPED
                : s->step.t != s->problem.t_bound ? DS_UNDER_WAY
                : DS_EVENTS                         ? DS_ENS_TRAPPED /* for Python, as on a CPU */
                                                    : DS_ENS_END;
}

/* The counts of one that has made no step. */
DS_FN void ds_thread_counts(const ds_thread *s) {
    const ds_arguments *a = s->a;
    const int rests = s->step.t == s->problem.t_bound;
    a->nfev[s->i] = 1 + (!rests && !(a->first_step > 0));
    a->n_steps[s->i] = a->n_rejected[s->i] = 0;
#if DS_SAVES
    a->n_saved[s->i] = 0;
#endif
    for (int e = 0; e < DS_EVENTS; ++e) a->event_count[e * a->size + s->i] = 0;
}

/* State that lies between two launches. The derivative at the start of a step is in the row of K
 * that a step after an accepted one, or after a rejected one, looks in. */
DS_FN void ds_thread_load(ds_thread *s) {
    const ds_arguments *a = s->a;
    const ds_int i = s->i;
    s->status = a->status[i];
    s->step.t = a->t[i];
    s->step.h_abs = a->h_abs[i];
    s->step.rejected = a->rejected[i];
    for (int j = 0; j < DS_N; ++j) s->y[j] = a->y[j * a->size + i];
#if !DS_STIFF
    for (int j = 0; j < DS_N; ++j)
        s->K[j] = s->K[DS_STEP_F_AT(DS_N) + j] = a->f[j * a->size + i];
#endif
#if DS_EVENTS
    for (int e = 0; e < DS_EVENTS; ++e) s->g[e] = a->g[e * a->size + i];
#endif
}

/* One that an event ended has stored its end. */
DS_FN void ds_thread_store(const ds_thread *s) {
    const ds_arguments *a = s->a;
    const ds_int i = s->i;
    a->status[i] = s->status;
    a->h_abs[i] = s->step.h_abs;
    a->rejected[i] = s->step.rejected;
    if (s->status != DS_ENS_EVENT) a->t[i] = s->step.t;
    for (int j = 0; j < DS_N && s->status != DS_ENS_EVENT; ++j) a->y[j * a->size + i] = s->y[j];
#if !DS_STIFF
    for (int j = 0; j < DS_N; ++j)
        a->f[j * a->size + i] = s->step.rejected ? s->K[j] : s->K[DS_STEP_F_AT(DS_N) + j];
#endif
#if DS_EVENTS
    for (int e = 0; e < DS_EVENTS; ++e) a->g[e * a->size + i] = s->g[e];
#endif
}
