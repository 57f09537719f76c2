/* step_radau.h - the implicit Runge-Kutta method Radau IIA of order 5.
 *
 * Hairer and Wanner, "Solving Ordinary Differential Equations II", sections IV.5 (the method) and
 * IV.8 (its implementation), with every decision of SciPy's _ivp/radau.py. The collocation system
 * for Z (3 n numbers) is solved in W = T^-1 Z, where the Newton matrix falls into a real and a
 * complex one of size n.
 *
 * A template by inclusion, for real states. The includer chooses
 *   DS_RADAU(name)           how the functions of this instance are called
 *   DS_RADAU_CONTEXT         a type: what the functions below need
 *   DS_RHS(ctx, end, t, y, out)  evaluates the derivative; `end`: DS_AT_START, DS_INSIDE or DS_AT_BOUND
 *   DS_JACOBIAN(ctx, end, t, y, f)  renews the Jacobian J, which the context keeps; f = fun(t, y)
 *   DS_FACTOR(ctx, real, re, im)    factors of real I - J and (re + i im) I - J
 *   DS_SOLVE_REAL(ctx, b)    b becomes the solution of the real system
 *   DS_SOLVE_COMPLEX(ctx, b) of the complex one; b holds n pairs
 * and what columns.h and columns_radau.h say: `n` above is the number of y's components, and rows hold the
 * columns behind them. What follows works on those components from `begin` on: on y, or on one column.
 * They return nonzero to stop, and that is then what the functions here return. No
 * libc, no allocation, no globals. */
/* Where t is: at the start of the step, within it, or at t_bound itself. */
enum { DS_INSIDE, DS_AT_BOUND, DS_AT_START };

#undef DS_COMPLEX
#undef DS_START
#undef DS_START_CONTEXT
#define DS_COMPLEX 0
#define DS_START(name) DS_RADAU(name)
#define DS_START_CONTEXT DS_RADAU_CONTEXT
#include "newton.h"
#include "start.h"

#include "radau_method.h"

DS_FN void DS_RADAU(begin)(const ds_problem *p, ds_radau *s, R t, R h_abs, R *rows) {
    const ds_int n = p->n;
    s->t = s->t_old = t;
    s->h_abs = h_abs;
    s->h_old = 0;
    s->h_abs_before = s->error_norm_before = -1;
    s->newton_tol = ds_newton_tol(p->rtol[0]);
    s->has_polynomial = s->have_factors = s->retry = 0;
    s->current_jacobian = 1;
    s->f = rows;
    s->Z = s->f + n;
    s->W = s->Z + 3 * n;
    s->F = s->W + 3 * n;
    s->Q = s->F + 3 * n;
    s->b = s->Q + 3 * n;
    s->b_complex = s->b + n;
    s->ze = s->b_complex + 2 * n;
    s->w = s->ze + n;
}

/* The size of the step within its limits, its end within t_bound. */
DS_FN void DS_RADAU(choose)(const ds_problem *p, ds_radau *s) {
    const R min_step = 10 * ds_spacing(s->t, p->direction);
    if (!s->retry) {
        const int limited = s->h_abs > p->max_step || s->h_abs < min_step;
        s->h_try = s->h_abs > p->max_step ? p->max_step : limited ? min_step : s->h_abs;
        s->h_before = limited ? -1 : s->h_abs_before;
        s->norm_before = limited ? -1 : s->error_norm_before;
        s->rejected = 0;
    }
    s->failed = s->h_try < min_step;
    if (s->failed) return;
    s->t_new = s->t + s->h_try * p->direction;
    s->clipped = p->direction * (s->t_new - p->t_bound) > 0;
    if (s->clipped) s->t_new = p->t_bound;
    if (s->clipped || s->h_before < 0) s->columns_rate = -1; /* the factors may be of another h */
    s->h = s->t_new - s->t;
    s->h_try = ds_abs(s->h);
}

/* Z where the last step's polynomial goes on, or 0; W = T^-1 Z. */
DS_FN void DS_RADAU(extrapolate)(const ds_problem *p, ds_radau *s, ds_int begin, const R *y_old,
                                 const R *y) {
    const ds_int n = p->n, end = begin + DS_STATES(p);
    for (int i = 0; i < 3; ++i) {
        R *z = s->Z + i * n;
        const R x = s->has_polynomial ? (s->t + s->h * ds_radau_c[i] - s->t_old) / s->h_old : 0;
        const R x2 = x * x, x3 = x2 * x;
        for (ds_int j = begin; j < end; ++j) {
            const R *q = s->Q + 3 * j;
            z[j] = s->has_polynomial ? q[0] * x + q[1] * x2 + q[2] * x3 + y_old[j] - y[j] : 0;
        }
    }
    for (int i = 0; i < 3; ++i) {
        const R *ti = ds_radau_TI[i];
        for (ds_int j = begin; j < end; ++j)
            s->W[i * n + j] = ti[0] * s->Z[j] + ti[1] * s->Z[n + j] + ti[2] * s->Z[2 * n + j];
    }
}

