/* vode_control.h - VODE's choice of step size and order after a step, and what a call does before
 * and after its steps. References as in step_vode.h. */
#ifndef DS_VODE_CONTROL_H
#define DS_VODE_CONTROL_H
#include "vode_formula.h"

/* --- Step size and order ---------------------------------------------------------------------- */

/* Factor by which h could grow, from an error over its bound; exponent 1 / (order + 1). Biased to
 * smaller steps, and more so where the order would rise (bias1, bias2, bias3 and addon). */
DS_FN R ds_vode_growth(R error, R bias, int order) {
    return 1.0 / (ds_pow(bias * error, 1.0 / (order + 1)) + 1e-6);
}

DS_FN R ds_vode_growth_same(R error, int order) { return ds_vode_growth(error, 6.0, order); }
DS_FN R ds_vode_growth_lower(R error, int order) { return ds_vode_growth(error, 6.0, order - 1); }
DS_FN R ds_vode_growth_higher(R error, int order) {
    return ds_vode_growth(error, 10.0, order + 1);
}

DS_FN int ds_vode_may_rise(const ds_vode_problem *p, const ds_vode_state *s) {
    return s->order < p->order_max;
}

/* What the saved correction counts for in an error estimate of order + 1. */
DS_FN R ds_vode_saved_share(const ds_vode_state *s) {
    return s->change_test / s->change_test_old * ds_pow(s->h / s->tau[1], s->order + 1);
}

/* Nothing changes for the next step. */
DS_FN void ds_vode_keep_step(ds_vode_state *s) {
    s->order_next = s->order;
    s->resize = 0;
    s->growth = 1;
    s->h_next = s->h;
}

/* The next step has this order and, if it pays, grows. */
DS_FN void ds_vode_take_choice(const ds_vode_problem *p, ds_vode_state *s, int order, R growth) {
    if (growth < DS_VODE_WORTHWHILE || s->growth_max == 1) {
        ds_vode_keep_step(s);
        return;
    }
    const R h_max_inverse = p->h_max > 0 ? 1.0 / p->h_max : 0.0;
    growth = ds_number_min(growth, s->growth_max);
    s->growth = growth / ds_number_max(1.0, ds_abs(s->h) * h_max_inverse * growth);
    s->order_next = order;
    s->resize = 1;
    s->h_next = s->h * s->growth;
}

/* The chosen order and step size, before a step. */
DS_FN void ds_vode_resize(const ds_vode_problem *p, ds_vode_state *s, ds_int m) {
    if (s->order_next != s->order) {
        if (s->order_next < s->order)
            ds_vode_lower_order(p, s, m);
        else
            ds_vode_raise_order(p, s, m);
        s->patience = s->order + 1;
    }
    ds_vode_rescale(s, m);
}

/* The corrector diverged: a quarter of the step. */
DS_FN int ds_vode_after_divergence(const ds_vode_problem *p, ds_vode_state *s, ds_int m,
                                   int failures) {
    ++s->divergence_count;
    s->growth_max = 1;
    if (ds_vode_at_h_min(p, s) || failures == DS_VODE_DIVERGENCE_MAX) return DS_VODE_CONVERGENCE;
    s->growth = ds_vode_bounded(p, s, DS_VODE_DIVERGED_GROWTH);
    ds_vode_rescale(s, m);
    return DS_VODE_OK;
}

/* The step is accepted: its correction enters the history. */
DS_FN void ds_vode_accept(const ds_vode_problem *p, ds_vode_state *s, ds_int m) {
    ++s->step_count;
    s->h_used = s->h;
    s->order_used = s->order;
    for (int i = s->order; i >= 1; --i) s->tau[i] = s->tau[i - 1];
    s->tau[0] = s->h;
    for (int j = 0; j <= s->order; ++j) {
        R *z = s->history + j * m;
        for (ds_int i = 0; i < m; ++i) z[i] = z[i] + s->l[j] * s->correction[i];
    }
    --s->patience;
    if (ds_vode_may_rise(p, s) && s->patience == 1) {
        ds_copy(m, s->correction, s->history + p->order_max * m);
        s->change_test_old = s->change_test;
    }
}

