/* step_hairer.h - Hairer's and Wanner's codes DOPRI5 and DOP853: their own first step, error norms,
 * step control and test for stiffness around Runge-Kutta tables.
 *
 *   E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I, 2nd ed. [HNW],
 *     sections II.4 (first step, control), II.5 (order 8), II.10 (error of order 8);
 *   E. Hairer, G. Wanner, Solving Ordinary Differential Equations II [HW], section IV.2 (control with
 *     memory, test for stiffness).
 *
 * A template by inclusion. The includer has read a table (tables/rk45.h, tables/dop853.h) and
 * defines
 *   DS_HAIRER(name)           how the functions of this instance are called
 *   DS_HAIRER_CONTEXT         a type: what the right-hand side needs
 *   DS_RHS(ctx, t, y, out)    evaluates the derivative, nonzero to stop; it may change y
 *
 * Decisions and order of operations are those of the codes, so that steps agree with SciPy's `ode`.
 * No libc, no allocation, no globals: memory comes in with the state. */
#include "ds_lane.h"

#ifndef DS_STEP_HAIRER_TYPES
#define DS_STEP_HAIRER_TYPES

/* What comes out of the functions below; the last three are the codes' idid. */
enum {
    DS_HAIRER_REJECTED = 0, /* the step is tried again with another size */
    DS_HAIRER_ACCEPTED = 3,
    DS_HAIRER_STOPPED = 4,  /* the right-hand side stopped */
    DS_HAIRER_EXCESS_WORK = -2,
    DS_HAIRER_STEP_TOO_SMALL = -3,
    DS_HAIRER_STIFF = -4
};

#define DS_HAIRER_EPS 2.220446049250313e-16
#define DS_HAIRER_LEAST_ERROR 1e-4 /* a smaller error is not remembered: control must not overreact */
enum {
    DS_HAIRER_STIFF_CHECK = 1000, /* steps between two tests for stiffness (nstiff) */
    DS_HAIRER_STIFF_MAX = 15,     /* suspicious steps until the problem is called stiff (iasti) */
    DS_HAIRER_CALM_MAX = 6        /* unsuspicious steps until the suspicion is dropped (nonsti) */
};

/* What the caller chooses. Tolerances are read at [i * stride]. */
typedef struct {
    ds_int n;
    const R *rtol, *atol;
    ds_int rtol_stride, atol_stride;
    R t_end, direction;
    R h_max;
    R safety;
    R factor_min, factor_max; /* of two successive step sizes (fac1, fac2) */
    R beta;                   /* weight of the error before in the control */
    ds_int step_max;
    int shrink_fully;         /* a rejected step shrinks by factor_min, whatever its error */
} ds_hairer_problem;

/* A solve on its way. */
typedef struct {
    /* Memory: rows of n, given by the caller. */
    R *y;       /* state at t */
    R *y_new;   /* state at the end of the step */
    R *y_stage; /* argument of the stages */
    R *K;       /* DS_ERK_STAGE_COUNT + 1 rows: stages, and the derivative at the end of the step */

    R t;
    R h;            /* to be tried next, signed */
    R h_before;     /* of the last accepted step, or that of the first trial */
    R error_before; /* of the last accepted step (facold) */
    int last;       /* the step on its way ends at t_end */
    int rejected;   /* the trial before was rejected */
    int suspicious, calm; /* steps by the test for stiffness */
    ds_int evaluation_count, trial_count, accepted_count, rejected_count;
} ds_hairer_state;

/* C's fmin and fmax, which pass over a nan. */
DS_FN R ds_hairer_min(R a, R b) { return a < b || b != b ? a : b; }
DS_FN R ds_hairer_max(R a, R b) { return a > b || b != b ? a : b; }

/* atol + rtol * size of component i. */
DS_FN R ds_hairer_scale(const ds_hairer_problem *p, ds_int i, R size) {
    return p->atol[i * p->atol_stride] + p->rtol[i * p->rtol_stride] * size;
}

