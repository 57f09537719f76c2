/* nordsieck.h - Nordsieck's array of a multistep method: z_j = h**j y^(j) / j!, j = 0 ... order, in
 * rows of m numbers (real and imaginary parts of complex states are rows of their own kind).
 *
 * What ODEPACK's and VODE's solvers do alike, in their order of operations (K. Radhakrishnan,
 * A. C. Hindmarsh, Description and use of LSODE, UCRL-ID-113855, 1993: [RH]). */
#ifndef DS_NORDSIECK_H
#define DS_NORDSIECK_H
#include "ds_lane.h"

#define DS_EPS 2.220446049250313e-16
#define DS_EPS_ROOT 1.4901161193847656e-08 /* sqrt(DS_EPS) */

/* Up to so many components, up to this order (BDF's highest), columns are summed one by one. */
enum { DS_NORDSIECK_FEW = 4, DS_NORDSIECK_SHORT = 5 };
#if defined(__GNUC__) && !defined(__clang__)
#define DS_NORDSIECK_UNROLLED _Pragma("GCC unroll 6")
#else
#define DS_NORDSIECK_UNROLLED
#endif

/* C's fmin and fmax, which pass over a nan. */
DS_FN R ds_number_min(R a, R b) { return a < b || b != b ? a : b; }
DS_FN R ds_number_max(R a, R b) { return a > b || b != b ? a : b; }

DS_FN void ds_copy(ds_int m, const R *from, R *to) {
    for (ds_int i = 0; i < m; ++i) to[i] = from[i];
}

/* One component's column of z at a constant order: the sums stay in registers, where row by row
 * each waits for the one before to come back from memory. */
DS_FN void ds_nordsieck_predict_column(R *z, ds_int m, int order) {
    R column[DS_NORDSIECK_SHORT + 1];
    DS_NORDSIECK_UNROLLED for (int j = 0; j <= order; ++j) column[j] = z[j * m];
    DS_NORDSIECK_UNROLLED for (int begin = order - 1; begin >= 0; --begin)
        DS_NORDSIECK_UNROLLED for (int j = begin; j < order; ++j) column[j] = column[j] + column[j + 1];
    DS_NORDSIECK_UNROLLED for (int j = 0; j < order; ++j) z[j * m] = column[j];
}

/* For a few components and low orders; the same sums as below. */
DS_FN void ds_nordsieck_predict_short(R *z, ds_int m, int order) {
    for (ds_int i = 0; i < m; ++i) switch (order) {
        case 1: ds_nordsieck_predict_column(z + i, m, 1); break;
        case 2: ds_nordsieck_predict_column(z + i, m, 2); break;
        case 3: ds_nordsieck_predict_column(z + i, m, 3); break;
        case 4: ds_nordsieck_predict_column(z + i, m, 4); break;
        case 5: ds_nordsieck_predict_column(z + i, m, 5); break;
        }
}

/* z becomes A z, A Pascal's triangle: the Taylor series at t + h. */
DS_FN void ds_nordsieck_predict(R *z, ds_int m, int order) {
    if (m <= DS_NORDSIECK_FEW && order <= DS_NORDSIECK_SHORT) {
        ds_nordsieck_predict_short(z, m, order);
        return;
    }
    const ds_int end = order * m;
    for (ds_int begin = end - m; begin >= 0; begin -= m)
        for (ds_int i = begin; i < end; ++i) z[i] = z[i] + z[i + m];
}

/* Undo ds_nordsieck_predict. */
DS_FN void ds_nordsieck_retract(R *z, ds_int m, int order) {
    const ds_int end = order * m;
    for (ds_int begin = end - m; begin >= 0; begin -= m)
        for (ds_int i = begin; i < end; ++i) z[i] = z[i] - z[i + m];
}

/* The step size becomes h times `ratio`. */
DS_FN void ds_nordsieck_rescale(R *z, ds_int m, int order, R ratio) {
    R power = 1;
    for (int j = 1; j <= order; ++j) {
        power = power * ratio;
        for (ds_int i = j * m; i < (j + 1) * m; ++i) z[i] = z[i] * power;
    }
}

/* The interpolating polynomial at x steps h from where the array stands. */
DS_FN void ds_nordsieck_evaluate(const R *z, ds_int m, int order, R x, R *y) {
    ds_copy(m, z + order * m, y);
    for (int j = order - 1; j >= 0; --j)
        for (ds_int i = 0; i < m; ++i) y[i] = z[j * m + i] + x * y[i];
}

/* How far a component of this size is moved for a difference ([RH], eq. 3.37); `least` comes from
 * ds_least_increment. */
DS_FN R ds_increment(R size, R weight, R least) {
    return ds_number_max(DS_EPS_ROOT * size, least / weight);
}

/* `norm` is the weighted norm of the derivative. */
DS_FN R ds_least_increment(R h, ds_int n, R norm) {
    const R scale = 1000.0 * ds_abs(h) * DS_EPS * n * norm;
    return scale == 0 ? 1.0 : scale;
}

#endif
