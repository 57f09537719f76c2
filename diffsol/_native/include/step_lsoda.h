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
 *
 * The decisions and the order of operations are ODEPACK's, so that steps agree with SciPy's LSODA
 * and odeint. One value only, no lanes: two solves part ways too soon. No libc, no allocation, no
 * globals: memory comes in with the state.
 *
 * History: Nordsieck's array z_j = h**j y^(j) / j!, j = 0 ... order, scaled to the step size h that
 * is to be tried next (`history`, a row of n numbers for each j). */
#include "../tables/multistep.h"
#include "ds_lane.h"

#ifndef DS_STEP_LSODA_TYPES
#define DS_STEP_LSODA_TYPES

enum { DS_LSODA_ADAMS = 0, DS_LSODA_BDF = 1 };

/* What comes out of the functions below: ODEPACK's istate where there is one. */
enum {
    DS_LSODA_OK = 0,
    DS_LSODA_STOPPED = 10,     /* the right-hand side or the Jacobian stopped */
    DS_LSODA_DIFFERENCES = 11, /* from DS_JAC: take differences */
    DS_LSODA_RUNNING = 12,     /* the allowance of steps is used up: call again */
    DS_LSODA_DONE = 2,
    DS_LSODA_NOTHING_DONE = 1, /* the first output time is the initial time */
    DS_LSODA_EXCESS_WORK = -1,
    DS_LSODA_EXCESS_ACCURACY = -2,
    DS_LSODA_ILLEGAL = -3,
    DS_LSODA_ERROR_TESTS = -4,
    DS_LSODA_CONVERGENCE = -5,
    DS_LSODA_ZERO_WEIGHT = -6
};

/* How far one call goes, in ODEPACK's numbering (itask). */
enum {
    DS_LSODA_TO_TIME = 1,       /* past t_out, and interpolate there */
    DS_LSODA_ONE_STEP = 2,
    DS_LSODA_PAST_TIME = 3,     /* to the end of the first step at or beyond t_out */
    DS_LSODA_TO_TIME_CRIT = 4,  /* to t_out, never beyond t_crit */
    DS_LSODA_ONE_STEP_CRIT = 5  /* one step, never beyond t_crit */
};

/* Tuning constants: ODEPACK's, tested over decades ([RH], section 2.4 and appendix; [P]). */
#define DS_LSODA_EPS 2.220446049250313e-16
enum {
    DS_LSODA_ITERATION_MAX = 3,  /* corrections to one prediction (maxcor) */
    DS_LSODA_DIVERGENCE_MAX = 10, /* of the corrector in one step (mxncf) */
    DS_LSODA_REJECTION_MAX = 10, /* failed error tests in one step */
    DS_LSODA_RESTART_AFTER = 3,  /* failed error tests until the history is given up */
    DS_LSODA_JACOBIAN_AGE = 20,  /* steps that a Jacobian lasts (msbp) */
    DS_LSODA_SWITCH_PAUSE = 20,  /* steps before the other family is considered (again) */
    DS_LSODA_GROWTH_PAUSE = 3    /* steps before growth is considered again where it would be small */
};
#define DS_LSODA_JACOBIAN_DRIFT 0.3  /* relative change of h l_0 that a Jacobian endures (ccmax) */
#define DS_LSODA_RATE_GUESS 0.7      /* convergence rate with a new Jacobian */
#define DS_LSODA_LEAST_GROWTH 1.1    /* a smaller growth of h is not worth its cost */
#define DS_LSODA_FIRST_GROWTH 1e4    /* bounds of growth: in the first step, in later ones, after */
#define DS_LSODA_USUAL_GROWTH 10.0   /* a failure */
#define DS_LSODA_FAILED_GROWTH 2.0
#define DS_LSODA_FAST 5.0            /* BDF must promise steps this much longer ([P], section 3) */
#define DS_LSODA_LEAST_LIPSCHITZ 1e-6 /* h times the Lipschitz constant, at least */

