/* odeint.h - what Python sees of LSODA over a grid of output times (SciPy's odeint). */
#ifndef DS_ODEINT_H
#define DS_ODEINT_H
#include "api.h"

/* The solve of one grid. Pointers are borrowed; y and the columns are filled row by row. */
typedef struct ds_odeint {
    /* Inputs, set before the first ds_odeint_advance. */
    void *handle;         /* given to the callback */
    ds_callback python;   /* ds_call_python unless replaced; which: 0 fun, DS_CALL_JACOBIAN */
    ds_function fun, jac; /* kernels may be replaced between two calls of ds_odeint_advance */
    int jac_source;       /* DS_JAC_DIFFERENCES or DS_JAC_GIVEN; a kernel of jac comes first */
    const double *t;      /* output times; row 0 is the start */
    int64_t n_times;
    const double *t_crit; /* times not to be stepped over, in the order of integration */
    int64_t n_crit;
    const double *rtol, *atol;        /* at first the values below, stride 0 */
    int64_t rtol_stride, atol_stride; /* 0 scalar, 1 one per component */
    double rtol_value, atol_value;
    double h0, h_max, h_min;
    int64_t step_max;     /* between two output times */
    int adams_order_max, bdf_order_max;
    double *state;        /* n: y at the start; then what fun sees, and may write into */
    double *y;            /* n_times rows of n */

    /* Columns of n_times - 1 entries, for the rows from 1 on, or NULL. */
    double *hu, *tcur, *tolsf, *tsw;
    int32_t *nst, *nfe, *nje, *nqu, *mused;

    /* State. */
    int64_t n;
    int64_t row;          /* the next to be filled */
    double t_now, h_next; /* end of the last step; size of the next */
    int istate;           /* ODEPACK's, of the last row */
    int64_t worst;        /* after failed error or convergence tests: component with the largest
                             error, from 0; else -1 */
    int64_t step_count, evaluation_count, jacobian_count;
} ds_odeint;

/* How often the first of `count` times stands at the start; 0 when they are not in order (a nan is
 * not), in either direction. */
int64_t ds_odeint_first(const double *t, int64_t count);

/* A solve with its memory, or NULL when there is none. */
ds_odeint *ds_odeint_new(int64_t n);
void ds_odeint_free(ds_odeint *solve);

/* A new solve with this one's memory, functions and options: output times and rows, of which row 0
 * holds the state at the start. As ds_odeint_first: after 0 there is no solve. */
int64_t ds_odeint_begin(ds_odeint *solve, const double *t, double *y, int64_t n_times);

/* Where a kernel asks for Python the solve ends, with DS_PYTHON_ERROR. */
void ds_odeint_only_kernels(ds_odeint *solve);

void ds_odeint_set_limits(ds_odeint *solve, double h0, double h_max, double h_min, int64_t step_max,
                          int adams_order_max, int bdf_order_max);

/* `count` entries for each column, one column after the other: hu, tcur, tolsf, tsw; nst, nfe, nje,
 * nqu, mused. */
void ds_odeint_set_columns(ds_odeint *solve, double *floats, int32_t *ints, int64_t count);

/* The places of the Jacobian's values, and how the matrix is stored and factored; NULL, the start:
 * all places, dense. Arrays are borrowed, the plan is copied. */
void ds_odeint_set_jacobian(ds_odeint *solve, const ds_pattern *pattern, const ds_lu_plan *plan);

/* Differences evaluate columns lower + upper + 1 apart at once: the pattern must be that band. */
void ds_odeint_set_band(ds_odeint *solve, int64_t lower, int64_t upper);

/* Rows until the grid is full, a row failed (DS_FAILED; it is filled all the same), or `seconds`
 * have passed (DS_RUNNING). DS_FINISHED, DS_PYTHON_ERROR and DS_NO_MEMORY as for ds_ivp_advance. */
int ds_odeint_advance(ds_odeint *solve, double seconds);

/* A solve that goes on from call to call, `y` having room for two rows: ds_odeint_advance from t,
 * where it is, to t_out. To be called with the same times until it is over. */
int ds_odeint_run(ds_odeint *solve, double seconds, double t, double t_out);

/* The state where that began. */
void ds_odeint_before(const ds_odeint *solve, double *y);

/* What ODEPACK tells in its work arrays after a call that did something, at the places where it
 * tells it: step sizes, times, counts, orders and methods, and from rwork[20] on the history. iwork:
 * 20 numbers; rwork: room for the history at the highest order. */
void ds_odeint_tell(const ds_odeint *solve, double *rwork, int32_t *iwork);

#endif
