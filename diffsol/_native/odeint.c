/* odeint.c - LSODA over a grid of output times: rows, critical times, and the columns that SciPy's
 * odeint tells about each row. */
#include "odeint.h"
#include "by_kernel.h"
#include "scalar_code.h"
#include "slice.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Largest state for which scalar code is faster (as SMALL_WIDTH in ivp.c). */
enum { SMALL_STATE = 8 };

typedef struct ds_grid ds_grid;
static int grid_derivative(ds_grid *grid, double t, double *y, double *out);
static int grid_jacobian(ds_grid *grid, double t, double *y, double **values);
static int grid_factor(ds_grid *grid, const double *values);
static void grid_solve(ds_grid *grid, double *b);

#define DS_LSODA(name) grid_lsoda_##name
#define DS_LSODA_CONTEXT ds_grid *
#define DS_RHS(grid, t, y, out) grid_derivative(grid, t, y, out)
#define DS_JAC(grid, t, y, jac) grid_jacobian(grid, t, y, &(jac))
#define DS_FACTOR(grid, values) grid_factor(grid, values)
#define DS_SOLVE(grid, b) grid_solve(grid, b)
#include "include/step_lsoda.h"

struct ds_grid {
    ds_odeint public; /* first: a ds_odeint* is a ds_grid* */
    ds_lsoda_problem problem;
    ds_lsoda_state state;
    ds_slice slice;
    int64_t crit; /* the critical time ahead */
    int64_t told; /* last entry of the columns that a call has filled, or -1 */
    int no_memory;

    /* The matrix, made when it is first needed: a solve may stay with Adams. */
    ds_pattern pattern;
    ds_lu_plan plan;
    ds_lu *lu;
    int lu_broken; /* there are no factors: solutions are nan */
};

static ds_grid *inside(ds_odeint *solve) { return (ds_grid *)solve; }

int64_t ds_odeint_first(const double *t, int64_t count) {
    int rises = 1, falls = 1;
    for (int64_t i = 1; i < count; ++i) {
        rises &= t[i] >= t[i - 1];
        falls &= t[i] <= t[i - 1];
    }
    if (!rises && !falls) return 0;
    int64_t first = 1;
    while (first < count && t[first] == t[0]) ++first;
    return first;
}

ds_odeint *ds_odeint_new(int64_t n) {
    if (n < 0 || n > INT64_MAX / 4096) return NULL;
    const size_t rows = DS_MULTISTEP_ORDERS + 1 + 3;
    ds_grid *grid = malloc(sizeof *grid + rows * (size_t)n * sizeof(double));
    if (!grid) return NULL;
    memset(grid, 0, sizeof *grid + rows * (size_t)n * sizeof(double));
    ds_odeint *solve = &grid->public;
    ds_lsoda_state *s = &grid->state;
    s->history = (double *)(grid + 1);
    s->weight = s->history + (DS_MULTISTEP_ORDERS + 1) * n;
    s->f = s->weight + n;
    s->correction = s->f + n;
    solve->python = ds_call_python;
    solve->n = n;
    solve->row = 1;
    solve->istate = DS_LSODA_NOTHING_DONE;
    solve->worst = -1;
    solve->rtol = &solve->rtol_value;
    solve->atol = &solve->atol_value;
    const ds_pattern full = {.n = n, .count = n * n};
    grid->pattern = full;
    grid->told = -1;
    return solve;
}

static void free_matrix(ds_grid *grid) {
    free(grid->state.jac);
    ds_lu_free(grid->lu);
    grid->state.jac = NULL;
    grid->lu = NULL;
}

void ds_odeint_free(ds_odeint *solve) {
    if (!solve) return;
    free_matrix(inside(solve));
    free(solve);
}

void ds_odeint_set_jacobian(ds_odeint *solve, const ds_pattern *pattern, const ds_lu_plan *plan) {
    ds_grid *grid = inside(solve);
    free_matrix(grid);
    grid->pattern = *pattern;
    grid->plan = *plan;
    grid->problem.start = pattern->start;
    grid->problem.rows = pattern->rows;
    /* Old factors are gone: the next step begins with new ones. */
    grid->state.jacobian_due = grid->state.family == DS_LSODA_BDF;
}

void ds_odeint_set_band(ds_odeint *solve, int64_t lower, int64_t upper) {
    ds_lsoda_problem *p = &inside(solve)->problem;
    p->banded = 1;
    p->lower = lower;
    p->upper = upper;
}

/* --- What the stepper calls ------------------------------------------------------------------ */