/* What the caller chooses; constant during a solve. Tolerances are read at [j * stride]. */
typedef struct {
    ds_int n;
    const R *rtol, *atol;
    ds_int rtol_stride, atol_stride;
    R h0;            /* first step, signed; 0: choose */
    R h_min, h_max;  /* 0: no bound */
    int order_max[2]; /* by family */
    ds_int step_max; /* from one call to the next, or while t stands still */
    const ds_int *start, *rows; /* pattern of the Jacobian, column by column; NULL: full */
    int banded;      /* differences: columns lower + upper + 1 apart share an evaluation */
    ds_int lower, upper;
} ds_lsoda_problem;

/* A solve on its way. */
typedef struct {
    /* Memory: rows of n, given by the caller (history: the highest order + 1 of them). */
    R *history;
    R *weight;     /* 1 / (rtol |y| + atol) */
    R *f;          /* derivative at y */
    R *correction; /* e: what the corrector has added to h y' so far */
    R *y;          /* argument of the right-hand side; the output */
    R *jac;        /* one value for each entry of the pattern */

    /* Where the solve is. */
    R t;             /* end of the last step */
    R h;             /* to be tried next */
    int family, order;
    R t_out;         /* output: the time of y */
    R t_switch;      /* end of the last step before the family changed */

    /* The last step. */
    R h_used;
    int family_used, order_used;

    /* What it has cost. */
    ds_int step_count, evaluation_count, jacobian_count;

    /* Step and order control. */
    R l[DS_MULTISTEP_ORDERS + 1]; /* the formula's vector l */
    R growth_max;    /* next growth of h is bounded by it */
    int patience;    /* steps until step size and order are considered again */
    R rate;          /* of convergence, estimated (crate) */
    R error;         /* weighted norm of the last local error estimate */
    R size;          /* weighted norm of the prediction */
    R excess;        /* too high an accuracy was wanted: multiply tolerances by this (tolsf) */

    /* The matrix I - h l_0 J. */
    int jacobian_due;
    R drift;            /* h l_0 now / when the matrix was made */
    ds_int jacobian_step;
    R jacobian_norm;

    /* Choice of the family. */
    int switch_pause;  /* steps until the other one is considered */
    R lipschitz_seen;  /* largest estimate since the order was last considered (pdest) */
    R lipschitz;       /* latest estimate that is not 0 (pdlast) */
    int h_limited;     /* the last change of h was cut to keep Adams stable (irflag) */

    /* The call on its way. */
    int started, underway;
    ds_int step_count_before;
    R t_before;
} ds_lsoda_state;

/* C's fmin and fmax, which pass over a nan: ODEPACK's in SciPy. */
DS_FN R ds_lsoda_min(R a, R b) { return a < b || b != b ? a : b; }
DS_FN R ds_lsoda_max(R a, R b) { return a > b || b != b ? a : b; }

/* --- Formulas ---------------------------------------------------------------------------- */

DS_FN const R *ds_lsoda_l(int family, int order) {
    static const R l[2][DS_MULTISTEP_ORDERS][DS_MULTISTEP_ORDERS + 1] = {DS_ADAMS_L, DS_BDF_L};
    return l[family][order - 1];
}

/* The error test's divisors at order - 1, order, order + 1. */
DS_FN const R *ds_lsoda_tests(int family, int order) {
    static const R tests[2][DS_MULTISTEP_ORDERS][3] = {DS_ADAMS_TESTS, DS_BDF_TESTS};
    return tests[family][order - 1];
}

/* The same from the last column of the history instead of the correction. */
DS_FN R ds_lsoda_history_test(int family, int order) {
    return ds_lsoda_tests(family, order)[1] * ds_lsoda_l(family, order)[order];
}

