/* ds_brent.h - a zero of a function of one variable between two points of different sign: one text
 * for root.c and for GPUs, so that events have the same bits everywhere. The includer has the codes
 * DS_BRACKET and DS_ROOT_ITER. */
#ifndef DS_BRENT_H
#define DS_BRENT_H
#include "ds_lane.h"

#define DS_BRENT_TOL (4 * 2.220446049250313e-16)

/* f(x) into *value; nonzero to stop (which the search then returns). */
typedef int (*ds_root_function)(void *context, double x, double *value);

typedef struct {
    double x, f;
} ds_root_point;

DS_FN double ds_magnitude(double x) { return DS_LIBM(fabs)(x); }
DS_FN int ds_same_sign(double a, double b) {
    return !DS_LIBM(signbit)(a) == !DS_LIBM(signbit)(b);
}

/* Displacement from `best` that the line through two points, or the quadratic in f through three,
 * proposes for the zero. */
DS_FN double ds_root_proposal(ds_root_point best, ds_root_point before, ds_root_point opposite) {
    if (before.x == opposite.x) return -best.f * (best.x - before.x) / (best.f - before.f);
    const double slope_before = (before.f - best.f) / (before.x - best.x);
    const double slope_opposite = (opposite.f - best.f) / (opposite.x - best.x);
    return -best.f * (opposite.f * slope_opposite - before.f * slope_before) /
           (slope_opposite * slope_before * (opposite.f - before.f));
}

/* See ds_find_root in root.h. */
DS_FN int ds_brent(ds_root_function f, void *context, double a, double b, double *root) {
    ds_root_point before = {a, 0}, best = {b, 0}, opposite = {0, 0};
    double step = 0, step_before = 0; /* this displacement and the one before it */
    int stopped = f(context, before.x, &before.f);
    if (!stopped) stopped = f(context, best.x, &best.f);
    if (stopped) return stopped;
    if (before.f == 0 || best.f == 0) {
        *root = before.f == 0 ? before.x : best.x;
        return 0;
    }
    if (ds_same_sign(before.f, best.f)) return DS_BRACKET;

    for (int i = 0; i < 100; ++i) {
        if (before.f != 0 && best.f != 0 && !ds_same_sign(before.f, best.f)) {
            opposite = before;
            step_before = step = best.x - before.x;
        }
        if (ds_magnitude(opposite.f) < ds_magnitude(best.f)) {
            before = best;
            best = opposite;
            opposite = before;
        }
        const double tolerance = (DS_BRENT_TOL + DS_BRENT_TOL * ds_magnitude(best.x)) / 2;
        const double half = (opposite.x - best.x) / 2;
        if (best.f == 0 || ds_magnitude(half) < tolerance) {
            *root = best.x;
            return 0;
        }
        double wished = half;
        int bisect = 1;
        if (ds_magnitude(step_before) > tolerance && ds_magnitude(best.f) < ds_magnitude(before.f)) {
            wished = ds_root_proposal(best, before, opposite);
            const double most = 3 * ds_magnitude(half) - tolerance;
            bisect = !(2 * ds_magnitude(wished) < DS_LIBM(fmin)(ds_magnitude(step_before), most));
        }
        step_before = bisect ? half : step;
        step = bisect ? half : wished;
        before = best;
        if (ds_magnitude(step) > tolerance)
            best.x += step;
        else
            best.x += half > 0 ? tolerance : -tolerance;
        stopped = f(context, best.x, &best.f);
        if (stopped) return stopped;
    }
    return DS_ROOT_ITER;
}

#endif