/* Sum of the squares of (x - minus) / scale(y); minus may be 0. */
DS_FN R ds_hairer_square(const ds_hairer_problem *p, const R *x, const R *minus, const R *y) {
    R sum = 0;
    for (ds_int i = 0; i < p->n; ++i) {
        const R e = (minus ? x[i] - minus[i] : x[i]) / ds_hairer_scale(p, i, ds_abs(y[i]));
        sum = sum + e * e;
    }
    return sum;
}

DS_FN R ds_hairer_distance(ds_int n, const R *a, const R *b) {
    R sum = 0;
    for (ds_int i = 0; i < n; ++i) sum = sum + (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

DS_FN void ds_hairer_copy(ds_int n, const R *from, R *to) {
    for (ds_int i = 0; i < n; ++i) to[i] = from[i];
}

/* Before a trial: the limits of work and step size, and the end of the interval. */
DS_FN int ds_hairer_choose(const ds_hairer_problem *p, ds_hairer_state *s) {
    if (s->trial_count > p->step_max) return DS_HAIRER_EXCESS_WORK;
    if (0.1 * ds_abs(s->h) <= ds_abs(s->t) * DS_HAIRER_EPS) return DS_HAIRER_STEP_TOO_SMALL;
    if ((s->t + 1.01 * s->h - p->t_end) * p->direction > 0.0) {
        s->h = p->t_end - s->t;
        s->last = 1;
    }
    ++s->trial_count;
    return 0;
}

/* After an accepted step: h_new within its limits. It does not grow after a rejection. */
DS_FN R ds_hairer_limited(const ds_hairer_problem *p, const ds_hairer_state *s, R h_new) {
    if (ds_abs(h_new) > p->h_max) h_new = p->direction * p->h_max;
    if (s->rejected) h_new = p->direction * ds_hairer_min(ds_abs(h_new), ds_abs(s->h));
    return h_new;
}

/* After an accepted step, now and then: is h |lambda| at the border of stability? The estimate of
 * lambda compares two derivatives at the end of the step ([HW], eq. IV.2.21 f.). */
DS_FN int ds_hairer_is_stiff(const ds_hairer_problem *p, ds_hairer_state *s, R size, R limit,
                             const R *f_stage, const R *f_new) {
    if (s->accepted_count % DS_HAIRER_STIFF_CHECK != 0 && s->suspicious == 0) return 0;
    const R df = ds_hairer_distance(p->n, f_new, f_stage);
    const R dy = ds_hairer_distance(p->n, s->y_new, s->y_stage);
    if (dy > 0.0 && size * ds_sqrt(df / dy) > limit) {
        s->calm = 0;
        return ++s->suspicious == DS_HAIRER_STIFF_MAX;
    }
    if (++s->calm == DS_HAIRER_CALM_MAX) s->suspicious = 0;
    return 0;
}

#endif

/* The traits in which the two codes differ.
 *   ORDER        of the first step ([HNW], II.4)
 *   EXPONENT     of the error in the control, lessened by beta ([HW], eq. IV.2.43)
 *   STABLE       size h |lambda| at the border of stability on the negative real axis
 *   SIGNED       the test for stiffness takes h itself: it sees nothing backward in time */
#undef DS_HAIRER_ORDER
#undef DS_HAIRER_EXPONENT
#undef DS_HAIRER_STABLE
#undef DS_HAIRER_SIGNED
#ifdef DS_ERK_TWO_ESTIMATES
#define DS_HAIRER_ORDER 8
#define DS_HAIRER_EXPONENT(beta) (0.125 - (beta) * 0.2)
#define DS_HAIRER_STABLE 6.1
#define DS_HAIRER_SIGNED 0
#else
#define DS_HAIRER_ORDER 5
#define DS_HAIRER_EXPONENT(beta) (0.2 - (beta) * 0.75)
#define DS_HAIRER_STABLE 3.25
#define DS_HAIRER_SIGNED 1
#endif

#undef DS_ROW
#define DS_ROW(r) K[(r) * n + i]
#undef DS_H
#define DS_H(r) h

/* The first step ([HNW], II.4), signed. The derivative is in row 0 of K; row 1 and y_stage are
 * overwritten. */
DS_FN int DS_HAIRER(first_step)(const ds_hairer_problem *p, ds_hairer_state *s,
                                DS_HAIRER_CONTEXT ctx) {
    const R *f0 = s->K;
    R *f1 = s->K + p->n;
    const R d1 = ds_hairer_square(p, f0, 0, s->y), d0 = ds_hairer_square(p, s->y, 0, s->y);
    R h = d1 <= 1e-10 || d0 <= 1e-10 ? 1e-6 : ds_sqrt(d0 / d1) * 0.01;
    h = DS_LIBM(copysign)(ds_hairer_min(h, p->h_max), p->direction);
    for (ds_int i = 0; i < p->n; ++i) s->y_stage[i] = s->y[i] + h * f0[i];
    if (DS_RHS(ctx, s->t + h, s->y_stage, f1)) return DS_HAIRER_STOPPED;
    const R d2 = ds_sqrt(ds_hairer_square(p, f1, f0, s->y)) / h;
    const R largest = ds_hairer_max(ds_abs(d2), ds_sqrt(d1));
    const R h1 = largest <= 1e-15 ? ds_hairer_max(1e-6, ds_abs(h) * 1e-3)
                                  : ds_pow(0.01 / largest, 1.0 / DS_HAIRER_ORDER);
    h = ds_hairer_min(100.0 * ds_abs(h), ds_hairer_min(h1, p->h_max));
    s->h = DS_LIBM(copysign)(h, p->direction);
    return 0;
}

/* Before the first step: the derivative at t, and the step size unless h is given. */
DS_FN int DS_HAIRER(start)(const ds_hairer_problem *p, ds_hairer_state *s, DS_HAIRER_CONTEXT ctx) {
    s->error_before = DS_HAIRER_LEAST_ERROR;
    s->last = s->rejected = s->suspicious = s->calm = 0;
    s->evaluation_count = 2; /* counted also where h is given */
    s->trial_count = s->accepted_count = s->rejected_count = 0;
    if (DS_RHS(ctx, s->t, s->y, s->K)) return DS_HAIRER_STOPPED;
    if (s->h == 0.0 && DS_HAIRER(first_step)(p, s, ctx)) return DS_HAIRER_STOPPED;
    s->h_before = s->h;
    return 0;
}

/* All stages, and the state at the end of the step. */
DS_FN int DS_HAIRER(stages)(const ds_hairer_problem *p, ds_hairer_state *s,
                            DS_HAIRER_CONTEXT ctx) {
    const ds_int n = p->n;
    const R h = s->h;
    const R *DS_RESTRICT y = s->y;
    R *DS_RESTRICT K = s->K, *DS_RESTRICT y_stage = s->y_stage, *DS_RESTRICT y_new = s->y_new;
    const R h_first = DS_ERK_A1(DS_H); /* multiplied in this order, unlike the others */
#define DS_STAGE(r, c)                                                                     \
    for (ds_int i = 0; i < n; ++i)                                                         \
        y_stage[i] = y[i] + ((r) == 1 ? h_first * K[i] : h * DS_ERK_A##r(DS_ROW));         \
    if (DS_RHS(ctx, s->t + (c) * h, y_stage, K + (r) * n)) return 1;
    DS_ERK_STAGES(DS_STAGE)
#undef DS_STAGE
    for (ds_int i = 0; i < n; ++i) y_new[i] = y[i] + h * DS_ERK_B(DS_ROW);
    s->evaluation_count += DS_ERK_STAGE_COUNT - 1;
    return 0;
}

/* The derivative at the end of the step. */
DS_FN int DS_HAIRER(finish)(const ds_hairer_problem *p, ds_hairer_state *s,
                            DS_HAIRER_CONTEXT ctx) {
    ++s->evaluation_count;
    return DS_RHS(ctx, s->t + s->h, s->y_new, s->K + DS_ERK_STAGE_COUNT * p->n);
}

/* The norm of the error estimate relative to the tolerance. */
DS_FN R DS_HAIRER(error)(const ds_hairer_problem *p, const ds_hairer_state *s) {
    const ds_int n = p->n;
    const R h = s->h, *K = s->K;
    R sum = 0;
#ifdef DS_ERK_TWO_ESTIMATES /* of order 5 and 3 ([HNW], eq. II.10.17) */
    R sum3 = 0;
#endif
    for (ds_int i = 0; i < n; ++i) {
        const R size = ds_hairer_max(ds_abs(s->y[i]), ds_abs(s->y_new[i]));
        const R scale = ds_hairer_scale(p, i, size);
#ifdef DS_ERK_TWO_ESTIMATES
        R e3 = DS_ERK_B(DS_ROW);
#define DS_LESS(r, b) e3 = e3 - (b) * DS_ROW(r);
        DS_ERK_E3_BHAT(DS_LESS)
#undef DS_LESS
        const R e = DS_ERK_E5(DS_ROW) / scale;
        sum3 = sum3 + e3 / scale * (e3 / scale);
#else
        const R e = DS_ERK_E(DS_ROW) * h / scale;
#endif
        sum = sum + e * e;
    }
#ifdef DS_ERK_TWO_ESTIMATES
    const R mixed = sum + 0.01 * sum3;
    return ds_abs(h) * sum * ds_sqrt(1.0 / (n * (mixed <= 0.0 ? 1.0 : mixed)));
#else
    return ds_sqrt(sum / n);
#endif
}

/* The step is accepted: is the problem stiff? Else y_new becomes y, and h what is tried next. */
DS_FN int DS_HAIRER(accept)(const ds_hairer_problem *p, ds_hairer_state *s, R error, R h_new) {
    const ds_int n = p->n;
    const R *f_new = s->K + DS_ERK_STAGE_COUNT * n, *f_stage = f_new - n;
    s->error_before = ds_hairer_max(error, DS_HAIRER_LEAST_ERROR);
    ++s->accepted_count;
    const R size = DS_HAIRER_SIGNED ? s->h : ds_abs(s->h);
    if (ds_hairer_is_stiff(p, s, size, DS_HAIRER_STABLE, f_stage, f_new)) return DS_HAIRER_STIFF;
    ds_hairer_copy(n, f_new, s->K);
    ds_hairer_copy(n, s->y_new, s->y);
    s->t = s->t + s->h;
    s->h_before = s->h;
    s->h = s->last ? h_new : ds_hairer_limited(p, s, h_new); /* at the end as it is */
    s->rejected = 0;
    return DS_HAIRER_ACCEPTED;
}

/* One trial of a step, and the size of what comes next ([HW], eq. IV.2.43c: control with memory).
 * `last` tells after an accepted one whether t_end is reached. */
DS_FN int DS_HAIRER(trial)(const ds_hairer_problem *p, ds_hairer_state *s, DS_HAIRER_CONTEXT ctx) {
    const int failed = ds_hairer_choose(p, s);
    if (failed) return failed;
    if (DS_HAIRER(stages)(p, s, ctx)) return DS_HAIRER_STOPPED;
#ifndef DS_ERK_TWO_ESTIMATES
    if (DS_HAIRER(finish)(p, s, ctx)) return DS_HAIRER_STOPPED; /* the estimate needs it */
#endif
    const R error = DS_HAIRER(error)(p, s);
    const R power = ds_pow(error, DS_HAIRER_EXPONENT(p->beta));
    const R least = 1.0 / p->factor_min, most = 1.0 / p->factor_max;
    if (error <= 1.0) {
#ifdef DS_ERK_TWO_ESTIMATES
        if (DS_HAIRER(finish)(p, s, ctx)) return DS_HAIRER_STOPPED;
#endif
        const R ratio = power / ds_pow(s->error_before, p->beta) / p->safety;
        const R bounded = ds_hairer_max(most, ds_hairer_min(least, ratio));
        return DS_HAIRER(accept)(p, s, error, s->h / bounded);
    }
    s->h = s->h / ds_hairer_min(least, (p->shrink_fully ? least : power) / p->safety);
    s->rejected = 1;
    s->last = 0;
    if (s->accepted_count >= 1) ++s->rejected_count;
    return DS_HAIRER_REJECTED;
}
