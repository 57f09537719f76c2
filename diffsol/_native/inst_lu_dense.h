/* inst_lu_dense.h - binds lu_small.h to the dense factors, for one kind of number. The includer
 * defines DS_COMPLEX, DS_LU(name), and DS_SMALL: 1 for n up to MOST_UNROLLED, 0 for more. */
#if !DS_SMALL
#define DS_UNROLLED
#elif defined(__GNUC__) && !defined(__clang__)
#define DS_UNROLLED _Pragma("GCC unroll 8") /* without it gcc stops at n = 6 */
#else
#define DS_UNROLLED
#endif
#include "include/lu_small.h"
#undef DS_UNROLLED

#if DS_SMALL
/* Constant sizes become straight code: a Newton iteration of 3 states is half solves. */
static DS_SCALAR_CODE int DS_LU(factor_any)(int n, S *a, int *pivots) {
    switch (n) {
    case 1: return DS_LU(factor)(1, a, pivots);
    case 2: return DS_LU(factor)(2, a, pivots);
    case 3: return DS_LU(factor)(3, a, pivots);
    case 4: return DS_LU(factor)(4, a, pivots);
    case 5: return DS_LU(factor)(5, a, pivots);
    case 6: return DS_LU(factor)(6, a, pivots);
    case 7: return DS_LU(factor)(7, a, pivots);
    case 8: return DS_LU(factor)(8, a, pivots);
    default: return 0; /* n = 0 */
    }
}

static DS_SCALAR_CODE void DS_LU(solve_any)(int n, const S *a, const int *pivots, S *b) {
    switch (n) {
    case 1: DS_LU(solve)(1, a, pivots, b); break;
    case 2: DS_LU(solve)(2, a, pivots, b); break;
    case 3: DS_LU(solve)(3, a, pivots, b); break;
    case 4: DS_LU(solve)(4, a, pivots, b); break;
    case 5: DS_LU(solve)(5, a, pivots, b); break;
    case 6: DS_LU(solve)(6, a, pivots, b); break;
    case 7: DS_LU(solve)(7, a, pivots, b); break;
    case 8: DS_LU(solve)(8, a, pivots, b); break;
    }
}
#else
static int DS_LU(factor_any)(int n, S *a, int *pivots) { return DS_LU(factor)(n, a, pivots); }

static void DS_LU(solve_any)(int n, const S *a, const int *pivots, S *b) {
    DS_LU(solve)(n, a, pivots, b);
}
#endif

static int DS_LU(dense_factor)(ds_lu *lu, double alpha_re, double alpha_im, double beta,
                               const double *jac) {
    dense *d = (dense *)lu;
    const int bad = ds_lu_assemble(lu, &d->places, alpha_re, alpha_im, beta, jac, d->a);
    if (bad) return bad;
    lu->pivot = DS_LU(factor_any)((int)lu->n, (S *)d->a, d->pivots);
    return lu->pivot ? DS_LU_SINGULAR : DS_LU_OK;
}

static void DS_LU(dense_solve)(ds_lu *lu, double *b) {
    const dense *d = (const dense *)lu;
    DS_LU(solve_any)((int)lu->n, (const S *)d->a, d->pivots, (S *)b);
}
#undef DS_LU
#undef DS_SMALL