/* F = fun(t + c h, y + Z). Sets *finite to whether all of it is. */
DS_FN int DS_RADAU(stages)(const ds_problem *p, ds_radau *s, const R *y, int *finite,
                           DS_RADAU_CONTEXT ctx) {
    const ds_int n = p->n, count = DS_STATES(p);
    *finite = 1;
    for (int i = 0; i < 3; ++i) {
        R *f = s->F + i * n;
        for (ds_int j = 0; j < count; ++j) s->w[j] = y[j] + s->Z[i * n + j];
        const int stopped = DS_RHS(ctx, DS_INSIDE, s->t + s->h * ds_radau_c[i], s->w, f);
        if (stopped) return stopped;
        for (ds_int j = 0; j < count; ++j) *finite &= ds_finite(f[j]);
    }
    return 0;
}

/* The right-hand sides of the two linear systems, into b and b_complex. */
DS_FN void DS_RADAU(residual)(const ds_problem *p, ds_radau *s, ds_int begin) {
    const ds_int n = p->n, end = begin + DS_STATES(p);
    const R(*TI)[3] = ds_radau_TI;
    const R inverse = 1 / s->h, mu_re = DS_RADAU_MU_RE * inverse, mu_im = DS_RADAU_MU_IM * inverse;
    const R mu = DS_RADAU_MU_REAL / s->h;
    for (ds_int j = begin; j < end; ++j) {
        const R f0 = s->F[j], f1 = s->F[n + j], f2 = s->F[2 * n + j];
        const R w1 = s->W[n + j], w2 = s->W[2 * n + j];
        s->b[j] = f0 * TI[0][0] + f1 * TI[0][1] + f2 * TI[0][2] - mu * s->W[j];
        s->b_complex[2 * j] =
            f0 * TI[1][0] + f1 * TI[1][1] + f2 * TI[1][2] - (mu_re * w1 - mu_im * w2);
        s->b_complex[2 * j + 1] =
            f0 * TI[2][0] + f1 * TI[2][1] + f2 * TI[2][2] - (mu_re * w2 + mu_im * w1);
    }
}

/* Root mean square of the corrections, which b and b_complex hold now, relative to atol + rtol |y|. */
DS_FN R DS_RADAU(correction_norm)(const ds_problem *p, const ds_radau *s, ds_int begin,
                                  const R *y) {
    const ds_int count = DS_STATES(p);
    R sum = 0;
    for (ds_int j = begin; j < begin + count; ++j) {
        const R weight = DS_RADAU(scale)(p, j, ds_abs(y[j]));
        const R corrections[3] = {s->b[j], s->b_complex[2 * j], s->b_complex[2 * j + 1]};
        for (int i = 0; i < 3; ++i) {
            const R e = corrections[i] / weight;
            sum += e * e;
        }
    }
    return ds_sqrt(sum) / ds_sqrt((R)(3 * count));
}

/* W takes the corrections, Z = T W. */
DS_FN void DS_RADAU(apply)(const ds_problem *p, ds_radau *s, ds_int begin) {
    const ds_int n = p->n, end = begin + DS_STATES(p);
    const R(*T)[3] = ds_radau_T;
    for (ds_int j = begin; j < end; ++j) {
        const R w0 = s->W[j] += s->b[j];
        const R w1 = s->W[n + j] += s->b_complex[2 * j];
        const R w2 = s->W[2 * n + j] += s->b_complex[2 * j + 1];
        for (int i = 0; i < 3; ++i)
            s->Z[i * n + j] = T[i][0] * w0 + T[i][1] * w1 + T[i][2] * w2;
    }
}

