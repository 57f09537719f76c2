/* inst_radau.c - binds step_radau.h to the solver. */
#include "ivp.h"

#define DS_RADAU(name) ds_radau_real_##name
#define DS_RADAU_CONTEXT ds_ivp *
#define DS_RHS(ivp, where, t, y, out) ds_newton_derivative(ivp, time_flags(ivp, where), t, y, out)
#define DS_RHS_ALL(ivp, where, t, y, out) ds_newton_whole(ivp, time_flags(ivp, where), t, y, out)
#define DS_RHS_COLUMNS(ivp, where, t, y, out) \
    ds_columns_derivative(ivp, time_flags(ivp, where), t, y, out)
#define DS_JACOBIAN(ivp, where, t, y, f) ds_jacobian(ivp, time_flags(ivp, where), t, y, f)
#define DS_FACTOR(ivp, real, re, im) factor(ivp, real, re, im)
#define DS_SOLVE_REAL(ivp, b) ds_solve(ivp, ds_inside(ivp)->lu, (ivp)->n_states, b, 0)
#define DS_SOLVE_COMPLEX(ivp, b) (++(ivp)->n_newton, DS_SOLVE_COMPLEX_COLUMN(ivp, b))
#define DS_SOLVE_COMPLEX_COLUMN(ivp, b) \
    ds_solve(ivp, ds_inside(ivp)->lu_complex, 2 * (ivp)->n_states, b, 0)
#define DS_COLUMNS 1
#define DS_APART_BEGIN(ivp) ds_apart_begin(ivp)
#define DS_APART_END(ivp) ds_apart_end(ivp)

/* Is t a Python float in SciPy? At the start of a step it is what the step before left. */
#define time_flags(ivp, where) \
    ((where) == DS_INSIDE ? 0 : (where) == DS_AT_BOUND ? DS_T_IS_FLOAT : start_flags(ivp))

static inline int start_flags(const ds_ivp *ivp) {
    return ivp->n_accepted == 0 ? DS_T_IS_FLOAT : 0;
}

static int factor(ds_ivp *ivp, double real, double re, double im) {
    ds_solver *solver = ds_inside(ivp);
    int error = ds_factor(ivp, solver->lu, real, 0, 1);
    const int broken = solver->lu_broken;
    if (!error) error = ds_factor(ivp, solver->lu_complex, re, im, 1);
    solver->lu_broken |= broken;
    return error;
}

#include "include/step_radau.h"
#include "problem.h"

static int initial(ds_ivp *ivp) {
    const ds_problem problem = ds_problem_of(ivp);
    double *w = ds_inside(ivp)->y_new, *f1 = ivp->K + ivp->n;
    return DS_RADAU(initial_step)(&problem, 3, ivp->t, ivp->y, ivp->f, w, f1, &ivp->h_abs, ivp);
}

static int begin(ds_ivp *ivp) {
    const ds_problem problem = ds_problem_of(ivp);
    ds_radau *state = ds_inside(ivp)->state;
    DS_RADAU(begin)(&problem, state, ivp->t, ivp->h_abs, ivp->K);
    const int error = ds_jacobian(ivp, DS_T_IS_FLOAT, ivp->t, ivp->y, ivp->f);
    state->constant_jacobian = ivp->jac_source == DS_JAC_CONSTANT;
    return error;
}

static int trial(ds_ivp *ivp, double *y_new) {
    const ds_problem problem = ds_problem_of(ivp);
    ds_radau *state = ds_inside(ivp)->state;
    const int stopped = DS_RADAU(trial)(&problem, state, ivp->y_old, ivp->y, y_new, ivp);
    DS_KEEP_TRIAL(ds_inside(ivp), state);
    return stopped;
}

static int renew(ds_ivp *ivp) {
    ds_radau *state = ds_inside(ivp)->state;
    state->have_factors = 0;
    state->current_jacobian = 1;
    return ds_jacobian_here(ivp);
}

static int dense(ds_ivp *ivp, double *q) {
    const ds_radau *state = ds_inside(ivp)->state;
    for (int64_t i = 0; i < DS_RADAU_DENSE_COUNT * ivp->n; ++i) q[i] = state->Q[i];
    return 0;
}

static void memory(const ds_ivp *ivp, double *numbers) {
    const ds_radau *state = ((const ds_solver *)ivp)->state;
    numbers[0] = state->h_abs_before;
    numbers[1] = state->error_norm_before;
    numbers[2] = state->current_jacobian;
}

static void evaluate(int64_t n, double t_old, double h, const double *y_old, const double *q,
                     double t, double *out, int64_t stride) {
    DS_RADAU(evaluate)(n, t_old, h, y_old, q, t, out, stride);
}

const ds_method ds_radau_real = {
    .f_row = 0,
    .row_count = DS_RADAU_ROWS,
    .dense_count = DS_RADAU_DENSE_COUNT,
    .state_size = sizeof(ds_radau),
    .implicit = 1,
    .complex_factors = 1,
    .initial = initial,
    .begin = begin,
    .trial = trial,
    .trial_small = trial,
    .dense = dense,
    .memory = memory,
    .renew = renew,
    .evaluate = evaluate,
};
