/* hairer.c - Hairer's DOPRI5 and DOP853 over one interval, in bounded slices. */
#include "hairer.h"
#include "include/ds_lane.h"
#include "scalar_code.h"
#include "slice.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Largest state for scalar code, as for the methods of solve_ivp (ivp.c). */
enum { SMALL_STATE = 8 };

typedef struct ds_codes ds_codes;
static int derivative(ds_codes *codes, double t, double *y, double *out);

#define DS_HAIRER_CONTEXT ds_codes *
#define DS_RHS(codes, t, y, out) derivative(codes, t, y, out)

#include "tables/rk45.h"
#define DS_HAIRER(name) dopri5_##name
#include "include/step_hairer.h"
enum { DOPRI5_ROWS = DS_ERK_STAGE_COUNT + 1 };

#undef DS_HAIRER
#include "tables/dop853.h"
#define DS_HAIRER(name) dop853_##name
#include "include/step_hairer.h"
enum { DOP853_ROWS = DS_ERK_STAGE_COUNT + 1 };

struct ds_codes {
    ds_hairer public; /* first: a ds_hairer* is a ds_codes* */
    ds_hairer_problem problem;
    ds_hairer_state state;
    ds_slice slice;
    int method, started;
};

static ds_codes *inside(ds_hairer *solve) { return (ds_codes *)solve; }

ds_hairer *ds_hairer_new(int method, int64_t n) {
    if (n < 0 || n > INT64_MAX / 4096) return NULL;
    const size_t rows = 2 + (method == DS_DOPRI5 ? DOPRI5_ROWS : DOP853_ROWS);
    ds_codes *codes = calloc(1, sizeof *codes + rows * (size_t)n * sizeof(double));
    if (!codes) return NULL;
    ds_hairer *solve = &codes->public;
    codes->method = method;
    codes->state.y_new = (double *)(codes + 1);
    codes->state.y_stage = codes->state.y_new + n;
    codes->state.K = codes->state.y_stage + n;
    solve->python = ds_call_python;
    solve->n = n;
    solve->rtol = &solve->rtol_value;
    solve->atol = &solve->atol_value;
    return solve;
}

void ds_hairer_free(ds_hairer *solve) { free(solve); }

static int by_python(ds_codes *codes, int which, double t, double *y, double *out) {
    const ds_hairer *solve = &codes->public;
    const size_t bytes = (size_t)solve->n * sizeof(double);
    ds_slice_watch(&codes->slice); /* it may be slow */
    memcpy(solve->given, y, bytes);
    const int stopped = solve->python(solve->handle, which, DS_T_IS_FLOAT, t, solve->given, out);
    memcpy(y, solve->given, bytes);
    return stopped != 0;
}

static inline int derivative(ds_codes *codes, double t, double *y, double *out) {
    const ds_function *fun = &codes->public.fun;
    if (fun->kernel && ds_kernel_call(fun->kernel, fun->params, t, y, out) == 0) return 0;
    return by_python(codes, 0, t, y, out);
}

void ds_hairer_begin(ds_hairer *solve) {
    ds_codes *codes = inside(solve);
    ds_hairer_problem *p = &codes->problem;
    p->n = solve->n;
    p->rtol = solve->rtol;
    p->atol = solve->atol;
    p->rtol_stride = solve->rtol_stride;
    p->atol_stride = solve->atol_stride;
    p->t_end = solve->t_end;
    p->direction = copysign(1.0, solve->t_end - solve->t);
    p->h_max = fabs(solve->h_max == 0.0 ? solve->t_end - solve->t : solve->h_max);
    p->safety = solve->safety;
    p->factor_min = solve->factor_min;
    p->factor_max = solve->factor_max;
    p->beta = solve->beta;
    p->step_max = solve->step_max;
    p->shrink_fully = solve->shrink_fully;
    codes->state.y = solve->y;
    codes->state.t = solve->t;
    codes->state.h = solve->h0;
    codes->started = 0;
}

/* What the caller wants to know of a step. A negative answer ends the solve; one above 1 tells that
 * the state was changed, so that the derivative is due again. */
static int tell(ds_codes *codes) {
    ds_hairer_state *s = &codes->state;
    double answer = 0;
    if (by_python(codes, DS_CALL_STEP, s->t, s->y, &answer)) return DS_PYTHON_ERROR;
    if (answer < 0) {
        s->h = s->h_before;
        codes->public.idid = 2;
        return DS_FINISHED;
    }
    const int changed = answer >= 2 && !s->last;
    return changed && derivative(codes, s->t, s->y, s->K) ? DS_PYTHON_ERROR : DS_RUNNING;
}

static int start(ds_codes *codes) {
    const int stopped = codes->method == DS_DOPRI5
                            ? dopri5_start(&codes->problem, &codes->state, codes)
                            : dop853_start(&codes->problem, &codes->state, codes);
    codes->started = 1;
    if (stopped) return DS_PYTHON_ERROR;
    return codes->public.watched ? tell(codes) : DS_RUNNING;
}

/* What a trial means for the solve. */
static inline int after_trial(ds_codes *codes, int code) {
    if (code == DS_HAIRER_REJECTED) return DS_RUNNING;
    if (code == DS_HAIRER_STOPPED) return DS_PYTHON_ERROR;
    if (code < 0) {
        codes->public.idid = code;
        return DS_FINISHED;
    }
    const int told = codes->public.watched ? tell(codes) : DS_RUNNING;
    if (told != DS_RUNNING || !codes->state.last) return told;
    codes->public.idid = 1;
    return DS_FINISHED;
}

/* Trials until the solve or the slice is over. */
#define DS_TRIALS(method)                                                        \
    do {                                                                         \
        const int code = method##_trial(&codes->problem, &codes->state, codes);  \
        const int now = after_trial(codes, code);                                \
        if (now != DS_RUNNING) return now;                                       \
    } while (!ds_slice_is_over(&codes->slice, 1));                               \
    return DS_RUNNING

static DS_SCALAR_CODE int dopri5_small(ds_codes *codes) { DS_TRIALS(dopri5); }
static DS_SCALAR_CODE int dop853_small(ds_codes *codes) { DS_TRIALS(dop853); }
static int dopri5_large(ds_codes *codes) { DS_TRIALS(dopri5); }
static int dop853_large(ds_codes *codes) { DS_TRIALS(dop853); }

static int steps(ds_codes *codes) {
    int (*const sized[2][2])(ds_codes *) = {{dopri5_large, dopri5_small},
                                            {dop853_large, dop853_small}};
    return sized[codes->method][codes->public.n <= SMALL_STATE](codes);
}

static void tell_counts(const ds_hairer_state *s, int32_t *counts) {
    counts[0] = (int32_t)s->evaluation_count;
    counts[1] = (int32_t)s->trial_count;
    counts[2] = (int32_t)s->accepted_count;
    counts[3] = (int32_t)s->rejected_count;
}

int ds_hairer_advance(ds_hairer *solve, double seconds) {
    ds_codes *codes = inside(solve);
    ds_slice_begin(&codes->slice, seconds);
    int code = codes->started ? DS_RUNNING : start(codes);
    if (code == DS_RUNNING) code = steps(codes);
    const ds_hairer_state *s = &codes->state;
    solve->t = s->t;
    solve->h = s->h;
    solve->trial_count = s->trial_count;
    if (solve->counts) tell_counts(s, solve->counts);
    return code;
}
