/* ens.h - ensembles: many trajectories of one system, several at once in the lanes of the
 * processor's vectors. Every trajectory has its own steps and ends in its own way, with the same
 * bits whatever the number of lanes, its neighbours, the range or the order. */
#ifndef DS_ENS_H
#define DS_ENS_H
#include "api.h"

/* A compiled function of as many trajectories as there are lanes, W. t: their times; y and out: a
 * row of W numbers for each component; p: parameters that all share; q: a row of W numbers for
 * each argument that a trajectory has for itself. Arrays begin at multiples of 64 bytes, or for
 * fewer lanes than 8 of the size of a row. Returns a mask: lane l's result is of no use where
 * bit l is set. Pure, and each lane stands for itself. */
typedef int64_t (*ds_ens_kernel)(const double *t, const double *y, double *out, const double *p,
                                 const double *q);
typedef struct {
    ds_ens_kernel kernel;
    const double *params;
} ds_ens_function;

/* A method that only ensembles have, numbered after those of api.h. */
enum { DS_RODAS5P = 6, DS_ENS_STIFF_MAX = 32 /* components that lanes pay for (measured: 2.3) */ };

/* How a trajectory ended. */
enum {
    DS_ENS_END = 0,        /* at t_bound */
    DS_ENS_EVENT = 1,      /* by an event */
    DS_ENS_STEP = -1,      /* the step size got below the spacing of numbers, or is nan */
    DS_ENS_MAX_STEPS = -2, /* so many steps are made */
    DS_ENS_TRAPPED = -4    /* a kernel could not answer, or an event has no value: for Python to
                              solve once more by itself. What was written of it is of no use. */
};

/* What is to be solved, and where results go. All pointers are borrowed. What trajectory i has for
 * itself is at [i * stride]; a stride of 0 is one for all. */
typedef struct {
    int method; /* DS_RK23, DS_RK45, DS_DOP853, DS_RODAS5P */
    int lanes;  /* for which the kernels are compiled: 1, 2, 4 or 8, up to ds_ens_lanes() */
    int64_t n, m;        /* components, at least 1; own arguments */
    ds_ens_function fun; /* the derivative, n rows */
    ds_ens_function jac; /* Rodas5P: df_i/dy_j in row i n + j */
    ds_ens_function dfdt; /* Rodas5P: n rows; no kernel: fun does not depend on t */
    const double *y0, *q, *t0, *t_bound;
    int64_t y0_stride, q_stride, t0_stride, t_bound_stride;
    const double *rtol, *atol;
    int64_t rtol_stride, atol_stride; /* 0 scalar, 1 one per component */
    double max_step;
    double first_step;   /* 0: choose */
    int64_t max_steps;   /* accepted ones; 0: no limit */
    const double *t_eval; /* in the order of integration, within every trajectory's interval */
    int64_t n_eval;

    int64_t n_events;
    ds_ens_function events;        /* a row for each */
    const double *event_direction; /* as SciPy's attribute */
    const double *event_max;       /* occurrences that end the trajectory, or inf */
    int64_t event_room;            /* records that are kept of one event and trajectory */

    /* One entry, or n numbers, for each trajectory. */
    double *t, *y;             /* where it ended */
    int32_t *status;
    int64_t *nfev, *n_steps, *n_rejected;
    int64_t *n_saved;          /* t_eval points that it came to */
    double *ys;                /* [trajectory][point][component] */
    int64_t *event_count;      /* [trajectory][event], beyond event_room too */
    double *event_t, *event_y; /* [trajectory][event][record], and [component] */
} ds_ens;

/* A range of trajectories on its way. Several, of disjoint ranges, may run in as many threads. */
typedef struct {
    const ds_ens *ens;
    int64_t next, last; /* those not begun yet */
    int64_t n_done;
    int64_t n_attempts, n_busy; /* trial steps of all lanes together; busy lanes in them, summed */
} ds_ens_worker;

/* The most lanes that this processor has registers for. */
int ds_ens_lanes(void);

/* NULL: there is no memory, or no such method, number of lanes or components (Rodas5P: at most
 * DS_ENS_STIFF_MAX; it needs jac). */
ds_ens_worker *ds_ens_new(const ds_ens *ens, int64_t first, int64_t last);
void ds_ens_free(ds_ens_worker *worker);

/* DS_RUNNING after about `seconds`, DS_FINISHED when all trajectories are done. */
int ds_ens_run(ds_ens_worker *worker, double seconds);

#endif
