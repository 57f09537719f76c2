/* step_lsoda.h - LSODA: Adams and BDF formulas of variable order, changed automatically as the
 * problem becomes stiff or ceases to be.
 *
 *   L. Petzold, Automatic selection of methods for solving stiff and nonstiff systems of ordinary
 *     differential equations, SIAM J. Sci. Stat. Comput. 4 (1983) 136-148 [P];
 *   A. C. Hindmarsh, ODEPACK, a systematized collection of ODE solvers, in Scientific Computing
 *     (R. S. Stepleman, ed.), 1983, 55-64;
 *   K. Radhakrishnan, A. C. Hindmarsh, Description and use of LSODE, UCRL-ID-113855 (1993) [RH].
 *
 * A template by inclusion. The includer chooses, before each inclusion,
 *   DS_LSODA(name)           how the functions of this instance are called
 *   DS_LSODA_CONTEXT         a type: what the macros below need
 *   DS_RHS(ctx, t, y, out)   evaluates the derivative, nonzero to stop
 *   DS_JAC(ctx, t, y, jac)   values of the Jacobian in the order of the problem's pattern:
 *                            DS_LSODA_OK, DS_LSODA_STOPPED, or DS_LSODA_DIFFERENCES to have them
 *                            computed here
 *   DS_FACTOR(ctx, m)        factors of I + M, M's values in that order; nonzero: singular
 *   DS_SOLVE(ctx, b)         b becomes (I + M)^-1 b
 * and what columns.h and columns_lsoda.h say.
 *
 * The decisions and the order of operations are ODEPACK's, so that steps agree with SciPy's LSODA
 * and odeint. One value only, no lanes: two solves part ways too soon. No libc, no allocation, no
 * globals: memory comes in with the state. What needs none of the macros stands in lsoda_state.h
 * (types, history), lsoda_control.h (step size, order, family) and lsoda_calls.h (start, ends). */
#include "lsoda_calls.h"

/* --- The corrector --------------------------------------------------------------------------- */

/* One evaluation at (t, y), counted when it is done. */
DS_FN int DS_LSODA(evaluate)(ds_lsoda_state *s, R *out, DS_LSODA_CONTEXT ctx) {
    if (DS_RHS(ctx, s->t, s->y, out)) return DS_LSODA_STOPPED;
    ++s->evaluation_count;
    return DS_LSODA_OK;
}

/* The same of y and its columns. */
DS_FN int DS_LSODA(evaluate_all)(ds_lsoda_state *s, R *out, DS_LSODA_CONTEXT ctx) {
    if (DS_RHS_ALL(ctx, s->t, s->y, out)) return DS_LSODA_STOPPED;
    ++s->evaluation_count;
    return DS_LSODA_OK;
}

/* M = -h l_0 J by differences ([RH]); f holds the derivative at y, `moved` is scratch. */
DS_FN int DS_LSODA(differences)(const ds_lsoda_problem *p, ds_lsoda_state *s, R *moved,
                                DS_LSODA_CONTEXT ctx) {
    const ds_int n = DS_STATES(p), stride = p->banded ? p->lower + p->upper + 1 : n;
    const R least = ds_least_increment(s->h, n, ds_lsoda_norm(n, s->f, s->weight));
    const R factor = -(s->h * s->l[0]);
    for (ds_int group = 0; group < stride && group < n; ++group) {
        const R kept = s->y[group]; /* a function may have changed y in place */
        for (ds_int j = group; j < n; j += stride)
            s->y[j] = s->y[j] + ds_increment(ds_abs(s->y[j]), s->weight[j], least);
        if (DS_LSODA(evaluate)(s, moved, ctx)) return DS_LSODA_STOPPED;
        for (ds_int j = group; j < n; j += stride) {
            s->y[j] = p->banded ? s->history[j] : kept;
            const R per = factor / ds_increment(ds_abs(s->y[j]), s->weight[j], least);
            const ds_int end = p->start ? p->start[j + 1] : (j + 1) * n;
            for (ds_int k = p->start ? p->start[j] : j * n; k < end; ++k) {
                const ds_int i = p->start ? p->rows[k] : k - j * n;
                s->jac[k] = (moved[i] - s->f[i]) * per;
            }
        }
    }
    return DS_LSODA_OK;
}

/* M from the values of J. */
DS_FN void DS_LSODA(scale_jacobian)(const ds_lsoda_problem *p, ds_lsoda_state *s) {
    const R factor = -(s->h * s->l[0]);
    const ds_int n = DS_STATES(p), count = p->start ? p->start[n] : n * n;
    for (ds_int k = 0; k < count; ++k) s->jac[k] = s->jac[k] * factor;
}

