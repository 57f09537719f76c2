/* ivp.h - inside of the solver: what ivp.c, events.c, outputs.c and the method instances share. */
#ifndef DS_IVP_H
#define DS_IVP_H
#include "api.h"
#include "fpflags.h"
#include "slice.h"
#include <stddef.h>

/* One method for one kind of state. The functions return 0 or an error. */
typedef struct {
    int f_row;       /* row of K that holds the derivative at the end of a step */
    int row_count;
    int dense_count; /* numbers per component in an interpolant, at most */
    int dense_head;  /* numbers before those */
    size_t state_size; /* bytes that the method keeps from step to step */
    int implicit;        /* it needs a Jacobian */
    int starts_later;    /* it evaluates nothing before its first step */
    int complex_factors; /* of a Newton matrix that is complex for real states too */
    int (*initial)(ds_ivp *ivp);                    /* sets h_abs */
    int (*begin)(ds_ivp *ivp);                      /* sets the state; NULL: there is none */
    int (*trial)(ds_ivp *ivp, double *y_new);       /* sets the trial_* members */
    int (*trial_small)(ds_ivp *ivp, double *y_new); /* the same, faster for a few components */
    int (*dense)(ds_ivp *ivp, double *q);
    int64_t (*dense_size)(const ds_ivp *ivp);       /* numbers that `dense` writes; NULL: all */
    void (*memory)(const ds_ivp *ivp, double *numbers); /* ds_ivp_memory; NULL: nothing */
    int (*renew)(ds_ivp *ivp); /* the Jacobian has another source or form from now on */
    void (*evaluate)(int64_t n, double t_old, double h, const double *y_old, const double *q,
                     double t, double *out, int64_t stride);
} ds_method;

extern const ds_method ds_rk23_real, ds_rk23_complex, ds_rk45_real, ds_rk45_complex, ds_dop853_real,
    ds_dop853_complex, ds_radau_real, ds_bdf_real, ds_bdf_complex, ds_lsoda_real;
/* The same for real states with sensitivity columns. */
extern const ds_method ds_rk23_columns, ds_rk45_columns, ds_dop853_columns, ds_bdf_columns;

typedef struct ds_differences ds_differences; /* jacobian by finite differences: differences.h */

/* A Jacobian and its factors for the columns alone: see apart.c. */
typedef struct {
    ds_lu_plan plan; /* with an order of its own */
    double *jac_values;
    ds_lu *lu, *lu_complex;
    int lu_broken;
    ds_differences *differences;
    int64_t nfev, njev, nlu; /* while they stand in for y's: what those had cost */
} ds_apart;

typedef struct {
    ds_ivp public; /* first: a ds_ivp* is a ds_solver* */
    const ds_method *method;
    int (*trial)(ds_ivp *ivp, double *y_new); /* one of the method's two */
    int64_t width;  /* doubles in a state */
    double *y_new;  /* third state; y, y_old, y_new take turns */
    double *q;      /* interpolant of the last step, when none is kept */
    void *state;    /* the method's */

    /* Implicit methods: factors of the real and of the complex Newton matrix. */
    ds_lu *lu, *lu_complex;
    int lu_broken;  /* there are no factors: solutions are nan */
    ds_differences *differences;
    ds_apart apart;
    int rejections, trouble; /* of the step on its way, and lately: see judge_jacobian */

    /* The trial on its way (see step_erk.h). */
    double trial_h_abs, trial_h, trial_t;
    int trial_rejected, trial_accepted, trial_clipped, trial_failed;
    int t_is_float; /* t is the caller's t_bound itself, which SciPy hands on as a Python float */

    int64_t eval_next;       /* first t_eval point not served yet */
    ds_slice slice;          /* its unit of work is a trial */
    double time_out;         /* by the clock, where the caller set seconds_left */

    double *g_new, *roots; /* one per event */
    int64_t *active;
    double *event_y;       /* state at a root */
    int64_t point_room, segment_room, record_room; /* how many fit */
    int64_t coefficient_room;
} ds_solver;

static inline ds_solver *ds_inside(ds_ivp *ivp) { return (ds_solver *)ivp; }

/* Read the clock after this trial, and learn anew how many trials fit between two readings. */
static inline void ds_watch_clock(ds_ivp *ivp) { ds_slice_watch(&ds_inside(ivp)->slice); }

/* One evaluation. A kernel that cannot answer, or that raised a floating-point flag, is asked
 * again in Python: NumPy's warnings and Python's exceptions then come exactly as without
 * compilation. */
static inline int ds_evaluate(ds_ivp *ivp, const ds_function *function, int which, int flags,
                              double t, double *y, double *out) {
    if (function->kernel) {
        if (function->kernel(t, y, out, function->params) == 0 && !ds_flags_raised()) return 0;
        ds_flags_clear();
    }
    ds_watch_clock(ivp); /* Python may be slow */
    const int stopped = ivp->python(ivp->handle, which, flags, t, y, out);
    if (ds_flags_raised()) ds_flags_clear();
    return stopped ? DS_PYTHON_ERROR : 0;
}

