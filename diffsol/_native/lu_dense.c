/* lu_dense.c - dense factors: our own code for small matrices, LAPACK's getrf and getrs beyond.
 * Which is the faster one, structure.py knows. */
#include "linear_inside.h"
#include "scalar_code.h"
#include <limits.h>
#include <stdlib.h>

typedef struct {
    ds_lu lu; /* first: a ds_lu* is a dense* */
    ds_lu_places places;
    int64_t *to; /* owned; NULL where J is stored in full */
    int *pivots; /* ours from 0, LAPACK's from 1 */
    double *a;
    const ds_lapack *lapack;
} dense;

enum { MOST_UNROLLED = 8 }; /* beyond, vector code is the faster one */

#define DS_COMPLEX 0
#define DS_SMALL 1
#define DS_LU(name) small_real_##name
#include "inst_lu_dense.h"
#define DS_SMALL 0
#define DS_LU(name) real_##name
#include "inst_lu_dense.h"
#undef DS_COMPLEX
#define DS_COMPLEX 1
#define DS_SMALL 1
#define DS_LU(name) small_complex_##name
#include "inst_lu_dense.h"
#define DS_SMALL 0
#define DS_LU(name) complex_##name
#include "inst_lu_dense.h"

typedef void (*getrf)(int *m, int *n, double *a, int *lda, int *pivots, int *info);
typedef void (*getrs)(char *trans, int *n, int *nrhs, double *a, int *lda, int *pivots, double *b,
                      int *ldb, int *info);

static int lapack_factor(ds_lu *lu, double alpha_re, double alpha_im, double beta,
                         const double *jac) {
    dense *d = (dense *)lu;
    const int bad = ds_lu_assemble(lu, &d->places, alpha_re, alpha_im, beta, jac, d->a);
    if (bad) return bad;
    int n = (int)lu->n, info = 0;
    ((getrf)d->lapack->getrf[lu->is_complex])(&n, &n, d->a, &n, d->pivots, &info);
    lu->pivot = info;
    return info ? DS_LU_SINGULAR : DS_LU_OK;
}

static void lapack_solve(ds_lu *lu, double *b) {
    dense *d = (dense *)lu;
    char trans = 'N';
    int n = (int)lu->n, one = 1, info = 0;
    ((getrs)d->lapack->getrs[lu->is_complex])(&trans, &n, &one, d->a, &n, d->pivots, b, &n, &info);
}

static void dense_free(ds_lu *lu) {
    dense *d = (dense *)lu;
    free(d->to);
    free(d->pivots);
    free(d->a);
    free(d);
}

static const struct {
    int (*factor)(ds_lu *lu, double alpha_re, double alpha_im, double beta, const double *jac);
    void (*solve)(ds_lu *lu, double *b);
} OWN[2][2] = {{{real_dense_factor, real_dense_solve},
                {small_real_dense_factor, small_real_dense_solve}},
               {{complex_dense_factor, complex_dense_solve},
                {small_complex_dense_factor, small_complex_dense_solve}}};

static void choose(dense *d, int64_t n, int is_complex) {
    const int small = n <= MOST_UNROLLED;
    d->lu.factor = d->lapack ? lapack_factor : OWN[is_complex][small].factor;
    d->lu.solve = d->lapack ? lapack_solve : OWN[is_complex][small].solve;
    d->lu.free = dense_free;
}

static int64_t *table(const ds_pattern *pattern) {
    int64_t *to = ds_lu_memory(pattern->count, sizeof *to);
    for (int64_t j = 0; to && j < pattern->n; ++j)
        for (int64_t k = pattern->start[j]; k < pattern->start[j + 1]; ++k)
            to[k] = j * pattern->n + pattern->rows[k];
    return to;
}

ds_lu *ds_lu_dense_new(const ds_pattern *pattern, int is_complex, const ds_lu_plan *plan) {
    const int64_t n = pattern->n;
    dense *d = n > INT_MAX ? NULL : calloc(1, sizeof *d);
    if (!d) return NULL;
    d->lapack = n ? plan->lapack : NULL; /* LAPACK wants columns of one row at least */
    d->lu.size = n * n * (1 + is_complex);
    d->pivots = ds_lu_memory(n, sizeof *d->pivots);
    d->a = ds_lu_memory(d->lu.size, sizeof *d->a);
    if (pattern->start) d->to = table(pattern);
    d->places = (ds_lu_places){.count = pattern->count, .to = d->to, .room = n * n, .n = n,
                               .diagonal_step = n + 1};
    choose(d, n, is_complex);
    if (!d->pivots || !d->a || (pattern->start && !d->to)) {
        dense_free(&d->lu);
        return NULL;
    }
    return &d->lu;
}
