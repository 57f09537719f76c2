/* linear.c - drives every kind of LU factors, order and outcome, for the sanitizers to watch.
 * Residuals are checked roughly; tests/native/test_linear.py compares with NumPy. */
#include "linear.h"
#include "drive.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 40 };

typedef struct {
    int64_t n, start[MOST + 1], rows[MOST * MOST], order[MOST];
    double values[2 * MOST * MOST]; /* pairs, whether J is complex or not */
    ds_pattern pattern;
} matrix;

static uint32_t state = 1; /* xorshift32 */

static double uniform(void) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state / 4294967296.0;
}

static void make_matrix(matrix *m, int64_t n, double density) {
    int64_t count = 0;
    m->n = n;
    for (int64_t j = 0; j < n; ++j) {
        m->start[j] = count;
        for (int64_t i = 0; i < n; ++i)
            if (uniform() < density) m->rows[count++] = i;
    }
    m->start[n] = count;
    for (int64_t k = 0; k < 2 * count; ++k) m->values[k] = uniform() - 0.5;
    m->pattern = (ds_pattern){n, count, m->start, m->rows};
}

/* Largest entry of (alpha I - J) x - b. */
static double residual(const matrix *m, int jac_complex, int is_complex, double alpha,
                       const double *x, const double *b) {
    double r[2 * MOST] = {0}, worst = 0;
    const int parts = 1 + is_complex;
    for (int64_t i = 0; i < parts * m->n; ++i) r[i] = alpha * x[i] - b[i];
    for (int64_t j = 0; j < m->n; ++j)
        for (int64_t k = m->start[j]; k < m->start[j + 1]; ++k) {
            const double re = m->values[k << jac_complex];
            const double im = jac_complex ? m->values[2 * k + 1] : 0;
            const double *xj = x + parts * j;
            double *ri = r + parts * m->rows[k];
            ri[0] -= re * xj[0] - (is_complex ? im * xj[1] : 0);
            if (is_complex) ri[1] -= re * xj[1] + im * xj[0];
        }
    for (int64_t i = 0; i < parts * m->n; ++i) worst = fmax(worst, fabs(r[i]));
    return worst;
}

/* Good pivots, bad ones, none, and then good ones again. */
static void factor_all(const matrix *m, ds_lu *lu, int jac_complex, int is_complex) {
    static const double alphas[] = {50, 0, 0, 1e-12, 50, 50, 50, 50, 50};
    double x[2 * MOST], b[2 * MOST];
    for (size_t i = 0; i < sizeof alphas / sizeof *alphas; ++i) {
        for (int k = 0; k < 2 * MOST; ++k) x[k] = b[k] = 1 + k;
        const int code = ds_lu_factor(lu, alphas[i], 0, 1, m->values);
        CHECK(code == DS_LU_OK || (code == DS_LU_SINGULAR && alphas[i] < 1));
        CHECK(code == DS_LU_OK || ds_lu_pivot(lu) >= 1);
        if (code == DS_LU_OK) ds_lu_solve(lu, x);
        if (alphas[i] > 1)
            CHECK(residual(m, jac_complex, is_complex, alphas[i], x, b) < 1e-9);
    }
    CHECK(m->n == 0 || ds_lu_factor(lu, NAN, 0, 1, m->values) == DS_LU_NOT_FINITE);
    CHECK(ds_lu_size(lu) >= 0);
}

static void every_kind(matrix *m) {
    CHECK(ds_order_rcm(&m->pattern, m->order) == 0);
    CHECK(ds_order_amd(&m->pattern, m->order) == 0);
    double entries, work;
    CHECK(ds_order_cost(&m->pattern, m->order, &entries, &work) == 0 && entries >= (double)m->n);
    for (int kind = DS_LU_DENSE; kind <= DS_LU_SPARSE; ++kind)
        for (int bits = 0; bits < 8; ++bits) {
            const int jac_complex = bits & 1, is_complex = bits >> 1 & 1;
            if (jac_complex && !is_complex) continue;
            const ds_lu_plan plan = {.kind = kind, .lower = m->n, .upper = m->n,
                                     .order = bits & 4 ? m->order : NULL};
            snprintf(where, sizeof where, "kind %d bits %d n %d", kind, bits, (int)m->n);
            ds_lu *lu = ds_lu_new(&m->pattern, jac_complex, is_complex, &plan);
            CHECK(lu);
            factor_all(m, lu, jac_complex, is_complex);
            ds_lu_free(lu);
        }
}

/* GMRES where it is cheap, where it is dear, and where nothing but direct factors will do. */
static void iteratively(const matrix *m) {
    static const double alphas[] = {50, 50, 0, 1e-12, 3, 50}, dear[] = {0, 1e9};
    double x[2 * MOST], b[2 * MOST];
    for (int d = 0; d < 2; ++d) {
        const ds_lu_plan plan = {.kind = DS_LU_ITERATIVE, .order = m->order,
                                 .costs = {100, 10, dear[d], dear[d]}};
        ds_lu *lu = ds_lu_new(&m->pattern, 0, 0, &plan);
        CHECK(lu);
        for (int64_t i = 0; i < m->n; ++i) ds_lu_scale(lu)[i] = 1;
        for (size_t i = 0; i < sizeof alphas / sizeof *alphas; ++i) {
            const int code = ds_lu_factor(lu, alphas[i], 0, 1, m->values);
            CHECK(code == DS_LU_OK || (code == DS_LU_SINGULAR && alphas[i] < 1));
            for (int k = 0; k < 2 * MOST; ++k) x[k] = b[k] = 1 + k;
            if (code == DS_LU_OK) ds_lu_solve_within(lu, x, 1e-7);
            if (alphas[i] > 10) CHECK(residual(m, 0, 0, alphas[i], x, b) < 1e-3);
        }
        ds_lu_free(lu);
    }
}

static void refused(matrix *m) {
    make_matrix(m, 5, 1);
    const int64_t twice[5] = {0, 1, 2, 3, 3};
    const ds_lu_plan narrow = {.kind = DS_LU_BANDED, .lower = 1, .upper = 1};
    const ds_lu_plan banded = {.kind = DS_LU_BANDED, .lower = 5, .upper = 5, .order = twice};
    const ds_lu_plan sparse = {.kind = DS_LU_SPARSE, .order = twice}, dense = {.kind = DS_LU_DENSE};
    const ds_lu_plan iterative = {.kind = DS_LU_ITERATIVE};
    CHECK(!ds_lu_new(&m->pattern, 0, 0, &narrow));
    CHECK(!ds_lu_new(&m->pattern, 0, 0, &banded));
    CHECK(!ds_lu_new(&m->pattern, 0, 0, &sparse));
    CHECK(!ds_lu_new(&m->pattern, 1, 0, &dense));
    CHECK(!ds_lu_new(&m->pattern, 0, 0, &iterative));
    const ds_pattern huge = {1000000, INT64_C(1000000000000), NULL, NULL};
    CHECK(!ds_lu_new(&huge, 0, 1, &dense));
    m->rows[3] = 7;
    CHECK(!ds_lu_new(&m->pattern, 0, 0, &dense));
    ds_lu_free(NULL);
}

void drive_linear_algebra(void) {
    static const int64_t sizes[] = {0, 1, 2, 5, 8, 9, 13, 40};
    static const double densities[] = {0, 0.05, 0.2, 1};
    matrix *m = malloc(sizeof *m);
    for (int i = 0; i < 8; ++i)
        for (int k = 0; k < 4; ++k) {
            make_matrix(m, sizes[i], densities[k]);
            every_kind(m);
            iteratively(m);
        }
    refused(m);
    free(m);
}
