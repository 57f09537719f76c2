/* odeint.c - LSODA over a grid of output times: rows, critical times, and the columns that SciPy's
 * odeint tells about each row. */
#include "odeint.h"
#include "by_kernel.h"
#include "chord.h"
#include "scalar_code.h"
#include "slice.h"
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
    ds_chord chord;
    double times[2], *before; /* ds_odeint_run's, and the state as it found it */
};

/* Rows of n numbers: the history, weights, f and correction. */
enum { ROWS = DS_MULTISTEP_ORDERS + 1 + 3 };

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
    ds_grid *grid = malloc(sizeof *grid + (ROWS + 1) * (size_t)n * sizeof(double));
    if (!grid) return NULL;
    memset(grid, 0, sizeof *grid + (ROWS + 1) * (size_t)n * sizeof(double));
    ds_odeint *solve = &grid->public;
    ds_lsoda_state *s = &grid->state;
    s->history = (double *)(grid + 1);
    s->weight = s->history + (DS_MULTISTEP_ORDERS + 1) * n;
    s->f = s->weight + n;
    s->correction = s->f + n;
    grid->before = s->history + ROWS * n;
    solve->python = ds_call_python;
    solve->n = n;
    solve->row = 1;
    solve->istate = DS_LSODA_NOTHING_DONE;
    solve->worst = -1;
    solve->rtol = &solve->rtol_value;
    solve->atol = &solve->atol_value;
    const ds_pattern full = {.n = n, .count = n * n};
    grid->chord.pattern = full;
    grid->told = -1;
    return solve;
}

static void free_matrix(ds_grid *grid) { ds_chord_free(&grid->chord, &grid->state.jac); }

void ds_odeint_free(ds_odeint *solve) {
    if (!solve) return;
    free_matrix(inside(solve));
    free(solve);
}

/* The C core's own part of a solve that has not begun. The history is cleared, too: what a solve
 * does shall not depend on what was solved before. */
static void clear(ds_grid *grid) {
    ds_lsoda_state *s = &grid->state;
    const ds_lsoda_state fresh = {.history = s->history, .weight = s->weight, .f = s->f,
                                  .correction = s->correction, .y = s->y, .jac = s->jac};
    const ds_slice slice = {.countdown = 0};
    *s = fresh;
    memset(s->history, 0, ROWS * (size_t)grid->public.n * sizeof(double));
    grid->slice = slice;
    grid->crit = 0;
    grid->told = -1;
    grid->chord.broken = grid->chord.no_memory = 0;
}

int64_t ds_odeint_begin(ds_odeint *solve, const double *t, double *y, int64_t n_times) {
    const size_t bytes = (size_t)solve->n * sizeof(double);
    const int64_t first = ds_odeint_first(t, n_times);
    clear(inside(solve));
    solve->t = t;
    solve->y = y;
    solve->n_times = n_times;
    solve->row = first;
    solve->istate = DS_LSODA_NOTHING_DONE;
    solve->worst = -1;
    solve->step_count = solve->evaluation_count = solve->jacobian_count = 0;
    solve->t_now = solve->h_next = 0;
    if (first) memcpy(solve->state, y, bytes);
    for (int64_t i = 1; i < first; ++i) memcpy(y + i * solve->n, y, bytes);
    return first;
}

void ds_odeint_only_kernels(ds_odeint *solve) { solve->python = ds_ask_nobody; }

void ds_odeint_set_limits(ds_odeint *solve, double h0, double h_max, double h_min, int64_t step_max,
                          int adams_order_max, int bdf_order_max) {
    solve->h0 = h0;
    solve->h_max = h_max;
    solve->h_min = h_min;
    solve->step_max = step_max;
    solve->adams_order_max = adams_order_max;
    solve->bdf_order_max = bdf_order_max;
}

void ds_odeint_set_columns(ds_odeint *solve, double *floats, int32_t *ints, int64_t count) {
    solve->hu = floats;
    solve->tcur = floats + count;
    solve->tolsf = floats + 2 * count;
    solve->tsw = floats + 3 * count;
    solve->nst = ints;
    solve->nfe = ints + count;
    solve->nje = ints + 2 * count;
    solve->nqu = ints + 3 * count;
    solve->mused = ints + 4 * count;
}

void ds_odeint_before(const ds_odeint *solve, double *y) {
    memcpy(y, ((const ds_grid *)solve)->before, (size_t)solve->n * sizeof(double));
}

void ds_odeint_set_jacobian(ds_odeint *solve, const ds_pattern *pattern, const ds_lu_plan *plan) {
    ds_grid *grid = inside(solve);
    free_matrix(grid);
    grid->chord.pattern = *pattern;
    grid->chord.plan = *plan;
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

static int grid_jacobian(ds_grid *grid, double t, double *y, double **values) {
    if (!grid->chord.lu && !ds_chord_make(&grid->chord, 0, values)) return DS_LSODA_STOPPED;
    if (by_kernel(&grid->public.jac, t, y, *values)) return DS_LSODA_OK;
    if (grid->public.jac_source == DS_JAC_DIFFERENCES) return DS_LSODA_DIFFERENCES;
    return by_python(grid, DS_CALL_JACOBIAN, t, y, *values) ? DS_LSODA_STOPPED : DS_LSODA_OK;
}

/* The values are those of -h l_0 J already: 1 - (-1) x is exact, and has the bits that ODEPACK's
 * matrix has. */
static int grid_factor(ds_grid *grid, const double *values) {
    ds_chord *chord = &grid->chord;
    if (grid->public.n > DS_CLOCK_STATES) ds_slice_watch(&grid->slice);
    return ds_chord_factor(chord->lu, -1, values, &chord->broken, &chord->no_memory);
}

static void grid_solve(ds_grid *grid, double *b) {
    ds_chord_solve(grid->chord.lu, grid->chord.broken, grid->public.n, b);
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
        if (code == DS_LSODA_STOPPED) return grid->chord.no_memory ? DS_NO_MEMORY : DS_PYTHON_ERROR;
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

int ds_odeint_run(ds_odeint *solve, double seconds, double t, double t_out) {
    ds_grid *grid = inside(solve);
    if (!grid->state.underway)
        memcpy(grid->before, solve->state, (size_t)solve->n * sizeof(double));
    grid->times[0] = t;
    grid->times[1] = t_out;
    solve->t = grid->times;
    solve->n_times = 2;
    solve->row = 1;
    return ds_odeint_advance(solve, seconds);
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
