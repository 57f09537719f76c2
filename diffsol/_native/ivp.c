/* ivp.c - the life of one initial value problem: made, started, advanced in bounded slices,
 * freed. */
#include "direction.h"
#include "ivp.h"
#include <stdlib.h>
#include <math.h>
#include <string.h>

/* Largest state that ds_method.trial_small is for (measured: even at about 10 doubles). */
enum { SMALL_WIDTH = 8 };

const ds_method *ds_find_method(int method, int is_complex) {
    static const ds_method *const methods[DS_METHOD_COUNT][2] = {
        [DS_RK23] = {&ds_rk23_real, &ds_rk23_complex},
        [DS_RK45] = {&ds_rk45_real, &ds_rk45_complex},
        [DS_DOP853] = {&ds_dop853_real, &ds_dop853_complex},
        [DS_RADAU] = {&ds_radau_real, NULL},
        [DS_BDF] = {&ds_bdf_real, &ds_bdf_complex},
        [DS_LSODA] = {&ds_lsoda_real, NULL},
    };
    return method >= 0 && method < DS_METHOD_COUNT ? methods[method][is_complex != 0] : NULL;
}

/* Struct, the method's own state, three states, stages and one interpolant in one block. */
ds_ivp *ds_ivp_new(int method_id, int64_t n, int is_complex) {
    const ds_method *method = ds_find_method(method_id, is_complex);
    if (!method || n < 0 || n > INT64_MAX / 4096) return NULL;
    const int64_t width = n * (is_complex ? 2 : 1);
    const size_t rows = 3 + method->row_count + method->dense_count;
    const size_t doubles = (size_t)width * rows + method->dense_head;
    const size_t head = sizeof(ds_solver) + (method->state_size + 7) / 8 * 8;
    ds_solver *solver = malloc(head + doubles * sizeof(double));
    if (!solver) return NULL;
    memset(solver, 0, head);
    double *memory = (double *)((char *)solver + head);
    solver->state = solver + 1;
    ds_ivp *ivp = &solver->public;
    ivp->python = ds_call_python;
    ivp->method = method_id;
    ivp->n = ivp->n_states = n;
    ivp->is_complex = is_complex;
    ivp->status = DS_FAILED; /* until started */
    solver->method = method;
    solver->trial = width <= SMALL_WIDTH ? method->trial_small : method->trial;
    solver->width = width;
    ivp->y = ivp->y0 = memory;
    ivp->y_old = memory + width;
    solver->y_new = memory + 2 * width;
    ivp->K = memory + 3 * width;
    ivp->f = ivp->K + method->f_row * width;
    solver->q = ivp->K + method->row_count * width;
    ivp->rtol = &ivp->rtol_value;
    ivp->atol = &ivp->atol_value;
    return ivp;
}

static void free_events(ds_ivp *ivp) {
    free(ivp->events);
    free(ivp->event_direction);
    free(ivp->event_count);
    free(ds_inside(ivp)->active);
}

void ds_ivp_free(ds_ivp *ivp) {
    if (!ivp) return;
    free_events(ivp);
    ds_free_jacobian(ivp);
    free(ivp->ts);
    free(ivp->ys);
    free(ivp->seg_t_old);
    free(ivp->seg_t);
    free(ivp->seg_y_old);
    free(ivp->seg_q);
    free(ivp->seg_at);
    free(ivp->ev_index);
    free(ivp->ev_t);
    free(ivp->ev_y);
    free(ivp);
}

int ds_ivp_set_events(ds_ivp *ivp, int64_t n_events) {
    ds_solver *solver = ds_inside(ivp);
    const size_t k = (size_t)n_events;
    free_events(ivp);
    ivp->n_events = 0;
    ivp->events = calloc(k + 1, sizeof *ivp->events); /* + 1: none is not a failure */
    ivp->event_direction = calloc(5 * k + solver->width + 1, sizeof(double));
    ivp->event_count = calloc(k + 1, sizeof *ivp->event_count);
    solver->active = calloc(k + 1, sizeof *solver->active);
    if (!ivp->events || !ivp->event_direction || !ivp->event_count || !solver->active)
        return DS_NO_MEMORY;
    ivp->event_max = ivp->event_direction + k;
    ivp->g = ivp->event_max + k;
    solver->g_new = ivp->g + k;
    solver->roots = solver->g_new + k;
    solver->event_y = solver->roots + k;
    ivp->n_events = n_events;
    return 0;
}

static int choose_first_step(ds_ivp *ivp) {
    const int error = ds_whole_derivative(ivp, DS_T_IS_FLOAT, ivp->t, ivp->y, ivp->f);
    if (error || ivp->first_step > 0) return error;
    return ds_inside(ivp)->method->initial(ivp);
}

