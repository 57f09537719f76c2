/* inst_bdf.h - binds step_bdf.h to the solver, for one kind of state. The includer defines
 * DS_COMPLEX and DS_INSTANCE, the name of the ds_method that this file then defines. */
#define DS_PASTE2(a, b) a##_##b
#define DS_PASTE(a, b) DS_PASTE2(a, b)
#define DS_BDF(name) DS_PASTE(DS_INSTANCE, name)
#define DS_BDF_CONTEXT ds_ivp *
#define DS_RHS(ivp, end, t, y, out) ds_newton_derivative(ivp, (end) ? DS_T_IS_FLOAT : 0, t, y, out)
#if DS_COLUMNS
#define DS_RHS_ALL(ivp, end, t, y, out) ds_newton_whole(ivp, (end) ? DS_T_IS_FLOAT : 0, t, y, out)
#define DS_RHS_COLUMNS(ivp, end, t, y, out) ds_columns_derivative(ivp, (end) ? DS_T_IS_FLOAT : 0, t, y, out)
#define DS_APART_BEGIN(ivp) ds_apart_begin(ivp)
#define DS_APART_END(ivp) ds_apart_end(ivp)
#endif
#define DS_JACOBIAN(ivp, end, t, y) ds_jacobian(ivp, (end) ? DS_T_IS_FLOAT : 0, t, y, NULL)
#define DS_FACTOR(ivp, c) ds_factor(ivp, ds_inside(ivp)->lu, 1, 0, c)
#define DS_SCALE(ivp) ds_lu_scale(ds_inside(ivp)->lu)
#define DS_SOLVE(ivp, b, tol) (++(ivp)->n_newton, DS_SOLVE_COLUMN(ivp, b, tol))
#define DS_SOLVE_COLUMN(ivp, b, tol) \
    ds_solve(ivp, ds_inside(ivp)->lu, DS_PARTS * (ivp)->n_states, b, tol)
#include "include/step_bdf.h"
#include "problem.h"

static int DS_BDF(ivp_initial)(ds_ivp *ivp) {
    const ds_problem problem = ds_problem_of(ivp);
    double *w = ds_inside(ivp)->y_new, *f1 = ivp->K;
    return DS_BDF(initial_step)(&problem, 1, ivp->t, ivp->y, ivp->f, w, f1, &ivp->h_abs, ivp);
}

static int DS_BDF(ivp_begin)(ds_ivp *ivp) {
    const ds_problem problem = ds_problem_of(ivp);
    ds_bdf *state = ds_inside(ivp)->state;
    /* first the Jacobian: a function that changes the state in place changes where the solve begins */
    const int error = ds_jacobian(ivp, DS_T_IS_FLOAT, ivp->t, ivp->y, NULL);
    DS_BDF(begin)(&problem, state, ivp->t, ivp->y, ivp->f, ivp->h_abs, ivp->K);
    state->constant_jacobian = ivp->jac_source == DS_JAC_CONSTANT;
    return error;
}

static int DS_BDF(ivp_trial)(ds_ivp *ivp, double *y_new) {
    const ds_problem problem = ds_problem_of(ivp);
    ds_bdf *state = ds_inside(ivp)->state;
    const int stopped = DS_BDF(trial)(&problem, state, y_new, ivp);
    DS_KEEP_TRIAL(ds_inside(ivp), state);
    return stopped;
}

static int DS_BDF(ivp_renew)(ds_ivp *ivp) {
    ds_bdf *state = ds_inside(ivp)->state;
    state->have_factors = 0;
    return ds_jacobian_here(ivp);
}

static int64_t DS_BDF(ivp_dense_size)(const ds_ivp *ivp) {
    return DS_BDF(dense_size)(((const ds_solver *)ivp)->state, ivp->n);
}

static int DS_BDF(ivp_dense)(ds_ivp *ivp, double *q) {
    const ds_problem problem = ds_problem_of(ivp);
    DS_BDF(dense)(&problem, ds_inside(ivp)->state, q);
    return 0;
}

static void DS_BDF(ivp_memory)(const ds_ivp *ivp, double *numbers) {
    const ds_bdf *state = ((const ds_solver *)ivp)->state;
    numbers[0] = state->order;
    numbers[1] = state->equal_steps;
}

static void DS_BDF(ivp_evaluate)(int64_t n, double t_old, double h, const double *y_old,
                                 const double *q, double t, double *out, int64_t stride) {
    (void)t_old, (void)h, (void)y_old;
    DS_BDF(evaluate)(n, q, t, out, stride);
}

const ds_method DS_INSTANCE = {
    .f_row = DS_BDF_ROWS,
    .row_count = DS_BDF_ROWS + 1,
    .dense_count = DS_BDF_MAX_ORDER + 1,
    .dense_head = DS_BDF_DENSE_HEAD,
    .state_size = sizeof(ds_bdf),
    .implicit = 1,
    .initial = DS_BDF(ivp_initial),
    .begin = DS_BDF(ivp_begin),
    .trial = DS_BDF(ivp_trial),
    .trial_small = DS_BDF(ivp_trial),
    .dense = DS_BDF(ivp_dense),
    .dense_size = DS_BDF(ivp_dense_size),
    .memory = DS_BDF(ivp_memory),
    .renew = DS_BDF(ivp_renew),
    .evaluate = DS_BDF(ivp_evaluate),
};

#undef DS_PASTE2
#undef DS_PASTE
#undef DS_BDF
#undef DS_BDF_CONTEXT
#undef DS_RHS
#if DS_COLUMNS
#undef DS_RHS_ALL
#undef DS_RHS_COLUMNS
#undef DS_APART_BEGIN
#undef DS_APART_END
#endif
#undef DS_JACOBIAN
#undef DS_FACTOR
#undef DS_SCALE
#undef DS_SOLVE
#undef DS_SOLVE_COLUMN
#undef DS_COMPLEX
#undef DS_INSTANCE
