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
 * They return nonzero to stop, and that is then what the functions here return. No
 * libc, no allocation, no globals. Scalar: lanes have methods without iterations. */
#undef DS_START
#undef DS_START_CONTEXT
#define DS_START(name) DS_BDF(name)
#define DS_START_CONTEXT DS_BDF_CONTEXT
#include "start.h"

#include "newton.h"

#ifndef DS_STEP_BDF_TYPES
#define DS_STEP_BDF_TYPES

#define DS_BDF_MAX_ORDER 5
#define DS_BDF_ITERATIONS 4
/* Rows of n numbers: the differences, and four for an attempt. */
#define DS_BDF_DIFFERENCES (DS_BDF_MAX_ORDER + 3)
#define DS_BDF_ROWS (DS_BDF_DIFFERENCES + 4)
/* Numbers in an interpolant before the differences: order, t, h. */
#define DS_BDF_DENSE_HEAD 3

/* kappa of order k (Shampine and Reichelt, table 1; 0 for order 5) in
 *   (1 - kappa_k) gamma_k d = h f - sum of gamma_j D^j y,   gamma_k = 1 + 1/2 + ... + 1/k;
 * error_const_k = kappa_k gamma_k + 1 / (k + 1). */
static const R ds_bdf_gamma[DS_BDF_MAX_ORDER + 1] = {
    0, 1, 1.5, 1.5 + 1.0 / 3, 1.5 + 1.0 / 3 + 0.25, 1.5 + 1.0 / 3 + 0.25 + 0.2};
static const R ds_bdf_kappa[DS_BDF_MAX_ORDER + 1] = {0, -0.1850, -1.0 / 9, -0.0823, -0.0415, 0};

/* One solve. */
typedef struct {
    R newton_tol;
    int constant_jacobian; /* J never changes: it is always current */

    /* The history: D holds D^0 y ... D^(order+2) y at t for the step size h_abs. */
    R t, h_abs;
    int order, equal_steps;
    R *D;

    /* What the context's J and factors are good for. */
    int current_jacobian, have_factors;

    /* The attempt on its way. */
    int retry;            /* not the first attempt at this step */
    R h_try;              /* size to be tried, unsigned */
    R h, t_new;           /* tried, signed, and its end */
    int clipped;          /* t_new is t_bound */
    int failed;           /* the step size is too small or not finite: nothing was evaluated */
    int accepted;
    R *psi, *predict, *d, *b; /* rows of memory; d: sum of the corrections; b: right-hand sides */
} ds_bdf;

DS_FN R ds_bdf_alpha(int order) { return (1 - ds_bdf_kappa[order]) * ds_bdf_gamma[order]; }
DS_FN R ds_bdf_error_const(int order) {
    return ds_bdf_kappa[order] * ds_bdf_gamma[order] + 1.0 / (order + 1);
}

/* R with R[i][j] = prod over k = 1..i of (k - 1 - factor j) / k, for i, j = 1..order. */
DS_FN void ds_bdf_changes(int order, R factor, R r[][DS_BDF_MAX_ORDER + 1]) {
    for (int j = 1; j <= order; ++j) {
        R product = 1;
        for (int i = 1; i <= order; ++i) {
            product *= (i - 1 - factor * j) / i;
            r[i][j] = product;
        }
    }
}

/* D^1..D^order for the step size h become those for factor h: (R(factor) R(1))^T D. */
DS_FN void ds_bdf_rescale(R *D, ds_int m, int order, R factor) {
    R r[DS_BDF_MAX_ORDER + 1][DS_BDF_MAX_ORDER + 1], u[DS_BDF_MAX_ORDER + 1][DS_BDF_MAX_ORDER + 1];
    R ru[DS_BDF_MAX_ORDER + 1][DS_BDF_MAX_ORDER + 1];
    ds_bdf_changes(order, factor, r);
    ds_bdf_changes(order, 1, u);
    for (int i = 1; i <= order; ++i)
        for (int j = 1; j <= order; ++j) {
            ru[i][j] = 0;
            for (int k = 1; k <= order; ++k) ru[i][j] += r[i][k] * u[k][j];
        }
    for (ds_int l = 0; l < m; ++l) {
        R old[DS_BDF_MAX_ORDER + 1];
        for (int i = 1; i <= order; ++i) old[i] = D[i * m + l];
        for (int j = 1; j <= order; ++j) {
            R sum = 0;
            for (int i = 1; i <= order; ++i) sum += ru[i][j] * old[i];
            D[j * m + l] = sum;
        }
    }
}

/* The step size and with it the history changes. */
DS_FN void ds_bdf_resize(ds_bdf *s, ds_int m, R factor) {
    ds_bdf_rescale(s->D, m, s->order, factor);
    s->equal_steps = 0;
}

/* Before the first attempt at a step: the size within its limits. */
DS_FN void ds_bdf_begin(const ds_problem *p, ds_bdf *s, ds_int m, R min_step) {
    s->h_try = s->h_abs > p->max_step ? p->max_step : s->h_abs < min_step ? min_step : s->h_abs;
    if (s->h_try != s->h_abs) ds_bdf_resize(s, m, s->h_try / s->h_abs);
    s->current_jacobian = s->constant_jacobian;
}

