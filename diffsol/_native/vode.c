/* vode.c - VODE and ZVODE: memory, what the stepper calls, and calls in slices of time. */
#include "vode.h"
#include "by_kernel.h"
#include "chord.h"
#include "scalar_code.h"
#include "slice.h"
#include <string.h>

/* Largest state, in doubles, for which scalar code is faster (as SMALL_WIDTH in ivp.c). */
enum { SMALL_WIDTH = 8 };

typedef struct solver solver;
static int derivative(solver *solver, double t, double *y, double *out);
static int jacobian(solver *solver, double t, double *y, double **values);
static int factor(solver *solver, double c, const double *values);
static void solve_system(solver *solver, double *b);

#define DS_VODE_CONTEXT solver *
#define DS_RHS(solver, t, y, out) derivative(solver, t, y, out)
#define DS_JAC(solver, t, y, jac) jacobian(solver, t, y, &(jac))
#define DS_FACTOR(solver, c, values) factor(solver, c, values)
#define DS_SOLVE(solver, b) solve_system(solver, b)

#define DS_COMPLEX 0
#define DS_VODE(name) vode_##name
#include "include/step_vode.h"
#undef DS_COMPLEX
#undef DS_VODE

#define DS_COMPLEX 1
#define DS_VODE(name) zvode_##name
#include "include/step_vode.h"
#undef DS_COMPLEX
#undef DS_VODE

struct solver {
    ds_vode public; /* first: a ds_vode* is a solver* */
    ds_vode_problem problem;
    ds_vode_state state;
    ds_slice slice;
    ds_chord chord;
};

/* Rows of the width of a state: the history, f, correction, diagonal; and the weights. */
enum { ROWS = DS_VODE_ORDERS + 1 + 4 };

static solver *inside(ds_vode *solve) { return (solver *)solve; }

static int64_t width(const ds_vode *solve) { return solve->n * (1 + solve->is_complex); }

ds_vode *ds_vode_new(int64_t n, int is_complex) {
    if (n < 0 || n > INT64_MAX / 4096) return NULL;
    const int64_t m = n * (1 + (is_complex != 0));
    const size_t size = sizeof(solver) + ROWS * (size_t)m * sizeof(double);
    solver *self = malloc(size);
    if (!self) return NULL;
    memset(self, 0, size);
    ds_vode *solve = &self->public;
    ds_vode_state *s = &self->state;
    s->history = (double *)(self + 1);
    s->f = s->history + (DS_VODE_ORDERS + 1) * m;
    s->correction = s->f + m;
    s->diagonal = s->correction + m;
    s->weight = s->diagonal + m;
    solve->python = ds_call_python;
    solve->n = n;
    solve->is_complex = is_complex != 0;
    solve->istate = DS_VODE_NOTHING_DONE;
    solve->worst = -1;
    solve->rtol = &solve->rtol_value;
    solve->atol = &solve->atol_value;
    const ds_pattern full = {.n = n, .count = n * n};
    self->chord.pattern = full;
    return solve;
}

static void free_matrix(solver *self) { ds_chord_free(&self->chord, &self->state.jac); }

void ds_vode_free(ds_vode *solve) {
    if (!solve) return;
    free_matrix(inside(solve));
    free(solve);
}

void ds_vode_set_jacobian(ds_vode *solve, const ds_pattern *pattern, const ds_lu_plan *plan) {
    solver *self = inside(solve);
    free_matrix(self);
    self->chord.pattern = *pattern;
    self->chord.plan = *plan;
    self->problem.start = (const ds_int *)pattern->start;
    self->problem.rows = (const ds_int *)pattern->rows;
    /* Old values and factors are gone: the next step begins with new ones. */
    self->state.matrix_due = self->problem.iteration == DS_VODE_CHORD;
    self->state.jacobian_step = -DS_VODE_JACOBIAN_AGE - 1;
}

void ds_vode_set_band(ds_vode *solve, int64_t lower, int64_t upper) {
    ds_vode_problem *p = &inside(solve)->problem;
    p->banded = 1;
    p->lower = lower;
    p->upper = upper;
}

/* --- What the stepper calls ------------------------------------------------------------------- */

static int by_python(solver *self, int which, double t, double *y, double *out) {
    ds_slice_watch(&self->slice); /* it may be slow */
    return self->public.python(self->public.handle, which, DS_T_IS_FLOAT, t, y, out) != 0;
}

static inline int derivative(solver *self, double t, double *y, double *out) {
    if (by_kernel(&self->public.fun, t, y, out)) return 0;
    return by_python(self, 0, t, y, out);
}