/* The derivative, counted like SciPy: before the call. */
static inline int ds_derivative(ds_ivp *ivp, int flags, double t, double *y, double *out) {
    ++ivp->nfev;
    return ds_evaluate(ivp, &ivp->fun, 0, flags, t, y, out);
}

static inline int ds_has_columns(const ds_ivp *ivp) { return ivp->n_states != ivp->n; }

/* The same of y and its columns, if there are any. */
static inline int ds_whole_derivative(ds_ivp *ivp, int flags, double t, double *y, double *out) {
    const int columns = ds_has_columns(ivp);
    ++ivp->nfev;
    return ds_evaluate(ivp, columns ? &ivp->augmented : &ivp->fun, columns ? DS_CALL_AUGMENTED : 0,
                       flags, t, y, out);
}

/* Derivatives of y alone and of all between other arithmetic, whose flags are not the function's. */
static inline int ds_newton_derivative(ds_ivp *ivp, int flags, double t, double *y, double *out) {
    if (ds_flags_raised()) ds_flags_clear();
    return ds_derivative(ivp, flags, t, y, out);
}
static inline int ds_newton_whole(ds_ivp *ivp, int flags, double t, double *y, double *out) {
    if (ds_flags_raised()) ds_flags_clear();
    return ds_whole_derivative(ivp, flags, t, y, out);
}

/* Of all, where only the columns' count. */
static inline int ds_columns_derivative(ds_ivp *ivp, int flags, double t, double *y, double *out) {
    if (ds_flags_raised()) ds_flags_clear();
    ++ivp->columns_nfev;
    return ds_evaluate(ivp, &ivp->augmented, DS_CALL_AUGMENTED, flags, t, y, out);
}

/* SciPy's first step adds Python floats: its end is one when it was cut to t_bound. */
static inline int ds_time_flags(const ds_ivp *ivp, int end) {
    return end && ivp->n_accepted == 0 ? DS_T_IS_FLOAT : 0;
}

/* jacobian.c: J(t, y) into jac_values. f: the derivative there, or NULL (evaluated then where it is
 * needed, and not counted). */
int ds_jacobian(ds_ivp *ivp, int flags, double t, double *y, const double *f);
int ds_jacobian_here(ds_ivp *ivp); /* at the start of the next step */

/* Its parts: by the kernel (true: it has answered), and by Python (0 or an error). */
int ds_kernel_jacobian(ds_ivp *ivp, double t, const double *y);
int ds_given_jacobian(ds_ivp *ivp, int flags, double t, double *y);

void ds_free_jacobian(ds_ivp *ivp);

/* Room for the values and the factors of a Jacobian with jac_pattern; all of it, or none. */
int ds_make_factors(ds_ivp *ivp, const ds_lu_plan *plan);
void ds_free_factors(ds_ivp *ivp);

/* apart.c: between these two, J and its factors are those of the columns alone. The first returns 0 or an
 * error, the second whether y still has its own factors. Both are called, errors or not. */
int ds_apart_begin(ds_ivp *ivp);
int ds_apart_end(ds_ivp *ivp);
int ds_apart_plan(ds_ivp *ivp, const ds_lu_plan *plan); /* what they will be made by */
void ds_apart_free(ds_ivp *ivp);

/* Factors of alpha I - beta J. 0 or an error; a singular matrix may be none. */
int ds_factor(ds_ivp *ivp, ds_lu *lu, double alpha_re, double alpha_im, double beta);

/* b becomes the solution, of `count` doubles; tol: see ds_lu_solve_within. 0 or an error. */
int ds_solve(ds_ivp *ivp, ds_lu *lu, int64_t count, double *b, double tol);

/* Method and kind of state, or NULL. */
const ds_method *ds_find_method(int method, int is_complex);

/* State of the last step's interpolant q at t. */
void ds_interpolate(const ds_ivp *ivp, const double *q, double t, double *y);

/* Below, `*q` is the interpolant of the last step, or NULL until somebody needs it; functions
 * return DS_RUNNING or an error. */

/* events.c: the events of the step just made. Sets t_stop and returns DS_EVENT when one ends the
 * solve. */
int ds_handle_events(ds_ivp *ivp, double **q);

/* outputs.c: what the start and each step leave behind. `y` is the state at t_stop. */
int ds_output_start(ds_ivp *ivp);
int ds_output_step(ds_ivp *ivp, double **q, const double *y);
int ds_need_interpolant(ds_ivp *ivp, double **q);
int ds_keep_segment(ds_ivp *ivp, double **q);
int ds_keep_event(ds_ivp *ivp, int64_t event, double t, const double *y);

#endif