static int by_python(ds_grid *grid, int which, double t, double *y, double *out) {
    ds_slice_watch(&grid->slice); /* it may be slow */
    return grid->public.python(grid->public.handle, which, DS_T_IS_FLOAT, t, y, out) != 0;
}

static inline int grid_derivative(ds_grid *grid, double t, double *y, double *out) {
    if (by_kernel(&grid->public.fun, t, y, out)) return 0;
    return by_python(grid, 0, t, y, out);
}

static int make_matrix(ds_grid *grid, double **values) {
    *values = calloc((size_t)grid->pattern.count + 1, sizeof(double));
    grid->lu = ds_lu_new(&grid->pattern, 0, 0, &grid->plan);
    grid->no_memory = !*values || !grid->lu;
    return !grid->no_memory;
}

static int grid_jacobian(ds_grid *grid, double t, double *y, double **values) {
    if (!grid->lu && !make_matrix(grid, values)) return DS_LSODA_STOPPED;
    if (by_kernel(&grid->public.jac, t, y, *values)) return DS_LSODA_OK;
    if (grid->public.jac_source == DS_JAC_DIFFERENCES) return DS_LSODA_DIFFERENCES;
    return by_python(grid, DS_CALL_JACOBIAN, t, y, *values) ? DS_LSODA_STOPPED : DS_LSODA_OK;
}

/* The values are those of -h l_0 J already: 1 - (-1) x is exact, and has the bits that ODEPACK's
 * matrix has. A nan in it is no obstacle there, and spoils the solutions. */
static int grid_factor(ds_grid *grid, const double *values) {
    const int code = ds_lu_factor(grid->lu, 1, 0, -1, values);
    if (grid->public.n > DS_CLOCK_STATES) ds_slice_watch(&grid->slice);
    grid->no_memory = code == DS_LU_NO_MEMORY;
    grid->lu_broken = code == DS_LU_NOT_FINITE;
    return code == DS_LU_SINGULAR || grid->no_memory;
}

static void grid_solve(ds_grid *grid, double *b) {
    if (!grid->lu_broken)
        ds_lu_solve(grid->lu, b);
    else
        for (int64_t i = 0; i < grid->public.n; ++i) b[i] = NAN;
}

/* --- Rows --------------------------------------------------------------------------------------- */

static void set_problem(ds_grid *grid) {
    const ds_odeint *solve = &grid->public;
    ds_lsoda_problem *p = &grid->problem;
    p->n = solve->n;
    p->rtol = solve->rtol;
    p->atol = solve->atol;
    p->rtol_stride = solve->rtol_stride;
    p->atol_stride = solve->atol_stride;
    p->h0 = solve->h0;
    p->h_min = solve->h_min;
    p->h_max = solve->h_max;
    p->order_max[DS_LSODA_ADAMS] = solve->adams_order_max;
    p->order_max[DS_LSODA_BDF] = solve->bdf_order_max;
    p->step_max = solve->step_max;
    grid->state.y = solve->state;
}

/* SciPy's odeint moves on to the next critical time when an output time is larger; it does so at
 * most once for each output time, and knows no direction. */
static void pass_critical_time(ds_grid *grid) {
    const ds_odeint *solve = &grid->public;
    if (grid->crit < solve->n_crit && solve->t[solve->row] > solve->t_crit[grid->crit])
        ++grid->crit;
}

/* The columns of row i + 1. A refused call says nothing new: they are those of the row before. */
static void fill_columns(ds_grid *grid, int64_t i, int refused) {
    ds_odeint *solve = &grid->public;
    const ds_lsoda_state *s = &grid->state;
    if (!solve->hu) return;
    solve->tolsf[i] = s->excess;
    if (refused) {
#define DS_AS_BEFORE(column) \
    solve->column[i] = grid->told < 0 ? 0 : solve->column[grid->told]
        DS_AS_BEFORE(hu), DS_AS_BEFORE(tcur), DS_AS_BEFORE(tsw), DS_AS_BEFORE(nst);
        DS_AS_BEFORE(nfe), DS_AS_BEFORE(nje), DS_AS_BEFORE(nqu), DS_AS_BEFORE(mused);
#undef DS_AS_BEFORE
        return;
    }
    solve->hu[i] = s->h_used;
    solve->tcur[i] = s->t;
    solve->tsw[i] = s->t_switch;
    solve->nst[i] = (int32_t)s->step_count;
    solve->nfe[i] = (int32_t)s->evaluation_count;
    solve->nje[i] = (int32_t)s->jacobian_count;
    solve->nqu[i] = s->order_used;
    solve->mused[i] = s->family_used + 1;
    grid->told = i;
}