static int jacobian(solver *self, double t, double *y, double **values) {
    if (!self->chord.lu && !ds_chord_make(&self->chord, self->public.is_complex, values))
        return DS_VODE_STOPPED;
    if (by_kernel(&self->public.jac, t, y, *values)) return DS_VODE_OK;
    if (self->public.jac_source == DS_JAC_DIFFERENCES) return DS_VODE_DIFFERENCES;
    return by_python(self, DS_CALL_JACOBIAN, t, y, *values) ? DS_VODE_STOPPED : DS_VODE_OK;
}

static int factor(solver *self, double c, const double *values) {
    ds_chord *chord = &self->chord;
    if (self->public.n > DS_CLOCK_STATES) ds_slice_watch(&self->slice);
    return ds_chord_factor(chord->lu, c, values, &chord->broken, &chord->no_memory);
}

static void solve_system(solver *self, double *b) {
    ds_chord_solve(self->chord.lu, self->chord.broken, width(&self->public), b);
}

/* --- Calls ------------------------------------------------------------------------------------ */

static void set_problem(solver *self) {
    const ds_vode *solve = &self->public;
    ds_vode_problem *p = &self->problem;
    p->n = solve->n;
    p->rtol = solve->rtol;
    p->atol = solve->atol;
    p->rtol_stride = solve->rtol_stride;
    p->atol_stride = solve->atol_stride;
    p->h0 = solve->h0;
    p->h_min = solve->h_min;
    p->h_max = solve->h_max;
    p->family = solve->family;
    p->iteration = solve->iteration;
    p->order_max = solve->order_max;
    p->step_max = solve->step_max;
    self->state.y = solve->state;
}

static void tell(solver *self, int code) {
    ds_vode *solve = &self->public;
    const ds_vode_state *s = &self->state;
    solve->t_now = s->t;
    solve->h_used = s->h_used;
    solve->h_next = code < 0 ? s->h : s->h_next;
    solve->excess = s->excess;
    solve->order_used = s->order_used;
    solve->order_next = code < 0 ? s->order : s->order_next;
    solve->step_count = s->step_count;
    solve->evaluation_count = s->evaluation_count;
    solve->jacobian_count = s->jacobian_count;
    solve->factor_count = s->factor_count;
    solve->iteration_count = s->iteration_count;
    solve->divergence_count = s->divergence_count;
    solve->rejection_count = s->rejection_count;
    if (code == DS_VODE_RUNNING) return;
    solve->istate = code;
    solve->t = s->t_out;
    if (code == DS_VODE_ERROR_TESTS || code == DS_VODE_CONVERGENCE)
        solve->worst = solve->is_complex ? zvode_worst(&self->problem, s)
                                         : vode_worst(&self->problem, s);
}

/* Steps until something ends it. */
DS_FN int advance(solver *self, int is_complex) {
    ds_vode *solve = &self->public;
    ds_vode_state *s = &self->state;
    int code;
    do {
        const int64_t steps = s->step_count, allowance = self->slice.countdown;
        const int anew = solve->anew;
        code = is_complex ? zvode_call(&self->problem, s, anew, solve->t, solve->task,
                                       solve->t_out, allowance, self)
                          : vode_call(&self->problem, s, anew, solve->t, solve->task, solve->t_out,
                                      allowance, self);
        self->slice.countdown -= s->step_count - (s->step_count < steps ? 0 : steps);
    } while (code == DS_VODE_RUNNING && !ds_slice_is_over(&self->slice, 0));
    return code;
}

static DS_SCALAR_CODE int advance_small(solver *self) { return advance(self, 0); }
static int advance_real(solver *self) { return advance(self, 0); }
static int advance_complex(solver *self) { return advance(self, 1); }

int ds_vode_advance(ds_vode *solve, double seconds) {
    solver *self = inside(solve);
    set_problem(self);
    ds_slice_begin(&self->slice, seconds);
    const int code = solve->is_complex            ? advance_complex(self)
                     : solve->n <= SMALL_WIDTH ? advance_small(self)
                                                  : advance_real(self);
    tell(self, code);
    if (code == DS_VODE_STOPPED) {
        self->state.underway = self->state.started = 0;
        return self->chord.no_memory ? DS_NO_MEMORY : DS_PYTHON_ERROR;
    }
    if (code == DS_VODE_RUNNING) return DS_RUNNING;
    return code < 0 ? DS_FAILED : DS_FINISHED;
}

int ds_vode_run(ds_vode *solve, double seconds, int task, int anew, double t, double t_out) {
    solve->task = task;
    solve->anew = anew;
    solve->t = t;
    solve->t_out = t_out;
    return ds_vode_advance(solve, seconds);
}