/* The method for a state with columns has the memory of the one for y alone. */
static const ds_method *with_columns(const ds_ivp *ivp) {
    static const ds_method *const methods[DS_METHOD_COUNT] = {
        [DS_RK23] = &ds_rk23_columns,   [DS_RK45] = &ds_rk45_columns,
        [DS_DOP853] = &ds_dop853_columns, [DS_RADAU] = &ds_radau_real,
        [DS_BDF] = &ds_bdf_columns,     [DS_LSODA] = &ds_lsoda_real,
    };
    return methods[ivp->method];
}

int ds_ivp_start(ds_ivp *ivp) {
    ds_solver *solver = ds_inside(ivp);
    if (ds_has_columns(ivp)) {
        if (ivp->is_complex) return DS_FAILED;
        solver->method = with_columns(ivp);
        solver->trial = solver->method->trial;
    }
    if (ds_flags_raised()) ds_flags_clear();
    ds_watch_clock(ivp);
    ivp->t = ivp->t_old = ivp->t_stop = ivp->t0;
    ivp->direction = ds_direction(ivp->t0, ivp->t_bound);
    if (ivp->y0 != ivp->y) memcpy(ivp->y, ivp->y0, solver->width * sizeof(double));
    ivp->h_abs = ivp->first_step;
    int error = solver->method->starts_later ? 0 : choose_first_step(ivp);
    if (!error && solver->method->begin) error = solver->method->begin(ivp);
    if (error) return error;
    ds_flags_clear();
    solver->trial_h_abs = ivp->h_abs;
    ivp->status = DS_RUNNING;
    return ds_output_start(ivp);
}

int ds_ivp_again(ds_ivp *ivp, double t0, double t_bound, double *y0, const double *t_eval, int64_t n_eval) {
    ds_solver *solver = ds_inside(ivp);
    const ds_method *method = solver->method;
    if (method->implicit || method->starts_later || ivp->n_events || ivp->dense) return DS_FAILED;
    ivp->python = ds_ask_nobody;
    ivp->t0 = t0;
    ivp->t_bound = t_bound;
    ivp->y0 = y0;
    ivp->t_eval = t_eval;
    ivp->n_eval = n_eval;
    ivp->save_steps = !t_eval;
    ivp->n_points = ivp->nfev = ivp->n_trials = ivp->n_accepted = 0;
    ivp->least_step = ivp->largest_step = 0;
    solver->eval_next = 0;
    solver->trial_rejected = solver->t_is_float = 0;
    return ds_ivp_start(ivp);
}

static void note_step(ds_ivp *ivp, double size) {
    if (size > ivp->largest_step) ivp->largest_step = size;
    if (size < ivp->least_step || ivp->n_accepted == 1) ivp->least_step = size;
}

/* y_new becomes y, y becomes y_old, whose memory the next trial uses. */
static void commit(ds_ivp *ivp) {
    ds_solver *solver = ds_inside(ivp);
    double *spare = ivp->y_old;
    ivp->y_old = ivp->y;
    ivp->y = solver->y_new;
    solver->y_new = spare;
    ivp->t_old = ivp->t;
    ivp->t = ivp->t_stop = solver->trial_t;
    solver->t_is_float = solver->trial_clipped;
    ivp->h_previous = solver->trial_h;
    ivp->h_abs = solver->trial_h_abs;
    ++ivp->n_accepted;
    note_step(ivp, fabs(solver->trial_h));
    if (ivp->direction * (ivp->t - ivp->t_bound) >= 0) ivp->status = DS_FINISHED;
}

/* As if the step had not been begun: a caller may try again after an exception, as with SciPy
 * (whose implicit methods cannot). */
static void forget_trial(ds_ivp *ivp) {
    ds_solver *solver = ds_inside(ivp);
    if (solver->method->implicit) return;
    memcpy(ivp->f, ivp->K, solver->width * sizeof(double));
    solver->trial_h_abs = ivp->h_abs;
    solver->trial_rejected = 0;
}

/* A compiled Jacobian does not see the jumps of a right-hand side. Where a solution slides along one,
 * Newton's iteration converges in ever smaller steps only; differences, which are SciPy's, see a slope
 * there. A step that needs this many trials is rare elsewhere (1 of 1500, on stiff test problems); when
 * several come close together, differences take over. */
enum { HARD_STEP = 4, HARD_STEPS = 4, EASY_STEPS = 16 /* that make up for a hard one */ };

static int take_differences(ds_ivp *ivp) {
    ds_inside(ivp)->trouble = 0;
    ivp->jac.kernel = NULL;
    return ds_ivp_renew_jacobian(ivp);
}

