/* step_bdf.h - backward differentiation formulas of orders 1 to 5 with quasi-constant step size.
 *
 * The NDF of Shampine and Reichelt, "The MATLAB ODE Suite", SIAM J. Sci. Comput. 18 (1997), in the
 * form and with every decision of SciPy's _ivp/bdf.py: at constant step size h, backward
 * differences D^j y are kept; a change of h changes them (Byrne and Hindmarsh, ACM TOMS 1, 1975).
 *
 * A template by inclusion. The includer chooses, before each inclusion,
 *   DS_BDF(name)             how the functions of this instance are called
 *   DS_COMPLEX               0: n reals; 1: n complex numbers stored as 2n reals (re, im)
 *   DS_BDF_CONTEXT           a type: what the functions below need
 *   DS_RHS(ctx, end, t, y, out)  evaluates the derivative; `end`: t is t_bound itself
 *   DS_JACOBIAN(ctx, end, t, y)  renews the Jacobian J, which the context keeps
 *   DS_FACTOR(ctx, c)        factors of I - c J, which the context keeps
 *   DS_SCALE(ctx)            n numbers for the tolerances of the components, or NULL: solutions
 *                            are exact
 *   DS_SOLVE(ctx, b, tol)    b becomes (I - c J)^-1 b, with an error of about `tol` at most, as
 *                            root mean square relative to those tolerances
 * and what columns.h and columns_bdf.h say. They return nonzero to stop, and that is then what the
 * functions here return. No libc, no allocation, no globals. Scalar: lanes have methods without iterations. */
#undef DS_START
#undef DS_START_CONTEXT
#define DS_START(name) DS_BDF(name)
#define DS_START_CONTEXT DS_BDF_CONTEXT
#include "start.h"

#include "newton.h"
#include "bdf_history.h"

/* Where a solve begins: y at t, its derivative f and the initial step size. `rows` is
 * DS_BDF_ROWS rows of memory. */
DS_FN void DS_BDF(begin)(const ds_problem *p, ds_bdf *s, R t, const R *y, const R *f, R h_abs,
                         R *rows) {
    const ds_int m = p->n * DS_PARTS;
    s->t = t;
    s->h_abs = h_abs;
    s->newton_tol = ds_newton_tol(p->rtol[0]);
    s->order = 1;
    s->equal_steps = s->have_factors = s->retry = 0;
    s->D = rows;
    s->psi = rows + DS_BDF_DIFFERENCES * m;
    s->predict = s->psi + m;
    s->d = s->predict + m;
    s->b = s->d + m;
    for (ds_int i = 0; i < m; ++i) {
        s->D[i] = y[i];
        s->D[m + i] = f[i] * h_abs * p->direction;
    }
    for (ds_int i = 2 * m; i < DS_BDF_DIFFERENCES * m; ++i) s->D[i] = 0;
}

/* The predicted state, and the part of the difference formula that the step leaves as it is. */
DS_FN void DS_BDF(predict)(const ds_problem *p, ds_bdf *s) {
    const ds_int m = p->n * DS_PARTS;
    const R alpha = DS_TO_WEIGHT(ds_bdf_alpha(s->order));
    for (ds_int i = 0; i < m; ++i) {
        R sum = s->D[i], psi = 0;
        for (int j = 1; j <= s->order; ++j) {
            sum += s->D[j * m + i];
            psi += s->D[j * m + i] * ds_bdf_gamma[j];
        }
        s->predict[i] = sum;
        s->psi[i] = DS_WEIGHTED(psi, alpha);
    }
}

/* Root mean square of constant x / (atol + rtol |y|), from component `begin` on. */
DS_FN R DS_BDF(norm_of)(const ds_problem *p, ds_int begin, R constant, const R *x, const R *y) {
    const ds_int count = DS_STATES(p);
    R sum = 0;
    for (ds_int j = begin; j < begin + count; ++j) {
        const R weight = DS_TO_WEIGHT(DS_BDF(scale)(p, j, DS_SIZE(y, j)));
        for (ds_int i = DS_PARTS * j; i < DS_PARTS * (j + 1); ++i) {
            const R e = DS_WEIGHTED(constant * x[i], weight);
            sum += e * e;
        }
    }
    return ds_sqrt(sum) / ds_sqrt((R)count);
}

/* The same of y and of the columns that are tested. */
DS_FN R DS_BDF(scaled_norm)(const ds_problem *p, R constant, const R *x, const R *y) {
    R norm = DS_BDF(norm_of)(p, 0, constant, x, y);
    DS_AND_COLUMNS(p, norm, begin, DS_BDF(norm_of)(p, begin, constant, x, y));
    return norm;
}

