/* jacobian.c - the Jacobian of an implicit method and the factors of its Newton matrix. */
#include "differences.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>

void ds_free_factors(ds_ivp *ivp) {
    ds_solver *solver = ds_inside(ivp);
    free(ivp->jac_values);
    ds_lu_free(solver->lu);
    ds_lu_free(solver->lu_complex);
    ds_differences_free(solver->differences);
    ivp->jac_values = NULL;
    solver->lu = solver->lu_complex = NULL;
    solver->differences = NULL;
}

void ds_free_jacobian(ds_ivp *ivp) {
    ds_free_factors(ivp);
    ds_apart_free(ivp);
}

int ds_make_factors(ds_ivp *ivp, const ds_lu_plan *plan) {
    ds_solver *solver = ds_inside(ivp);
    const int is_complex = ivp->is_complex, two = solver->method->complex_factors;
    const size_t doubles = (size_t)ivp->jac_pattern.count * (is_complex ? 2 : 1);
    ivp->jac_values = calloc(doubles + 1, sizeof(double));
    solver->lu = ds_lu_new(&ivp->jac_pattern, is_complex, is_complex, plan);
    if (two) solver->lu_complex = ds_lu_new(&ivp->jac_pattern, is_complex, 1, plan);
    if (ivp->jac_values && solver->lu && (!two || solver->lu_complex)) return 0;
    ds_free_factors(ivp);
    return DS_NO_MEMORY;
}

int ds_ivp_set_jacobian(ds_ivp *ivp, const ds_pattern *pattern, const ds_lu_plan *plan) {
    const ds_pattern borrowed = *pattern; /* it may be our own */
    ds_free_jacobian(ivp);
    ivp->jac_pattern = borrowed;
    const int error = ds_make_factors(ivp, plan);
    return error || !ds_has_columns(ivp) ? error : ds_apart_plan(ivp, plan);
}

static int by_differences(ds_ivp *ivp, int flags, double t, double *y, const double *f) {
    ds_solver *solver = ds_inside(ivp);
    if (!solver->differences) solver->differences = ds_differences_new(ivp);
    if (!solver->differences) return DS_NO_MEMORY;
    return ds_differences_jacobian(ivp, solver->differences, flags, t, y, f);
}

int ds_kernel_jacobian(ds_ivp *ivp, double t, const double *y) {
    if (!ivp->jac.kernel) return 0;
    if (ds_flags_raised()) ds_flags_clear();
    const int asked = ivp->jac.kernel(t, y, ivp->jac_values, ivp->jac.params);
    if (!asked && !ds_flags_raised()) return 1;
    ds_flags_clear();
    return 0;
}

int ds_given_jacobian(ds_ivp *ivp, int flags, double t, double *y) {
    ds_watch_clock(ivp);
    const int stopped = ivp->python(ivp->handle, DS_CALL_JACOBIAN, flags, t, y, ivp->jac_values);
    return stopped ? DS_PYTHON_ERROR : 0;
}

int ds_jacobian(ds_ivp *ivp, int flags, double t, double *y, const double *f) {
    ++ivp->njev;
    if (ds_kernel_jacobian(ivp, t, y)) return 0;
    if (ivp->jac_source != DS_JAC_DIFFERENCES) return ds_given_jacobian(ivp, flags, t, y);
    ds_watch_clock(ivp);
    return by_differences(ivp, flags, t, y, f);
}

int ds_jacobian_here(ds_ivp *ivp) {
    const int flags = ds_inside(ivp)->t_is_float ? DS_T_IS_FLOAT : 0;
    return ds_jacobian(ivp, flags, ivp->t, ivp->y, NULL);
}

int ds_ivp_renew_jacobian(ds_ivp *ivp) {
    const int64_t njev = ivp->njev; /* it takes the place of one that has been counted */
    const int error = ds_inside(ivp)->method->renew(ivp);
    ivp->njev = njev;
    return error;
}

int ds_factor(ds_ivp *ivp, ds_lu *lu, double alpha_re, double alpha_im, double beta) {
    ds_solver *solver = ds_inside(ivp);
    ++ivp->nlu;
    if (ivp->jac_pattern.n > DS_CLOCK_STATES) ds_watch_clock(ivp);
    solver->lu_broken = 0;
    const int code = ds_lu_factor(lu, alpha_re, alpha_im, beta, ivp->jac_values);
    if (ds_flags_raised()) ds_flags_clear();
    switch (code) {
    case DS_LU_OK: return 0;
    case DS_LU_NOT_FINITE: return DS_NOT_FINITE;
    case DS_LU_NO_MEMORY: return DS_NO_MEMORY;
    }
    if (ivp->sparse_as_given) return DS_SINGULAR;
    solver->lu_broken = 1;
    const double pivot = (double)ds_lu_pivot(lu);
    return ivp->python(ivp->handle, DS_CALL_SINGULAR, 0, pivot, ivp->y, NULL) ? DS_PYTHON_ERROR : 0;
}

static int is_finite(const double *x, int64_t count) {
    int bad = 0;
    for (int64_t i = 0; i < count; ++i) bad |= !(fabs(x[i]) <= DBL_MAX);
    return !bad;
}

/* SciPy's dense solver refuses a right-hand side that is not finite. Factors with a zero pivot
 * give infinities and nans: as nan, the Newton iteration meets them as it does in SciPy. */
int ds_solve(ds_ivp *ivp, ds_lu *lu, int64_t count, double *b, double tol) {
    if (!is_finite(b, count) && !ivp->sparse_as_given) return DS_NOT_FINITE;
    if (ds_inside(ivp)->lu_broken) {
        for (int64_t i = 0; i < count; ++i) b[i] = NAN;
        return 0;
    }
    ds_lu_solve_within(lu, b, tol);
    return 0;
}
