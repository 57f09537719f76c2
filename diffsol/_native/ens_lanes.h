/* ens_lanes.h - the state of a worker's lanes, for an instance of DS_LANES lanes.
 *
 * A part of ens_erk.h and ens_rosenbrock.h, which have bound a method to ens_call.h and define
 *   DS_ENS(name)         how the functions of the instance are called; those of the method are
 *                        initial_step, trial, dense, evaluate
 *   DS_ENS_K_SIZE(n)     values that the method keeps, the derivative at the start of the first
 *                        step at DS_ENS_F_AT(n)
 *   DS_ENS_DENSE_ROWS    numbers per component of an interpolant
 *   DS_ENS_ERROR_ORDER   see step_erk.h
 *   DS_ENS_TRIAL_CALLS, DS_ENS_DENSE_CALLS  evaluations for a trial and for an interpolant */
enum { EVERY_LANE = (1 << DS_LANES) - 1 };
#define DS_HAS(lanes, lane) ((lanes) >> (lane) & 1)

/* Trajectories at their start, not yet in a lane. */
typedef struct {
    ds_problem problem;
    V t, h_abs;
    V *y, *q, *f, *g;
    int waiting; /* a mask */
    int64_t index[DS_LANES];
} ds_queue;

typedef struct {
    const ds_ens *ens;
    ds_ens_range *range;
    ds_problem problem;
    ds_step step;
    ds_ens_call call;
    M active;
    int active_lanes; /* the same as a mask */
    I n_trials, n_steps, n_dense; /* of the trajectory in the lane; interpolants */
    V t_save;         /* the next t_eval point, or infinity */
    V t_stop;         /* the step stands for the time up to here */
    int dense_known;  /* the interpolant of the trial on its way is in `dense`, ... */
    int dense_trapped; /* ... but not of these lanes */
    int64_t index[DS_LANES], saved[DS_LANES];
    ds_queue queue;
    V *y, *y_new, *w, *K, *dense, *q; /* w: scratch */
    V *g, *g_new, *g_try;             /* events */
} ds_lanes;

/* Where the rows lie behind the state: their number; the pointers are set if `s` is given. */
static size_t DS_ENS(lay_out)(const ds_ens *ens, ds_lanes *s, V *rows) {
    const size_t n = (size_t)ens->n, m = (size_t)ens->m, g = (size_t)ens->n_events;
    size_t used = 0;
#define DS_ROWS(member, count)                \
    if (s) s->member = rows + used; \
    used += (count);
    DS_ROWS(y, n)
    DS_ROWS(y_new, n)
    DS_ROWS(w, n)
    DS_ROWS(K, DS_ENS_K_SIZE(n))
    DS_ROWS(dense, n * DS_ENS_DENSE_ROWS)
    DS_ROWS(q, m)
    DS_ROWS(g, g)
    DS_ROWS(g_new, g)
    DS_ROWS(g_try, g)
    DS_ROWS(queue.y, n)
    DS_ROWS(queue.q, m)
    DS_ROWS(queue.f, n)
    DS_ROWS(queue.g, g)
#undef DS_ROWS
    return used;
}

static size_t DS_ENS(size)(const ds_ens *ens) {
    return sizeof(ds_lanes) + sizeof(V) * DS_ENS(lay_out)(ens, NULL, NULL);
}

static ds_problem DS_ENS(problem)(const ds_ens *ens) {
    const ds_problem problem = {
        .n = ens->n,
        .rtol = ens->rtol,
        .atol = ens->atol,
        .rtol_stride = ens->rtol_stride,
        .atol_stride = ens->atol_stride,
        .t_bound = DS_C(0),
        .direction = DS_C(1),
        .max_step = DS_C(ens->max_step),
    };
    return problem;
}

static void DS_ENS(begin)(ds_ens_range *range) {
    const ds_ens *ens = range->public.ens;
    ds_lanes *s = range->lanes;
    DS_ENS(lay_out)(ens, s, (V *)(s + 1));
    s->ens = ens;
    s->range = range;
    s->problem = s->queue.problem = DS_ENS(problem)(ens);
    s->call.ens = ens;
    s->call.q = s->q;
}
