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

#define DS_RADAU_ITERATIONS 6
#define DS_RADAU_STAGES 3
#define DS_RADAU_DENSE_COUNT 3
/* Rows of n numbers (see ds_radau). */
#define DS_RADAU_ROWS 18

#define DS_S6 2.449489742783178 /* sqrt(6) */

/* Nodes, weights of the error estimate, eigenvalues of A^-1 (1 / gamma, and alpha - i beta). */
static const R ds_radau_c[3] = {(4 - DS_S6) / 10, (4 + DS_S6) / 10, 1};
static const R ds_radau_e[3] = {(-13 - 7 * DS_S6) / 3, (-13 + 7 * DS_S6) / 3, -1.0 / 3};
#define DS_RADAU_MU_REAL 3.637834252744496
#define DS_RADAU_MU_RE 2.6810828736277523
#define DS_RADAU_MU_IM (-3.050430199247411)

/* T brings A^-1 to block diagonal form (Hairer and Wanner, IV.8, p. 121; digits as in RADAU5). */
static const R ds_radau_T[3][3] = {
    {0.09443876248897524, -0.14125529502095421, 0.03002919410514742},
    {0.25021312296533332, 0.20412935229379994, -0.38294211275726192},
    {1, 1, 0}};
static const R ds_radau_TI[3][3] = {
    {4.17871859155190428, 0.32768282076106237, 0.52337644549944951},
    {-4.17871859155190428, -0.32768282076106237, 0.47662355450055044},
    {0.50287263494578682, -2.57192694985560522, 0.59603920482822492}};

/* The collocation polynomial through 0, Z: coefficients of x, x^2, x^3 from Z. */
static const R ds_radau_p[3][3] = {
    {13.0 / 3 + 7 * DS_S6 / 3, -23.0 / 3 - 22 * DS_S6 / 3, 10.0 / 3 + 5 * DS_S6},
    {13.0 / 3 - 7 * DS_S6 / 3, -23.0 / 3 + 22 * DS_S6 / 3, 10.0 / 3 - 5 * DS_S6},
    {1.0 / 3, -8.0 / 3, 10.0 / 3}};

/* One solve. Sizes that are not known are negative. */
typedef struct {
    R newton_tol;
    int constant_jacobian; /* J never changes */

    R t, h_abs;                      /* h_abs: to be tried next */
    R h_abs_before, error_norm_before; /* of the last step, for the step size control */
    R t_old, h_old;                  /* start and length of the last step, whose polynomial Q holds */
    int has_polynomial;

    /* What the context's J and factors are good for. */
    int current_jacobian, have_factors;

    /* The attempt on its way. */
    int retry;              /* not the first attempt at this step */
    int rejected;           /* an earlier one was, for its error */
    R h_try;                /* size to be tried, unsigned */
    R h_before, norm_before; /* h_abs_before and error_norm_before, unless a limit was met */
    R h, t_new;             /* tried, signed, and its end */
    int clipped, failed, accepted;

    /* Rows of memory: the derivative at t; Z, W and F with 3 rows each; Q with 3 numbers for each
     * component; right-hand sides, the complex one of 2 rows; Z E / h; a state. */
    R *f, *Z, *W, *F, *Q, *b, *b_complex, *ze, *w;
} ds_radau;

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
    s->h = s->t_new - s->t;
    s->h_try = ds_abs(s->h);
}

/* Z where the last step's polynomial goes on, or 0. */
DS_FN void DS_RADAU(extrapolate)(const ds_problem *p, ds_radau *s, const R *y_old, const R *y) {
    for (int i = 0; i < 3; ++i) {
        R *z = s->Z + i * p->n;
        const R x = s->has_polynomial ? (s->t + s->h * ds_radau_c[i] - s->t_old) / s->h_old : 0;
        const R x2 = x * x, x3 = x2 * x;
        for (ds_int j = 0; j < p->n; ++j) {
            const R *q = s->Q + 3 * j;
            z[j] = s->has_polynomial ? q[0] * x + q[1] * x2 + q[2] * x3 + y_old[j] - y[j] : 0;
        }
    }
}