/* Simplified Newton iteration for the collocation system of y. */
DS_FN int DS_RADAU(iterate)(const ds_problem *p, ds_radau *s, const R *y_old, const R *y,
                            ds_newton *newton, DS_RADAU_CONTEXT ctx) {
    ds_newton_begin(newton, s->newton_tol, DS_RADAU_ITERATIONS);
    DS_RADAU(extrapolate)(p, s, 0, y_old, y);
    while (ds_newton_next(newton)) {
        int finite;
        int stopped = DS_RADAU(stages)(p, s, y, &finite, ctx);
        if (stopped) return stopped;
        if (!finite) return 0;
        DS_RADAU(residual)(p, s, 0);
        stopped = DS_SOLVE_REAL(ctx, s->b);
        if (!stopped) stopped = DS_SOLVE_COMPLEX(ctx, s->b_complex);
        if (stopped) return stopped;
        if (!ds_newton_judge(newton, DS_RADAU(correction_norm)(p, s, 0, y))) return 0;
        DS_RADAU(apply)(p, s, 0);
    }
    return 0;
}

/* The iteration, and once more with a Jacobian from here where it did not converge. */
DS_FN int DS_RADAU(solve)(const ds_problem *p, ds_radau *s, const R *y_old, R *y,
                          ds_newton *newton, DS_RADAU_CONTEXT ctx) {
    for (;;) {
        if (!s->have_factors) {
            const R inverse = 1 / s->h;
            const int stopped = DS_FACTOR(ctx, DS_RADAU_MU_REAL / s->h, DS_RADAU_MU_RE * inverse,
                                          DS_RADAU_MU_IM * inverse);
            if (stopped) return stopped;
            s->have_factors = 1;
            s->columns_rate = -1;
        }
        int stopped = DS_RADAU(iterate)(p, s, y_old, y, newton, ctx);
        if (stopped || newton->converged || s->current_jacobian) return stopped;
        stopped = DS_JACOBIAN(ctx, DS_AT_START, s->t, y, s->f);
        if (stopped) return stopped;
        s->current_jacobian = 1;
        s->have_factors = 0;
    }
}

/* Root mean square of x relative to atol + rtol max(|y|, |y_new|). */
DS_FN R DS_RADAU(error_norm)(const ds_problem *p, ds_int begin, const R *x, const R *y,
                             const R *y_new) {
    const ds_int count = DS_STATES(p);
    R sum = 0;
    for (ds_int j = begin; j < begin + count; ++j) {
        const R size = ds_abs(y[j]), size_new = ds_abs(y_new[j]);
        /* as np.maximum: a nan on either side stays */
        const R larger = size >= size_new || size != size ? size : size_new;
        const R e = x[j] / DS_RADAU(scale)(p, j, larger);
        sum += e * e;
    }
    return ds_sqrt(sum) / ds_sqrt((R)count);
}

/* The right-hand side of the error estimate (equation 8.19), into b. */
DS_FN void DS_RADAU(defect)(const ds_problem *p, ds_radau *s, ds_int begin) {
    const ds_int n = p->n, end = begin + DS_STATES(p);
    const R *E = ds_radau_e;
    for (ds_int j = begin; j < end; ++j) {
        s->ze[j] = (s->Z[j] * E[0] + s->Z[n + j] * E[1] + s->Z[2 * n + j] * E[2]) / s->h;
        s->b[j] = s->f[j] + s->ze[j];
    }
}

/* The error estimate of y, filtered once more (8.20) after a rejection. */
DS_FN int DS_RADAU(estimate)(const ds_problem *p, ds_radau *s, const R *y, const R *y_new,
                             R *error_norm, DS_RADAU_CONTEXT ctx) {
    const ds_int n = DS_STATES(p);
    DS_RADAU(defect)(p, s, 0);
    int stopped = DS_SOLVE_REAL(ctx, s->b);
    if (stopped) return stopped;
    *error_norm = DS_RADAU(error_norm)(p, 0, s->b, y, y_new);
    if (!(s->rejected && *error_norm > 1)) return 0;
    for (ds_int j = 0; j < n; ++j) s->w[j] = y[j] + s->b[j];
    stopped = DS_RHS(ctx, DS_AT_START, s->t, s->w, s->b);
    if (stopped) return stopped;
    for (ds_int j = 0; j < n; ++j) s->b[j] += s->ze[j];
    stopped = DS_SOLVE_REAL(ctx, s->b);
    if (stopped) return stopped;
    *error_norm = DS_RADAU(error_norm)(p, 0, s->b, y, y_new);
    return 0;
}

/* Step size factor from the errors of this step and the last (equation 8.25). */
DS_FN R DS_RADAU(factor)(const ds_radau *s, R error_norm) {
    const int two_steps = s->norm_before >= 0 && s->h_before >= 0 && error_norm != 0;
    const R multiplier =
        two_steps ? s->h_try / s->h_before * ds_pow(s->norm_before / error_norm, 0.25) : 1;
    return ds_min(1, multiplier) * ds_pow(error_norm, -0.25);
}