static void fill_row(ds_grid *grid, int code) {
    ds_odeint *solve = &grid->public;
    const size_t bytes = (size_t)solve->n * sizeof(double);
    memcpy(solve->y + solve->row * solve->n, grid->state.y, bytes);
    fill_columns(grid, solve->row - 1, code == DS_LSODA_ILLEGAL);
    ++solve->row;
    solve->istate = code;
    if (code == DS_LSODA_ERROR_TESTS || code == DS_LSODA_CONVERGENCE)
        solve->worst = ds_lsoda_worst(&grid->problem, &grid->state);
}

/* ODEPACK's call for the next row. */
DS_FN int call(ds_grid *grid, const ds_lsoda_problem *problem) {
    const ds_odeint *solve = &grid->public;
    const int critical = grid->crit < solve->n_crit;
    const double t_crit = critical ? solve->t_crit[grid->crit] : 0;
    const int task = critical ? DS_LSODA_TO_TIME_CRIT : DS_LSODA_TO_TIME;
    const int64_t steps = grid->state.step_count;
    const int code = grid_lsoda_call(problem, &grid->state, solve->t[0], task,
                                     solve->t[solve->row], t_crit, grid->slice.countdown, grid);
    grid->slice.countdown -= grid->state.step_count - steps;
    return code;
}

/* Rows until something ends it. `n` may be a constant, which the compiler then unrolls for. */
DS_FN int advance(ds_grid *grid, ds_int n) {
    ds_odeint *solve = &grid->public;
    ds_lsoda_problem problem = grid->problem;
    problem.n = n;
    while (solve->row < solve->n_times) {
        if (!grid->state.underway) pass_critical_time(grid);
        const int code = call(grid, &problem);
        if (code == DS_LSODA_STOPPED) return grid->no_memory ? DS_NO_MEMORY : DS_PYTHON_ERROR;
        if (code != DS_LSODA_RUNNING) fill_row(grid, code);
        if (code < 0) return DS_FAILED;
        if (ds_slice_is_over(&grid->slice, code == DS_LSODA_RUNNING ? 0 : 1)) break;
    }
    return solve->row < solve->n_times ? DS_RUNNING : DS_FINISHED;
}

/* The smallest systems are worth a copy of the code each: a sixth of the time. */
static DS_SCALAR_CODE int advance_2(ds_grid *grid) { return advance(grid, 2); }
static DS_SCALAR_CODE int advance_3(ds_grid *grid) { return advance(grid, 3); }
static DS_SCALAR_CODE int advance_small(ds_grid *grid) { return advance(grid, grid->public.n); }
static int advance_large(ds_grid *grid) { return advance(grid, grid->public.n); }

int ds_odeint_advance(ds_odeint *solve, double seconds) {
    ds_grid *grid = inside(solve);
    int (*const sized[])(ds_grid *) = {advance_small, advance_small, advance_2, advance_3};
    set_problem(grid);
    ds_slice_begin(&grid->slice, seconds);
    const int code = solve->n < 4              ? sized[solve->n](grid)
                     : solve->n <= SMALL_STATE ? advance_small(grid)
                                               : advance_large(grid);
    solve->t_now = grid->state.t;
    solve->h_next = grid->state.h;
    solve->step_count = grid->state.step_count;
    solve->evaluation_count = grid->state.evaluation_count;
    solve->jacobian_count = grid->state.jacobian_count;
    return code;
}

void ds_odeint_tell(const ds_odeint *solve, double *rwork, int32_t *iwork) {
    const ds_lsoda_state *s = &((const ds_grid *)solve)->state;
    rwork[10] = s->h_used;
    rwork[11] = s->h;
    rwork[12] = s->t;
    rwork[13] = s->excess;
    rwork[14] = s->t_switch;
    iwork[10] = (int32_t)s->step_count;
    iwork[11] = (int32_t)s->evaluation_count;
    iwork[12] = (int32_t)s->jacobian_count;
    iwork[13] = s->order_used;
    iwork[14] = s->order;
    iwork[15] = (int32_t)solve->worst + 1;
    iwork[18] = s->family_used + 1;
    iwork[19] = s->family + 1;
    const int64_t rows = 1 + (s->order > s->order_used ? s->order : s->order_used);
    memcpy(rwork + 20, s->history, (size_t)(rows * solve->n) * sizeof(double));
}
