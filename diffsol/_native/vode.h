/* vode.h - what Python sees of VODE and ZVODE: a solve that goes on from call to call. */
#ifndef DS_VODE_H
#define DS_VODE_H
#include "api.h"

/* Pointers are borrowed. Complex numbers are pairs. */
typedef struct ds_vode {
    /* Inputs, set before the first call. */
    void *handle;         /* given to the callback */
    ds_callback python;   /* ds_call_python unless replaced; which: 0 fun, DS_CALL_JACOBIAN */
    ds_function fun, jac; /* kernels may be replaced between two calls of ds_vode_advance */
    int jac_source;       /* DS_JAC_DIFFERENCES or DS_JAC_GIVEN; a kernel of jac comes first */
    int family;           /* VODE's meth: 1 Adams, 2 BDF */
    int iteration;        /* 0 functional, 1 chord, 3 with a diagonal in place of the Jacobian */
    int order_max;
    const double *rtol, *atol;        /* at first the values below, stride 0 */
    int64_t rtol_stride, atol_stride; /* 0 scalar, 1 one per component */
    double rtol_value, atol_value;
    double h0, h_max, h_min;
    int64_t step_max;     /* in one call */
    double *state;        /* y: what fun sees, and may write into; the output */

    /* Inputs of one call, not to be changed before it ends. */
    int task;             /* VODE's itask: 1, 2, 3 */
    int anew;             /* begin at (t, state), else go on */
    double t, t_out;      /* t becomes the time of the output */

    /* Outputs, VODE's optional ones among them. */
    int64_t n;
    int is_complex;
    int istate;
    double h_used, h_next, t_now, excess; /* hu, hcur, tcur, tolsf */
    int order_used, order_next;           /* nqu, nqcur */
    int64_t step_count, evaluation_count, jacobian_count, factor_count, iteration_count;
    int64_t divergence_count, rejection_count;
    int64_t worst;        /* after failed error or convergence tests: component with the largest
                             error, from 0; else -1 */
} ds_vode;

/* A solve with its memory, or NULL when there is none. */
ds_vode *ds_vode_new(int64_t n, int is_complex);
void ds_vode_free(ds_vode *solve);

/* The places of the Jacobian's values, and how the matrix is stored and factored; NULL, the start:
 * all places, dense. Arrays are borrowed, the plan is copied. */
void ds_vode_set_jacobian(ds_vode *solve, const ds_pattern *pattern, const ds_lu_plan *plan);

/* Differences evaluate columns lower + upper + 1 apart at once: the pattern must be that band. */
void ds_vode_set_band(ds_vode *solve, int64_t lower, int64_t upper);

/* The call, until it ends or `seconds` have passed (DS_RUNNING). DS_FINISHED, or DS_FAILED where
 * istate is negative; DS_PYTHON_ERROR and DS_NO_MEMORY as for ds_ivp_advance: the solve can then
 * only begin anew. */
int ds_vode_advance(ds_vode *solve, double seconds);

/* The same with the inputs of one call, which must not change until it ends. */
int ds_vode_run(ds_vode *solve, double seconds, int task, int anew, double t, double t_out);

#endif
