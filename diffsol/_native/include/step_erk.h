/* step_erk.h - one explicit Runge-Kutta method: initial step, trial step, interpolant.
 *
 * A template by inclusion. The includer chooses, before each inclusion,
 *   a coefficient header     tables/rk45.h and its like (DS_ERK_STAGES, DS_ERK_B, ...)
 *   DS_ERK(name)             how the functions of this instance are called
 *   DS_COMPLEX               0: n reals; 1: n complex numbers stored as 2n reals (re, im)
 *   DS_ERK_CONTEXT           a type: what the right-hand side needs
 *   DS_ROOT                  ds_root, or nothing: see start.h
 *   DS_RHS(ctx, end, t, y, out)  evaluates the derivative, nonzero to stop; `end` is 0, or for
 *                            the last stage the mask of the lanes whose step was cut at t_bound
 *   DS_ERK_STAGES_BY         what takes the place of DS_ERK(stages) in a trial, or nothing
 * and what columns.h says, but that DS_RHS is of y and its columns, which go through all stages together.
 * The order of operations is SciPy's (_ivp/rk.py, _ivp/common.py): decisions then agree with
 * SciPy's except where the rounding of a BLAS dot product does not. No libc, no allocation, no
 * globals: memory comes in as arguments. K has DS_ERK_ROW_COUNT rows of n * (1 + DS_COMPLEX)
 * values; row DS_ERK_STAGE_COUNT is the derivative at the end of the step. */
#undef DS_START
#undef DS_START_CONTEXT
#define DS_START(name) DS_ERK(name)
#define DS_START_CONTEXT DS_ERK_CONTEXT
#include "start.h"

#include "step_control.h"

#ifndef DS_ERK_STAGES_BY
#define DS_ERK_STAGES_BY DS_ERK(stages)
#endif

#undef DS_ROW
#define DS_ROW(r) K[(r) * m + i]

/* Initial step size into s->h_abs. f0 is in the last row of K; w and row 0 are overwritten. */
DS_FN int DS_ERK(initial)(const ds_problem *p, ds_step *s, const V *y, V *w, V *K,
                          DS_ERK_CONTEXT ctx) {
    const V *f0 = K + DS_ERK_STAGE_COUNT * p->n * DS_PARTS;
    return DS_ERK(initial_step)(p, DS_ERK_ERROR_ORDER, s->t, y, f0, w, K, &s->h_abs, ctx);
}

/* Step 2 of a trial: all stages; y_new, which also serves as the stages' argument, and its
 * derivative. */
DS_FN int DS_ERK(stages)(const ds_problem *p, const ds_step *s, const V *DS_RESTRICT y,
                         V *DS_RESTRICT y_new, V *DS_RESTRICT K, DS_ERK_CONTEXT ctx) {
    const ds_int m = p->n * DS_PARTS;
    const V h = s->h;
    V *last = K + DS_ERK_STAGE_COUNT * m;
    for (ds_int i = 0; i < m; ++i) K[i] = ds_sel(s->rejected, K[i], last[i]);
#define DS_STAGE(r, c)                                                            \
    for (ds_int i = 0; i < m; ++i) y_new[i] = y[i] + DS_ERK_A##r(DS_ROW) * h;     \
    if (DS_RHS(ctx, 0, s->t + (c) * h, y_new, K + (r) * m)) return 1;
    DS_ERK_STAGES(DS_STAGE)
#undef DS_STAGE
    for (ds_int i = 0; i < m; ++i) y_new[i] = y[i] + h * DS_ERK_B(DS_ROW);
    return DS_RHS(ctx, s->clipped, s->t_new, y_new, last);
}

/* Step 3 of a trial: the norm of the error estimate relative to the tolerance, of the components from
 * `begin` on. */
#if DS_ERK_TWO_ESTIMATES
/* Two estimates, of order 5 and 3 (Hairer, Norsett, Wanner I, section II.10, eq. 10.17). */
DS_FN V DS_ERK(error_from)(const ds_problem *p, ds_int begin, const V *y, const V *y_new,
                           const V *K, V h) {
    const ds_int m = p->n * DS_PARTS, count = DS_STATES(p);
    V sum5 = DS_C(0), sum3 = DS_C(0);
    for (ds_int j = begin; j < begin + count; ++j) {
        const V size = ds_max(DS_SIZE(y_new, j), DS_SIZE(y, j));
        const V weight = DS_TO_WEIGHT(DS_ERK(scale)(p, j, size));
        for (ds_int i = DS_PARTS * j; i < DS_PARTS * (j + 1); ++i) {
            const V e5 = DS_WEIGHTED(DS_ERK_E5(DS_ROW), weight);
            const V e3 = DS_WEIGHTED(DS_ERK_E3(DS_ROW), weight);
            sum5 = sum5 + e5 * e5;
            sum3 = sum3 + e3 * e3;
        }
    }
    const V norm5 = ds_sqrt(sum5), norm3 = ds_sqrt(sum3);
    const V square5 = norm5 * norm5, square3 = norm3 * norm3;
    const V mixed = square5 + DS_C(0.01) * square3;
    const M exact = ds_and(square5 == DS_C(0), square3 == DS_C(0));
    return ds_sel(exact, DS_C(0), ds_abs(h) * square5 / ds_sqrt(mixed * DS_C(count)));
}
#else
DS_FN V DS_ERK(error_from)(const ds_problem *p, ds_int begin, const V *y, const V *y_new,
                           const V *K, V h) {
    const ds_int m = p->n * DS_PARTS, count = DS_STATES(p);
    V sum = DS_C(0);
    for (ds_int j = begin; j < begin + count; ++j) {
        const V size = ds_max(DS_SIZE(y_new, j), DS_SIZE(y, j));
        const V weight = DS_TO_WEIGHT(DS_ERK(scale)(p, j, size));
        for (ds_int i = DS_PARTS * j; i < DS_PARTS * (j + 1); ++i) {
            const V e = DS_WEIGHTED(DS_ERK_E(DS_ROW) * h, weight);
            sum = sum + e * e;
        }
    }
    return ds_sqrt(sum) / DS_C(DS_LIBM(sqrt)((R)count));
}
#endif