static int judge_jacobian(ds_ivp *ivp) {
    ds_solver *solver = ds_inside(ivp);
    if (!ivp->jac.kernel || ivp->jac_source != DS_JAC_DIFFERENCES) return 0;
    if (!solver->trial_accepted) {
        if (++solver->rejections == HARD_STEP - 1) solver->trouble += EASY_STEPS;
        return solver->trouble >= HARD_STEPS * EASY_STEPS ? take_differences(ivp) : 0;
    }
    if (solver->trouble && !solver->rejections) --solver->trouble;
    solver->rejections = 0;
    return 0;
}

/* One trial step, committed if accepted (`trial_accepted`). DS_RUNNING also for the last step. */
static inline int try_step(ds_ivp *ivp) {
    ds_solver *solver = ds_inside(ivp);
    const int error = solver->trial(ivp, solver->y_new);
    if (error) {
        forget_trial(ivp);
        return error;
    }
    if (solver->trial_failed) return ivp->status = DS_FAILED;
    ++ivp->n_trials;
    const int failed = judge_jacobian(ivp);
    if (failed) return failed;
    if (solver->trial_accepted) commit(ivp);
    return DS_RUNNING;
}

/* No equations, or no time to pass: one step of any length, without evaluations. */
static int is_trivial(const ds_ivp *ivp) { return ivp->n == 0 || ivp->t == ivp->t_bound; }

static void step_trivially(ds_ivp *ivp) {
    memcpy(ivp->y_old, ivp->y, ds_inside(ivp)->width * sizeof(double));
    ivp->t_old = ivp->t;
    ivp->t = ivp->t_stop = ivp->t_bound;
    ds_inside(ivp)->t_is_float = 1;
    ivp->status = DS_FINISHED;
}

int ds_ivp_step(ds_ivp *ivp) {
    if (ivp->status != DS_RUNNING) return ivp->status;
    if (is_trivial(ivp)) {
        step_trivially(ivp);
        return ivp->status;
    }
    do {
        const int error = try_step(ivp);
        if (error) return error;
    } while (!ds_inside(ivp)->trial_accepted);
    return ivp->status;
}

/* What SciPy does between two steps: interpolant, events, outputs, in this order. */
static int finish_step(ds_ivp *ivp) {
    double *q = NULL;
    const double *y = ivp->y;
    int code = ivp->dense ? ds_keep_segment(ivp, &q) : DS_RUNNING;
    if (!code && ivp->n_events) {
        code = ds_handle_events(ivp, &q);
        if (code == DS_EVENT) {
            ivp->status = DS_EVENT;
            y = ds_inside(ivp)->event_y;
            code = DS_RUNNING;
        }
    }
    if (!code) code = ds_output_step(ivp, &q, y);
    return code;
}

static int is_to_pause(const ds_ivp *ivp) {
    return ivp->pause_at && ivp->n_accepted >= ivp->pause_at;
}

int ds_ivp_advance(ds_ivp *ivp, double seconds) {
    ds_solver *solver = ds_inside(ivp);
    ds_slice_begin(&solver->slice, seconds);
    solver->time_out = ds_clock() + ivp->seconds_left;
    if (ds_flags_raised()) ds_flags_clear();
    while (ivp->status == DS_RUNNING) {
        const int trivial = is_trivial(ivp);
        if (trivial) step_trivially(ivp);
        int error = trivial ? DS_RUNNING : try_step(ivp);
        if (!error && (trivial || solver->trial_accepted)) error = finish_step(ivp);
        if (error) return error;
        if (ds_slice_is_over(&solver->slice, 1) || is_to_pause(ivp)) break;
    }
    return ivp->status;
}

int64_t ds_ivp_q_size(const ds_ivp *ivp) {
    const ds_solver *solver = (const ds_solver *)ivp;
    const ds_method *method = solver->method;
    if (method->dense_size) return method->dense_size(ivp);
    return method->dense_head + solver->width * method->dense_count;
}

int ds_ivp_dense(ds_ivp *ivp, double *q) {
    if (ivp->n == 0 || ivp->t_old == ivp->t) { /* constant */
        memset(q, 0, ds_ivp_q_size(ivp) * sizeof(double));
        return 0;
    }
    return ds_inside(ivp)->method->dense(ivp, q);
}

void ds_ivp_memory(const ds_ivp *ivp, double *numbers) {
    const ds_method *method = ((const ds_solver *)ivp)->method;
    memset(numbers, 0, DS_MEMORY * sizeof *numbers);
    if (method->memory) method->memory(ivp, numbers);
}

int ds_call(ds_ivp *ivp, int which, int flags, double t, double *y, double *out) {
    const ds_function *function = which ? &ivp->events[which - 1] : &ivp->fun;
    if (ds_flags_raised()) ds_flags_clear();
    return ds_evaluate(ivp, function, which, flags, t, y, out);
}