/* W = T^-1 Z. */
DS_FN void DS_RADAU(transform)(const ds_problem *p, ds_radau *s) {
    const ds_int n = p->n;
    for (int i = 0; i < 3; ++i) {
        const R *ti = ds_radau_TI[i];
        for (ds_int j = 0; j < n; ++j)
            s->W[i * n + j] = ti[0] * s->Z[j] + ti[1] * s->Z[n + j] + ti[2] * s->Z[2 * n + j];
    }
}

/* F = fun(t + c h, y + Z). Sets *finite to whether all of it is. */
DS_FN int DS_RADAU(stages)(const ds_problem *p, ds_radau *s, const R *y, int *finite,
                           DS_RADAU_CONTEXT ctx) {
    const ds_int n = p->n;
    *finite = 1;
    for (int i = 0; i < 3; ++i) {
        for (ds_int j = 0; j < n; ++j) s->w[j] = y[j] + s->Z[i * n + j];
        const int stopped =
            DS_RHS(ctx, DS_INSIDE, s->t + s->h * ds_radau_c[i], s->w, s->F + i * n);
        if (stopped) return stopped;
    }
    for (ds_int j = 0; j < 3 * n; ++j) *finite &= ds_finite(s->F[j]);
    return 0;
}

/* The corrections of W into F (which they replace): the two linear systems. */
DS_FN int DS_RADAU(correct)(const ds_problem *p, ds_radau *s, DS_RADAU_CONTEXT ctx) {
    const ds_int n = p->n;
    const R(*TI)[3] = ds_radau_TI;
    const R inverse = 1 / s->h, mu_re = DS_RADAU_MU_RE * inverse, mu_im = DS_RADAU_MU_IM * inverse;
    const R mu = DS_RADAU_MU_REAL / s->h;
    for (ds_int j = 0; j < n; ++j) {
        const R f0 = s->F[j], f1 = s->F[n + j], f2 = s->F[2 * n + j];
        const R w1 = s->W[n + j], w2 = s->W[2 * n + j];
        s->b[j] = f0 * TI[0][0] + f1 * TI[0][1] + f2 * TI[0][2] - mu * s->W[j];
        s->b_complex[2 * j] =
            f0 * TI[1][0] + f1 * TI[1][1] + f2 * TI[1][2] - (mu_re * w1 - mu_im * w2);
        s->b_complex[2 * j + 1] =
            f0 * TI[2][0] + f1 * TI[2][1] + f2 * TI[2][2] - (mu_re * w2 + mu_im * w1);
    }
    int stopped = DS_SOLVE_REAL(ctx, s->b);
    if (!stopped) stopped = DS_SOLVE_COMPLEX(ctx, s->b_complex);
    if (stopped) return stopped;
    for (ds_int j = 0; j < n; ++j) {
        s->F[j] = s->b[j];
        s->F[n + j] = s->b_complex[2 * j];
        s->F[2 * n + j] = s->b_complex[2 * j + 1];
    }
    return 0;
}

/* Root mean square of the corrections relative to atol + rtol |y|. */
DS_FN R DS_RADAU(correction_norm)(const ds_problem *p, const ds_radau *s, const R *y) {
    R sum = 0;
    for (ds_int j = 0; j < p->n; ++j) {
        const R weight = DS_RADAU(scale)(p, j, ds_abs(y[j]));
        for (int i = 0; i < 3; ++i) {
            const R e = s->F[i * p->n + j] / weight;
            sum += e * e;
        }
    }
    return ds_sqrt(sum) / ds_sqrt((R)(3 * p->n));
}

