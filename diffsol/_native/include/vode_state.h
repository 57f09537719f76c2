/* vode_state.h - what VODE keeps from step to step, and what it does with its history. References
 * as in step_vode.h. */
#ifndef DS_VODE_STATE_H
#define DS_VODE_STATE_H
#include "nordsieck.h"

enum { DS_VODE_ADAMS = 1, DS_VODE_BDF = 2 }; /* VODE's meth */

/* How the implicit formula is solved (VODE's miter, where only where J comes from differs). */
enum {
    DS_VODE_FUNCTIONAL = 0, /* functional iteration: no matrix */
    DS_VODE_CHORD = 1,      /* Newton's, with an old matrix */
    DS_VODE_DIAGONAL = 3    /* the same with a diagonal in place of the Jacobian */
};

/* What comes out of the functions below: VODE's istate where there is one. */
enum {
    DS_VODE_OK = 0,
    DS_VODE_STOPPED = 10,     /* the right-hand side or the Jacobian stopped */
    DS_VODE_DIFFERENCES = 11, /* from DS_JAC: take differences */
    DS_VODE_RUNNING = 12,     /* the allowance of steps is used up: call again */
    DS_VODE_AGAIN = 13,       /* corrector: make a new matrix and try again */
    DS_VODE_NOTHING_DONE = 1, /* the first output time is the initial time */
    DS_VODE_DONE = 2,
    DS_VODE_EXCESS_WORK = -1,
    DS_VODE_EXCESS_ACCURACY = -2,
    DS_VODE_ILLEGAL = -3,
    DS_VODE_ERROR_TESTS = -4,
    DS_VODE_CONVERGENCE = -5,
    DS_VODE_ZERO_WEIGHT = -6
};

/* How far one call goes (VODE's itask). */
enum {
    DS_VODE_TO_TIME = 1,  /* past t_out, and interpolate there */
    DS_VODE_ONE_STEP = 2,
    DS_VODE_PAST_TIME = 3 /* to the end of the first step at or beyond t_out */
};

/* Tuning constants: VODE's, tested over decades ([BBH], section 3; VODE's names in brackets). */
enum {
    DS_VODE_ORDERS = 12,         /* of Adams' formulas, at most */
    DS_VODE_BDF_ORDERS = 5,
    DS_VODE_ITERATION_MAX = 3,   /* corrections to one prediction (maxcor) */
    DS_VODE_DIVERGENCE_MAX = 10, /* of the corrector in one step (mxncf) */
    DS_VODE_REJECTION_MAX = 7,   /* failed error tests in one step (-kfh) */
    DS_VODE_RESTART_AFTER = 3,   /* failed error tests until the order is forced down (-kfc) */
    DS_VODE_MATRIX_AGE = 20,     /* steps that a matrix lasts (msbp) */
    DS_VODE_JACOBIAN_AGE = 50    /* steps that the Jacobian in it lasts (msbj) */
};
#define DS_VODE_MATRIX_DRIFT 0.3     /* change of h / l_1 that a matrix endures (ccmax) */
#define DS_VODE_JACOBIAN_DRIFT 0.2   /* below it, divergence is the Jacobian's fault (ccmxj) */
#define DS_VODE_ITERATION_TEST 0.1  /* error of the iteration, as a part of the error test's */
#define DS_VODE_RATE_KEPT 0.3       /* of the estimated convergence rate (crdown) */
#define DS_VODE_DIVERGES 2.0        /* corrections that grow so much diverge (rdiv) */
#define DS_VODE_FIRST_GROWTH 1e4    /* bounds of growth: in the first step (etamx1), */
#define DS_VODE_USUAL_GROWTH 10.0   /* later (etamx2, etamx3), */
#define DS_VODE_DIVERGED_GROWTH 0.25 /* after divergence (etacf), */
#define DS_VODE_REJECTED_GROWTH 0.2 /* after two failed error tests (etamxf), */
#define DS_VODE_LEAST_GROWTH 0.1    /* and after any (etamin) */
#define DS_VODE_WORTHWHILE 1.5      /* a smaller growth is not worth its cost (thresh) */
#define DS_VODE_DIAGONAL_MOVE 0.1   /* part of the functional correction that J's diagonal is
                                       taken along (pt1 in dvjac) */

/* What the caller chooses; constant during a solve. Tolerances are read at [j * stride]. */
typedef struct {
    ds_int n;            /* unknowns */
    const R *rtol, *atol;
    ds_int rtol_stride, atol_stride;
    R h0;                /* first step, signed; 0: choose */
    R h_min, h_max;      /* 0: no bound */
    int family, iteration;
    int order_max;
    ds_int step_max;     /* in one call */
    const ds_int *start, *rows; /* pattern of the Jacobian, column by column; NULL: full */
    int banded;          /* differences: columns lower + upper + 1 apart share an evaluation */
    ds_int lower, upper;
} ds_vode_problem;