/* The collocation polynomial of the step: y(t + x h) = y + Q_1 x + Q_2 x^2 + Q_3 x^3. */
DS_FN void DS_RADAU(interpolate)(const ds_problem *p, ds_radau *s) {
    const ds_int n = p->n;
    const R(*P)[3] = ds_radau_p;
    for (ds_int j = 0; j < n; ++j)
        for (int k = 0; k < 3; ++k)
            s->Q[3 * j + k] =
                s->Z[j] * P[0][k] + s->Z[n + j] * P[1][k] + s->Z[2 * n + j] * P[2][k];
    s->has_polynomial = 1;
}

/* The accepted step: the derivative at its end, a new Jacobian where convergence was slow, and
 * the size of the next step. */
DS_FN int DS_RADAU(finish)(const ds_problem *p, ds_radau *s, R *y_new, R error_norm,
                           const ds_newton *newton, DS_RADAU_CONTEXT ctx) {
    const int renew = !s->constant_jacobian && newton->count > 2 && newton->rate > 1e-3;
    R factor = ds_min(DS_NEWTON_MAX_FACTOR, ds_newton_safety(newton) * DS_RADAU(factor)(s, error_norm));
    if (!renew && factor < 1.2)
        factor = 1;
    else
        s->have_factors = 0;
    const int end = s->clipped ? DS_AT_BOUND : DS_INSIDE;
    int stopped = DS_RHS_ALL(ctx, end, s->t_new, y_new, s->f);
    if (!stopped && renew) stopped = DS_JACOBIAN(ctx, end, s->t_new, y_new, s->f);
    if (stopped) return stopped;
    s->current_jacobian = renew || s->constant_jacobian;
    s->h_abs_before = s->h_abs;
    s->error_norm_before = error_norm;
    s->h_abs = s->h_try * factor;
    DS_RADAU(interpolate)(p, s);
    s->t_old = s->t;
    s->h_old = s->h;
    s->t = s->t_new;
    s->accepted = 1;
    s->retry = 0;
    return 0;
}

/* The equations could not be solved. */
DS_FN void DS_RADAU(halve)(ds_radau *s) {
    s->failed = !ds_finite(s->h); /* it would be tried for ever */
    s->h_try *= 0.5;
    s->have_factors = 0;
}

#if DS_COLUMNS
#include "columns_radau.h"
#endif

/* One attempt at a step from y, into y_new: accepted, failed, or to be tried again (a smaller
 * one). y_old is the state at the start of the step before. */
DS_FN int DS_RADAU(trial)(const ds_problem *p, ds_radau *s, const R *y_old, R *y, R *y_new,
                          DS_RADAU_CONTEXT ctx) {
    ds_newton newton;
    DS_RADAU(choose)(p, s);
    s->accepted = 0;
    if (s->failed) return 0;
    int stopped = DS_RADAU(solve)(p, s, y_old, y, &newton, ctx);
    if (stopped) return stopped;
    s->retry = 1;
    if (!newton.converged) {
        DS_RADAU(halve)(s);
        return 0;
    }
    for (ds_int j = 0; j < DS_STATES(p); ++j) y_new[j] = y[j] + s->Z[2 * p->n + j];
    R error_norm;
    stopped = DS_RADAU(estimate)(p, s, y, y_new, &error_norm, ctx);
    if (stopped) return stopped;
#if DS_COLUMNS
    if (p->n > p->n_states && !(error_norm > 1)) {
        int converged;
        stopped = DS_RADAU(columns)(p, s, y_old, y, y_new, &converged, &error_norm, ctx);
        if (stopped) return stopped;
        if (!converged) {
            DS_RADAU(halve)(s);
            return 0;
        }
    }
#endif
    if (!(error_norm > 1)) return DS_RADAU(finish)(p, s, y_new, error_norm, &newton, ctx);
    const R wished = ds_newton_safety(&newton) * DS_RADAU(factor)(s, error_norm);
    s->h_try *= ds_max(DS_NEWTON_MIN_FACTOR, wished);
    s->have_factors = 0;
    s->rejected = 1;
    return 0;
}

/* The interpolant at t. Component j goes to out[j * stride]. */
DS_FN void DS_RADAU(evaluate)(ds_int n, R t_old, R h, const R *y_old, const R *q, R t, R *out,
                              ds_int stride) {
    const R x = (t - t_old) / h, x2 = x * x, x3 = x2 * x;
    for (ds_int j = 0; j < n; ++j)
        out[j * stride] = q[3 * j] * x + q[3 * j + 1] * x2 + q[3 * j + 2] * x3 + y_old[j];
}
