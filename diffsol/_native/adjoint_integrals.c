/* adjoint_integrals.c - the integrals of a gradient, over one step of the backward pass after the other. */
#include "adjoint_inside.h"
#include <math.h>
#include <string.h>

/* Gauss' formulas on [-1, 1] (Abramowitz & Stegun, table 25.4), whose errors are no larger than those of the step they
 * are for; m nodes are right to order 2 m. The first curve, a second difference of the nodes, is 0 for straight lines:
 * small to order 2, so that the formula's error is about its m-th power, with this factor. The other one is 0 for
 * parabolas, and smaller still, unless what is integrated oscillates between the nodes. */
typedef struct {
    int count;
    double factor, node[MOST_NODES], weight[MOST_NODES], curve[2][MOST_NODES];
} gauss;

static const gauss gauss3 = {3, 0.15,
                             {-0.77459666924148337704, 0, 0.77459666924148337704},
                             {5.0 / 9, 8.0 / 9, 5.0 / 9},
                             {{1, -2, 1}}};
static const gauss gauss4 = {4, 0.12,
                             {-0.86113631159405257522, -0.33998104358485626480,
                              0.33998104358485626480, 0.86113631159405257522},
                             {0.34785484513745385737, 0.65214515486254614263,
                              0.65214515486254614263, 0.34785484513745385737},
                             {{1, -1, -1, 1},
                              {-1, 2.53289507707249703, -2.53289507707249703, 1}}};

static const double TOO_CURVED = 0.1; /* what oscillates between the nodes has no small curve, as a rule */
static const double SAFE = 0.1; /* pieces have errors of one sign, as a rule */
static const double NEGLIGIBLE = 1e-13; /* of the largest integral: what is smaller is rounding errors */

/* The integral number i as it is by now; the value is the last one. */
static double so_far(const ds_adjoint *a, int64_t i) {
    return fabs(i < a->n_params ? a->gradient[i] : a->value);
}

static int add(ds_backward *b, const ds_function *function, double t, const double *x, double *row) {
    ds_adjoint *a = &b->public;
    if (!function->kernel) return 0;
    if (ds_adjoint_call(function, t, x, b->slope)) {
        a->trap_t = t;
        return DS_PYTHON_ERROR;
    }
    for (int64_t i = 0; i < a->n_params; ++i) row[i] += b->slope[i];
    return 0;
}

/* What is under the integrals at one time, of the gradient and, last, of the value. */
static int integrands(ds_backward *b, const ds_ivp *back, double t, double *row) {
    ds_adjoint *a = &b->public;
    double *y = b->x + a->n;
    memset(row, 0, (a->n_params + 1) * sizeof *row);
    ds_adjoint_forward_state(b, t, y);
    if (a->params.kernel) {
        ds_interpolate(back, b->q, t, b->x);
        const int error = add(b, &a->params, t, b->x, row);
        if (error) return error;
    }
    if (!a->cost.kernel) return 0;
    memcpy(b->x_cost + 1, y, a->n * sizeof *y);
    const int error = add(b, &a->cost_params, t, b->x_cost, row);
    if (error) return error;
    if (ds_adjoint_call(&a->cost, t, y, row + a->n_params)) {
        a->trap_t = t;
        return DS_PYTHON_ERROR;
    }
    return 0;
}

/* The integrals over a piece by the formula and, behind them, their sizes; *curved tells whether they are to be doubted:
 * more than the tolerance allows, and not just rounding errors. */