/* From the predicted state: y = predict + d. */
DS_FN void DS_BDF(start)(ds_bdf *s, ds_int begin, ds_int end, R *y) {
    for (ds_int i = begin; i < end; ++i) {
        s->d[i] = 0;
        y[i] = s->predict[i];
    }
}

/* b = c f - psi - d, the residual of the difference formula; f is in b. False: f is not finite. */
DS_FN int DS_BDF(residual)(ds_bdf *s, ds_int begin, ds_int end, R c) {
    int finite = 1;
    for (ds_int i = begin; i < end; ++i) {
        finite &= ds_finite(s->b[i]);
        s->b[i] = c * s->b[i] - s->psi[i] - s->d[i];
    }
    return finite;
}

/* For whoever solves only as exactly as is needed: the components from `begin` on are next. */
DS_FN void DS_BDF(tell_scale)(const ds_problem *p, ds_bdf *s, ds_int begin, DS_BDF_CONTEXT ctx) {
    R *scale = DS_SCALE(ctx);
    (void)ctx;
    for (ds_int j = 0; scale && j < DS_STATES(p); ++j)
        scale[j] = DS_BDF(scale)(p, begin + j, DS_SIZE(s->predict, begin + j));
}

DS_FN void DS_BDF(apply)(ds_bdf *s, ds_int begin, ds_int end, R *y) {
    for (ds_int i = begin; i < end; ++i) {
        y[i] += s->b[i];
        s->d[i] += s->b[i];
    }
}

/* Simplified Newton iteration for y. */
DS_FN int DS_BDF(iterate)(const ds_problem *p, ds_bdf *s, R c, R *y, ds_newton *newton,
                          DS_BDF_CONTEXT ctx) {
    const ds_int m = DS_STATES(p) * DS_PARTS;
    ds_newton_begin(newton, s->newton_tol, DS_BDF_ITERATIONS);
    DS_BDF(tell_scale)(p, s, 0, ctx);
    DS_BDF(start)(s, 0, m, y);
    while (ds_newton_next(newton)) {
        int stopped = DS_RHS(ctx, s->clipped, s->t_new, y, s->b);
        if (stopped) return stopped;
        if (!DS_BDF(residual)(s, 0, m, c)) return 0;
        stopped = DS_SOLVE(ctx, s->b, DS_NEWTON_SHARE * s->newton_tol);
        if (stopped) return stopped;
        if (!ds_newton_judge(newton, DS_BDF(norm_of)(p, 0, 1, s->b, s->predict))) return 0;
        DS_BDF(apply)(s, 0, m, y);
    }
    return 0;
}

/* The iteration, and once more with a Jacobian from here where it did not converge. */
DS_FN int DS_BDF(solve)(const ds_problem *p, ds_bdf *s, R *y_new, ds_newton *newton,
                        DS_BDF_CONTEXT ctx) {
    const R c = s->h / ds_bdf_alpha(s->order);
    for (;;) {
        int stopped = s->have_factors ? 0 : DS_FACTOR(ctx, c);
        if (stopped) return stopped;
        if (!s->have_factors) s->columns_rate = -1;
        s->have_factors = 1;
        stopped = DS_BDF(iterate)(p, s, c, y_new, newton, ctx);
        if (stopped || newton->converged || s->current_jacobian) return stopped;
        stopped = DS_JACOBIAN(ctx, s->clipped, s->t_new, s->predict);
        if (stopped) return stopped;
        s->have_factors = 0;
        s->current_jacobian = 1;
    }
}

#if DS_COLUMNS
#include "columns_bdf.h"
#endif

/* The differences at the end of the accepted step: D^(j+1) y_n = D^j y_n - D^j y_(n-1). */
DS_FN void DS_BDF(advance)(ds_bdf *s, ds_int m) {
    const int order = s->order;
    R *D = s->D;
    for (ds_int i = 0; i < m; ++i) {
        D[(order + 2) * m + i] = s->d[i] - D[(order + 1) * m + i];
        D[(order + 1) * m + i] = s->d[i];
        for (int j = order; j >= 0; --j) D[j * m + i] += D[(j + 1) * m + i];
    }
}

