/* columns_newton.h - when the iteration for sensitivity columns stops. */
#ifndef DS_COLUMNS_NEWTON_H
#define DS_COLUMNS_NEWTON_H
#include "newton.h"

/* Share of an old rate of convergence that a new one does not undo (CVODES's). */
#define DS_COLUMNS_KEPT_RATE 0.3
/* What an old rate promises must be so much below the tolerance: it stops the iteration as soon as may be, so
 * that what is left is much more than usual. (1 cost a digit of van der Pol's columns by Radau; this costs
 * 2 % of evaluations.) */
#define DS_COLUMNS_SHARE 0.1
/* Iterations with a J of the columns' own. There is none better, only a smaller step; and the first
 * corrections may be of any size where errors are not controlled. */
#define DS_COLUMNS_PATIENCE 30

/* Corrections that are but noise of the columns' derivatives do not get smaller. */
#define DS_COLUMNS_NOISE(p) (10 * (p)->columns_noise / (p)->rtol[0])

/* Judge a correction of all columns, of this norm, as ds_newton_judge does. Their equations are linear: the
 * matrix that is iterated with sets the rate, which `rate` keeps for as long as the factors live (negative:
 * not known). By it a first correction may be seen to be enough. With a limit of DS_COLUMNS_PATIENCE no rate
 * is reason to give up: the first ones may be near 1 and those that follow small. A correction that is as small as
 * `noise` is the last one. */
DS_FN int ds_columns_judge(ds_newton *s, R norm, R noise, R *rate) {
    const R before = *rate;
    if (norm <= noise) {
        s->converged = 1;
        return 1;
    }
    int go_on = ds_newton_judge(s, norm);
    if (!go_on && s->limit == DS_COLUMNS_PATIENCE && ds_finite(norm)) {
        s->norm_before = norm;
        go_on = 1;
    }
    if (s->rate >= 0)
        *rate = ds_max(DS_COLUMNS_KEPT_RATE * before, s->rate);
    else if (before >= 0 && before < 1 && before / (1 - before) * norm < DS_COLUMNS_SHARE * s->tol)
        s->converged = 1;
    return go_on;
}

#endif
