/* lsoda_control.h - LSODA's choice of step size, order and family of formulas.
 *
 * References as in step_lsoda.h. */
#ifndef DS_LSODA_CONTROL_H
#define DS_LSODA_CONTROL_H
#include "lsoda_state.h"

/* Factor by which h could grow, from a weighted error norm of this order; `bias` and `floor` say
 * how much a growth at this order is mistrusted. */
DS_FN R ds_lsoda_growth(R error, R exponent, R bias, R floor) {
    return 1.0 / (bias * ds_pow(error, exponent) + floor);
}

DS_FN R ds_lsoda_growth_same(R error, int order) {
    return ds_lsoda_growth(error, 1.0 / (order + 1), 1.2, 0.0000012);
}

/* With which order does h grow most, and how much? */
typedef struct {
    int order;
    R growth;
} ds_lsoda_choice;

/* May the order rise after this step? */
DS_FN int ds_lsoda_may_rise(const ds_lsoda_problem *p, const ds_lsoda_state *s) {
    return s->order < p->order_max[s->family];
}

/* Growth with the next higher order, from the difference of the last two corrections. */
DS_FN R ds_lsoda_growth_up(const ds_lsoda_problem *p, ds_lsoda_state *s) {
    const R *previous = ds_lsoda_row(p, s, p->order_max[s->family]);
    for (ds_int i = 0; i < p->n; ++i) s->f[i] = s->correction[i] - previous[i];
    const R error = ds_lsoda_norm(DS_TESTED(p), s->f, s->weight) / ds_lsoda_tests(s->family, s->order)[2];
    return ds_lsoda_growth(error, 1.0 / (s->order + 2), 1.4, 0.0000014);
}

/* ... with the next lower one, from the last column of the history. */
DS_FN R ds_lsoda_growth_down(const ds_lsoda_problem *p, const ds_lsoda_state *s) {
    const R norm = ds_lsoda_norm(DS_TESTED(p), ds_lsoda_row(p, s, s->order), s->weight);
    const R error = norm / ds_lsoda_tests(s->family, s->order)[0];
    return ds_lsoda_growth(error, 1.0 / s->order, 1.3, 0.0000013);
}

/* The best of three orders ([RH]). `up` is the growth with the next higher. */
DS_FN ds_lsoda_choice ds_lsoda_choose(const ds_lsoda_problem *p, ds_lsoda_state *s, R up) {
    const int order = s->order;
    R same = ds_lsoda_growth_same(s->error, order);
    R down = order > 1 ? ds_lsoda_growth_down(p, s) : 0.0;
    if (s->family == DS_LSODA_ADAMS) {
        const R pace = ds_lsoda_pace(s);
        if (ds_lsoda_may_rise(p, s)) up = ds_number_min(up, ds_lsoda_stable(order + 1) / pace);
        same = ds_number_min(same, ds_lsoda_stable(order) / pace);
        if (order > 1) down = ds_number_min(down, ds_lsoda_stable(order - 1) / pace);
        s->lipschitz_seen = 0;
    }
    ds_lsoda_choice choice = {order, same};
    if (same >= up ? same < down : !(up > down)) {
        choice.order = order - 1;
        choice.growth = down;
    } else if (!(same >= up)) {
        choice.order = order + 1;
        choice.growth = up;
    }
    return choice;
}

/* Is the growth that a successful step has earned too small to be worth a change? Not where
 * stability forces it. */
DS_FN int ds_lsoda_not_worth(const ds_lsoda_state *s, ds_lsoda_choice choice) {
    if (choice.growth >= DS_LSODA_LEAST_GROWTH) return 0;
    return choice.order > s->order || s->family == DS_LSODA_BDF ||
           !(choice.growth * ds_lsoda_pace(s) * 1.00001 >= ds_lsoda_stable(choice.order));
}

/* After a successful step: a new step size, and perhaps another order. */
DS_FN void ds_lsoda_adapt(const ds_lsoda_problem *p, ds_lsoda_state *s) {
    const R up = ds_lsoda_may_rise(p, s) ? ds_lsoda_growth_up(p, s) : 0.0;
    const ds_lsoda_choice choice = ds_lsoda_choose(p, s, up);
    if (ds_lsoda_not_worth(s, choice)) {
        s->patience = DS_LSODA_GROWTH_PAUSE;
        return;
    }
    if (choice.order > s->order) { /* the correction gives one more derivative */
        const R scale = s->l[s->order] / choice.order;
        R *z = ds_lsoda_row(p, s, choice.order);
        for (ds_int i = 0; i < p->n; ++i) z[i] = s->correction[i] * scale;
    }
    if (choice.order != s->order) ds_lsoda_set_order(s, choice.order);
    ds_lsoda_change_step(p, s, choice.growth);
    s->growth_max = DS_LSODA_USUAL_GROWTH;
}

/* Error of the other family at this order, as a multiple of the present one's. */
DS_FN R ds_lsoda_error_ratio(const ds_lsoda_state *s, int other, int order) {
    return ds_lsoda_history_test(s->family, order) / ds_lsoda_history_test(other, order);
}

/* Growth with the other family, from the same error estimate, or, where its order must be lower,
 * from the history. */