/* A new matrix I - h l_0 J and its factors. 0, DS_LSODA_STOPPED or, singular,
 * DS_LSODA_CONVERGENCE. */
DS_FN int DS_LSODA(make_matrix)(const ds_lsoda_problem *p, ds_lsoda_state *s,
                                DS_LSODA_CONTEXT ctx) {
    ++s->jacobian_count;
    int code = DS_JAC(ctx, s->t, s->y, s->jac);
    if (code == DS_LSODA_DIFFERENCES) /* the correction is free until the iteration begins */
        code = DS_LSODA(differences)(p, s, s->correction, ctx);
    else if (code == DS_LSODA_OK)
        DS_LSODA(scale_jacobian)(p, s);
    if (code) return code;
    s->jacobian_norm = ds_lsoda_matrix_norm(p, s) / ds_abs(s->h * s->l[0]);
    s->jacobian_due = 0;
    s->drift = 1.0;
    s->jacobian_step = s->step_count;
    s->rate = s->columns_rate = DS_LSODA_RATE_GUESS;
    return DS_FACTOR(ctx, s->jac) ? DS_LSODA_CONVERGENCE : DS_LSODA_OK;
}

/* One correction, of y or from `begin` on of a column: functional iteration, or a chord (Newton) iteration
 * with the matrix. The weighted norm of the change. */
DS_FN R DS_LSODA(correct_once)(const ds_lsoda_problem *p, ds_lsoda_state *s, ds_int begin,
                               int chord, DS_LSODA_CONTEXT ctx) {
    const ds_int n = DS_STATES(p);
    const R *z = s->history + begin, *z1 = z + p->n, *weight = s->weight + begin;
    R *y = s->y + begin, *f = s->f + begin, *e = s->correction + begin;
    const R h = s->h, l0 = s->l[0];
    if (!chord) {
        R norm = 0;
        for (ds_int i = 0; i < n; ++i) {
            const R e_new = h * f[i] - z1[i];
            const R change = ds_abs(e_new - e[i]) * weight[i];
            norm = change > norm ? change : norm;
            y[i] = z[i] + l0 * e_new;
            e[i] = e_new;
        }
        return norm;
    }
    for (ds_int i = 0; i < n; ++i) y[i] = h * f[i] - (z1[i] + e[i]);
    DS_SOLVE(ctx, y);
    const R norm = ds_lsoda_norm(n, y, weight);
    for (ds_int i = 0; i < n; ++i) {
        e[i] = e[i] + y[i];
        y[i] = z[i] + l0 * e[i];
    }
    return norm;
}

/* Corrections until they converge, at most DS_LSODA_ITERATION_MAX ([RH]). f holds the
 * derivative at the prediction. Estimates the convergence rate, hence the Lipschitz constant, and
 * the local error. */
DS_FN int DS_LSODA(iterate)(const ds_lsoda_problem *p, ds_lsoda_state *s, DS_LSODA_CONTEXT ctx) {
    const R test = ds_lsoda_tests(s->family, s->order)[1];
    const R bound = test * (0.5 / (s->order + 2));
    R change_before = 0, rate_max = 0;
    for (ds_int i = 0; i < DS_STATES(p); ++i) s->correction[i] = 0;
    for (int m = 0;;) {
        const R change = DS_LSODA(correct_once)(p, s, 0, s->family == DS_LSODA_BDF, ctx);
        int converged = change <= 100.0 * s->size * DS_EPS; /* a rounding error */
        /* Adams takes two at least: the first tells nothing about the Lipschitz constant. */
        if (!converged && (m > 0 || s->family == DS_LSODA_BDF)) {
            if (m > 0) {
                const R rate = change <= 1024.0 * change_before ? change / change_before : 1024.0;
                rate_max = ds_number_max(rate_max, rate);
                s->rate = ds_number_max(0.2 * s->rate, rate);
            }
            converged = change * ds_number_min(1.0, 1.5 * s->rate) / bound <= 1.0;
            if (converged) {
                s->lipschitz_seen =
                    ds_number_max(s->lipschitz_seen, rate_max / ds_abs(s->h * s->l[0]));
                if (s->lipschitz_seen != 0) s->lipschitz = s->lipschitz_seen;
            }
        }
        if (converged) {
            const R norm = m == 0 ? change : ds_lsoda_norm(DS_STATES(p), s->correction, s->weight);
            s->error = norm / test;
            return DS_LSODA_OK;
        }
        ++m;
        if (m == DS_LSODA_ITERATION_MAX || (m >= 2 && change > 2.0 * change_before))
            return DS_LSODA_CONVERGENCE;
        change_before = change;
        if (DS_LSODA(evaluate)(s, s->f, ctx)) return DS_LSODA_STOPPED;
    }
}