static int by_formula(ds_backward *b, const ds_ivp *back, double late, double early, double *out,
                      int *curved) {
    const ds_adjoint *a = &b->public;
    const gauss *g = a->method == DS_DOP853 ? &gauss4 : &gauss3;
    const double half = (late - early) / 2, middle = (late + early) / 2, length = fabs(half);
    const int64_t width = a->n_params + 1;
    for (int k = 0; k < g->count; ++k) {
        const int error = integrands(b, back, middle + half * g->node[k], b->rows + k * width);
        if (error) return error;
    }
    const double most = fmin(TOO_CURVED, pow(SAFE * back->rtol_value, 1.0 / g->count) / g->factor);
    double largest = 0, worst = 0; /* the largest of the curved ones */
    for (int64_t i = 0; i < width; ++i) {
        double value = 0, size = 0, curve[2] = {0, 0};
        for (int k = 0; k < g->count; ++k) {
            const double x = b->rows[k * width + i];
            value += g->weight[k] * x;
            size += g->weight[k] * fabs(x);
            for (int c = 0; c < 2; ++c) curve[c] += g->curve[c][k] * x;
        }
        out[i] = half * value;
        out[width + i] = length * size;
        largest = fmax(largest, length * size);
        if (length * fmax(fabs(curve[0]), fabs(curve[1])) >
            most * fmax(length * size, so_far(a, i)))
            worst = fmax(worst, length * size);
    }
    *curved = worst > NEGLIGIBLE * largest;
    return 0;
}

/* Do the halves of a piece add up to the whole? */
static int agree(const ds_adjoint *a, const double *whole, const double *halves, double rtol) {
    const int64_t width = a->n_params + 1;
    const double *other = halves + 2 * width;
    double largest = 0, worst = 0;
    for (int64_t i = 0; i < width; ++i) {
        const double size = halves[width + i] + other[width + i];
        largest = fmax(largest, size);
        if (fabs(whole[i] - halves[i] - other[i]) > rtol * fmax(size, so_far(a, i)))
            worst = fmax(worst, size);
    }
    return worst <= NEGLIGIBLE * largest;
}

static void take(ds_adjoint *a, const double *integrals) {
    for (int64_t i = 0; i < a->n_params; ++i) a->gradient[i] += integrals[i];
    a->value += integrals[a->n_params];
}

/* Add the integrals over a piece by those over its halves, until these add up to the whole. */
static int halve(ds_backward *b, const ds_ivp *back, double late, double early, int level,
                 const double *whole) {
    ds_adjoint *a = &b->public;
    const int64_t room = 2 * (a->n_params + 1);
    const double middle = (late + early) / 2;
    double *halves = b->levels + 2 * room * level;
    int curved;
    int error = by_formula(b, back, late, middle, halves, &curved);
    if (!error) error = by_formula(b, back, middle, early, halves + room, &curved);
    if (error) return error;
    if (level == MOST_HALVINGS || agree(a, whole, halves, back->rtol_value)) {
        take(a, halves);
        take(a, halves + room);
        return 0;
    }
    error = halve(b, back, late, middle, level + 1, halves);
    return error ? error : halve(b, back, middle, early, level + 1, halves + room);
}

/* Add the integrals from late back to early, a piece of one step of both solutions. The steps were chosen for y and
 * lambda, which need not see what a variable whose value is 0 does. */
static int add_piece(ds_backward *b, const ds_ivp *back, double late, double early) {
    int curved;
    const int error = by_formula(b, back, late, early, b->levels, &curved);
    if (error) return error;
    if (curved) return halve(b, back, late, early, 1, b->levels);
    take(&b->public, b->levels);
    return 0;
}

/* The integrals over the step just made, piece by piece of the forward solution. */
int ds_adjoint_integrate_step(ds_backward *b, ds_ivp *back) {
    ds_adjoint *a = &b->public;
    if (!a->params.kernel && !a->cost.kernel) return 0;
    if (a->params.kernel) {
        const int error = ds_ivp_dense(back, b->q);
        if (error) return error;
    }
    double late = back->t_old;
    ds_adjoint_find(b, late);
    while (late != back->t) {
        if (ds_adjoint_begins(b) == late && !ds_adjoint_go_back(b)) break;
        double early = ds_adjoint_begins(b);
        if (a->direction * (early - back->t) < 0) early = back->t;
        const int error = add_piece(b, back, late, early);
        if (error) return error;
        late = early;
    }
    return 0;
}
