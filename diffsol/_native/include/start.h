/* start.h - what the methods of one family begin with: tolerances, norm, initial step.
 *
 * A template by inclusion (see step_erk.h, step_bdf.h, step_radau.h). The includer defines
 *   DS_START(name)           how the functions of this instance are called
 *   DS_COMPLEX               0: n reals; 1: n complex numbers stored as 2n reals (re, im)
 *   DS_START_CONTEXT         a type: what the right-hand side needs
 *   DS_RHS(ctx, end, t, y, out)  evaluates the derivative, nonzero to stop
 * and what columns.h says. */
#include "columns.h"

#ifndef DS_START_TYPES
#define DS_START_TYPES

/* What stays the same during a solve. Tolerances are read at [j * stride]: stride 0 or 1. */
typedef struct {
    ds_int n; /* components, a complex one counted once */
    ds_int n_states, n_tested; /* see columns.h */
    const R *rtol, *atol;
    ds_int rtol_stride, atol_stride;
    T t_bound;
    V direction, max_step;
    R columns_noise; /* see api.h */
} ds_problem;

/* What the step control takes roots with. One solve has libm's pow, as SciPy has; the includer
 * says ds_root where the bits must be the same on every machine and in every lane. */
#ifndef DS_ROOT
#define DS_ROOT(x, k) ds_pow(x, 1.0 / (k))
#endif

#endif

#undef DS_PARTS
#undef DS_SIZE
#undef DS_TO_WEIGHT
#undef DS_WEIGHTED
#if DS_COMPLEX
#define DS_PARTS 2
#define DS_SIZE(y, j) ds_hypot((y)[2 * (j)], (y)[2 * (j) + 1])
/* NumPy divides a complex array by a real one as by a complex one, and multiplies by the
 * inverse. */
#define DS_TO_WEIGHT(scale) (DS_C(1) / (scale))
#define DS_WEIGHTED(x, weight) ((x) * (weight))
#else
#define DS_PARTS 1
#define DS_SIZE(y, j) ds_abs((y)[j])
#define DS_TO_WEIGHT(scale) (scale)
#define DS_WEIGHTED(x, weight) ((x) / (weight))
#endif

/* atol + rtol * size of component j. */
DS_FN V DS_START(scale)(const ds_problem *p, ds_int j, V size) {
    return DS_C(p->atol[j * p->atol_stride]) + size * DS_C(p->rtol[j * p->rtol_stride]);
}

/* Root mean square of (x - minus) / (atol + rtol |y|), from component `begin` on; minus may be 0. */
DS_FN V DS_START(norm_from)(const ds_problem *p, ds_int begin, const V *x, const V *minus,
                            const V *y) {
    const ds_int count = DS_STATES(p);
    V sum = DS_C(0);
    for (ds_int j = begin; j < begin + count; ++j) {
        const V weight = DS_TO_WEIGHT(DS_START(scale)(p, j, DS_SIZE(y, j)));
        for (ds_int i = DS_PARTS * j; i < DS_PARTS * (j + 1); ++i) {
            const V e = DS_WEIGHTED(minus ? x[i] - minus[i] : x[i], weight);
            sum = sum + e * e;
        }
    }
    return ds_sqrt(sum) / DS_C(DS_LIBM(sqrt)((R)count));
}

DS_FN V DS_START(norm)(const ds_problem *p, const V *x, const V *minus, const V *y) {
    V norm = DS_START(norm_from)(p, 0, x, minus, y);
    DS_AND_COLUMNS(p, norm, begin, DS_START(norm_from)(p, begin, x, minus, y));
    return norm;
}

/* Size of the initial step at t for a method whose error estimate has this order (SciPy's
 * select_initial_step; Hairer, Norsett, Wanner I, section II.4). f0 is the derivative at t; w and
 * f1 are overwritten. One evaluation unless the interval or the state is empty. */
DS_FN int DS_START(initial_step)(const ds_problem *p, int order, T t, const V *y, const V *f0,
                                 V *w, V *f1, V *h_abs, DS_START_CONTEXT ctx) {
    const ds_int m = p->n * DS_PARTS;
    const V interval = ds_abs(p->t_bound - t);
    *h_abs = interval;
    if (ds_all(interval == DS_C(0)) || m == 0) return 0;
    const V d0 = DS_START(norm)(p, y, 0, y);
    const V d1 = DS_START(norm)(p, f0, 0, y);
    const M small = ds_or(d0 < DS_C(1e-5), d1 < DS_C(1e-5));
    const V h0 = ds_min(ds_sel(small, DS_C(1e-6), DS_C(0.01) * d0 / d1), interval);
    for (ds_int i = 0; i < m; ++i) w[i] = y[i] + h0 * p->direction * f0[i];
    const int stopped = DS_RHS_ALL(ctx, 0, t + h0 * p->direction, w, f1);
    if (stopped) return stopped;
    const V d2 = DS_START(norm)(p, f1, f0, y) / h0;
    const M flat = ds_and(d1 <= DS_C(1e-15), d2 <= DS_C(1e-15));
    const V largest = ds_max(ds_max(d1, d2), DS_C(1e-15));
    const V h1 = ds_sel(flat, ds_max(DS_C(1e-6), h0 * DS_C(1e-3)),
                        DS_ROOT(DS_C(0.01) / largest, order + 1));
    *h_abs = ds_min(ds_min(ds_min(DS_C(100) * h0, h1), interval), p->max_step);
    return 0;
}
