/* inst_lsoda.c - binds step_lsoda.h to the solver: each trial is one of LSODA's steps, which never
 * goes beyond t_bound. */
#include "chord.h"
#include "ivp.h"

#define DS_LSODA(name) ivp_lsoda_##name
#define DS_LSODA_CONTEXT ds_ivp *
#define DS_RHS(ivp, t, y, out) ds_newton_derivative(ivp, DS_T_IS_FLOAT, t, y, out)
#define DS_RHS_ALL(ivp, t, y, out) ds_newton_whole(ivp, DS_T_IS_FLOAT, t, y, out)
#define DS_RHS_COLUMNS(ivp, t, y, out) ds_columns_derivative(ivp, DS_T_IS_FLOAT, t, y, out)
#define DS_JAC(ivp, t, y, jac) jacobian(ivp, t, y)
#define DS_FACTOR(ivp, values) factor(ivp, values)
#define DS_SOLVE(ivp, b) solve(ivp, b)
#define DS_COLUMNS 1
#define DS_APART_BEGIN(ivp) apart_begin(ivp)
#define DS_APART_END(ivp) apart_end(ivp)

static int jacobian(ds_ivp *ivp, double t, double *y);
static int factor(ds_ivp *ivp, const double *values);
static void solve(ds_ivp *ivp, double *b);
static int apart_begin(ds_ivp *ivp);
static int apart_end(ds_ivp *ivp);

#include "include/step_lsoda.h"

enum { HISTORY_ROWS = DS_MULTISTEP_ORDERS + 1, ROWS = HISTORY_ROWS + 4 };

/* Numbers in an interpolant before the history: order, end of the step, h. */
enum { DENSE_HEAD = 3 };

/* SciPy's ode('lsoda') allows so many steps in a call. */
enum { STEPS_OF_A_CALL = 500 };

typedef struct {
    ds_lsoda_problem problem;
    ds_lsoda_state state;
    int no_memory;
} lsoda;

static lsoda *lsoda_of(const ds_ivp *ivp) { return ((const ds_solver *)ivp)->state; }

/* --- What the stepper calls ----------------------------------------------------------------------- */

static int jacobian(ds_ivp *ivp, double t, double *y) {
    if (ds_kernel_jacobian(ivp, t, y)) return DS_LSODA_OK;
    if (ivp->jac_source == DS_JAC_DIFFERENCES) return DS_LSODA_DIFFERENCES;
    return ds_given_jacobian(ivp, DS_T_IS_FLOAT, t, y) ? DS_LSODA_STOPPED : DS_LSODA_OK;
}

/* The values are those of -h l_0 J: see grid_factor in odeint.c. */
static int factor(ds_ivp *ivp, const double *values) {
    ds_solver *solver = ds_inside(ivp);
    ++ivp->nlu;
    if (ivp->n_states > DS_CLOCK_STATES) ds_watch_clock(ivp);
    return ds_chord_factor(solver->lu, -1, values, &solver->lu_broken, &lsoda_of(ivp)->no_memory);
}

static void solve(ds_ivp *ivp, double *b) {
    ds_chord_solve(ds_inside(ivp)->lu, ds_inside(ivp)->lu_broken, ivp->n_states, b);
}

static void set_matrix(ds_ivp *ivp) {
    lsoda *l = lsoda_of(ivp);
    l->problem.start = ivp->jac_pattern.start;
    l->problem.rows = ivp->jac_pattern.rows;
    l->state.jac = ivp->jac_values;
}

static int apart_begin(ds_ivp *ivp) {
    lsoda_of(ivp)->no_memory = ds_apart_begin(ivp);
    set_matrix(ivp);
    return lsoda_of(ivp)->no_memory;
}

static int apart_end(ds_ivp *ivp) {
    const int kept = ds_apart_end(ivp);
    set_matrix(ivp);
    return kept;
}

/* --- What the solver calls ------------------------------------------------------------------------ */

