/* api.h - what Python sees of the native core. build.py hands this text to cffi, less the lines
 * that begin with '#', so that the C compiler and Python read one declaration.
 *
 * Arrays of states hold n doubles per state, or 2n (re, im) pairs where the state is complex. */
#ifndef DS_API_H
#define DS_API_H
#include "linear.h"
#include <stdint.h>

/* Methods, in the numbering of diffsol/_methods/registry.py. */
enum { DS_RK23 = 0, DS_RK45 = 1, DS_DOP853 = 2, DS_RADAU = 3, DS_BDF = 4, DS_LSODA = 5,
       DS_METHOD_COUNT = 6 };

/* What the functions below return. ds_ivp.status is one of the first four: like SciPy's
 * solver, one whose callback raised is still running. */
enum {
    DS_RUNNING = 0,
    DS_FINISHED = 1,     /* reached t_bound */
    DS_EVENT = 2,        /* an event ended the solve */
    DS_FAILED = 3,       /* the step size got below the spacing of numbers, or is nan */
    DS_PYTHON_ERROR = 4, /* the callback stored an exception in the handle */
    DS_NO_MEMORY = 5,
    DS_BRACKET = 6,      /* an event has one sign at both ends of the step: see event_error */
    DS_ROOT_ITER = 7,    /* event root not found within 100 iterations: see event_error */
    DS_ROOT_NAN = 8,     /* an event was nan while its root was sought: see event_error, error_t */
    DS_NOT_FINITE = 9,   /* a matrix to be factored has an inf or a nan */
    DS_SINGULAR = 10,    /* a sparse matrix has no factors */
    DS_TIME_OUT = 11     /* seconds_left have passed in the middle of a step: the solve is over */
};

/* Compiled functions. 0: done; nonzero: ask Python for this evaluation. Pure: y and p are only
 * read. */
typedef int (*ds_kernel)(double t, const double *y, double *out, const double *p);

/* The way to Python. which: 0 fun, 1 + i event i, or one of DS_CALL_... flags bit 0: t must be a
 * Python float, else np.float64. It may change y, as a user's function may. 0: done; nonzero: an
 * exception is stored in the handle. */
typedef int (*ds_callback)(void *handle, int which, int flags, double t, double *y, double *out);
enum {
    DS_T_IS_FLOAT = 1,
    DS_COLUMNS_SHIFT = 1,  /* DS_CALL_MANY: flags >> 1 columns */
    DS_CALL_JACOBIAN = -1, /* J(t, y) into jac_values; the first call may set the pattern, and any
                              call may change it (ds_ivp_set_jacobian) */
    DS_CALL_MANY = -2,     /* fun of several states at once, each n numbers after the other */
    DS_CALL_SINGULAR = -3, /* a warning: pivot number t is 0 */
    DS_CALL_AUGMENTED = -4 /* `augmented`: y is the whole state */
};

/* Where the Jacobian of an implicit method comes from; where `jac` has a kernel, from there as
 * long as that does not ask for Python. */
enum { DS_JAC_DIFFERENCES = 0, DS_JAC_GIVEN = 1, DS_JAC_CONSTANT = 2 };

/* One user function. kernel NULL: call Python. May be replaced between two calls of
 * ds_ivp_advance. */
typedef struct {
    ds_kernel kernel;
    const double *params;
} ds_function;