/* Size h |lambda| up to which Adams' functional iteration is stable ([P], table 1). */
DS_FN R ds_lsoda_stable(int order) {
    static const R sizes[DS_MULTISTEP_ORDERS] = {0.5,  0.575, 0.55, 0.45,  0.35, 0.25,
                                                 0.20, 0.15,  0.10, 0.075, 0.05, 0.025};
    return sizes[order - 1];
}

/* --- Vectors ------------------------------------------------------------------------------ */

/* Largest |x_i| w_i; a nan counts for nothing. */
DS_FN R ds_lsoda_norm(ds_int n, const R *x, const R *w) {
    R norm = 0;
    for (ds_int i = 0; i < n; ++i) {
        const R size = ds_abs(x[i]) * w[i];
        norm = size > norm ? size : norm;
    }
    return norm;
}

DS_FN R *ds_lsoda_row(const ds_lsoda_problem *p, const ds_lsoda_state *s, int j) {
    return s->history + j * p->n;
}

DS_FN void ds_lsoda_copy(ds_int n, const R *from, R *to) {
    for (ds_int i = 0; i < n; ++i) to[i] = from[i];
}

/* Weights for the state at the end of the last step; false when one would be infinite. */
DS_FN int ds_lsoda_set_weights(const ds_lsoda_problem *p, ds_lsoda_state *s) {
    int positive = 1;
    for (ds_int i = 0; i < p->n; ++i) {
        const R tolerance = p->rtol[i * p->rtol_stride] * ds_abs(s->history[i]) +
                            p->atol[i * p->atol_stride];
        if (tolerance <= 0) positive = 0;
        s->weight[i] = 1.0 / tolerance;
    }
    return positive;
}

/* Increment of y_j for differences ([RH], eq. 3.37). */
DS_FN R ds_lsoda_increment(R y, R weight, R least) {
    const R root = 1.4901161193847656e-08; /* sqrt(DS_LSODA_EPS) */
    return ds_lsoda_max(root * ds_abs(y), least / weight);
}

/* Norm of the matrix M that goes with ds_lsoda_norm: the largest weighted row sum. */
DS_FN R ds_lsoda_matrix_norm(const ds_lsoda_problem *p, ds_lsoda_state *s) {
    R *sums = s->correction; /* free until the iteration begins */
    const ds_int n = p->n;
    for (ds_int i = 0; i < n; ++i) sums[i] = 0;
    for (ds_int j = 0; j < n; ++j) {
        const ds_int end = p->start ? p->start[j + 1] : (j + 1) * n;
        for (ds_int k = p->start ? p->start[j] : j * n; k < end; ++k) {
            const ds_int i = p->start ? p->rows[k] : k - j * n;
            sums[i] = sums[i] + ds_abs(s->jac[k]) / s->weight[j];
        }
    }
    return ds_lsoda_norm(n, sums, s->weight);
}

/* --- The history -------------------------------------------------------------------------- */

/* z becomes A z, A Pascal's triangle: the Taylor series at t + h. */
DS_FN void ds_lsoda_predict(const ds_lsoda_problem *p, ds_lsoda_state *s) {
    R *z = s->history;
    const ds_int n = p->n, end = s->order * n;
    for (ds_int begin = end - n; begin >= 0; begin -= n)
        for (ds_int i = begin; i < end; ++i) z[i] = z[i] + z[i + n];
    s->t = s->t + s->h;
}

/* Undo ds_lsoda_predict. */
DS_FN void ds_lsoda_retract(const ds_lsoda_problem *p, ds_lsoda_state *s, R t) {
    R *z = s->history;
    const ds_int n = p->n, end = s->order * n;
    for (ds_int begin = end - n; begin >= 0; begin -= n)
        for (ds_int i = begin; i < end; ++i) z[i] = z[i] - z[i + n];
    s->t = t;
}

DS_FN void ds_lsoda_set_order(ds_lsoda_state *s, int order) {
    const R *l = ds_lsoda_l(s->family, order);
    s->order = order;
    s->drift = s->drift * l[0] / s->l[0];
    for (int j = 0; j <= order; ++j) s->l[j] = l[j];
}