/* The corrector, with a new matrix where it is due or where an old one has failed. */
DS_FN int DS_LSODA(correct)(const ds_lsoda_problem *p, ds_lsoda_state *s, DS_LSODA_CONTEXT ctx) {
    int fresh = 0;
    for (;;) {
        ds_copy(p->n, s->history, s->y);
        if (DS_LSODA(evaluate)(s, s->f, ctx)) return DS_LSODA_STOPPED;
        if (s->jacobian_due) {
            const int code = DS_LSODA(make_matrix)(p, s, ctx);
            if (code) return code;
            fresh = 1;
        }
        const int code = DS_LSODA(iterate)(p, s, ctx);
        if (code != DS_LSODA_CONVERGENCE || s->family == DS_LSODA_ADAMS || fresh) return code;
        s->jacobian_due = 1;
    }
}

#if DS_COLUMNS
#include "columns_lsoda.h"
#endif

/* --- The step ----------------------------------------------------------------------------------- */

DS_FN void DS_LSODA(predict)(const ds_lsoda_problem *p, ds_lsoda_state *s) {
    if (s->family == DS_LSODA_BDF &&
        (ds_abs(s->drift - 1.0) > DS_LSODA_JACOBIAN_DRIFT ||
         s->step_count >= s->jacobian_step + DS_LSODA_JACOBIAN_AGE))
        s->jacobian_due = 1;
    ds_lsoda_predict(p, s);
    s->size = ds_lsoda_norm(DS_STATES(p), s->history, s->weight);
}

/* The corrector diverged: a quarter of the step. */
DS_FN int DS_LSODA(after_divergence)(const ds_lsoda_problem *p, ds_lsoda_state *s, int failures) {
    s->growth_max = DS_LSODA_FAILED_GROWTH;
    if (ds_lsoda_at_h_min(p, s) || failures == DS_LSODA_DIVERGENCE_MAX) return DS_LSODA_CONVERGENCE;
    s->jacobian_due = s->family == DS_LSODA_BDF;
    ds_lsoda_change_step(p, s, 0.25);
    return DS_LSODA_OK;
}

/* Several error tests failed: the history cannot be trusted. Order 1 from a new derivative, and a
 * tenth of the step. */
DS_FN int DS_LSODA(restart)(const ds_lsoda_problem *p, ds_lsoda_state *s, DS_LSODA_CONTEXT ctx) {
    s->h = s->h * ds_number_max(p->h_min / ds_abs(s->h), 0.1);
    ds_copy(p->n, s->history, s->y);
    if (DS_LSODA(evaluate_all)(s, s->f, ctx)) return DS_LSODA_STOPPED;
    for (ds_int i = 0; i < p->n; ++i) s->history[p->n + i] = s->h * s->f[i];
    s->jacobian_due = s->family == DS_LSODA_BDF;
    s->patience = 5;
    if (s->order != 1) ds_lsoda_set_order(s, 1);
    return DS_LSODA_OK;
}

/* The error test failed for the `failures`-th time: a smaller step, perhaps of lower order. */
DS_FN int DS_LSODA(after_rejection)(const ds_lsoda_problem *p, ds_lsoda_state *s, int failures,
                                    DS_LSODA_CONTEXT ctx) {
    s->growth_max = DS_LSODA_FAILED_GROWTH;
    if (ds_lsoda_at_h_min(p, s) || failures == DS_LSODA_REJECTION_MAX) return DS_LSODA_ERROR_TESTS;
    if (failures >= DS_LSODA_RESTART_AFTER) return DS_LSODA(restart)(p, s, ctx);
    const ds_lsoda_choice choice = ds_lsoda_choose(p, s, 0.0);
    R growth = choice.growth;
    if (choice.order < s->order) {
        growth = growth > 1.0 ? 1.0 : growth;
        ds_lsoda_set_order(s, choice.order);
    }
    ds_lsoda_change_step(p, s, failures >= 2 ? ds_number_min(growth, 0.2) : growth);
    return DS_LSODA_OK;
}

/* Predict and correct until the error test is passed, then accept. DS_LSODA_OK, or why not; the
 * history then is that of the last step. */
