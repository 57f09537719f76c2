/* hairer.h - what Python sees of Hairer's DOPRI5 and DOP853 (SciPy's ode). */
#ifndef DS_HAIRER_H
#define DS_HAIRER_H
#include "api.h"

enum { DS_DOPRI5 = 0, DS_HAIRER_853 = 1 };

/* To the callback: the start, and each accepted step. What it says, a whole number, goes to
 * out[0]. */
enum { DS_CALL_STEP = -4 };

/* One solver, for any number of intervals one after the other. Pointers are borrowed. */
typedef struct ds_hairer {
    /* Inputs, set before ds_hairer_begin. */
    void *handle;       /* given to the callback */
    ds_callback python; /* ds_call_python unless replaced */
    ds_function fun;    /* the kernel may be replaced between two calls of ds_hairer_advance */
    double *y;          /* n: the state at t; advanced in place */
    double *given;      /* n: what the callback sees as y, and may write into */
    double t, t_end;
    double h0;          /* first step, signed; 0: choose */
    const double *rtol, *atol;        /* at first the values below, stride 0 */
    int64_t rtol_stride, atol_stride; /* 0 scalar, 1 one per component */
    double rtol_value, atol_value;
    double h_max;       /* 0: the interval */
    double safety, factor_min, factor_max, beta;
    int64_t step_max;
    int shrink_fully;   /* a rejected step shrinks by factor_min, whatever its error */
    int watched;        /* DS_CALL_STEP */

    int32_t *counts;    /* 4, or NULL: evaluations, trials, accepted and rejected steps */

    /* State. */
    int64_t n;
    double h;           /* to be tried next */
    int idid;           /* when finished: 1 end reached, 2 stopped by DS_CALL_STEP, or -2 too many
                           steps, -3 step too small, -4 stiff */
    int64_t trial_count;
} ds_hairer;

/* A solver with its memory, or NULL when there is none. */
ds_hairer *ds_hairer_new(int method, int64_t n);
void ds_hairer_free(ds_hairer *solve);

/* The solve from t to t_end shall begin; nothing is evaluated. */
void ds_hairer_begin(ds_hairer *solve);

/* Steps until the solve is over (DS_FINISHED), `seconds` have passed (DS_RUNNING), or a callback
 * has stopped it (DS_PYTHON_ERROR). */
int ds_hairer_advance(ds_hairer *solve, double seconds);

#endif