/* After order + 1 steps of one size: the order, of three, that promises the largest step. */
DS_FN void DS_BDF(choose_order)(const ds_problem *p, ds_bdf *s, const R *y, R error_norm,
                                R safety) {
    const ds_int m = p->n * DS_PARTS;
    const int order = s->order;
    R norms[3] = {DS_INFINITY, error_norm, DS_INFINITY}, factors[3];
    if (order > 1)
        norms[0] = DS_BDF(scaled_norm)(p, ds_bdf_error_const(order - 1), s->D + order * m, y);
    if (order < DS_BDF_MAX_ORDER)
        norms[2] = DS_BDF(scaled_norm)(p, ds_bdf_error_const(order + 1), s->D + (order + 2) * m, y);
    for (int i = 0; i < 3; ++i) factors[i] = ds_pow(norms[i], -1.0 / (order + i));
    const int best = ds_bdf_largest(factors);
    s->order = order + best - 1;
    const R factor = ds_min(DS_NEWTON_MAX_FACTOR, safety * factors[best]);
    s->h_abs *= factor;
    ds_bdf_resize(s, m, factor);
    s->have_factors = 0;
}

/* The equations could not be solved. */
DS_FN void DS_BDF(halve)(ds_bdf *s, ds_int m) {
    s->failed = !ds_finite(s->h); /* it would be tried for ever */
    s->h_try *= 0.5;
    ds_bdf_resize(s, m, 0.5);
    s->have_factors = 0;
}

/* The error is too large. The iteration went well: the factors stay. */
DS_FN void DS_BDF(reject)(ds_bdf *s, ds_int m, R error_norm, R safety) {
    const R wished = safety * ds_pow(error_norm, -1.0 / (s->order + 1));
    const R factor = ds_max(DS_NEWTON_MIN_FACTOR, wished);
    s->h_try *= factor;
    ds_bdf_resize(s, m, factor);
}

/* One attempt at a step, into y_new: accepted, failed, or to be tried again (a smaller one). */
DS_FN int DS_BDF(trial)(const ds_problem *p, ds_bdf *s, R *y_new, DS_BDF_CONTEXT ctx) {
    const ds_int m = p->n * DS_PARTS;
    ds_newton newton;
    ds_bdf_choose(p, s, m);
    s->accepted = 0;
    if (s->failed) return 0;
    DS_BDF(predict)(p, s);
    int stopped = DS_BDF(solve)(p, s, y_new, &newton, ctx);
    if (stopped) return stopped;
    s->retry = 1;
    int converged = newton.converged;
    const R safety = ds_newton_safety(&newton), constant = ds_bdf_error_const(s->order);
    R error_norm = converged ? DS_BDF(norm_of)(p, 0, constant, s->d, y_new) : 0;
#if DS_COLUMNS
    if (p->n > p->n_states && converged && !(error_norm > 1)) {
        stopped = DS_BDF(solve_columns)(p, s, y_new, &converged, ctx);
        if (stopped) return stopped;
        DS_AND_COLUMNS(p, error_norm, begin, DS_BDF(norm_of)(p, begin, constant, s->d, y_new));
    }
#endif
    if (!converged || error_norm > 1) {
        if (converged)
            DS_BDF(reject)(s, m, error_norm, safety);
        else
            DS_BDF(halve)(s, m);
        return 0;
    }
    s->accepted = 1;
    s->retry = 0;
    s->t = s->t_new;
    s->h_abs = s->h_try;
    DS_BDF(advance)(s, m);
    if (++s->equal_steps > s->order) DS_BDF(choose_order)(p, s, y_new, error_norm, safety);
    return 0;
}

/* Numbers in the interpolant of the last step: order, t and h, then D^0..D^order. */
DS_FN ds_int DS_BDF(dense_size)(const ds_bdf *s, ds_int n) {
    return DS_BDF_DENSE_HEAD + (s->order + 1) * n * DS_PARTS;
}

DS_FN void DS_BDF(dense)(const ds_problem *p, const ds_bdf *s, R *q) {
    const ds_int size = (s->order + 1) * p->n * DS_PARTS;
    q[0] = s->order;
    q[1] = s->t;
    q[2] = s->h_abs * p->direction;
    for (ds_int i = 0; i < size; ++i) q[DS_BDF_DENSE_HEAD + i] = s->D[i];
}

/* The interpolant at t. Component j (its real part) goes to out[j * stride]; stride counts
 * reals. */
DS_FN void DS_BDF(evaluate)(ds_int n, const R *q, R t, R *out, ds_int stride) {
    const ds_int m = n * DS_PARTS;
    const int order = (int)q[0];
    const R *D = q + DS_BDF_DENSE_HEAD;
    R powers[DS_BDF_MAX_ORDER], product = 1;
    for (int j = 0; j < order; ++j) {
        product *= (t - (q[1] - q[2] * j)) / (q[2] * (1 + j));
        powers[j] = product;
    }
    for (ds_int i = 0; i < m; ++i) {
        R sum = 0;
        for (int j = 0; j < order; ++j) sum += D[(j + 1) * m + i] * powers[j];
        out[i / DS_PARTS * stride + i % DS_PARTS] = sum + D[i];
    }
}
