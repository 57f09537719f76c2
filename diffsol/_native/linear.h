/* linear.h - the linear algebra of the implicit methods: LU factors of A = alpha I - beta J.
 *
 * J is given by its values in the order of a pattern. Real arrays hold one double per value,
 * complex ones (re, im) pairs. Nothing here calls Python; memory is taken in ds_lu_new, and in
 * ds_lu_factor only when a sparse matrix has to change its pivots. */
#ifndef DS_LINEAR_H
#define DS_LINEAR_H
#include <stdint.h>

/* Which entries of a square matrix may differ from 0, column by column (CSC), rows ascending.
 * start NULL: all of them, n * n values in column-major order. Arrays are borrowed during the
 * calls below. */
typedef struct {
    int64_t n;
    int64_t count;        /* entries */
    const int64_t *start; /* n + 1: where each column begins in `rows` and in the values */
    const int64_t *rows;  /* count */
} ds_pattern;

/* LAPACK's functions with 32-bit integers, as SciPy exports them: real, complex. */
typedef struct {
    void *getrf[2], *getrs[2];
} ds_lapack;

/* How A is stored and factored. Chosen by diffsol/_engine/structure.py. */
enum { DS_LU_DENSE = 0, DS_LU_BANDED = 1, DS_LU_SPARSE = 2,
       DS_LU_ITERATIVE = 3 /* real, with a pattern: GMRES where that costs less than sparse factors */ };

/* What the two ways of DS_LU_ITERATIVE cost, in one unit. */
typedef struct {
    double factor, solve;         /* with sparse factors */
    double incomplete, iteration; /* GMRES: its factors, and an iteration */
} ds_lu_costs;

typedef struct {
    int kind;
    int64_t lower, upper;    /* banded: bandwidths, after `order` if there is one */
    const int64_t *order;    /* banded, sparse: position k holds unknown order[k] (rows and columns
                                alike), or NULL: as they are. Copied. */
    const ds_lapack *lapack; /* dense: who factors, borrowed for the life of the factors; NULL:
                                our own code, the faster one for small n */
    ds_lu_costs costs;       /* iterative */
} ds_lu_plan;

typedef struct ds_lu ds_lu;

/* What ds_lu_factor returns. */
enum {
    DS_LU_OK = 0,
    DS_LU_SINGULAR = 1,   /* a pivot is exactly 0: ds_lu_pivot tells which. Dense and banded
                             factors may be used all the same (LAPACK's and SciPy's way: the
                             solution then has inf or nan); sparse ones may not */
    DS_LU_NOT_FINITE = 2, /* A has an inf or a nan: there are no factors */
    DS_LU_NO_MEMORY = 3   /* there are no factors */
};

/* Room for the factors of a matrix with this pattern, or NULL when there is none or when the
 * plan does not hold the pattern: an entry outside the band, an order that is no permutation.
 * jac_complex: J's values are pairs; is_complex: alpha and A are (if J is, A must be). */
ds_lu *ds_lu_new(const ds_pattern *pattern, int jac_complex, int is_complex,
                 const ds_lu_plan *plan);
void ds_lu_free(ds_lu *lu);

/* Factors of (alpha_re + i alpha_im) I - beta J; alpha_im counts only where A is complex. */
int ds_lu_factor(ds_lu *lu, double alpha_re, double alpha_im, double beta, const double *jac);

/* b becomes A^-1 b: n doubles, or pairs where A is complex. */
void ds_lu_solve(ds_lu *lu, double *b);

/* The same, but a solution is enough whose error is about `tol`, as root mean square of
 * error[i] / scale[i]: `scale` is n numbers of the factors' own, NULL where all solutions are
 * exact. J's values must still be where ds_lu_factor found them. */
double *ds_lu_scale(ds_lu *lu);
void ds_lu_solve_within(ds_lu *lu, double *b, double tol);

/* After DS_LU_SINGULAR: number of the zero pivot, from 1 (in LAPACK's order of elimination). */
int64_t ds_lu_pivot(const ds_lu *lu);

/* Doubles that the factors hold now (to report memory and fill). */
int64_t ds_lu_size(const ds_lu *lu);

/* Orders of elimination for the symmetric pattern of J + J^T, n numbers for ds_lu_plan.order.
 * 0, or DS_LU_NO_MEMORY. */
int ds_order_rcm(const ds_pattern *pattern, int64_t *order); /* narrow band */
int ds_order_amd(const ds_pattern *pattern, int64_t *order); /* little fill */

/* What an order promises without row exchanges: numbers in L and U, and multiplications. 0, or
 * DS_LU_NO_MEMORY (also when `order` is no permutation). */
int ds_order_cost(const ds_pattern *pattern, const int64_t *order, double *entries, double *work);

#endif
