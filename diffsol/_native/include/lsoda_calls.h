/* lsoda_calls.h - how LSODA begins, where a call ends, and what can be asked afterwards.
 *
 * References as in step_lsoda.h. */
#ifndef DS_LSODA_CALLS_H
#define DS_LSODA_CALLS_H
#include "lsoda_control.h"

/* --- Stopping times --------------------------------------------------------------------------- */

/* Shorten the step to come if it would pass t_crit. True when the solve stands at t_crit, as far as
 * rounding lets it. */
DS_FN int ds_lsoda_aim(const ds_lsoda_problem *p, ds_lsoda_state *s, R t_crit) {
    const R extent = ds_abs(s->t) + ds_abs(s->h);
    if (ds_abs(s->t - t_crit) <= 100.0 * DS_EPS * extent) return 1;
    const R next = s->t + s->h * (1.0 + 4.0 * DS_EPS);
    if ((next - t_crit) * s->h > 0) {
        const R h = (t_crit - s->t) * (1.0 - 4.0 * DS_EPS);
        if (h != s->h) ds_lsoda_rescale(p, s, h / s->h);
    }
    return 0;
}

/* The output is the state at the end of the last step. */
DS_FN void ds_lsoda_output(const ds_lsoda_problem *p, ds_lsoda_state *s, R t) {
    ds_copy(p->n, s->history, s->y);
    s->t_out = t;
}

/* The output is the state at t_out, if the solve has got there. */
DS_FN int ds_lsoda_output_at(const ds_lsoda_problem *p, ds_lsoda_state *s, R t_out) {
    if ((s->t - t_out) * s->h < 0) return DS_LSODA_OK;
    if (!ds_lsoda_interpolate(p, s, t_out, s->y)) return DS_LSODA_ILLEGAL;
    s->t_out = t_out;
    return DS_LSODA_DONE;
}

/* Has the step just made brought the solve to where this call shall end? DS_LSODA_OK: not yet. */
DS_FN int ds_lsoda_arrive(const ds_lsoda_problem *p, ds_lsoda_state *s, int task, R t_out,
                          R t_crit) {
    if (task == DS_LSODA_TO_TIME || task == DS_LSODA_TO_TIME_CRIT) {
        const int code = ds_lsoda_output_at(p, s, t_out);
        if (code != DS_LSODA_OK || task == DS_LSODA_TO_TIME || !ds_lsoda_aim(p, s, t_crit))
            return code;
        ds_lsoda_output(p, s, t_crit);
        return DS_LSODA_DONE;
    }
    if (task == DS_LSODA_PAST_TIME && !((s->t - t_out) * s->h >= 0)) return DS_LSODA_OK;
    const R extent = ds_abs(s->t) + ds_abs(s->h);
    const int hit = task == DS_LSODA_ONE_STEP_CRIT &&
                    ds_abs(s->t - t_crit) <= 100.0 * DS_EPS * extent;
    ds_lsoda_output(p, s, hit ? t_crit : s->t);
    return DS_LSODA_DONE;
}

/* A further call: is it possible, and is there anything to do? DS_LSODA_OK: steps. */
DS_FN int ds_lsoda_resume(const ds_lsoda_problem *p, ds_lsoda_state *s, int task, R t_out,
                          R t_crit) {
    if (s->t != s->t_before) s->step_count_before = s->step_count;
    s->t_before = s->t;
    const int critical = task == DS_LSODA_TO_TIME_CRIT || task == DS_LSODA_ONE_STEP_CRIT;
    if (critical && (s->t - t_crit) * s->h > 0) return DS_LSODA_ILLEGAL;
    if (task == DS_LSODA_TO_TIME_CRIT && (t_crit - t_out) * s->h < 0) return DS_LSODA_ILLEGAL;
    if (task == DS_LSODA_PAST_TIME) {
        const R begin = s->t - s->h_used * (1.0 + 100.0 * DS_EPS);
        if ((begin - t_out) * s->h > 0) return DS_LSODA_ILLEGAL;
        return ds_lsoda_arrive(p, s, task, t_out, t_crit);
    }
    if (task == DS_LSODA_TO_TIME || task == DS_LSODA_TO_TIME_CRIT)
        return ds_lsoda_arrive(p, s, task, t_out, t_crit);
    if (task == DS_LSODA_ONE_STEP_CRIT && ds_lsoda_aim(p, s, t_crit)) {
        ds_lsoda_output(p, s, t_crit);
        return DS_LSODA_DONE;
    }
    return DS_LSODA_OK;
}

/* --- The start -------------------------------------------------------------------------------- */