DS_FN R ds_lsoda_growth_other(const ds_lsoda_problem *p, const ds_lsoda_state *s, int other,
                              int order, R *error) {
    if (order == s->order)
        *error = s->error * ds_lsoda_error_ratio(s, other, order);
    else
        *error = ds_lsoda_norm(DS_TESTED(p), ds_lsoda_row(p, s, order + 1), s->weight) /
                 ds_lsoda_history_test(other, order);
    return ds_lsoda_growth_same(*error, order);
}

/* Growth of Adams' step that stability permits too. */
DS_FN R ds_lsoda_stable_growth(R growth, R pace, int order) {
    const R limit = pace * growth > 0.00001 ? ds_lsoda_stable(order) / pace : 2.0 * growth;
    return ds_number_min(growth, limit);
}

DS_FN void ds_lsoda_switch_to(const ds_lsoda_problem *p, ds_lsoda_state *s, int family, int order,
                              R growth) {
    s->switch_pause = DS_LSODA_SWITCH_PAUSE;
    s->lipschitz = 0;
    s->family = family;
    s->order = order;
    ds_lsoda_change_step(p, s, growth);
    ds_lsoda_set_order(s, order);
    s->jacobian_due = family == DS_LSODA_BDF;
    s->growth_max = DS_LSODA_USUAL_GROWTH;
    s->columns_rate = DS_LSODA_RATE_GUESS;
    s->t_switch = s->t;
}

/* Adams at work: would BDF be much faster? ([P].) Not asked at orders above 5, which
 * are not those of a stiff problem. */
DS_FN int ds_lsoda_to_bdf(const ds_lsoda_problem *p, ds_lsoda_state *s) {
    if (s->order > DS_BDF_ORDER_MAX) return 0;
    const int most = p->order_max[DS_LSODA_BDF], order = s->order <= most ? s->order : most;
    const int polluted = !(s->error > 100.0 * s->size * DS_EPS && s->lipschitz_seen != 0);
    R growth = 2.0; /* where estimates are rounding errors */
    if (polluted) {
        if (!s->h_limited) return 0;
    } else {
        R error;
        const R same = ds_lsoda_growth_same(s->error, s->order);
        const R adams = ds_lsoda_stable_growth(same, s->lipschitz * ds_abs(s->h), s->order);
        /* At no order is BDF's error the smaller one: `same` bounds its growth, without a power. */
        if (order == s->order && same < DS_LSODA_FAST * adams) return 0;
        growth = ds_lsoda_growth_other(p, s, DS_LSODA_BDF, order, &error);
        if (growth < DS_LSODA_FAST * adams) return 0;
    }
    ds_lsoda_switch_to(p, s, DS_LSODA_BDF, order, growth);
    return 1;
}

/* The usual answer to the question below, found without a power: the step was accepted, so BDF's
 * error is at most 1 and its growth at least 1 / 1.2000012 = 0.833; where stability alone holds
 * Adams under 0.8, it is slower. Errors up to 1 make sure that this limit is the one that counts. */
DS_FN int ds_lsoda_stays_stiff(const ds_lsoda_state *s, int order) {
    const R pace = s->jacobian_norm * ds_abs(s->h);
    return order == s->order && s->error * ds_lsoda_error_ratio(s, DS_LSODA_ADAMS, order) <= 1.0 &&
           pace > 0.1 && ds_lsoda_stable(order) / pace < 0.8;
}

/* BDF at work: would Adams be as fast, and not drown in rounding errors? */
DS_FN int ds_lsoda_to_adams(const ds_lsoda_problem *p, ds_lsoda_state *s) {
    const int most = p->order_max[DS_LSODA_ADAMS], order = s->order <= most ? s->order : most;
    if (ds_lsoda_stays_stiff(s, order)) return 0;
    R error;
    R adams = ds_lsoda_growth_other(p, s, DS_LSODA_ADAMS, order, &error);
    adams = ds_lsoda_stable_growth(adams, s->jacobian_norm * ds_abs(s->h), order);
    const R bdf = ds_lsoda_growth_same(s->error, s->order);
    if (adams * DS_LSODA_FAST < 5.0 * bdf) return 0;
    const R error_then = ds_pow(ds_number_max(0.001, adams), 1.0 / (order + 1)) * error;
    if (error_then <= 1000.0 * DS_EPS * s->size) return 0;
    ds_lsoda_switch_to(p, s, DS_LSODA_ADAMS, order, adams);
    return 1;
}

/* A step has been accepted: correct the history, then consider family, step size and order. */
DS_FN void ds_lsoda_accept(const ds_lsoda_problem *p, ds_lsoda_state *s) {
    ++s->step_count;
    s->h_used = s->h;
    s->order_used = s->order;
    s->family_used = s->family;
    for (int j = 0; j <= s->order; ++j) {
        R *z = ds_lsoda_row(p, s, j);
        for (ds_int i = 0; i < p->n; ++i) z[i] = z[i] + s->l[j] * s->correction[i];
    }
    if (--s->switch_pause < 0 &&
        (s->family == DS_LSODA_BDF ? ds_lsoda_to_adams(p, s) : ds_lsoda_to_bdf(p, s)))
        return;
    if (--s->patience == 0)
        ds_lsoda_adapt(p, s);
    else if (s->patience == 1 && ds_lsoda_may_rise(p, s)) /* ds_lsoda_growth_up will want it */
        ds_copy(p->n, s->correction, ds_lsoda_row(p, s, p->order_max[s->family]));
}

#endif