/* --- Calls ------------------------------------------------------------------------------------ */

DS_FN int ds_vode_is_legal(const ds_vode_problem *p, R t, R t_out) {
    const int orders = p->family == DS_VODE_BDF ? DS_VODE_BDF_ORDERS : DS_VODE_ORDERS;
    if (p->n <= 0 || p->step_max < 0) return 0;
    if (p->order_max < 1 || p->order_max > orders) return 0; /* the history has room for these */
    if ((t_out - t) * p->h0 < 0 || p->h_min < 0 || p->h_max < 0) return 0;
    if (p->banded &&
        (p->lower < 0 || p->lower >= p->n || p->upper < 0 || p->upper >= p->n))
        return 0;
    for (ds_int i = 0; i < p->n; ++i)
        if (p->rtol[i * p->rtol_stride] < 0 || p->atol[i * p->atol_stride] < 0) return 0;
    return 1;
}

/* Everything but the memory. */
DS_FN void ds_vode_reset(const ds_vode_problem *p, ds_vode_state *s, R t) {
    s->t = t;
    s->h = 1;
    s->order = s->order_next = 1;
    s->h_used = s->excess = 0;
    s->order_used = 0;
    s->step_count = s->evaluation_count = s->jacobian_count = s->factor_count = 0;
    s->iteration_count = s->divergence_count = s->rejection_count = 0;
    s->resize = 0;
    s->growth = 1;
    s->growth_max = DS_VODE_FIRST_GROWTH;
    s->patience = 2;
    s->l1_inverse_old = 1;
    s->ratio = 0;
    s->rate = 1;
    s->matrix_due = p->iteration != DS_VODE_FUNCTIONAL;
    s->matrix_step = s->jacobian_step = s->step_count_before = 0;
    s->started = 0;
}

/* Has the solve got to where this call shall end? DS_VODE_OK: not yet. */
DS_FN int ds_vode_arrive(ds_vode_state *s, ds_int m, int task, R t_out) {
    if (task != DS_VODE_ONE_STEP && (s->t - t_out) * s->h < 0) return DS_VODE_OK;
    if (task == DS_VODE_TO_TIME) return ds_vode_output_at(s, m, t_out);
    ds_vode_output(s, m);
    return DS_VODE_DONE;
}

/* The same after a step. A t_out that is not within it (h is 0, or t_out nan) then is no error, and
 * y is where the corrector stands: VODE's way. */
DS_FN int ds_vode_arrive_by_step(ds_vode_state *s, ds_int m, int task, R t_out) {
    if (ds_vode_arrive(s, m, task, t_out) == DS_VODE_OK) return DS_VODE_OK;
    if (task == DS_VODE_TO_TIME) s->t_out = t_out;
    return DS_VODE_DONE;
}

/* A further call: is it possible, and is there anything to do? DS_VODE_OK: steps. */
DS_FN int ds_vode_resume(ds_vode_state *s, ds_int m, int task, R t_out) {
    if (!s->started) return DS_VODE_ILLEGAL;
    s->step_count_before = s->step_count;
    if (task == DS_VODE_ONE_STEP) return DS_VODE_OK;
    if (task == DS_VODE_PAST_TIME) {
        const R begin = s->t - s->h_used * (1.0 + 100.0 * DS_EPS);
        if ((begin - t_out) * s->h > 0) return DS_VODE_ILLEGAL;
    }
    if (!((s->t - t_out) * s->h >= 0)) return DS_VODE_OK; /* t_out may be nan */
    return ds_vode_arrive(s, m, task, t_out);
}

/* The first step for which h**2 |y''| / 2 is 1, from an estimate of |y''| made with h. */
DS_FN R ds_vode_step_of(R second, R h, R h_high) {
    return second * h_high * h_high > 2.0 ? ds_sqrt(2.0 / second) : ds_sqrt(h * h_high);
}

#endif
