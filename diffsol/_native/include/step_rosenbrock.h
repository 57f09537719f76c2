/* step_rosenbrock.h - one Rosenbrock method for real states: trial step, interpolant.
 *
 * A template by inclusion, like step_erk.h, with a coefficient header of the DS_ROS_ kind and
 *   DS_ROS(name)             how the functions of this instance are called
 *   DS_ROS_CONTEXT           a type: what the functions below need
 *   DS_RHS(ctx, end, t, y, out)  evaluates the derivative, nonzero to stop
 *   DS_JACOBIAN(ctx, t, y, J, f_t)  evaluates J, n * n values row by row, and df/dt, n values
 * Formulas: _methods/rosenbrock.py. Systems are solved by lu_lanes.h, so n is small. The step
 * control is that of the explicit methods. K has DS_ROS_SIZE(n) values: the U_i, then f_t, W with
 * its pivots. No libc, no allocation, no globals. */
#undef DS_START
#undef DS_START_CONTEXT
#undef DS_COMPLEX
#define DS_COMPLEX 0
#define DS_START(name) DS_ROS(name)
#define DS_START_CONTEXT DS_ROS_CONTEXT
#include "start.h"

#include "lu_lanes.h"
#include "step_control.h"

#define DS_ROS_SIZE(n) ((n) * (DS_ROS_STAGE_COUNT + 2 + (n)))
#undef DS_ROW
#define DS_ROW(r) K[(r) * n + i]

/* Step 2 of a trial: the factors of W = 1 / (gamma h) - J, and f_t. */
DS_FN int DS_ROS(factors)(const ds_problem *p, const ds_step *s, const V *y, V *f_t, V *W,
                          V *pivots, DS_ROS_CONTEXT ctx) {
    const ds_int n = p->n;
    const V shift = DS_C(1) / (DS_ROS_GAMMA * s->h);
    if (DS_JACOBIAN(ctx, s->t, y, W, f_t)) return 1;
    for (ds_int i = 0; i < n * n; ++i) W[i] = DS_C(0) - W[i];
    for (ds_int i = 0; i < n; ++i) W[i * n + i] = W[i * n + i] + shift;
    ds_lane_factor(n, W, pivots);
    return 0;
}

/* Step 3: all stages; y_new, which also serves as the stages' argument. */
DS_FN int DS_ROS(stages)(const ds_problem *p, const ds_step *s, const V *DS_RESTRICT y,
                         V *DS_RESTRICT y_new, V *DS_RESTRICT K, DS_ROS_CONTEXT ctx) {
    const ds_int n = p->n;
    const V h = s->h, inverse = DS_C(1) / h;
    V *f_t = K + DS_ROS_STAGE_COUNT * n, *pivots = f_t + n, *W = pivots + n;
    if (DS_ROS(factors)(p, s, y, f_t, W, pivots, ctx)) return 1;
    if (DS_RHS(ctx, 0, s->t, y, K)) return 1;
    for (ds_int i = 0; i < n; ++i) K[i] = K[i] DS_ROS_D0(h * f_t[i]);
    ds_lane_solve(n, W, pivots, K);
#define DS_STAGE(r, c)                                                               \
    for (ds_int i = 0; i < n; ++i) y_new[i] = y[i] + DS_ROS_A##r(DS_ROW);            \
    if (DS_RHS(ctx, 0, s->t + (c) * h, y_new, K + (r) * n)) return 1;                \
    for (ds_int i = 0; i < n; ++i)                                                   \
        DS_ROW(r) = DS_ROW(r) + DS_ROS_C##r(DS_ROW) * inverse DS_ROS_D##r(h * f_t[i]); \
    ds_lane_solve(n, W, pivots, K + (r) * n);
    DS_ROS_STAGES(DS_STAGE)
#undef DS_STAGE
    for (ds_int i = 0; i < n; ++i) y_new[i] = y[i] + DS_ROS_M(DS_ROW);
    return 0;
}

DS_FN V DS_ROS(error_norm)(const ds_problem *p, const V *y, const V *y_new, const V *K) {
    const ds_int n = p->n;
    V sum = DS_C(0);
    for (ds_int i = 0; i < n; ++i) {
        const V size = ds_max(ds_abs(y_new[i]), ds_abs(y[i]));
        const V e = DS_ROS_E(DS_ROW) / DS_ROS(scale)(p, i, size);
        sum = sum + e * e;
    }
    return ds_sqrt(sum) / DS_C(DS_LIBM(sqrt)((R)n));
}

/* One trial of a step, as in step_erk.h. */
DS_FN int DS_ROS(trial)(const ds_problem *p, ds_step *s, const V *y, V *y_new, V *K,
                        DS_ROS_CONTEXT ctx) {
    ds_step_choose(p, s);
    s->accepted = ds_not(s->failed);
    if (ds_all(s->failed)) return 0;
    if (DS_ROS(stages)(p, s, y, y_new, K, ctx)) return 1;
    s->error_norm = DS_ROS(error_norm)(p, y, y_new, K);
    ds_step_control(s, DS_ROS_ERROR_ORDER);
    return 0;
}

/* Interpolant of the step from y_old to y, from K of that step: q receives D and the F_r, n numbers
 * each. This and the next have the arguments of step_erk.h, of which they need fewer. */
DS_FN int DS_ROS(dense)(const ds_problem *p, T t_old, V h, const V *y_old, const V *y, V *w,
                        V *K, V *q, DS_ROS_CONTEXT ctx) {
    const ds_int n = p->n;
    (void)t_old, (void)h, (void)w, (void)ctx;
    for (ds_int i = 0; i < n; ++i) {
        q[i] = y[i] - y_old[i];
#define DS_SUM(r) q[(r) * n + i] = DS_ROS_H##r(DS_ROW);
        DS_ROS_DENSE_SUMS(DS_SUM)
#undef DS_SUM
    }
    return 0;
}

/* The interpolant at t. Component i goes to out[i * stride]. */
DS_FN void DS_ROS(evaluate)(ds_int n, T t_old, V h, const V *y_old, const V *q, T t, V *out,
                            ds_int stride) {
    const V x = (t - t_old) / h;
    for (ds_int i = 0; i < n; ++i) {
        V inner = q[(DS_ROS_DENSE_COUNT - 1) * n + i];
        for (ds_int r = DS_ROS_DENSE_COUNT - 2; r > 0; --r) inner = q[r * n + i] + x * inner;
        out[i * stride] = y_old[i] + x * (q[i] + (DS_C(1) - x) * inner);
    }
}