/* W takes the corrections, Z = T W. */
DS_FN void DS_RADAU(apply)(const ds_problem *p, ds_radau *s) {
    const ds_int n = p->n;
    const R(*T)[3] = ds_radau_T;
    for (ds_int j = 0; j < n; ++j) {
        const R w0 = s->W[j] += s->F[j];
        const R w1 = s->W[n + j] += s->F[n + j];
        const R w2 = s->W[2 * n + j] += s->F[2 * n + j];
        for (int i = 0; i < 3; ++i)
            s->Z[i * n + j] = T[i][0] * w0 + T[i][1] * w1 + T[i][2] * w2;
    }
}

/* Simplified Newton iteration for the collocation system. */
DS_FN int DS_RADAU(iterate)(const ds_problem *p, ds_radau *s, const R *y_old, const R *y,
                            ds_newton *newton, DS_RADAU_CONTEXT ctx) {
    ds_newton_begin(newton, s->newton_tol, DS_RADAU_ITERATIONS);
    DS_RADAU(extrapolate)(p, s, y_old, y);
    DS_RADAU(transform)(p, s);
    while (ds_newton_next(newton)) {
        int finite;
        int stopped = DS_RADAU(stages)(p, s, y, &finite, ctx);
        if (stopped) return stopped;
        if (!finite) return 0;
        stopped = DS_RADAU(correct)(p, s, ctx);
        if (stopped) return stopped;
        if (!ds_newton_judge(newton, DS_RADAU(correction_norm)(p, s, y))) return 0;
        DS_RADAU(apply)(p, s);
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
DS_FN R DS_RADAU(error_norm)(const ds_problem *p, const R *x, const R *y, const R *y_new) {
    R sum = 0;
    for (ds_int j = 0; j < p->n; ++j) {
        const R size = ds_abs(y[j]), size_new = ds_abs(y_new[j]);
        /* as np.maximum: a nan on either side stays */
        const R larger = size >= size_new || size != size ? size : size_new;
        const R e = x[j] / DS_RADAU(scale)(p, j, larger);
        sum += e * e;
    }
    return ds_sqrt(sum) / ds_sqrt((R)p->n);
}

/* The error estimate (equation 8.19), filtered once more (8.20) after a rejection. */
DS_FN int DS_RADAU(estimate)(const ds_problem *p, ds_radau *s, const R *y, const R *y_new,
                             R *error_norm, DS_RADAU_CONTEXT ctx) {
    const ds_int n = p->n;
    const R *E = ds_radau_e;
    for (ds_int j = 0; j < n; ++j) {
        s->ze[j] = (s->Z[j] * E[0] + s->Z[n + j] * E[1] + s->Z[2 * n + j] * E[2]) / s->h;
        s->b[j] = s->f[j] + s->ze[j];
    }
    int stopped = DS_SOLVE_REAL(ctx, s->b);
    if (stopped) return stopped;
    *error_norm = DS_RADAU(error_norm)(p, s->b, y, y_new);
    if (!(s->rejected && *error_norm > 1)) return 0;
    for (ds_int j = 0; j < n; ++j) s->w[j] = y[j] + s->b[j];
    stopped = DS_RHS(ctx, DS_AT_START, s->t, s->w, s->b);
    if (stopped) return stopped;
    for (ds_int j = 0; j < n; ++j) s->b[j] += s->ze[j];
    stopped = DS_SOLVE_REAL(ctx, s->b);
    if (stopped) return stopped;
    *error_norm = DS_RADAU(error_norm)(p, s->b, y, y_new);
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
    int stopped = DS_RHS(ctx, end, s->t_new, y_new, s->f);
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
        s->failed = !ds_finite(s->h); /* it would be tried for ever */
        s->h_try *= 0.5;
        s->have_factors = 0;
        return 0;
    }
    for (ds_int j = 0; j < p->n; ++j) y_new[j] = y[j] + s->Z[2 * p->n + j];
    R error_norm;
    stopped = DS_RADAU(estimate)(p, s, y, y_new, &error_norm, ctx);
    if (stopped) return stopped;
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
