/* lsoda_state.h - what LSODA keeps from step to step, its formulas, and its history.
 *
 * History: Nordsieck's array z_j = h**j y^(j) / j!, j = 0 ... order, scaled to the step size h that
 * is to be tried next. References as in step_lsoda.h. */
#ifndef DS_LSODA_STATE_H
#define DS_LSODA_STATE_H
#include "../tables/multistep.h"
#include "columns.h"
#include "nordsieck.h"

/* Indices of a pattern (linear.h): int64_t, without its header. */
#ifdef __INT64_TYPE__
typedef __INT64_TYPE__ ds_index;
#else
typedef long long ds_index;
#endif

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

/* Tuning constants: ODEPACK's, tested over decades ([RH], [P]). */
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
#define DS_LSODA_FAST 5.0            /* BDF must promise steps this much longer ([P]) */
#define DS_LSODA_LEAST_LIPSCHITZ 1e-6 /* h times the Lipschitz constant, at least */

/* What the caller chooses; constant during a solve. Tolerances are read at [j * stride]. */
typedef struct {
    ds_int n;
    ds_int n_states, n_tested; /* see columns.h */
    const R *rtol, *atol;
    ds_int rtol_stride, atol_stride;
    R h0;            /* first step, signed; 0: choose */
    R h_min, h_max;  /* 0: no bound */
    int order_max[2]; /* by family */
    ds_int step_max; /* from one call to the next, or while t stands still */
    const ds_index *start, *rows; /* pattern of the Jacobian, column by column; NULL: full */
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
    R size;          /* weighted norm of the predicted y */
    R columns_rate;  /* as `rate`, of the sensitivity columns */
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

/* Size h |lambda| up to which Adams' functional iteration is stable ([P]). */
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

/* Norm of the matrix M that goes with ds_lsoda_norm: the largest weighted row sum. */
DS_FN R ds_lsoda_matrix_norm(const ds_lsoda_problem *p, ds_lsoda_state *s) {
    R *sums = s->correction; /* free until the iteration begins */
    const ds_int n = DS_STATES(p);
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

DS_FN void ds_lsoda_predict(const ds_lsoda_problem *p, ds_lsoda_state *s) {
    ds_nordsieck_predict(s->history, p->n, s->order);
    s->t = s->t + s->h;
}

/* Undo ds_lsoda_predict. */
DS_FN void ds_lsoda_retract(const ds_lsoda_problem *p, ds_lsoda_state *s, R t) {
    ds_nordsieck_retract(s->history, p->n, s->order);
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
    return ds_number_max(ds_abs(s->h) * s->lipschitz, DS_LSODA_LEAST_LIPSCHITZ);
}

/* h becomes h times `factor`, as far as the bounds on h and on its growth allow. */
DS_FN void ds_lsoda_rescale(const ds_lsoda_problem *p, ds_lsoda_state *s, R factor) {
    const R h_max_inverse = p->h_max > 0 ? 1.0 / p->h_max : 0.0;
    R ratio = ds_number_min(factor, s->growth_max);
    ratio = ratio / ds_number_max(1.0, ds_abs(s->h) * h_max_inverse * ratio);
    if (s->family == DS_LSODA_ADAMS) {
        const R pace = ds_lsoda_pace(s), stable = ds_lsoda_stable(s->order);
        s->h_limited = ratio * pace * 1.00001 >= stable;
        if (s->h_limited) ratio = stable / pace;
    }
    ds_nordsieck_rescale(s->history, p->n, s->order, ratio);
    s->h = s->h * ratio;
    s->drift = s->drift * ratio;
    s->patience = s->order + 1;
}

/* The same, and never below h_min. */
DS_FN void ds_lsoda_change_step(const ds_lsoda_problem *p, ds_lsoda_state *s, R factor) {
    ds_lsoda_rescale(p, s, ds_number_max(factor, p->h_min / ds_abs(s->h)));
}

DS_FN int ds_lsoda_at_h_min(const ds_lsoda_problem *p, const ds_lsoda_state *s) {
    return ds_abs(s->h) <= p->h_min * 1.00001;
}

/* The interpolating polynomial of the last step at t. False outside that step. */
DS_FN int ds_lsoda_interpolate(const ds_lsoda_problem *p, const ds_lsoda_state *s, R t, R *y) {
    const R begin = s->t - s->h_used - 100.0 * DS_EPS * (s->t + s->h_used);
    if ((t - begin) * (t - s->t) > 0) return 0;
    ds_nordsieck_evaluate(s->history, p->n, s->order, (t - s->t) / s->h, y);
    return 1;
}

#endif