/* h times the Lipschitz constant: what limits Adams' step. */
DS_FN R ds_lsoda_pace(const ds_lsoda_state *s) {
    return ds_lsoda_max(ds_abs(s->h) * s->lipschitz, DS_LSODA_LEAST_LIPSCHITZ);
}

/* h becomes h times `factor`, as far as the bounds on h and on its growth allow. */
DS_FN void ds_lsoda_rescale(const ds_lsoda_problem *p, ds_lsoda_state *s, R factor) {
    const R h_max_inverse = p->h_max > 0 ? 1.0 / p->h_max : 0.0;
    R ratio = ds_lsoda_min(factor, s->growth_max);
    ratio = ratio / ds_lsoda_max(1.0, ds_abs(s->h) * h_max_inverse * ratio);
    if (s->family == DS_LSODA_ADAMS) {
        const R pace = ds_lsoda_pace(s), stable = ds_lsoda_stable(s->order);
        s->h_limited = ratio * pace * 1.00001 >= stable;
        if (s->h_limited) ratio = stable / pace;
    }
    R power = 1;
    for (int j = 1; j <= s->order; ++j) {
        R *z = ds_lsoda_row(p, s, j);
        power = power * ratio;
        for (ds_int i = 0; i < p->n; ++i) z[i] = z[i] * power;
    }
    s->h = s->h * ratio;
    s->drift = s->drift * ratio;
    s->patience = s->order + 1;
}

/* The same, and never below h_min. */
DS_FN void ds_lsoda_change_step(const ds_lsoda_problem *p, ds_lsoda_state *s, R factor) {
    ds_lsoda_rescale(p, s, ds_lsoda_max(factor, p->h_min / ds_abs(s->h)));
}

DS_FN int ds_lsoda_at_h_min(const ds_lsoda_problem *p, const ds_lsoda_state *s) {
    return ds_abs(s->h) <= p->h_min * 1.00001;
}

/* The interpolating polynomial of the last step at t. False outside that step. */
DS_FN int ds_lsoda_interpolate(const ds_lsoda_problem *p, const ds_lsoda_state *s, R t, R *y) {
    const R begin = s->t - s->h_used - 100.0 * DS_LSODA_EPS * (s->t + s->h_used);
    if ((t - begin) * (t - s->t) > 0) return 0;
    const R x = (t - s->t) / s->h;
    ds_lsoda_copy(p->n, ds_lsoda_row(p, s, s->order), y);
    for (int j = s->order - 1; j >= 0; --j) {
        const R *z = ds_lsoda_row(p, s, j);
        for (ds_int i = 0; i < p->n; ++i) y[i] = z[i] + x * y[i];
    }
    return 1;
}

/* --- Step size, order and family ------------------------------------------------------------ */

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
    const R error = ds_lsoda_norm(p->n, s->f, s->weight) / ds_lsoda_tests(s->family, s->order)[2];
    return ds_lsoda_growth(error, 1.0 / (s->order + 2), 1.4, 0.0000014);
}

/* ... with the next lower one, from the last column of the history. */
DS_FN R ds_lsoda_growth_down(const ds_lsoda_problem *p, const ds_lsoda_state *s) {
    const R norm = ds_lsoda_norm(p->n, ds_lsoda_row(p, s, s->order), s->weight);
    const R error = norm / ds_lsoda_tests(s->family, s->order)[0];
    return ds_lsoda_growth(error, 1.0 / s->order, 1.3, 0.0000013);
}