/* Tolerance that the choice of the first step works with. */
DS_FN R ds_lsoda_scalar_tolerance(const ds_lsoda_problem *p, const ds_lsoda_state *s) {
    R tolerance = p->rtol[0];
    for (ds_int i = 0; i < DS_TESTED(p); ++i)
        tolerance = ds_number_max(tolerance, p->rtol[i * p->rtol_stride]);
    if (tolerance <= 0)
        for (ds_int i = 0; i < DS_TESTED(p); ++i)
            if (s->y[i] != 0)
                tolerance = ds_number_max(tolerance, p->atol[i * p->atol_stride] / ds_abs(s->y[i]));
    return ds_number_min(ds_number_max(tolerance, 100.0 * DS_EPS), 0.001);
}

/* First step: h**-2 = 1 / (tol t**2) + tol |f|**2 ([RH]), signed; 0 when t_out is too
 * near. The derivative is in row 1 of the history. */
DS_FN R ds_lsoda_first_step(const ds_lsoda_problem *p, const ds_lsoda_state *s, R t_out) {
    const R distance = ds_abs(t_out - s->t);
    const R extent = ds_number_max(ds_abs(s->t), ds_abs(t_out));
    if (distance < 2.0 * DS_EPS * extent) return 0;
    const R tolerance = ds_lsoda_scalar_tolerance(p, s);
    const R norm = ds_lsoda_norm(DS_TESTED(p), ds_lsoda_row(p, s, 1), s->weight);
    const R sum = 1.0 / (tolerance * extent * extent) + tolerance * norm * norm;
    const R h = ds_number_min(1.0 / ds_sqrt(sum), distance);
    return t_out - s->t < 0 ? -h : h;
}

DS_FN int ds_lsoda_is_legal(const ds_lsoda_problem *p, R t, R t_out) {
    if (p->n <= 0 || p->step_max < 0 || p->h_min < 0 || p->h_max < 0) return 0;
    if (p->order_max[DS_LSODA_ADAMS] < 1 || p->order_max[DS_LSODA_BDF] < 1) return 0;
    if (p->order_max[DS_LSODA_ADAMS] > DS_ADAMS_ORDER_MAX) return 0; /* as the history has room */
    if (p->order_max[DS_LSODA_BDF] > DS_BDF_ORDER_MAX) return 0;
    if (p->banded &&
        (p->lower < 0 || p->lower >= DS_STATES(p) || p->upper < 0 || p->upper >= DS_STATES(p)))
        return 0;
    if ((t_out - t) * p->h0 < 0) return 0;
    for (ds_int i = 0; i < p->n; ++i)
        if (p->rtol[i * p->rtol_stride] < 0 || p->atol[i * p->atol_stride] < 0) return 0;
    return 1;
}

/* Everything but the memory. */
DS_FN void ds_lsoda_reset(ds_lsoda_state *s, R t) {
    s->t = s->t_switch = s->t_before = t;
    s->family = DS_LSODA_ADAMS;
    s->h_used = s->excess = 0;
    s->family_used = s->order_used = 0;
    s->step_count = s->step_count_before = s->evaluation_count = s->jacobian_count = 0;
    s->growth_max = DS_LSODA_FIRST_GROWTH;
    s->patience = 2;
    s->rate = s->columns_rate = DS_LSODA_RATE_GUESS;
    s->jacobian_due = 0;
    s->drift = 0;
    s->jacobian_step = 0;
    s->jacobian_norm = 0;
    s->switch_pause = DS_LSODA_SWITCH_PAUSE;
    s->lipschitz_seen = s->lipschitz = 0;
    s->h_limited = 0;
    s->l[0] = 1;
    ds_lsoda_set_order(s, 1);
}

/* --- What the last step was ---------------------------------------------------------------------- */

/* Component with the largest local error, from 0 (imxer - 1). */
DS_FN ds_int ds_lsoda_worst(const ds_lsoda_problem *p, const ds_lsoda_state *s) {
    R largest = 0;
    ds_int worst = 0;
    for (ds_int i = 0; i < p->n; ++i) {
        const R size = ds_abs(s->correction[i] * s->weight[i]);
        if (size > largest) largest = size, worst = i;
    }
    return worst;
}

/* Interpolant of the last step, as SciPy's LsodaDenseOutput has it:
 *   y(t) = sum over j = 0 ... order of z_j ((t - t_end) / h)**j
 * with order the order used. `z` receives order + 1 rows of n; the step size h that they are scaled
 * to is returned. */
DS_FN R ds_lsoda_dense(const ds_lsoda_problem *p, const ds_lsoda_state *s, R *z) {
    const ds_int used = s->order_used;
    for (ds_int i = 0; i < (used + 1) * p->n; ++i) z[i] = s->history[i];
    if (s->order < used) { /* the last row was left as it was when the order fell */
        const R ratio = s->h / s->h_used;
        R power = 1;
        for (ds_int j = 0; j < used; ++j) power = power * ratio;
        for (ds_int i = 0; i < p->n; ++i) z[used * p->n + i] *= power;
    }
    return s->h;
}

#endif
