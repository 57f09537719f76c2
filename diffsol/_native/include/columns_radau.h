/* columns_radau.h - the sensitivity columns of a Radau step, after y has been found and has passed its error
 * test (references in columns_bdf.h).
 *
 * Part of step_radau.h. J differs from stage to stage, so no matrix is the columns' own: they are iterated
 * with the real and the complex one that y had. The includer has
 *   DS_RHS_COLUMNS(ctx, end, t, y, out)  as DS_RHS_ALL; an evaluation for the columns alone
 *   DS_SOLVE_COMPLEX_COLUMN(ctx, b)      as DS_SOLVE_COMPLEX; no iteration of y's
 *   DS_APART_BEGIN(ctx), DS_APART_END(ctx)  see columns_bdf.h */
#include "columns_newton.h"

/* F = the derivatives at the stages. Sets *finite to whether those of all columns are. */
DS_FN int DS_RADAU(stages_of_columns)(const ds_problem *p, ds_radau *s, const R *y, int *finite,
                                      DS_RADAU_CONTEXT ctx) {
    const ds_int n = p->n;
    *finite = 1;
    for (int i = 0; i < 3; ++i) {
        R *f = s->F + i * n;
        for (ds_int j = 0; j < n; ++j) s->w[j] = y[j] + s->Z[i * n + j];
        const int stopped = DS_RHS_COLUMNS(ctx, DS_INSIDE, s->t + s->h * ds_radau_c[i], s->w, f);
        if (stopped) return stopped;
        for (ds_int j = p->n_states; j < n; ++j) *finite &= ds_finite(f[j]);
    }
    return 0;
}

/* The corrections of all columns into b and b_complex, and the largest of their norms. */
DS_FN int DS_RADAU(correct_columns)(const ds_problem *p, ds_radau *s, const R *y, R *norm,
                                    DS_RADAU_CONTEXT ctx) {
    *norm = 0;
    DS_EACH_COLUMN(p, begin) {
        DS_RADAU(residual)(p, s, begin);
        int stopped = DS_SOLVE_REAL(ctx, s->b + begin);
        if (!stopped) stopped = DS_SOLVE_COMPLEX_COLUMN(ctx, s->b_complex + 2 * begin);
        if (stopped) return stopped;
        *norm = ds_larger(*norm, DS_RADAU(correction_norm)(p, s, begin, y));
    }
    return 0;
}

/* The iteration from where the last step's polynomials go on. */
DS_FN int DS_RADAU(iterate_columns)(const ds_problem *p, ds_radau *s, const R *y_old, const R *y,
                                    int limit, R *rate, int *converged, DS_RADAU_CONTEXT ctx) {
    ds_newton newton;
    *converged = 0;
    ds_newton_begin(&newton, s->newton_tol, limit);
    DS_EACH_COLUMN(p, begin) DS_RADAU(extrapolate)(p, s, begin, y_old, y);
    while (ds_newton_next(&newton)) {
        int finite;
        R norm;
        int stopped = DS_RADAU(stages_of_columns)(p, s, y, &finite, ctx);
        if (stopped) return stopped;
        if (!finite) return 0;
        stopped = DS_RADAU(correct_columns)(p, s, y, &norm, ctx);
        if (stopped) return stopped;
        if (!ds_columns_judge(&newton, norm, DS_COLUMNS_NOISE(p), rate)) return 0;
        DS_EACH_COLUMN(p, begin) DS_RADAU(apply)(p, s, begin);
    }
    *converged = newton.converged;
    return 0;
}

/* With J from the middle stage: it is the nearest to those of all three. */
DS_FN int DS_RADAU(iterate_apart)(const ds_problem *p, ds_radau *s, const R *y_old, const R *y,
                                  int *converged, DS_RADAU_CONTEXT ctx) {
    const R inverse = 1 / s->h;
    R rate = -1;
    for (ds_int j = 0; j < p->n_states; ++j) s->w[j] = y[j] + s->Z[p->n + j];
    int stopped = DS_JACOBIAN(ctx, DS_INSIDE, s->t + s->h * ds_radau_c[1], s->w, 0);
    if (!stopped)
        stopped = DS_FACTOR(ctx, DS_RADAU_MU_REAL / s->h, DS_RADAU_MU_RE * inverse,
                            DS_RADAU_MU_IM * inverse);
    return stopped ? stopped
                   : DS_RADAU(iterate_columns)(p, s, y_old, y, DS_COLUMNS_PATIENCE, &rate, converged,
                                               ctx);
}

/* With y's factors, and once more with their own where they did not converge. */
DS_FN int DS_RADAU(solve_columns)(const ds_problem *p, ds_radau *s, const R *y_old, const R *y,
                                  int *converged, DS_RADAU_CONTEXT ctx) {
    int stopped = DS_RADAU(iterate_columns)(p, s, y_old, y, DS_RADAU_ITERATIONS,
                                            &s->columns_rate, converged, ctx);
    if (stopped || *converged) return stopped;
    stopped = DS_APART_BEGIN(ctx);
    if (!stopped) stopped = DS_RADAU(iterate_apart)(p, s, y_old, y, converged, ctx);
    if (!DS_APART_END(ctx)) *converged = 0;
    return stopped;
}

/* The error estimate of each column in b, y's being in *error_norm, which becomes the largest of all. */
DS_FN int DS_RADAU(test_columns)(const ds_problem *p, ds_radau *s, const R *y, const R *y_new,
                                 R *error_norm, DS_RADAU_CONTEXT ctx) {
    DS_EACH_COLUMN(p, begin) {
        const int stopped = DS_SOLVE_REAL(ctx, s->b + begin);
        if (stopped) return stopped;
    }
    DS_AND_COLUMNS(p, *error_norm, begin, DS_RADAU(error_norm)(p, begin, s->b, y, y_new));
    return 0;
}

/* As that of y, filtered once more after a rejection: about y itself, in which the columns are linear. */
DS_FN int DS_RADAU(estimate_columns)(const ds_problem *p, ds_radau *s, const R *y, const R *y_new,
                                     R *error_norm, DS_RADAU_CONTEXT ctx) {
    const R of_y = *error_norm;
    DS_EACH_COLUMN(p, begin) DS_RADAU(defect)(p, s, begin);
    int stopped = DS_RADAU(test_columns)(p, s, y, y_new, error_norm, ctx);
    if (stopped || !(s->rejected && *error_norm > 1)) return stopped;
    for (ds_int j = 0; j < p->n; ++j) s->w[j] = j < p->n_states ? y[j] : y[j] + s->b[j];
    stopped = DS_RHS_COLUMNS(ctx, DS_AT_START, s->t, s->w, s->b);
    if (stopped) return stopped;
    for (ds_int j = p->n_states; j < p->n; ++j) s->b[j] += s->ze[j];
    *error_norm = of_y;
    return DS_RADAU(test_columns)(p, s, y, y_new, error_norm, ctx);
}

/* The columns at t_new, whether there are any, and the error norm of all that is tested. */
DS_FN int DS_RADAU(columns)(const ds_problem *p, ds_radau *s, const R *y_old, const R *y, R *y_new,
                            int *converged, R *error_norm, DS_RADAU_CONTEXT ctx) {
    const int stopped = DS_RADAU(solve_columns)(p, s, y_old, y, converged, ctx);
    if (stopped || !*converged) return stopped;
    for (ds_int j = p->n_states; j < p->n; ++j) y_new[j] = y[j] + s->Z[2 * p->n + j];
    if (p->n_tested == p->n_states) return 0;
    return DS_RADAU(estimate_columns)(p, s, y, y_new, error_norm, ctx);
}