typedef struct ds_ivp {
    /* Inputs, set before ds_ivp_start. Pointers are borrowed: they must live as long as the
     * solve. */
    void *handle;         /* given to the callback */
    ds_callback python;   /* ds_call_python unless replaced */
    ds_function fun;      /* the derivative, n numbers */
    double t0, t_bound;
    double *y0;           /* at first the solver's own state, to be written into */
    const double *rtol;   /* at first &rtol_value, stride 0 */
    const double *atol;
    int64_t rtol_stride, atol_stride; /* 0 scalar, 1 one per component */
    double rtol_value, atol_value;
    double max_step;
    double min_step;      /* LSODA */
    int64_t lower, upper; /* LSODA: differences move columns of a band together; -1: there is none */
    double first_step;    /* 0: choose */
    const double *t_eval; /* in the order of integration */
    int64_t n_eval;
    int64_t pause_at;     /* ds_ivp_advance returns after this many accepted steps; 0: it does not */
    double seconds_left;  /* differences, of which one step may take many, end after so long in
                             ds_ivp_advance; 0: they do not */
    int save_steps;       /* append the start and every accepted step to ts, ys */
    int dense;            /* keep every interpolant */

    /* The Jacobian, of implicit methods. A kernel writes its values in the pattern's order. */
    ds_function jac;
    int jac_source;       /* DS_JAC_... */
    int vectorized;       /* differences: DS_CALL_MANY instead of one call for each column */
    int sparse_as_given;  /* a singular matrix is an error (SciPy's splu), not only a warning */
    const int64_t *jac_groups; /* differences: group of each column, or NULL: each is its own */
    int64_t n_jac_groups;
    double *jac_values;   /* owned; at jac_pattern's places */
    ds_pattern jac_pattern;

    /* Forward sensitivities (of real states; ds_ivp_start of others fails): behind y the state has columns of n_states numbers, each the derivative of
     * y by one parameter. Explicit methods step all of it; implicit ones y first, and then the columns
     * with the same factors (Feehery, Tolsma, Barton, Appl. Numer. Math. 25, 1997). `fun`, `jac` and
     * the events are handed the whole state, whose first n_states numbers are y. */
    int64_t n_states;      /* numbers of y; at first n: there are no columns */
    ds_function augmented; /* (t, [y, columns]): f and the columns' derivatives, n numbers */
    double columns_noise;  /* relative errors of `augmented` where it makes differences along the columns; 0: it is
                              exact. Newton corrections do not get smaller than that */
    int sens_control;      /* columns take part in the error tests; else step sizes and orders are those of
                              a solve of y alone */

    /* Events: arrays made by ds_ivp_set_events, filled by the caller before ds_ivp_advance. */
    int64_t n_events;
    ds_function *events;
    double *event_direction; /* as SciPy's attribute; nan never fires */
    double *event_max;       /* occurrences that end the solve, or inf */
    double *g;               /* event values at t; the caller sets those at t0 */
    int64_t *event_count;

    /* State. The pointers y, y_old change with every step. */
    int method, is_complex;
    int64_t n;
    double t, t_old;
    double t_stop;        /* last time that the solve stands for: t, or the event that ended it */
    double h_abs;         /* to be tried next */
    double h_previous;    /* last accepted step, signed */
    double direction;
    double *y, *y_old;
    double *f;            /* derivative at t: the last stage row of K */
    double *K;            /* stages of the last step, rows as in the method's table */
    int64_t nfev, njev, nlu, n_trials, n_accepted;
    int64_t n_newton;     /* Newton iterations (Radau, BDF) */
    int64_t columns_nfev, columns_nlu; /* implicit methods: evaluations of `augmented`, and Jacobians and
                                          factors, for the columns alone; the above do not count them */
    double least_step, largest_step; /* accepted ones; 0: none yet */
    int status;
    int istate;           /* LSODA: ODEPACK's, after a failure */
    int64_t event_error;  /* index of the event that broke */
    double error_t;       /* where it was nan */

    /* Outputs, owned by the ds_ivp and readable after an error too. */
    int64_t n_points;
    double *ts, *ys;      /* n_points times and states */
    int64_t n_segments;   /* with dense: one per accepted step */
    double *seg_t_old, *seg_t, *seg_y_old;
    double *seg_q;        /* the interpolants, one after the other */
    int64_t *seg_at;      /* where in seg_q each begins, and where the last one ends */
    int64_t n_event_records;
    int64_t *ev_index;
    double *ev_t, *ev_y;
} ds_ivp;

/* A solver with its memory, or NULL when there is none. Events: again DS_NO_MEMORY or 0. */
ds_ivp *ds_ivp_new(int method, int64_t n, int is_complex);
void ds_ivp_free(ds_ivp *ivp);
int ds_ivp_set_events(ds_ivp *ivp, int64_t n_events);

