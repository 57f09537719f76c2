/* gmres.c - see gmres.h. */
#include "gmres.h"
#include "include/ds_lane.h"
#include <math.h>
#include <stdlib.h>

/* Numbers of a vector that are orthogonalised at a time: with DS_GMRES_MOST others they stay in
 * the L1 cache, so that each is read from memory once a pass. */
enum { SLICE = 256 };

/* Passes of inverse iteration: the first vector's share of the one that is sought grows by the
 * ratio of squared singular values each time. */
enum { INVERSE_PASSES = 4 };

/* Incomplete factors that shrink something more than this are too bad for the estimate of errors. */
#define LEAST_TRUSTED 0.01

/* A correction is at least this much better than none, or the rate of the Newton iteration would
 * be that of GMRES. */
#define MOST_LEFT 0.1

int ds_gmres_make(ds_gmres *s, int64_t n) {
    s->n = n;
    s->basis = ds_lu_memory((DS_GMRES_MOST + 1) * n, sizeof *s->basis);
    s->x = ds_lu_memory(n, sizeof *s->x);
    return s->basis && s->x ? 0 : DS_LU_NO_MEMORY;
}

void ds_gmres_free(ds_gmres *s) {
    free(s->basis);
    free(s->x);
}

static void subtract(double *DS_RESTRICT y, double factor, const double *DS_RESTRICT x,
                     int64_t count) {
    for (int64_t i = 0; i < count; ++i) y[i] -= factor * x[i];
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* v less its parts along the `count` vectors before it, which go to h, and its norm to
 * h[count]. Classical Gram-Schmidt: the few iterations that are allowed and tolerances far above
 * rounding need no more. */
static void orthogonalise(const ds_gmres *s, double *v, int count, double *h) {
    double square = 0;
    for (int j = 0; j <= count; ++j) h[j] = 0;
    for (int64_t i = 0; i < s->n; i += SLICE)
        for (int j = 0; j < count; ++j)
            h[j] += ds_lu_dot(s->basis + j * s->n + i, v + i, least(SLICE, s->n - i));
    for (int64_t i = 0; i < s->n; i += SLICE) {
        const int64_t size = least(SLICE, s->n - i);
        for (int j = 0; j < count; ++j) subtract(v + i, h[j], s->basis + j * s->n + i, size);
        square += ds_lu_dot(v + i, v + i, size);
    }
    h[count] = sqrt(square);
}

static void divide(double *v, int64_t n, double divisor) {
    const double factor = 1 / divisor;
    for (int64_t i = 0; i < n; ++i) v[i] *= factor;
}

/* v = W (L U)^-1 A W^-1 of the basis vector before it, W = diag(1 / scale). */
static void apply(ds_gmres *s, const ds_ilu *ilu, const double *scale, double *v) {
    const double *before = v - s->n;
    for (int64_t i = 0; i < s->n; ++i) s->x[i] = before[i] * scale[i];
    ds_ilu_product(ilu, s->x, v);
    ds_ilu_solve(ilu, v);
    for (int64_t i = 0; i < s->n; ++i) v[i] /= scale[i];
}

/* The least squares problem, kept triangular by rotations: column j of the Hessenberg matrix. */
typedef struct {
    double h[DS_GMRES_MOST][DS_GMRES_MOST + 1];
    double cosine[DS_GMRES_MOST], sine[DS_GMRES_MOST];
    double g[DS_GMRES_MOST + 1]; /* |g[j]| is the residual after j iterations */
} hessenberg;

static void rotate(hessenberg *q, int j) {
    double *h = q->h[j];
    for (int i = 0; i < j; ++i) {
        const double upper = h[i];
        h[i] = q->cosine[i] * upper + q->sine[i] * h[i + 1];
        h[i + 1] = q->cosine[i] * h[i + 1] - q->sine[i] * upper;
    }
    const double size = hypot(h[j], h[j + 1]);
    q->cosine[j] = h[j] / size;
    q->sine[j] = h[j + 1] / size;
    h[j] = size;
    q->g[j + 1] = -q->sine[j] * q->g[j];
    q->g[j] *= q->cosine[j];
}

/* y becomes R^-1 y. */
static void back_substitute(const hessenberg *q, int count, double *y) {
    for (int j = count - 1; j >= 0; --j) {
        for (int k = j + 1; k < count; ++k) y[j] -= q->h[k][j] * y[k];
        y[j] /= q->h[j][j];
    }
}

/* Smallest singular value of the leading triangle R, at most 1, by inverse iteration with R' R: in
 * the space searched so far, errors are at most this much larger than residuals. */
static double least_gain(const hessenberg *q, int count) {
    double y[DS_GMRES_MOST], size = 1;
    for (int i = 0; i < count; ++i) y[i] = 1;
    for (int pass = 0; pass < INVERSE_PASSES; ++pass) {
        for (int j = 0; j < count; ++j) {
            for (int k = 0; k < j; ++k) y[j] -= q->h[j][k] * y[k];
            y[j] /= q->h[j][j];
        }
        back_substitute(q, count, y);
        size = 0;
        for (int i = 0; i < count; ++i) size += y[i] * y[i];
        size = sqrt(size);
        for (int i = 0; i < count; ++i) y[i] /= size;
    }
    return fmin(1, 1 / sqrt(size));
}

/* x = W^-1 times the best combination of `count` basis vectors. */
static void combine(const ds_gmres *s, const hessenberg *q, int count, const double *scale,
                    double *x) {
    double y[DS_GMRES_MOST];
    memcpy(y, q->g, sizeof y);
    back_substitute(q, count, y);
    memset(x, 0, sizeof *x * (size_t)s->n);
    for (int64_t i = 0; i < s->n; i += SLICE)
        for (int j = 0; j < count; ++j)
            subtract(x + i, -y[j], s->basis + j * s->n + i, least(SLICE, s->n - i));
    for (int64_t i = 0; i < s->n; ++i) x[i] *= scale[i];
}

int ds_gmres_solve(ds_gmres *s, const ds_ilu *ilu, double *b, const double *scale, double tol,
                   int64_t *iterations) {
    hessenberg q;
    const int64_t n = s->n;
    memcpy(s->basis, b, sizeof *b * (size_t)n);
    ds_ilu_solve(ilu, s->basis);
    for (int64_t i = 0; i < n; ++i) s->basis[i] /= scale[i];
    const double first = sqrt(ds_lu_dot(s->basis, s->basis, n));
    if (!isfinite(first)) return 0;
    if (first == 0) {
        memset(b, 0, sizeof *b * (size_t)n);
        return 1;
    }
    divide(s->basis, n, first);
    q.g[0] = first;
    const double enough = fmin(tol * sqrt((double)n), MOST_LEFT * first);
    for (int j = 0; j < DS_GMRES_MOST; ++j) {
        double *v = s->basis + (j + 1) * n;
        ++*iterations;
        apply(s, ilu, scale, v);
        orthogonalise(s, v, j + 1, q.h[j]);
        const double norm = q.h[j][j + 1];
        rotate(&q, j);
        if (!(fabs(q.g[j + 1]) < first)) return 0; /* nan, or no way on */
        const double left = fabs(q.g[j + 1]);
        if (left <= enough) {
            const double gain = least_gain(&q, j + 1);
            if (!(gain >= LEAST_TRUSTED)) return 0;
            if (left <= enough * gain) {
                combine(s, &q, j + 1, scale, b);
                return 1;
            }
        }
        divide(v, n, norm);
    }
    return 0;
}
