/* bdf_history.h - what BDF keeps from step to step: backward differences, step size, order. What of
 * step_bdf.h (references there) is the same for real and for complex states; read after start.h. */
#ifndef DS_BDF_HISTORY_H
#define DS_BDF_HISTORY_H

#define DS_BDF_MAX_ORDER 5
#define DS_BDF_ITERATIONS 4
/* Rows of n numbers: the differences, and four for an attempt. */
#define DS_BDF_DIFFERENCES (DS_BDF_MAX_ORDER + 3)
#define DS_BDF_ROWS (DS_BDF_DIFFERENCES + 4)
/* Numbers in an interpolant before the differences: order, t, h. */
#define DS_BDF_DENSE_HEAD 3

/* kappa of order k (Shampine and Reichelt, table 1; 0 for order 5) in
 *   (1 - kappa_k) gamma_k d = h f - sum of gamma_j D^j y,   gamma_k = 1 + 1/2 + ... + 1/k;
 * error_const_k = kappa_k gamma_k + 1 / (k + 1). */
static const R ds_bdf_gamma[DS_BDF_MAX_ORDER + 1] = {
    0, 1, 1.5, 1.5 + 1.0 / 3, 1.5 + 1.0 / 3 + 0.25, 1.5 + 1.0 / 3 + 0.25 + 0.2};
static const R ds_bdf_kappa[DS_BDF_MAX_ORDER + 1] = {0, -0.1850, -1.0 / 9, -0.0823, -0.0415, 0};

/* One solve. */
typedef struct {
    R newton_tol;
    int constant_jacobian; /* J never changes: it is always current */

    /* The history: D holds D^0 y ... D^(order+2) y at t for the step size h_abs. */
    R t, h_abs;
    int order, equal_steps;
    R *D;

    /* What the context's J and factors are good for. */
    int current_jacobian, have_factors;

    /* The attempt on its way. */
    int retry;            /* not the first attempt at this step */
    R h_try;              /* size to be tried, unsigned */
    R h, t_new;           /* tried, signed, and its end */
    int clipped;          /* t_new is t_bound */
    R columns_rate;       /* of convergence of the columns with these factors; negative: not known */
    int failed;           /* the step size is too small or not finite: nothing was evaluated */
    int accepted;
    R *psi, *predict, *d, *b; /* rows of memory; d: sum of the corrections; b: right-hand sides */
} ds_bdf;

DS_FN R ds_bdf_alpha(int order) { return (1 - ds_bdf_kappa[order]) * ds_bdf_gamma[order]; }
DS_FN R ds_bdf_error_const(int order) {
    return ds_bdf_kappa[order] * ds_bdf_gamma[order] + 1.0 / (order + 1);
}

/* R with R[i][j] = prod over k = 1..i of (k - 1 - factor j) / k, for i, j = 1..order. */
DS_FN void ds_bdf_changes(int order, R factor, R r[][DS_BDF_MAX_ORDER + 1]) {
    for (int j = 1; j <= order; ++j) {
        R product = 1;
        for (int i = 1; i <= order; ++i) {
            product *= (i - 1 - factor * j) / i;
            r[i][j] = product;
        }
    }
}

/* D^1..D^order for the step size h become those for factor h: (R(factor) R(1))^T D. */
DS_FN void ds_bdf_rescale(R *D, ds_int m, int order, R factor) {
    R r[DS_BDF_MAX_ORDER + 1][DS_BDF_MAX_ORDER + 1], u[DS_BDF_MAX_ORDER + 1][DS_BDF_MAX_ORDER + 1];
    R ru[DS_BDF_MAX_ORDER + 1][DS_BDF_MAX_ORDER + 1];
    ds_bdf_changes(order, factor, r);
    ds_bdf_changes(order, 1, u);
    for (int i = 1; i <= order; ++i)
        for (int j = 1; j <= order; ++j) {
            ru[i][j] = 0;
            for (int k = 1; k <= order; ++k) ru[i][j] += r[i][k] * u[k][j];
        }
    for (ds_int l = 0; l < m; ++l) {
        R old[DS_BDF_MAX_ORDER + 1];
        for (int i = 1; i <= order; ++i) old[i] = D[i * m + l];
        for (int j = 1; j <= order; ++j) {
            R sum = 0;
            for (int i = 1; i <= order; ++i) sum += ru[i][j] * old[i];
            D[j * m + l] = sum;
        }
    }
}

/* The step size and with it the history changes. */
DS_FN void ds_bdf_resize(ds_bdf *s, ds_int m, R factor) {
    ds_bdf_rescale(s->D, m, s->order, factor);
    s->equal_steps = 0;
    s->columns_rate = -1;
}

/* Before the first attempt at a step: the size within its limits. */
DS_FN void ds_bdf_begin(const ds_problem *p, ds_bdf *s, ds_int m, R min_step) {
    s->h_try = s->h_abs > p->max_step ? p->max_step : s->h_abs < min_step ? min_step : s->h_abs;
    if (s->h_try != s->h_abs) ds_bdf_resize(s, m, s->h_try / s->h_abs);
    s->current_jacobian = s->constant_jacobian;
}

/* The end of the step within t_bound. */
DS_FN void ds_bdf_choose(const ds_problem *p, ds_bdf *s, ds_int m) {
    const R min_step = 10 * ds_spacing(s->t, p->direction);
    if (!s->retry) ds_bdf_begin(p, s, m, min_step);
    s->failed = s->h_try < min_step;
    if (s->failed) return;
    s->t_new = s->t + s->h_try * p->direction;
    s->clipped = p->direction * (s->t_new - p->t_bound) > 0;
    if (s->clipped) {
        s->t_new = p->t_bound;
        ds_bdf_resize(s, m, ds_abs(s->t_new - s->t) / s->h_try);
        s->have_factors = 0;
    }
    s->h = s->t_new - s->t;
    s->h_try = ds_abs(s->h);
}

/* Index of the largest, as NumPy finds it: the first one of equals, or the first nan. */
DS_FN int ds_bdf_largest(const R *x) {
    int best = 0;
    for (int i = 1; i < 3 && x[best] == x[best]; ++i)
        if (!(x[i] <= x[best])) best = i;
    return best;
}

#endif