/* Implicit methods: room for a Jacobian with this pattern, whose arrays are borrowed, and for the
 * factors of the Newton matrix. 0 or DS_NO_MEMORY. Any time; while a solve runs,
 * ds_ivp_renew_jacobian must follow. */
int ds_ivp_set_jacobian(ds_ivp *ivp, const ds_pattern *pattern, const ds_lu_plan *plan);

/* J at the start of the next step from its new source, not counted. 0 or an error. */
int ds_ivp_renew_jacobian(ds_ivp *ivp);

/* f(t0, y0), the initial step unless first_step is given, and an implicit method's Jacobian. */
int ds_ivp_start(ds_ivp *ivp);

/* By an explicit method: the start of another solve by the same solver and options, without events and
 * interpolants. There is no Python in it: an evaluation that asks for it is DS_PYTHON_ERROR. t_eval NULL: every
 * step is kept. */
int ds_ivp_again(ds_ivp *ivp, double t0, double t_bound, double *y0, const double *t_eval, int64_t n_eval);

/* Steps, events and outputs until the solve is over, or `seconds` have passed or it is to pause (then
 * DS_RUNNING). */
int ds_ivp_advance(ds_ivp *ivp, double seconds);

/* One accepted step without events and outputs. */
int ds_ivp_step(ds_ivp *ivp);

/* Interpolant of the last step into q, ds_ivp_q_size doubles (multistep methods: it changes with
 * the order). DOP853 evaluates fun three times. */
int ds_ivp_dense(ds_ivp *ivp, double *q);
int64_t ds_ivp_q_size(const ds_ivp *ivp);

/* Copies the points: t (n_points), and y (width of a state, n_points) in C order. Each begins at the first
 * multiple of 64 bytes in memory that has 64 bytes more than it needs; how many doubles come before
 * that: of t, plus 8 times those of y. */
int ds_ivp_take_points(const ds_ivp *ivp, double *t_memory, double *y_memory);

/* What the next step will go by, besides J and the arrays: Radau's size and error norm of the step
 * before (negative: none) and whether J is current; BDF's order and number of equal steps. */
enum { DS_MEMORY = 3 };
void ds_ivp_memory(const ds_ivp *ivp, double *numbers);

/* One evaluation as the solver makes it: the kernel, or Python where there is none or it asks
 * for it. */
int ds_call(ds_ivp *ivp, int which, int flags, double t, double *y, double *out);

/* One call of a kernel by itself. Nonzero: ask Python (the kernel said so, or a floating-point
 * exception was raised); `out` is then of no use. */
int ds_kernel_call(ds_kernel kernel, const double *p, double t, const double *y, double *out);

/* The same at `count` times, with states of y_width numbers and values of out_width. How many were answered
 * before the first that was not. */
int64_t ds_kernel_many(ds_kernel kernel, const double *p, int64_t count, const double *t, const double *y,
                       int64_t y_width, double *out, int64_t out_width);

/* A user's function in C: f(t, y, out, data), which leaves y as it is. Its kernel takes one of these as
 * parameters; where it returns an int, anything but 0 asks Python. */
typedef struct {
    void *address, *data;
    int returns_int;
} ds_c_function;
int ds_c_function_kernel(double t, const double *y, double *out, const double *p);

/* Many interpolants at many times: out is (n, nt), in C order. A segment of length 0 is
 * constant. */
void ds_dense_eval(int method, int64_t n, int is_complex, const double *seg_t_old,
                   const double *seg_t, const double *y_old, const double *q,
                   const int64_t *seg_at, int64_t nt, const double *t, const int64_t *seg_index,
                   double *out);

#ifndef DS_CFFI
/* Every core's callback unless replaced, with a ds_python as handle: python/call.h. */
int ds_call_python(void *handle, int which, int flags, double t, double *y, double *out);
/* In its place where there is no Python to be called: every question fails. */
int ds_ask_nobody(void *handle, int which, int flags, double t, double *y, double *out);
#endif
#endif
