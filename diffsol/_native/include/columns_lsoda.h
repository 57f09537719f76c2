/* columns_lsoda.h - the sensitivity columns of a step by LSODA, after y has been found and has passed its
 * error test (references in columns_bdf.h).
 *
 * Part of step_lsoda.h: columns are corrected as y is, by functional iteration in Adams' formulas and with
 * y's factors in BDF's; with a matrix of their own where that does not converge, as in Adams' formulas when
 * the columns have stiff components before y shows any. The includer has
 *   DS_RHS_COLUMNS(ctx, t, y, out)  as DS_RHS_ALL; an evaluation for the columns alone
 *   DS_APART_BEGIN(ctx)      from here on DS_JAC, DS_FACTOR, DS_SOLVE and s->jac go to a matrix of the
 *                            columns' own; nonzero to stop
 *   DS_APART_END(ctx)        up to here; false: y has lost its factors */

#include "columns_newton.h"

/* Corrections at most: more than for y, as their errors may be large where they are not controlled. */
#define DS_LSODA_COLUMNS_ITERATIONS 6

/* Corrections of all columns until they converge. Estimates their rate of convergence, and with that of y
 * the error. */
DS_FN int DS_LSODA(iterate_columns)(const ds_lsoda_problem *p, ds_lsoda_state *s, int chord,
                                    int limit, DS_LSODA_CONTEXT ctx) {
    const ds_int first = p->n_states, columns = p->n - first;
    const R test = ds_lsoda_tests(s->family, s->order)[1];
    const R bound = test * (0.5 / (s->order + 2));
    R change_before = 0;
    ds_copy(columns, s->history + first, s->y + first);
    for (ds_int i = first; i < p->n; ++i) s->correction[i] = 0;
    for (int m = 0;;) {
        R change = 0;
        if (DS_RHS_COLUMNS(ctx, s->t, s->y, s->f)) return DS_LSODA_STOPPED;
        DS_EACH_COLUMN(p, begin)
            change = ds_number_max(change, DS_LSODA(correct_once)(p, s, begin, chord, ctx));
        if (m > 0) {
            const R rate = change <= 1024.0 * change_before ? change / change_before : 1024.0;
            s->columns_rate = ds_number_max(0.2 * s->columns_rate, rate);
        }
        /* Without a matrix two at least: a first one by an old rate leaves noise of the stiff components in the
         * error estimate, which then never promises BDF longer steps. */
        if ((m > 0 || chord) &&
            change * ds_number_min(1.0, 1.5 * s->columns_rate) / bound <= 1.0)
            break;
        ++m;
        if (m == limit || (m >= 2 && change > change_before))
            return DS_LSODA_CONVERGENCE;
        change_before = change;
    }
    const R norm = ds_lsoda_norm(p->n_tested - first, s->correction + first, s->weight + first);
    s->error = ds_number_max(s->error, norm / test);
    return DS_LSODA_OK;
}

/* M by differences, where it was for y: at the prediction. */
DS_FN int DS_LSODA(differences_apart)(const ds_lsoda_problem *p, ds_lsoda_state *s,
                                      DS_LSODA_CONTEXT ctx) {
    const ds_int n = p->n_states, count = s->evaluation_count;
    ds_copy(n, s->history, s->y);
    int code = DS_LSODA(evaluate)(s, s->f, ctx);
    if (!code) code = DS_LSODA(differences)(p, s, s->correction + n, ctx);
    for (ds_int i = 0; i < n; ++i) s->y[i] = s->history[i] + s->l[0] * s->correction[i];
    s->evaluation_count = count;
    return code;
}

/* With a new matrix of the columns' own. */
DS_FN int DS_LSODA(iterate_apart)(const ds_lsoda_problem *p, ds_lsoda_state *s,
                                  DS_LSODA_CONTEXT ctx) {
    int code = DS_JAC(ctx, s->t, s->y, s->jac);
    if (code == DS_LSODA_DIFFERENCES)
        code = DS_LSODA(differences_apart)(p, s, ctx);
    else if (code == DS_LSODA_OK)
        DS_LSODA(scale_jacobian)(p, s);
    if (code) return code;
    if (DS_FACTOR(ctx, s->jac)) return DS_LSODA_CONVERGENCE;
    const R rate = s->columns_rate; /* with y's factors */
    s->columns_rate = DS_LSODA_RATE_GUESS;
    code = DS_LSODA(iterate_columns)(p, s, 1, DS_COLUMNS_PATIENCE, ctx);
    s->columns_rate = rate;
    return code;
}

/* The corrector of the columns. Where it does not converge, so does the step not. */
DS_FN int DS_LSODA(correct_columns)(const ds_lsoda_problem *p, ds_lsoda_state *s,
                                    DS_LSODA_CONTEXT ctx) {
    const int chord = s->family == DS_LSODA_BDF;
    int code = DS_LSODA(iterate_columns)(p, s, chord, DS_LSODA_COLUMNS_ITERATIONS, ctx);
    if (code != DS_LSODA_CONVERGENCE) return code;
    code = DS_APART_BEGIN(ctx) ? DS_LSODA_STOPPED : DS_LSODA(iterate_apart)(p, s, ctx);
    if (!DS_APART_END(ctx) && code == DS_LSODA_OK) code = DS_LSODA_CONVERGENCE;
    return code;
}
