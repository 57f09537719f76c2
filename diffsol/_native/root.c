/* root.c - see root.h. */
#include "root.h"
#include "api.h"
#include <float.h>
#include <math.h>

enum { MAX_ITERATIONS = 100 };
static const double XTOL = 4 * DBL_EPSILON, RTOL = 4 * DBL_EPSILON;

typedef struct {
    double x, f;
} point;

/* Displacement from `best` that the line through two points, or the quadratic in f through three,
 * proposes for the zero. */
static double proposal(point best, point before, point opposite) {
    if (before.x == opposite.x) return -best.f * (best.x - before.x) / (best.f - before.f);
    const double slope_before = (before.f - best.f) / (before.x - best.x);
    const double slope_opposite = (opposite.f - best.f) / (opposite.x - best.x);
    return -best.f * (opposite.f * slope_opposite - before.f * slope_before) /
           (slope_opposite * slope_before * (opposite.f - before.f));
}

int ds_find_root(ds_root_function f, void *context, double a, double b, double *root) {
    point before = {a, 0}, best = {b, 0}, opposite = {0, 0};
    double step = 0, step_before = 0; /* this displacement and the one before it */
    int stopped = f(context, before.x, &before.f);
    if (!stopped) stopped = f(context, best.x, &best.f);
    if (stopped) return stopped;
    if (before.f == 0 || best.f == 0) {
        *root = before.f == 0 ? before.x : best.x;
        return 0;
    }
    if (!signbit(before.f) == !signbit(best.f)) return DS_BRACKET;

    for (int i = 0; i < MAX_ITERATIONS; ++i) {
        if (before.f != 0 && best.f != 0 && !signbit(before.f) != !signbit(best.f)) {
            opposite = before;
            step_before = step = best.x - before.x;
        }
        if (fabs(opposite.f) < fabs(best.f)) {
            before = best;
            best = opposite;
            opposite = before;
        }
        const double tolerance = (XTOL + RTOL * fabs(best.x)) / 2;
        const double half = (opposite.x - best.x) / 2;
        if (best.f == 0 || fabs(half) < tolerance) {
            *root = best.x;
            return 0;
        }
        double wished = half;
        int bisect = 1;
        if (fabs(step_before) > tolerance && fabs(best.f) < fabs(before.f)) {
            wished = proposal(best, before, opposite);
            bisect = !(2 * fabs(wished) < fmin(fabs(step_before), 3 * fabs(half) - tolerance));
        }
        step_before = bisect ? half : step;
        step = bisect ? half : wished;
        before = best;
        if (fabs(step) > tolerance)
            best.x += step;
        else
            best.x += half > 0 ? tolerance : -tolerance;
        stopped = f(context, best.x, &best.f);
        if (stopped) return stopped;
    }
    return DS_ROOT_ITER;
}