/* The best of three orders ([RH], eq. 2.90 ff.). `up` is the growth with the next higher. */
DS_FN ds_lsoda_choice ds_lsoda_choose(const ds_lsoda_problem *p, ds_lsoda_state *s, R up) {
    const int order = s->order;
    R same = ds_lsoda_growth_same(s->error, order);
    R down = order > 1 ? ds_lsoda_growth_down(p, s) : 0.0;
    if (s->family == DS_LSODA_ADAMS) {
        const R pace = ds_lsoda_pace(s);
        if (ds_lsoda_may_rise(p, s)) up = ds_lsoda_min(up, ds_lsoda_stable(order + 1) / pace);
        same = ds_lsoda_min(same, ds_lsoda_stable(order) / pace);
        if (order > 1) down = ds_lsoda_min(down, ds_lsoda_stable(order - 1) / pace);
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

/* Growth with the other family, from the same error estimate, or, where its order must be lower,
 * from the history. */
DS_FN R ds_lsoda_growth_other(const ds_lsoda_problem *p, const ds_lsoda_state *s, int other,
                              int order, R *error) {
    if (order == s->order)
        *error = s->error * (ds_lsoda_history_test(s->family, order) /
                             ds_lsoda_history_test(other, order));
    else
        *error = ds_lsoda_norm(p->n, ds_lsoda_row(p, s, order + 1), s->weight) /
                 ds_lsoda_history_test(other, order);
    return ds_lsoda_growth_same(*error, order);
}

/* Growth of Adams' step that stability permits too. */
DS_FN R ds_lsoda_stable_growth(R growth, R pace, int order) {
    const R limit = pace * growth > 0.00001 ? ds_lsoda_stable(order) / pace : 2.0 * growth;
    return ds_lsoda_min(growth, limit);
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
    s->t_switch = s->t;
}

/* Adams at work: would BDF be much faster? ([P], section 3.) Not asked at orders above 5, which
 * are not those of a stiff problem. */
DS_FN int ds_lsoda_to_bdf(const ds_lsoda_problem *p, ds_lsoda_state *s) {
    if (s->order > DS_BDF_ORDER_MAX) return 0;
    const int most = p->order_max[DS_LSODA_BDF], order = s->order <= most ? s->order : most;
    const int polluted = !(s->error > 100.0 * s->size * DS_LSODA_EPS && s->lipschitz_seen != 0);
    R growth = 2.0; /* where estimates are rounding errors */
    if (polluted) {
        if (!s->h_limited) return 0;
    } else {
        R error;
        const R adams = ds_lsoda_stable_growth(ds_lsoda_growth_same(s->error, s->order),
                                               s->lipschitz * ds_abs(s->h), s->order);
        growth = ds_lsoda_growth_other(p, s, DS_LSODA_BDF, order, &error);
        if (growth < DS_LSODA_FAST * adams) return 0;
    }
    ds_lsoda_switch_to(p, s, DS_LSODA_BDF, order, growth);
    return 1;
}

/* BDF at work: would Adams be as fast, and not drown in rounding errors? */
DS_FN int ds_lsoda_to_adams(const ds_lsoda_problem *p, ds_lsoda_state *s) {
    const int most = p->order_max[DS_LSODA_ADAMS], order = s->order <= most ? s->order : most;
    R error;
    R adams = ds_lsoda_growth_other(p, s, DS_LSODA_ADAMS, order, &error);
    adams = ds_lsoda_stable_growth(adams, s->jacobian_norm * ds_abs(s->h), order);
    const R bdf = ds_lsoda_growth_same(s->error, s->order);
    if (adams * DS_LSODA_FAST < 5.0 * bdf) return 0;
    const R error_then = ds_pow(ds_lsoda_max(0.001, adams), 1.0 / (order + 1)) * error;
    if (error_then <= 1000.0 * DS_LSODA_EPS * s->size) return 0;
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
        ds_lsoda_copy(p->n, s->correction, ds_lsoda_row(p, s, p->order_max[s->family]));
}

/* --- Stopping times --------------------------------------------------------------------------- */

/* Shorten the step to come if it would pass t_crit. True when the solve stands at t_crit, as far as
 * rounding lets it. */
DS_FN int ds_lsoda_aim(const ds_lsoda_problem *p, ds_lsoda_state *s, R t_crit) {
    const R extent = ds_abs(s->t) + ds_abs(s->h);
    if (ds_abs(s->t - t_crit) <= 100.0 * DS_LSODA_EPS * extent) return 1;
    const R next = s->t + s->h * (1.0 + 4.0 * DS_LSODA_EPS);
    if ((next - t_crit) * s->h > 0) {
        const R h = (t_crit - s->t) * (1.0 - 4.0 * DS_LSODA_EPS);
        if (h != s->h) ds_lsoda_rescale(p, s, h / s->h);
    }
    return 0;
}

/* The output is the state at the end of the last step. */
DS_FN void ds_lsoda_output(const ds_lsoda_problem *p, ds_lsoda_state *s, R t) {
    ds_lsoda_copy(p->n, s->history, s->y);
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
                    ds_abs(s->t - t_crit) <= 100.0 * DS_LSODA_EPS * extent;
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
        const R begin = s->t - s->h_used * (1.0 + 100.0 * DS_LSODA_EPS);
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
    for (ds_int i = 0; i < p->n; ++i)
        tolerance = ds_lsoda_max(tolerance, p->rtol[i * p->rtol_stride]);
    if (tolerance <= 0)
        for (ds_int i = 0; i < p->n; ++i)
            if (s->y[i] != 0)
                tolerance = ds_lsoda_max(tolerance, p->atol[i * p->atol_stride] / ds_abs(s->y[i]));
    return ds_lsoda_min(ds_lsoda_max(tolerance, 100.0 * DS_LSODA_EPS), 0.001);
}

/* First step: h**-2 = 1 / (tol t**2) + tol |f|**2 ([RH], eq. 2.98), signed; 0 when t_out is too
 * near. The derivative is in row 1 of the history. */
DS_FN R ds_lsoda_first_step(const ds_lsoda_problem *p, const ds_lsoda_state *s, R t_out) {
    const R distance = ds_abs(t_out - s->t);
    const R extent = ds_lsoda_max(ds_abs(s->t), ds_abs(t_out));
    if (distance < 2.0 * DS_LSODA_EPS * extent) return 0;
    const R tolerance = ds_lsoda_scalar_tolerance(p, s);
    const R norm = ds_lsoda_norm(p->n, ds_lsoda_row(p, s, 1), s->weight);
    const R sum = 1.0 / (tolerance * extent * extent) + tolerance * norm * norm;
    const R h = ds_lsoda_min(1.0 / ds_sqrt(sum), distance);
    return t_out - s->t < 0 ? -h : h;
}

DS_FN int ds_lsoda_is_legal(const ds_lsoda_problem *p, R t, R t_out) {
    if (p->n <= 0 || p->step_max < 0 || p->h_min < 0 || p->h_max < 0) return 0;
    if (p->order_max[DS_LSODA_ADAMS] < 1 || p->order_max[DS_LSODA_BDF] < 1) return 0;
    if (p->banded &&
        (p->lower < 0 || p->lower >= p->n || p->upper < 0 || p->upper >= p->n))
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
    s->rate = DS_LSODA_RATE_GUESS;
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
 * with order the order used. `z` receives DS_MULTISTEP_ORDERS + 1 rows of n, zeros above the order;
 * the step size h that they are scaled to is returned. */
DS_FN R ds_lsoda_dense(const ds_lsoda_problem *p, const ds_lsoda_state *s, R *z) {
    const ds_int used = s->order_used;
    for (ds_int i = 0; i < (used + 1) * p->n; ++i) z[i] = s->history[i];
    for (ds_int i = (used + 1) * p->n; i < (DS_MULTISTEP_ORDERS + 1) * p->n; ++i) z[i] = 0;
    if (s->order < used) { /* the last row was left as it was when the order fell */
        const R ratio = s->h / s->h_used;
        R power = 1;
        for (ds_int j = 0; j < used; ++j) power = power * ratio;
        for (ds_int i = 0; i < p->n; ++i) z[used * p->n + i] *= power;
    }
    return s->h;
}

#endif

/* --- The corrector --------------------------------------------------------------------------- */

/* One evaluation at (t, y), counted when it is done. */
DS_FN int DS_LSODA(evaluate)(ds_lsoda_state *s, R *out, DS_LSODA_CONTEXT ctx) {
    if (DS_RHS(ctx, s->t, s->y, out)) return DS_LSODA_STOPPED;
    ++s->evaluation_count;
    return DS_LSODA_OK;
}

/* M = -h l_0 J by differences ([RH], section 3.5); f holds the derivative at y. */
DS_FN int DS_LSODA(differences)(const ds_lsoda_problem *p, ds_lsoda_state *s,
                                DS_LSODA_CONTEXT ctx) {
    const ds_int n = p->n, stride = p->banded ? p->lower + p->upper + 1 : n;
    const R norm = ds_lsoda_norm(n, s->f, s->weight), factor = -(s->h * s->l[0]);
    const R scale = 1000.0 * ds_abs(s->h) * DS_LSODA_EPS * n * norm;
    const R least = scale == 0 ? 1.0 : scale;
    R *moved = s->correction; /* free until the iteration begins */
    for (ds_int group = 0; group < stride && group < n; ++group) {
        for (ds_int j = group; j < n; j += stride)
            s->y[j] = s->y[j] + ds_lsoda_increment(s->y[j], s->weight[j], least);
        if (DS_LSODA(evaluate)(s, moved, ctx)) return DS_LSODA_STOPPED;
        for (ds_int j = group; j < n; j += stride) {
            s->y[j] = s->history[j];
            const R per = factor / ds_lsoda_increment(s->y[j], s->weight[j], least);
            const ds_int end = p->start ? p->start[j + 1] : (j + 1) * n;
            for (ds_int k = p->start ? p->start[j] : j * n; k < end; ++k) {
                const ds_int i = p->start ? p->rows[k] : k - j * n;
                s->jac[k] = (moved[i] - s->f[i]) * per;
            }
        }
    }
    return DS_LSODA_OK;
}

/* A new matrix I - h l_0 J and its factors. 0, DS_LSODA_STOPPED or, singular,
 * DS_LSODA_CONVERGENCE. */
DS_FN int DS_LSODA(make_matrix)(const ds_lsoda_problem *p, ds_lsoda_state *s,
                                DS_LSODA_CONTEXT ctx) {
    ++s->jacobian_count;
    int code = DS_JAC(ctx, s->t, s->y, s->jac);
    if (code == DS_LSODA_DIFFERENCES)
        code = DS_LSODA(differences)(p, s, ctx);
    else if (code == DS_LSODA_OK) {
        const R factor = -(s->h * s->l[0]);
        const ds_int count = p->start ? p->start[p->n] : p->n * p->n;
        for (ds_int k = 0; k < count; ++k) s->jac[k] = s->jac[k] * factor;
    }
    if (code) return code;
    s->jacobian_norm = ds_lsoda_matrix_norm(p, s) / ds_abs(s->h * s->l[0]);
    s->jacobian_due = 0;
    s->drift = 1.0;
    s->jacobian_step = s->step_count;
    s->rate = DS_LSODA_RATE_GUESS;
    return DS_FACTOR(ctx, s->jac) ? DS_LSODA_CONVERGENCE : DS_LSODA_OK;
}

/* One correction: Adams by functional iteration, BDF by a chord (Newton) iteration. The weighted
 * norm of the change. */
DS_FN R DS_LSODA(correct_once)(const ds_lsoda_problem *p, ds_lsoda_state *s,
                               DS_LSODA_CONTEXT ctx) {
    const ds_int n = p->n;
    const R *z = s->history, *z1 = s->history + n;
    R *y = s->y, *f = s->f, *e = s->correction;
    const R h = s->h, l0 = s->l[0];
    if (s->family == DS_LSODA_ADAMS) {
        R norm = 0;
        for (ds_int i = 0; i < n; ++i) {
            const R e_new = h * f[i] - z1[i];
            const R change = ds_abs(e_new - e[i]) * s->weight[i];
            norm = change > norm ? change : norm;
            y[i] = z[i] + l0 * e_new;
            e[i] = e_new;
        }
        return norm;
    }
    for (ds_int i = 0; i < n; ++i) y[i] = h * f[i] - (z1[i] + e[i]);
    DS_SOLVE(ctx, y);
    const R norm = ds_lsoda_norm(n, y, s->weight);
    for (ds_int i = 0; i < n; ++i) {
        e[i] = e[i] + y[i];
        y[i] = z[i] + l0 * e[i];
    }
    return norm;
}

/* Corrections until they converge, at most DS_LSODA_ITERATION_MAX ([RH], section 2.3). f holds the
 * derivative at the prediction. Estimates the convergence rate, hence the Lipschitz constant, and
 * the local error. */
DS_FN int DS_LSODA(iterate)(const ds_lsoda_problem *p, ds_lsoda_state *s, DS_LSODA_CONTEXT ctx) {
    const R test = ds_lsoda_tests(s->family, s->order)[1];
    const R bound = test * (0.5 / (s->order + 2));
    R change_before = 0, rate_max = 0;
    for (ds_int i = 0; i < p->n; ++i) s->correction[i] = 0;
    for (int m = 0;;) {
        const R change = DS_LSODA(correct_once)(p, s, ctx);
        int converged = change <= 100.0 * s->size * DS_LSODA_EPS; /* a rounding error */
        /* Adams takes two at least: the first tells nothing about the Lipschitz constant. */
        if (!converged && (m > 0 || s->family == DS_LSODA_BDF)) {
            if (m > 0) {
                const R rate = change <= 1024.0 * change_before ? change / change_before : 1024.0;
                rate_max = ds_lsoda_max(rate_max, rate);
                s->rate = ds_lsoda_max(0.2 * s->rate, rate);
            }
            converged = change * ds_lsoda_min(1.0, 1.5 * s->rate) / bound <= 1.0;
            if (converged) {
                s->lipschitz_seen =
                    ds_lsoda_max(s->lipschitz_seen, rate_max / ds_abs(s->h * s->l[0]));
                if (s->lipschitz_seen != 0) s->lipschitz = s->lipschitz_seen;
            }
        }
        if (converged) {
            const R norm = m == 0 ? change : ds_lsoda_norm(p->n, s->correction, s->weight);
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
        ds_lsoda_copy(p->n, s->history, s->y);
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

/* --- The step ----------------------------------------------------------------------------------- */

DS_FN void DS_LSODA(predict)(const ds_lsoda_problem *p, ds_lsoda_state *s) {
    if (s->family == DS_LSODA_BDF &&
        (ds_abs(s->drift - 1.0) > DS_LSODA_JACOBIAN_DRIFT ||
         s->step_count >= s->jacobian_step + DS_LSODA_JACOBIAN_AGE))
        s->jacobian_due = 1;
    ds_lsoda_predict(p, s);
    s->size = ds_lsoda_norm(p->n, s->history, s->weight);
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
    s->h = s->h * ds_lsoda_max(p->h_min / ds_abs(s->h), 0.1);
    ds_lsoda_copy(p->n, s->history, s->y);
    if (DS_LSODA(evaluate)(s, s->f, ctx)) return DS_LSODA_STOPPED;
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
    ds_lsoda_change_step(p, s, failures >= 2 ? ds_lsoda_min(growth, 0.2) : growth);
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
        const R excess = DS_LSODA_EPS * ds_lsoda_norm(p->n, s->history, s->weight);
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
    if (DS_LSODA(evaluate)(s, ds_lsoda_row(p, s, 1), ctx)) return DS_LSODA_STOPPED;
    ds_lsoda_copy(p->n, s->y, s->history);
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
