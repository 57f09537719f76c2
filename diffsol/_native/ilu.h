/* ilu.h - A = alpha I - beta J row by row, and incomplete factors of it: ILU(0), which keeps the
 * pattern of A and drops all fill (Meijerink & van der Vorst, Math. Comp. 31 (1977) 148-162; Saad,
 * Iterative Methods for Sparse Linear Systems, 2003, algorithm 10.4). Real matrices only. */
#ifndef DS_ILU_H
#define DS_ILU_H
#include "linear_inside.h"

typedef struct {
    int64_t n, count;       /* entries, the diagonal always among them */
    int32_t *start;         /* n + 1: where each row begins */
    int32_t *columns;       /* ascending in each row */
    int32_t *diagonal;      /* n: where the diagonal is */
    int64_t *from;          /* the value of J behind each entry, or -1 */
    double *a;              /* entries of A */
    double *lu;             /* L without its diagonal, U with the inverses of its diagonal */
    int32_t *place;         /* n: while factoring, where each column stands in the row at hand */
} ds_ilu;

/* Room for matrices with this pattern, or NULL. */
ds_ilu *ds_ilu_new(const ds_pattern *pattern);
void ds_ilu_free(ds_ilu *s);

/* DS_LU_OK, DS_LU_NOT_FINITE, or DS_LU_SINGULAR: a pivot is 0, there are no factors. A itself is
 * there in any case. */
int ds_ilu_factor(ds_ilu *s, const ds_shifted *a);

/* y = A x */
void ds_ilu_product(const ds_ilu *s, const double *x, double *y);

/* x becomes (L U)^-1 x */
void ds_ilu_solve(const ds_ilu *s, double *x);

#endif
