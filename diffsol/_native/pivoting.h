/* pivoting.h - sparse LU with row exchanges, for the matrices whose pivots the fronts must not
 * take: Gilbert & Peierls, SIAM J. Sci. Stat. Comput. 9 (1988) 862-874. The pattern of the factors
 * is found anew in each factorisation. */
#ifndef DS_PIVOTING_H
#define DS_PIVOTING_H
#include "linear_inside.h"

/* Columns of L (rows below the diagonal; unknowns while factoring, then positions) or of U
 * (positions above the diagonal). */
typedef struct {
    int64_t *start;
    int64_t *rows;
    double *values;
    int64_t room; /* entries that rows and values hold */
} ds_columns;

typedef struct {
    int64_t n;
    int is_complex;
    ds_columns l, u;
    double *inverse;   /* of the pivots */
    int64_t *row;      /* position k: the unknown whose row is its pivot row */
    int64_t *position; /* the other way round; -1: not a pivot row yet */
    int64_t *reached, *path, *resume, *mark; /* for the search */
    double *x;
} ds_pivoting;

/* Room for matrices of n unknowns, or NULL. The factors' memory grows as it is needed. */
ds_pivoting *ds_pivoting_new(int64_t n, int is_complex);
void ds_pivoting_free(ds_pivoting *p);

/* Columns are eliminated in `order`; a DS_LU_ code. *pivot: as ds_lu_pivot. */
int ds_pivoting_factor(ds_pivoting *p, const ds_pattern *pattern, const int64_t *order,
                       const ds_shifted *a, int64_t *pivot);
void ds_pivoting_solve(ds_pivoting *p, const int64_t *order, double *b);
int64_t ds_pivoting_size(const ds_pivoting *p);

#endif
