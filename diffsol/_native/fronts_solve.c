/* fronts_solve.c - forward and backward substitution through the fronts. */
#include "fronts.h"
#include "include/ds_lane.h"

typedef struct {
    double re, im;
} number;

/* y -= factor x. */
DS_FN void subtract(double *DS_RESTRICT y, int64_t y_plane, const double *DS_RESTRICT x,
                    int64_t x_plane, number factor, int64_t count, int is_complex) {
    for (int64_t i = 0; i < count; ++i) {
        y[i] -= is_complex ? factor.re * x[i] - factor.im * x[i + x_plane] : factor.re * x[i];
        if (is_complex) y[i + y_plane] -= factor.re * x[i + x_plane] + factor.im * x[i];
    }
}

DS_FN number at(const double *x, int64_t plane, int64_t i, int is_complex) {
    const number value = {x[i], is_complex ? x[i + plane] : 0};
    return value;
}

/* x[first ..] of a front becomes L11^-1 of it; what goes to the rows below is subtracted there. */
DS_FN void forward(const ds_fronts *f, const ds_front *front, int is_complex) {
    const int64_t pivots = front->pivots, below = front->below, m = pivots + below, n = f->n;
    const int64_t plane = pivots * (m + below);
    const double *l = f->values + front->values;
    double *x = f->x + front->first, *w = f->gathered;
    memset(w, 0, sizeof *w * (size_t)(below * (1 + is_complex)));
    for (int64_t k = 0; k < pivots; ++k) {
        const int32_t other = f->exchanged[front->first + k];
        for (int part = 0; part <= is_complex; ++part) {
            const double swapped = x[k + part * n];
            x[k + part * n] = x[other + part * n];
            x[other + part * n] = swapped;
        }
    }
    for (int64_t k = 0; k < pivots; ++k) {
        const number value = at(x, n, k, is_complex);
        const double *column = l + k * m;
        subtract(x + k + 1, n, column + k + 1, plane, value, pivots - k - 1, is_complex);
        subtract(w, below, column + pivots, plane, value, below, is_complex);
    }
    const int32_t *rows = f->rows + front->rows;
    for (int part = 0; part <= is_complex; ++part)
        for (int64_t i = 0; i < below; ++i) f->x[rows[i] + part * n] += w[i + part * below];
}

/* x[first ..] of a front becomes U11^-1 (x - U12 x below). */
DS_FN void backward(const ds_fronts *f, const ds_front *front, int is_complex) {
    const int64_t pivots = front->pivots, below = front->below, m = pivots + below, n = f->n;
    const int64_t plane = pivots * (m + below);
    const double *values = f->values + front->values, *u = values + m * pivots;
    double *x = f->x + front->first, *w = f->gathered;
    const int32_t *rows = f->rows + front->rows;
    for (int part = 0; part <= is_complex; ++part)
        for (int64_t i = 0; i < below; ++i) w[i + part * below] = f->x[rows[i] + part * n];
    for (int64_t k = 0; k < pivots; ++k) {
        const double *re = u + k * below, *im = re + plane;
        x[k] -= ds_lu_dot(re, w, below);
        if (!is_complex) continue;
        x[k] += ds_lu_dot(im, w + below, below);
        x[k + n] -= ds_lu_dot(re, w + below, below) + ds_lu_dot(im, w, below);
    }
    for (int64_t k = pivots - 1; k >= 0; --k) {
        const double *column = values + k * m;
        const number value = at(x, n, k, is_complex), inverse = at(column, plane, k, is_complex);
        x[k] = value.re * inverse.re - value.im * inverse.im;
        if (is_complex) x[k + n] = value.re * inverse.im + value.im * inverse.re;
        subtract(x, n, column, plane, at(x, n, k, is_complex), k, is_complex);
    }
}

DS_FN void solve(ds_fronts *f, double *b, int is_complex) {
    const int parts = 1 + is_complex;
    for (int64_t k = 0; k < f->n; ++k)
        for (int part = 0; part < parts; ++part)
            f->x[k + part * f->n] = b[parts * (int64_t)f->order[k] + part];
    for (int64_t s = 0; s < f->count; ++s) forward(f, &f->fronts[s], is_complex);
    for (int64_t s = f->count - 1; s >= 0; --s) backward(f, &f->fronts[s], is_complex);
    for (int64_t k = 0; k < f->n; ++k)
        for (int part = 0; part < parts; ++part)
            b[parts * (int64_t)f->order[k] + part] = f->x[k + part * f->n];
}

void ds_fronts_solve(ds_fronts *f, double *b) {
    if (f->is_complex)
        solve(f, b, 1);
    else
        solve(f, b, 0);
}
