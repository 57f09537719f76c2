/* columns_bdf.h - the sensitivity columns of a BDF step, after y has been found and has passed its error
 * test (the staggered corrector: Feehery, Tolsma, Barton, "Efficient sensitivity analysis of large-scale
 * differential-algebraic systems", Appl. Numer. Math. 25, 1997).
 *
 * Each column obeys the difference formula, too, whose equations are linear in it: they are iterated with
 * the factors that y had, and residuals are exact. Part of step_bdf.h. The includer has
 *   DS_RHS_COLUMNS(ctx, end, t, y, out)  as DS_RHS_ALL; an evaluation for the columns alone
 *   DS_SOLVE_COLUMN(ctx, b, tol)         as DS_SOLVE; no iteration of y's
 *   DS_APART_BEGIN(ctx)      from here on DS_JACOBIAN, DS_FACTOR and the solutions go to a J and factors
 *                            of the columns' own; nonzero to stop
 *   DS_APART_END(ctx)        up to here; false: y has lost its factors */
#include "columns_newton.h"

/* The iteration from the predicted columns. */
DS_FN int DS_BDF(iterate_columns)(const ds_problem *p, ds_bdf *s, R *y, int limit, R *rate,
                                  int *converged, DS_BDF_CONTEXT ctx) {
    const ds_int first = p->n_states * DS_PARTS, m = p->n * DS_PARTS;
    const R c = s->h / ds_bdf_alpha(s->order);
    ds_newton newton;
    *converged = 0;
    ds_newton_begin(&newton, s->newton_tol, limit);
    DS_BDF(start)(s, first, m, y);
    while (ds_newton_next(&newton)) {
        int stopped = DS_RHS_COLUMNS(ctx, s->clipped, s->t_new, y, s->b);
        if (stopped) return stopped;
        if (!DS_BDF(residual)(s, first, m, c)) return 0;
        R norm = 0;
        DS_EACH_COLUMN(p, begin) {
            DS_BDF(tell_scale)(p, s, begin, ctx);
            stopped = DS_SOLVE_COLUMN(ctx, s->b + begin * DS_PARTS, DS_NEWTON_SHARE * s->newton_tol);
            if (stopped) return stopped;
            norm = ds_larger(norm, DS_BDF(norm_of)(p, begin, 1, s->b, s->predict));
        }
        if (!ds_columns_judge(&newton, norm, DS_COLUMNS_NOISE(p), rate)) return 0;
        DS_BDF(apply)(s, first, m, y);
    }
    *converged = newton.converged;
    return 0;
}

/* With J from where y has got to: then it is the columns' own matrix, and one solution is all. */
DS_FN int DS_BDF(iterate_apart)(const ds_problem *p, ds_bdf *s, R *y, int *converged,
                                DS_BDF_CONTEXT ctx) {
    const R c = s->h / ds_bdf_alpha(s->order);
    R rate = -1;
    int stopped = DS_JACOBIAN(ctx, s->clipped, s->t_new, y);
    if (!stopped) stopped = DS_FACTOR(ctx, c);
    if (stopped) return stopped;
    return DS_BDF(iterate_columns)(p, s, y, DS_COLUMNS_PATIENCE, &rate, converged, ctx);
}

/* The columns at t_new: with y's factors, and once more with their own where they did not converge. */
DS_FN int DS_BDF(solve_columns)(const ds_problem *p, ds_bdf *s, R *y, int *converged,
                                DS_BDF_CONTEXT ctx) {
    int stopped = DS_BDF(iterate_columns)(p, s, y, DS_BDF_ITERATIONS, &s->columns_rate, converged, ctx);
    if (stopped || *converged) return stopped;
    stopped = DS_APART_BEGIN(ctx);
    if (!stopped) stopped = DS_BDF(iterate_apart)(p, s, y, converged, ctx);
    if (!DS_APART_END(ctx)) *converged = 0;
    return stopped;
}
