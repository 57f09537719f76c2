/* inst_erk.h - binds step_erk.h to the solver, for one method and one kind of state. The
 * includer has read the coefficient header and defines DS_COMPLEX and DS_INSTANCE, the name of
 * the ds_method that this file then defines; all of its instances are with columns (columns.h) or none. */
#define DS_PASTE2(a, b) a##_##b
#define DS_PASTE(a, b) DS_PASTE2(a, b)
#define DS_ERK(name) DS_PASTE(DS_INSTANCE, name)
#define DS_ERK_CONTEXT ds_ivp *
#if DS_COLUMNS
#define DS_DERIVATIVE ds_whole_derivative
#else
#define DS_DERIVATIVE ds_derivative
#endif
#define DS_RHS(ivp, end, t, y, out) DS_DERIVATIVE(ivp, ds_time_flags(ivp, end), t, y, out)
#include "include/step_erk.h"
#include "problem.h"
#include "scalar_code.h"

static int DS_ERK(ivp_initial)(ds_ivp *ivp) {
    const ds_problem problem = ds_problem_of(ivp);
    ds_step step = {.t = ivp->t};
    double *scratch = ds_inside(ivp)->y_new;
    const int stopped = DS_ERK(initial)(&problem, &step, ivp->y, scratch, ivp->K, ivp);
    ivp->h_abs = step.h_abs;
    return stopped ? DS_PYTHON_ERROR : 0;
}

DS_FN int DS_ERK(ivp_trial_inline)(ds_ivp *ivp, double *y_new) {
    ds_solver *solver = ds_inside(ivp);
    const ds_problem problem = ds_problem_of(ivp);
    ds_step step = {
        .t = ivp->t, .h_abs = solver->trial_h_abs, .rejected = solver->trial_rejected};
    if (DS_ERK(trial)(&problem, &step, ivp->y, y_new, ivp->K, ivp)) return DS_PYTHON_ERROR;
    /* Flags that the error norm raised are not the next kernel's. */
    if (!ds_finite(step.error_norm)) ds_flags_clear();
    solver->trial_h_abs = step.h_abs;
    solver->trial_h = step.h;
    solver->trial_t = step.t_new;
    solver->trial_rejected = step.rejected;
    solver->trial_accepted = step.accepted;
    solver->trial_clipped = step.clipped;
    solver->trial_failed = step.failed;
    return 0;
}

static DS_SCALAR_CODE int DS_ERK(ivp_trial_small)(ds_ivp *ivp, double *y_new) {
    return DS_ERK(ivp_trial_inline)(ivp, y_new);
}

static int DS_ERK(ivp_trial)(ds_ivp *ivp, double *y_new) {
    return DS_ERK(ivp_trial_inline)(ivp, y_new);
}

static int DS_ERK(ivp_dense)(ds_ivp *ivp, double *q) {
    const ds_problem problem = ds_problem_of(ivp);
    return DS_ERK(dense)(&problem, ivp->t_old, ivp->h_previous, ivp->y_old, ivp->y,
                         ds_inside(ivp)->y_new, ivp->K, q, ivp)
               ? DS_PYTHON_ERROR
               : 0;
}

static void DS_ERK(ivp_evaluate)(int64_t n, double t_old, double h, const double *y_old,
                                 const double *q, double t, double *out, int64_t stride) {
    DS_ERK(evaluate)(n, t_old, h, y_old, q, t, out, stride);
}

const ds_method DS_INSTANCE = {
    .f_row = DS_ERK_STAGE_COUNT,
    .row_count = DS_ERK_ROW_COUNT,
    .dense_count = DS_ERK_DENSE_COUNT,
    .initial = DS_ERK(ivp_initial),
    .trial = DS_ERK(ivp_trial),
    .trial_small = DS_ERK(ivp_trial_small),
    .dense = DS_ERK(ivp_dense),
    .evaluate = DS_ERK(ivp_evaluate),
};

#undef DS_PASTE2
#undef DS_PASTE
#undef DS_ERK
#undef DS_ERK_CONTEXT
#undef DS_RHS
#undef DS_DERIVATIVE
#undef DS_COMPLEX
#undef DS_INSTANCE
