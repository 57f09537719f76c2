/* newton.h - the simplified Newton iteration of BDF and Radau: when it stops, and why.
 *
 * Hairer and Wanner, "Solving Ordinary Differential Equations II", section IV.8: the rate of
 * convergence is estimated from two corrections, and with it the error that is left. */
#ifndef DS_NEWTON_H
#define DS_NEWTON_H
#include "ds_lane.h"

#define DS_NEWTON_MIN_FACTOR 0.2 /* least factor of the step size after a rejection */
#define DS_NEWTON_MAX_FACTOR 10  /* largest factor after an accepted step */
/* Error that a correction may have, relative to the tolerance of the iteration: Brown & Hindmarsh,
 * J. Appl. Math. Comp. 31 (1989) 40-91. */
#define DS_NEWTON_SHARE 0.05
#define DS_EPSILON 2.220446049250313e-16
#define DS_INFINITY (DS_LARGEST * 2) /* folded to infinity: no flag is raised */

typedef struct {
    R tol;
    int limit;     /* iterations at most */
    int count;     /* begun so far */
    R norm_before; /* of the last correction; negative: there was none */
    R rate;        /* of convergence; negative: not known yet */
    int converged;
} ds_newton;

/* How small a correction must be relative to the error tolerance. */
DS_FN R ds_newton_tol(R rtol) {
    return ds_max(10 * DS_EPSILON / rtol, ds_min(0.03, ds_sqrt(rtol)));
}

DS_FN void ds_newton_begin(ds_newton *s, R tol, int limit) {
    s->tol = tol;
    s->limit = limit;
    s->count = s->converged = 0;
    s->norm_before = s->rate = -1;
}

/* Is there to be another iteration? */
DS_FN int ds_newton_next(ds_newton *s) {
    if (s->converged || s->count == s->limit) return 0;
    ++s->count;
    return 1;
}

DS_FN R ds_newton_power(R rate, int exponent) {
    R power = rate;
    for (int i = 1; i < exponent; ++i) power *= rate;
    return power;
}

/* Judge a correction of this norm. False: give up, and do not apply it. */
DS_FN int ds_newton_judge(ds_newton *s, R norm) {
    const int known = s->norm_before >= 0 || s->norm_before != s->norm_before;
    if (known) {
        s->rate = norm / s->norm_before;
        const R left = ds_newton_power(s->rate, s->limit - s->count + 1);
        if (s->rate >= 1 || left / (1 - s->rate) * norm > s->tol) return 0;
    }
    s->converged = norm == 0 || (known && s->rate / (1 - s->rate) * norm < s->tol);
    s->norm_before = norm;
    return 1;
}

/* Aim lower the more iterations it took. */
DS_FN R ds_newton_safety(const ds_newton *s) {
    return 0.9 * (2 * s->limit + 1) / (2 * s->limit + s->count);
}
#endif