DS_FN V DS_ERK(error_norm)(const ds_problem *p, const V *y, const V *y_new, const V *K, V h) {
    V norm = DS_ERK(error_from)(p, 0, y, y_new, K, h);
    DS_AND_COLUMNS(p, norm, begin, DS_ERK(error_from)(p, begin, y, y_new, K, h));
    return norm;
}

/* One trial of a step: choose the size, evaluate the stages, estimate the error, control. In `s`
 * see what became of it; committing an accepted step (y_new becomes y) is the caller's. Nonzero
 * when the right-hand side stopped: row 0 of K then holds the derivative at s->t, and y is
 * untouched. */
DS_FN int DS_ERK(trial)(const ds_problem *p, ds_step *s, const V *y, V *y_new, V *K,
                        DS_ERK_CONTEXT ctx) {
    ds_step_choose(p, s);
    s->accepted = ds_not(s->failed);
    if (ds_all(s->failed)) return 0;
    if (DS_ERK_STAGES_BY(p, s, y, y_new, K, ctx)) return 1;
    s->error_norm = DS_ERK(error_norm)(p, y, y_new, K, s->h);
    ds_step_control(s, DS_ERK_ERROR_ORDER);
    return 0;
}

/* Interpolant of the step from y_old at t_old over h, from K of that step. `q` receives
 *   Q, n rows of DS_ERK_DENSE_COUNT numbers: y(t_old + x h) = y_old + h sum_p Q_p x**(p + 1), or
 *   F, DS_ERK_DENSE_COUNT rows of n numbers (DOP853, nested; Hairer, Norsett, Wanner I, II.6).
 * Further stages are evaluated at most once per step; w is scratch. */
#if DS_ERK_DENSE_NESTED
DS_FN int DS_ERK(dense)(const ds_problem *p, T t_old, V h, const V *y_old, const V *y, V *w,
                        V *K, V *q, DS_ERK_CONTEXT ctx) {
    const ds_int m = p->n * DS_PARTS;
    const V *f = K + DS_ERK_STAGE_COUNT * m;
#define DS_STAGE(r, c)                                                        \
    for (ds_int i = 0; i < m; ++i) w[i] = y_old[i] + DS_ERK_A##r(DS_ROW) * h; \
    if (DS_RHS(ctx, 0, t_old + (c) * h, w, K + (r) * m)) return 1;
    DS_ERK_EXTRA_STAGES(DS_STAGE)
#undef DS_STAGE
    for (ds_int i = 0; i < m; ++i) {
        const V delta = y[i] - y_old[i];
        q[i] = delta;
        q[m + i] = h * K[i] - delta;
        q[2 * m + i] = DS_C(2) * delta - h * (f[i] + K[i]);
#define DS_SUM(r) q[(r) * m + i] = h * DS_ERK_P##r(DS_ROW);
        DS_ERK_DENSE_SUMS(DS_SUM)
#undef DS_SUM
    }
    return 0;
}
#else
DS_FN int DS_ERK(dense)(const ds_problem *p, T t_old, V h, const V *y_old, const V *y, V *w,
                        V *K, V *q, DS_ERK_CONTEXT ctx) {
    const ds_int m = p->n * DS_PARTS;
    (void)t_old, (void)h, (void)y_old, (void)y, (void)w, (void)ctx;
    for (ds_int j = 0; j < p->n; ++j) {
        for (ds_int part = 0; part < DS_PARTS; ++part) {
            const ds_int i = DS_PARTS * j + part;
#define DS_SUM(r) q[(j * DS_ERK_DENSE_COUNT + (r)) * DS_PARTS + part] = DS_ERK_P##r(DS_ROW);
            DS_ERK_DENSE_SUMS(DS_SUM)
#undef DS_SUM
        }
    }
    return 0;
}
#endif

/* The interpolant at t. Component j (its real part) goes to out[j * stride]; stride counts
 * reals. */
DS_FN void DS_ERK(evaluate)(ds_int n, T t_old, V h, const V *y_old, const V *q, T t, V *out,
                            ds_int stride) {
    const V x = (t - t_old) / h;
#if DS_ERK_DENSE_NESTED
    const ds_int m = n * DS_PARTS;
    for (ds_int i = 0; i < m; ++i) {
        V y = DS_C(0);
        for (ds_int r = DS_ERK_DENSE_COUNT - 1; r >= 0; --r)
            y = (y + q[r * m + i]) * (r % 2 == 0 ? x : DS_C(1) - x);
        out[i / DS_PARTS * stride + i % DS_PARTS] = y + y_old[i];
    }
#else
    for (ds_int j = 0; j < n; ++j) {
        for (ds_int part = 0; part < DS_PARTS; ++part) {
            V power = x, sum = DS_C(0);
            for (ds_int r = 0; r < DS_ERK_DENSE_COUNT; ++r, power = power * x)
                sum = sum + q[(j * DS_ERK_DENSE_COUNT + r) * DS_PARTS + part] * power;
            out[j * stride + part] = h * sum + y_old[DS_PARTS * j + part];
        }
    }
#endif
}
