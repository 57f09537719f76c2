/* step_control.h - the size of the next step, for the one-step methods with SciPy's control
 * (step_erk.h, step_rosenbrock.h). Read after start.h. */
#ifndef DS_STEP_CONTROL_H
#define DS_STEP_CONTROL_H

/* Step control (SciPy's constants, Hairer, Norsett, Wanner I, section II.4). */
#define DS_SAFETY DS_C(0.9)      /* aim a little below the tolerance */
#define DS_MIN_FACTOR DS_C(0.2)  /* least factor after a rejection */
#define DS_MAX_FACTOR DS_C(10)   /* largest factor after an accepted step */
#ifdef DS_SINGLE
#define DS_TINY_ERROR DS_C(1e-30)
#else
#define DS_TINY_ERROR DS_C(1e-100) /* any error below this earns the largest factor */
#endif

/* One step on its way: some rejected trials, then an accepted one or a failure. */
typedef struct {
    T t;          /* start of the step */
    V h_abs;      /* in: size to try; out: size to try next */
    M rejected;   /* in: an earlier trial of this step was rejected; out: this one was */
    V h;          /* the step tried, signed, ... */
    T t_new;      /* ... and its end */
    V error_norm; /* accepted below 1 */
    M clipped;    /* t_new was cut to t_bound */
    M failed;     /* the step size is too small or not finite: nothing was evaluated */
    M accepted;
} ds_step;

/* Step 1 of a trial: the step size within its limits, the end of the step within t_bound. */
DS_FN void ds_step_choose(const ds_problem *p, ds_step *s) {
    const V min_step = DS_C(10) * ds_spacing(s->t, p->direction);
    const V raised = ds_sel(s->h_abs < min_step, min_step, s->h_abs);
    const V limited = ds_sel(s->h_abs > p->max_step, p->max_step, raised);
    const V h_abs = ds_sel(s->rejected, s->h_abs, limited);
    const T t_wished = s->t + h_abs * p->direction;
    s->clipped = p->direction * (t_wished - p->t_bound) > DS_C(0);
    s->t_new = ds_sel(s->clipped, p->t_bound, t_wished);
    s->h = s->t_new - s->t;
    /* A step that is nan or infinite would be tried for ever. */
    s->failed = ds_or(h_abs < min_step, ds_not(ds_finite(s->h)));
    s->h_abs = ds_abs(s->h);
}

/* Step 4 of a trial: accept or reject, and the size of what comes next. A nan error shrinks the
 * step. */
DS_FN void ds_step_control(ds_step *s, int error_order) {
    const V wished =
        DS_SAFETY * DS_ROOT(ds_max(s->error_norm, DS_TINY_ERROR), -(error_order + 1));
    const V grow = ds_min(DS_MAX_FACTOR, wished);
    const V shrink = ds_max(DS_MIN_FACTOR, wished);
    s->accepted = ds_and(s->error_norm < DS_C(1), ds_not(s->failed));
    s->h_abs = s->h_abs *
               ds_sel(s->accepted, ds_sel(s->rejected, ds_min(DS_C(1), grow), grow), shrink);
    s->rejected = ds_not(s->accepted);
}

#endif