/* The end of the step within t_bound. */
DS_FN void ds_bdf_choose(const ds_problem *p, ds_bdf *s, ds_int m) {
    const R min_step = 10 * ds_spacing(s->t, p->direction);
    if (!s->retry) ds_bdf_begin(p, s, m, min_step);
    s->failed = s->h_try < min_step;
    if (s->failed) return;
    s->t_new = s->t + s->h_try * p->direction;
    s->clipped = p->direction * (s->t_new - p->t_bound) > 0;
    if (s->clipped) {
        s->t_new = p->t_bound;
        ds_bdf_resize(s, m, ds_abs(s->t_new - s->t) / s->h_try);
        s->have_factors = 0;
    }
    s->h = s->t_new - s->t;
    s->h_try = ds_abs(s->h);
}

/* Index of the largest, as NumPy finds it: the first one of equals, or the first nan. */
DS_FN int ds_bdf_largest(const R *x) {
    int best = 0;
    for (int i = 1; i < 3 && x[best] == x[best]; ++i)
        if (!(x[i] <= x[best])) best = i;
    return best;
}
#endif

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

/* Root mean square of constant x / (atol + rtol |y|). */
DS_FN R DS_BDF(scaled_norm)(const ds_problem *p, R constant, const R *x, const R *y) {
    R sum = 0;
    for (ds_int j = 0; j < p->n; ++j) {
        const R weight = DS_TO_WEIGHT(DS_BDF(scale)(p, j, DS_SIZE(y, j)));
        for (ds_int i = DS_PARTS * j; i < DS_PARTS * (j + 1); ++i) {
            const R e = DS_WEIGHTED(constant * x[i], weight);
            sum += e * e;
        }
    }
    return ds_sqrt(sum) / ds_sqrt((R)p->n);
}

/* b = c f - psi - d, the residual of the difference formula; f is in b. False: f is not finite. */
DS_FN int DS_BDF(residual)(ds_bdf *s, ds_int m, R c) {
    int finite = 1;
    for (ds_int i = 0; i < m; ++i) {
        finite &= ds_finite(s->b[i]);
        s->b[i] = c * s->b[i] - s->psi[i] - s->d[i];
    }
    return finite;
}

/* Simplified Newton iteration from the predicted state: y = predict + d. */
DS_FN int DS_BDF(iterate)(const ds_problem *p, ds_bdf *s, R c, R *y, ds_newton *newton,
                          DS_BDF_CONTEXT ctx) {
    const ds_int m = p->n * DS_PARTS;
    R *scale = DS_SCALE(ctx);
    for (ds_int j = 0; scale && j < p->n; ++j)
        scale[j] = DS_BDF(scale)(p, j, DS_SIZE(s->predict, j));
    ds_newton_begin(newton, s->newton_tol, DS_BDF_ITERATIONS);
    for (ds_int i = 0; i < m; ++i) {
        s->d[i] = 0;
        y[i] = s->predict[i];
    }
    while (ds_newton_next(newton)) {
        int stopped = DS_RHS(ctx, s->clipped, s->t_new, y, s->b);
        if (stopped) return stopped;
        if (!DS_BDF(residual)(s, m, c)) return 0;
        stopped = DS_SOLVE(ctx, s->b, DS_NEWTON_SHARE * s->newton_tol);
        if (stopped) return stopped;
        if (!ds_newton_judge(newton, DS_BDF(scaled_norm)(p, 1, s->b, s->predict))) return 0;
        for (ds_int i = 0; i < m; ++i) {
            y[i] += s->b[i];
            s->d[i] += s->b[i];
        }
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
        s->have_factors = 1;
        stopped = DS_BDF(iterate)(p, s, c, y_new, newton, ctx);
        if (stopped || newton->converged || s->current_jacobian) return stopped;
        stopped = DS_JACOBIAN(ctx, s->clipped, s->t_new, s->predict);
        if (stopped) return stopped;
        s->have_factors = 0;
        s->current_jacobian = 1;
    }
}

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

/* One attempt at a step, into y_new: accepted, failed, or to be tried again (a smaller one). */
DS_FN int DS_BDF(trial)(const ds_problem *p, ds_bdf *s, R *y_new, DS_BDF_CONTEXT ctx) {
    const ds_int m = p->n * DS_PARTS;
    ds_newton newton;
    ds_bdf_choose(p, s, m);
    s->accepted = 0;
    if (s->failed) return 0;
    DS_BDF(predict)(p, s);
    const int stopped = DS_BDF(solve)(p, s, y_new, &newton, ctx);
    if (stopped) return stopped;
    s->retry = 1;
    if (!newton.converged) {
        s->failed = !ds_finite(s->h); /* it would be tried for ever */
        s->h_try *= 0.5;
        ds_bdf_resize(s, m, 0.5);
        s->have_factors = 0;
        return 0;
    }
    const R safety = ds_newton_safety(&newton);
    const R error_norm = DS_BDF(scaled_norm)(p, ds_bdf_error_const(s->order), s->d, y_new);
    if (error_norm > 1) { /* the iteration went well: the factors stay */
        const R wished = safety * ds_pow(error_norm, -1.0 / (s->order + 1));
        const R factor = ds_max(DS_NEWTON_MIN_FACTOR, wished);
        s->h_try *= factor;
        ds_bdf_resize(s, m, factor);
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
