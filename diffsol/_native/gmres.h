/* gmres.h - GMRES for A x = b with the incomplete factors of ilu.h on its left (Saad & Schultz,
 * SIAM J. Sci. Stat. Comput. 7 (1986) 856-869), in the norm in which the solution is wanted:
 * Brown & Hindmarsh, J. Appl. Math. Comp. 31 (1989) 40-91. */
#ifndef DS_GMRES_H
#define DS_GMRES_H
#include "ilu.h"

/* Iterations at most. So many basis vectors are kept: a system that needs more is one for direct
 * factors. */
enum { DS_GMRES_MOST = 20 };

typedef struct {
    int64_t n;
    double *basis; /* DS_GMRES_MOST + 1 vectors, orthonormal */
    double *x;     /* a vector on its way */
} ds_gmres;

/* Room for n unknowns; 0 or DS_LU_NO_MEMORY. */
int ds_gmres_make(ds_gmres *s, int64_t n);
void ds_gmres_free(ds_gmres *s);

/* b becomes x, solved until what is left of the preconditioned residual is `tol` or less, and less
 * than a tenth of what it was, as root mean square of r[i] / scale[i]. Adds to *iterations. True,
 * or b is as it was. */
int ds_gmres_solve(ds_gmres *s, const ds_ilu *ilu, double *b, const double *scale, double tol,
                   int64_t *iterations);

#endif
