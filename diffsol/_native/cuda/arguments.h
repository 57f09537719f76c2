/* arguments.h - what a launch of the kernels in kernels.h is given: ens.h's ds_ens for a GPU, and
 * the state that trajectories have between two launches. Arrays of numbers for each trajectory lie
 * component by component, `size` apart, so that neighbours are read together; y0 and q as the user
 * gives them. All pointers are to the device's memory. diffsol/_ensemble/cuda/arguments.py writes
 * this struct: all fields but the last ones have 8 bytes.
 *
 * The text before this one defines
 *   DS_N, DS_OWN, DS_EVENTS     components, own arguments, events
 *   DS_SAVES                    1: there are t_eval points
 *   DS_RTOL_COUNT, DS_ATOL_COUNT   1 or DS_N
 *   DS_PARAMS, DS_EVENT_PARAMS  parameters that lie in the struct; 0: there are none, or they are
 *                               too many and lie at `params`, `event_params` */
#define DS_ROOM(count) ((count) > 0 ? (count) : 1)

typedef struct {
    ds_int size;     /* trajectories */
    ds_int count;    /* of them, in this launch */
    ds_int attempts; /* trial steps of one, at most */
    const int *index; /* which ones; 0: the first `count` */
    const R *y0, *q, *params, *event_params;
    const T *t0, *t_bound;
    ds_int y0_stride, q_stride, t0_stride, t_bound_stride;
    T first_step, max_step; /* 0: choose; as in ens.h */
    ds_int max_steps;
    const T *t_eval;
    ds_int n_eval, event_room;

    /* Results, which are at the same time the state. */
    T *t;
    R *y;
    int *status; /* DS_ENS_..., or DS_UNDER_WAY */
    ds_int *nfev, *n_steps, *n_rejected, *n_saved, *event_count;
    R *ys; /* [point][component][trajectory] */
    T *event_t;
    R *event_y; /* [event][record][component][trajectory] */
    /* State only. */
    R *h_abs, *f, *g;
    int *rejected;

    T event_direction[DS_ROOM(DS_EVENTS)], event_max[DS_ROOM(DS_EVENTS)];
    R rtol[DS_RTOL_COUNT], atol[DS_ATOL_COUNT];
    R near_params[DS_ROOM(DS_PARAMS)], near_event_params[DS_ROOM(DS_EVENT_PARAMS)];
} ds_arguments;

/* How a trajectory ended: as in ens.h. */
enum {
    DS_ENS_END = 0,
    DS_ENS_EVENT = 1,
    DS_ENS_STEP = -1,
    DS_ENS_MAX_STEPS = -2,
    DS_ENS_TRAPPED = -4,
    DS_UNDER_WAY = 2
};
