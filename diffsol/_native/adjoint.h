/* adjoint.h - gradients by the adjoint equation, backward over a solve whose interpolants were kept.
 *
 *   lambda' = -f_y^T lambda - g_y,   dG/dp = integral of f_p^T lambda + g_p
 *
 * for G = sum of g_i(y(t_i)) + integral of g. A ds_ivp steps lambda; its right-hand side is the kernel
 * below, whose parameters are a ds_adjoint. At the times t_i lambda jumps by the gradient of g_i. The
 * integral is taken by Gauss' nodes on the pieces on which lambda and y are one polynomial each, so
 * that parameters cost no unknowns (Kidger 2021, 5.1; SciML's GaussAdjoint). Where the integrand bends
 * more than the tolerance allows, the pieces are halved. */
#ifndef DS_ADJOINT_H
#define DS_ADJOINT_H
#include "api.h"

/* Interpolants of some consecutive steps of the forward solve, as a ds_ivp keeps them. */
typedef struct {
    int64_t count;
    const double *t_old, *t, *y_old, *q;
    const int64_t *at;
} ds_chunk;

/* ds_adjoint_run: an earlier chunk is needed for the next step. */
enum { DS_EARLIER = 100 };

typedef struct {
    /* The forward solve. Pointers are borrowed. */
    int method;
    int64_t n;
    double direction;       /* 1 or -1: in which it went */
    int64_t n_chunks;
    const ds_chunk *chunks; /* in its direction, without gaps; may be replaced at DS_EARLIER */

    /* Kernels. vjp: of (t, [lambda, y]), n numbers -f_y^T lambda. params: of the same, f_p^T lambda.
     * cost: of (t, y), g. cost_vjp, cost_params: of (t, [1, y]), -g_y and g_p. None but vjp need be. */
    ds_function vjp, params, cost, cost_vjp, cost_params;
    ds_function jac;        /* df/dy of (t, y) */
    const int64_t *jac_from; /* value k of d(lambda')/d(lambda) is -df/dy's value jac_from[k] */
    int64_t n_jac, n_jac_values; /* values of the former, and of the latter */

    /* Backward: from stops[0] to stops[n_stops - 1]; at stops[i], lambda grows by jumps[i n] ... */
    int64_t n_stops;
    const double *stops, *jumps;
    double atol_relative;   /* absolute tolerance of lambda / its largest component at a stop */
    double atol;            /* or this, where it is more */
    double step;            /* first to be tried */

    /* Results. */
    double *lambda_t;       /* n: lambda at the last stop */
    int64_t n_params;
    double *gradient;       /* n_params */
    double value;           /* the integral of g */
    int64_t n_vjp;          /* evaluations of -f_y^T lambda */
    double trap_t;          /* where a kernel asked for Python */
} ds_adjoint;

/* Memory for one; chunks, functions, stops are set afterwards. NULL: there is none. */
ds_adjoint *ds_adjoint_new(int method, int64_t n, int64_t n_params, int64_t n_jac_values);
void ds_adjoint_free(ds_adjoint *adjoint);

/* Steps of `back`, which is of n states and has these kernels with the adjoint as parameters, for about
 * `seconds`: DS_RUNNING, DS_FINISHED, DS_EARLIER, or what ds_ivp_step returns. */
int ds_adjoint_run(ds_adjoint *adjoint, ds_ivp *back, double seconds);
int ds_adjoint_kernel(double t, const double *lambda, double *out, const double *adjoint);
int ds_adjoint_jacobian(double t, const double *lambda, double *out, const double *adjoint);

/* The callback of `back`: there is no Python for it. */
int ds_adjoint_asked(void *adjoint, int which, int flags, double t, double *y, double *out);
#endif