/* A solve on its way. */
typedef struct {
    /* Memory, given by the caller: m numbers each, m = n or, complex, 2 n. */
    R *history;    /* order_max + 1 rows; above the order, the last keeps an old correction */
    R *f;          /* derivative at y */
    R *correction; /* e: what the corrector has added to the prediction so far */
    R *y;          /* argument of the right-hand side; the output */
    R *diagonal;   /* inverse of 1 - h / l_1 times the diagonal */
    R *weight;     /* n: 1 / (rtol |y| + atol) */
    R *jac;        /* one value for each entry of the pattern */

    /* Where the solve is. */
    R t;             /* end of the last step */
    R h;             /* being tried, or tried last */
    R h_scaled;      /* the history is scaled to it */
    int order;
    R t_out;         /* output: the time of y */

    /* The last step. */
    R h_used;
    int order_used;
    R tau[DS_VODE_ORDERS + 1]; /* sizes of the last steps, the latest first */

    /* What it has cost. */
    ds_int step_count, evaluation_count, jacobian_count, factor_count, iteration_count;
    ds_int divergence_count, rejection_count;

    /* The formula: rows of the history are corrected by l_j e ([BBH], eq. 2.10). */
    R l[DS_VODE_ORDERS + 1];
    R test_lower, test, test_higher; /* the error test's divisors at order - 1, order, order + 1 */
    R change_test, change_test_old;  /* scale of the last derivative, now and in the saved row */

    /* Step and order control. */
    R h_next;        /* chosen after the last step, with an order */
    int order_next;
    int resize;      /* h or the order is to be changed */
    R growth;        /* h_next / h */
    R growth_max;    /* 1 after a failure in this step */
    int patience;    /* steps until another order is considered */
    R rate;          /* of convergence, estimated (crate) */
    R error;         /* weighted norm of the last sum of corrections */
    R excess;        /* too high an accuracy was wanted: multiply tolerances by this (tolsf) */

    /* The matrix I - h / l_1 J. */
    R l1_inverse, l1_inverse_old; /* now and at the last prediction (rl1, prl1) */
    R ratio;            /* h / l_1 now / when the matrix was made (rc) */
    R drift;            /* |ratio - 1| */
    R h_diagonal;       /* h / l_1 that the diagonal is made for */
    int matrix_due, jacobian_fresh;
    int trouble;        /* in this step: 1 an old matrix diverged, 2 a new one did (icf) */
    ds_int matrix_step, jacobian_step;

    /* The call on its way. */
    int started;        /* there has been a step */
    int underway;
    ds_int step_count_before;
} ds_vode_state;

DS_FN int ds_vode_at_h_min(const ds_vode_problem *p, const ds_vode_state *s) {
    return ds_abs(s->h) <= p->h_min * 1.00001;
}

/* A growth that keeps h above its bound. */
DS_FN R ds_vode_bounded(const ds_vode_problem *p, const ds_vode_state *s, R growth) {
    return ds_number_max(growth, p->h_min / ds_abs(s->h));
}

/* h becomes h_scaled times the growth. */
DS_FN void ds_vode_rescale(ds_vode_state *s, ds_int m) {
    ds_nordsieck_rescale(s->history, m, s->order, s->growth);
    s->h = s->h_scaled * s->growth;
    s->h_scaled = s->h;
    s->ratio = s->ratio * s->growth;
}

DS_FN void ds_vode_retract(ds_vode_state *s, ds_int m, R t) {
    ds_nordsieck_retract(s->history, m, s->order);
    s->t = t;
}

/* The output is the state at the end of the last step. */
DS_FN void ds_vode_output(ds_vode_state *s, ds_int m) {
    ds_copy(m, s->history, s->y);
    s->t_out = s->t;
}

/* The output is the state at t_out, if that is within the last step (dvindy). */
DS_FN int ds_vode_output_at(ds_vode_state *s, ds_int m, R t_out) {
    const R extent = ds_abs(s->t) + ds_abs(s->h_used);
    const R fuzz = 100.0 * DS_EPS * (s->h_used < 0 ? -extent : extent);
    const R begin = s->t - s->h_used - fuzz, end = s->t + fuzz;
    if ((t_out - begin) * (t_out - end) > 0) return DS_VODE_ILLEGAL;
    ds_nordsieck_evaluate(s->history, m, s->order, (t_out - s->t) / s->h, s->y);
    s->t_out = t_out;
    return DS_VODE_DONE;
}

#endif