DS_FN int DS_LSODA(advance)(const ds_lsoda_problem *p, ds_lsoda_state *s, DS_LSODA_CONTEXT ctx) {
    const R t = s->t;
    int divergences = 0, rejections = 0;
    for (;;) {
        DS_LSODA(predict)(p, s);
        int code = DS_LSODA(correct)(p, s, ctx);
#if DS_COLUMNS
        if (code == DS_LSODA_OK && s->error <= 1.0 && p->n > p->n_states)
            code = DS_LSODA(correct_columns)(p, s, ctx);
#endif
        if (code == DS_LSODA_OK && s->error <= 1.0) break;
        ds_lsoda_retract(p, s, t);
        if (code == DS_LSODA_CONVERGENCE)
            code = DS_LSODA(after_divergence)(p, s, ++divergences);
        else if (code == DS_LSODA_OK)
            code = DS_LSODA(after_rejection)(p, s, ++rejections, ctx);
        if (code) return code;
    }
    ds_lsoda_accept(p, s);
    return DS_LSODA_OK;
}

/* One step, if there is reason to take one: work and accuracy within bounds. */
DS_FN int DS_LSODA(step)(const ds_lsoda_problem *p, ds_lsoda_state *s, DS_LSODA_CONTEXT ctx) {
    int code = DS_LSODA_OK;
    if (s->step_count - s->step_count_before >= p->step_max)
        code = DS_LSODA_EXCESS_WORK;
    else if (!ds_lsoda_set_weights(p, s))
        code = DS_LSODA_ZERO_WEIGHT;
    else {
        const R excess = DS_EPS * ds_lsoda_norm(DS_TESTED(p), s->history, s->weight);
        if (excess > 0.01) { /* less than two digits are left of the tolerance */
            s->excess = excess * 200.0;
            if (s->step_count == 0) return DS_LSODA_ILLEGAL;
            code = DS_LSODA_EXCESS_ACCURACY;
        } else
            code = DS_LSODA(advance)(p, s, ctx);
    }
    if (code) ds_lsoda_output(p, s, s->t);
    return code;
}

/* --- Calls ------------------------------------------------------------------------------------------ */

/* The first call: derivative, weights and first step size at (t, y). */
DS_FN int DS_LSODA(start)(const ds_lsoda_problem *p, ds_lsoda_state *s, R t, int task, R t_out,
                          R t_crit, DS_LSODA_CONTEXT ctx) {
    if (!ds_lsoda_is_legal(p, t, t_out)) return DS_LSODA_ILLEGAL;
    R h = p->h0;
    if (task == DS_LSODA_TO_TIME_CRIT || task == DS_LSODA_ONE_STEP_CRIT) {
        if ((t_crit - t_out) * (t_out - t) < 0) return DS_LSODA_ILLEGAL;
        if (h != 0 && (t + h - t_crit) * h > 0) h = t_crit - t;
    }
    ds_lsoda_reset(s, t);
    if (DS_LSODA(evaluate_all)(s, ds_lsoda_row(p, s, 1), ctx)) return DS_LSODA_STOPPED;
    ds_copy(p->n, s->y, s->history);
    if (!ds_lsoda_set_weights(p, s)) return DS_LSODA_ILLEGAL;
    if (h == 0) {
        h = ds_lsoda_first_step(p, s, t_out);
        if (h == 0) return DS_LSODA_ILLEGAL;
    }
    const R over = p->h_max > 0 ? ds_abs(h) * (1.0 / p->h_max) : 0.0;
    s->h = over > 1.0 ? h / over : h;
    for (ds_int i = 0; i < p->n; ++i) s->history[p->n + i] = s->h * s->history[p->n + i];
    s->started = 1;
    return DS_LSODA_OK;
}

/* ODEPACK's call: from (t, y) at first, from where it is afterwards, to where `task` says. At most
 * `allowance` steps: after DS_LSODA_RUNNING the caller calls again with the same arguments.
 * DS_LSODA_DONE: the output is y at t_out; so it is, at the last step's end, after most errors. */
DS_FN int DS_LSODA(call)(const ds_lsoda_problem *p, ds_lsoda_state *s, R t, int task, R t_out,
                         R t_crit, ds_int allowance, DS_LSODA_CONTEXT ctx) {
    int code = DS_LSODA_OK;
    if (!s->underway) {
        if (s->started)
            code = ds_lsoda_resume(p, s, task, t_out, t_crit);
        else if (t_out == t)
            return DS_LSODA_NOTHING_DONE;
        else
            code = DS_LSODA(start)(p, s, t, task, t_out, t_crit, ctx);
    }
    while (code == DS_LSODA_OK && allowance-- > 0) {
        code = DS_LSODA(step)(p, s, ctx);
        if (code == DS_LSODA_OK) code = ds_lsoda_arrive(p, s, task, t_out, t_crit);
    }
    s->underway = code == DS_LSODA_OK;
    return code == DS_LSODA_OK ? DS_LSODA_RUNNING : code;
}