static int begin(ds_ivp *ivp) {
    lsoda *l = lsoda_of(ivp);
    ds_lsoda_problem *p = &l->problem;
    ds_lsoda_state *s = &l->state;
    p->n = ivp->n;
    p->n_states = ivp->n_states;
    p->n_tested = ivp->sens_control ? ivp->n : ivp->n_states;
    p->rtol = ivp->rtol;
    p->atol = ivp->atol;
    p->rtol_stride = ivp->rtol_stride;
    p->atol_stride = ivp->atol_stride;
    p->h0 = ivp->first_step * ivp->direction;
    p->h_min = ivp->min_step;
    p->h_max = ivp->max_step < INFINITY ? ivp->max_step : 0;
    p->order_max[DS_LSODA_ADAMS] = DS_ADAMS_ORDER_MAX;
    p->order_max[DS_LSODA_BDF] = DS_BDF_ORDER_MAX;
    p->step_max = STEPS_OF_A_CALL;
    p->banded = ivp->lower >= 0;
    p->lower = ivp->lower;
    p->upper = ivp->upper;
    s->history = ivp->K;
    s->weight = s->history + HISTORY_ROWS * ivp->n;
    s->f = s->weight + ivp->n;
    s->correction = s->f + ivp->n;
    s->y = s->correction + ivp->n;
    for (int64_t i = 0; i < ROWS * ivp->n; ++i) ivp->K[i] = 0;
    for (int64_t i = 0; i < ivp->n; ++i) s->y[i] = ivp->y[i];
    set_matrix(ivp);
    return 0;
}

static int trial(ds_ivp *ivp, double *y_new) {
    ds_solver *solver = ds_inside(ivp);
    lsoda *l = lsoda_of(ivp);
    ds_lsoda_state *s = &l->state;
    int code = ivp_lsoda_call(&l->problem, s, ivp->t, DS_LSODA_ONE_STEP_CRIT, ivp->t_bound,
                                    ivp->t_bound, 1, ivp);
    if (ds_flags_raised()) ds_flags_clear();
    if (l->no_memory) return DS_NO_MEMORY;
    if (code == DS_LSODA_STOPPED) return DS_PYTHON_ERROR;
    if (isnan(s->t_out)) code = DS_LSODA_ILLEGAL; /* a span that is nan would never end */
    solver->trial_accepted = code == DS_LSODA_DONE;
    solver->trial_failed = !solver->trial_accepted;
    ivp->istate = code;
    ivp->njev = ivp->nlu = s->jacobian_count;
    if (solver->trial_failed) return 0;
    for (int64_t i = 0; i < ivp->n; ++i) y_new[i] = s->y[i];
    solver->trial_t = s->t_out;
    solver->trial_h = s->t_out - ivp->t;
    solver->trial_h_abs = fabs(s->h);
    solver->trial_clipped = 1; /* t is always a Python float */
    return 0;
}

/* Old factors are gone: the next step begins with new ones. */
static int renew(ds_ivp *ivp) {
    set_matrix(ivp);
    lsoda_of(ivp)->state.jacobian_due = lsoda_of(ivp)->state.family == DS_LSODA_BDF;
    return 0;
}

static int64_t dense_size(const ds_ivp *ivp) {
    return DENSE_HEAD + (lsoda_of(ivp)->state.order_used + 1) * ivp->n;
}

static int dense(ds_ivp *ivp, double *q) {
    const lsoda *l = lsoda_of(ivp);
    q[0] = l->state.order_used;
    q[1] = ivp->t;
    q[2] = ds_lsoda_dense(&l->problem, &l->state, q + DENSE_HEAD);
    return 0;
}

static void evaluate(int64_t n, double t_old, double h, const double *y_old, const double *q,
                     double t, double *out, int64_t stride) {
    const int order = (int)q[0];
    const double x = (t - q[1]) / q[2], *z = q + DENSE_HEAD;
    (void)t_old, (void)h, (void)y_old;
    double powers[HISTORY_ROWS] = {1};
    for (int j = 1; j <= order; ++j) powers[j] = pow(x, j);
    for (int64_t i = 0; i < n; ++i) {
        double sum = 0;
        for (int j = 0; j <= order; ++j) sum += z[j * n + i] * powers[j];
        out[i * stride] = sum;
    }
}

const ds_method ds_lsoda_real = {
    .f_row = HISTORY_ROWS + 1,
    .row_count = ROWS,
    .dense_count = HISTORY_ROWS,
    .dense_head = DENSE_HEAD,
    .state_size = sizeof(lsoda),
    .implicit = 1,
    .starts_later = 1,
    .begin = begin,
    .trial = trial,
    .trial_small = trial,
    .dense = dense,
    .dense_size = dense_size,
    .renew = renew,
    .evaluate = evaluate,
};
