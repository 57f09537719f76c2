/* differences.h - Jacobians by finite differences, as SciPy's num_jac makes them. */
#ifndef DS_DIFFERENCES_H
#define DS_DIFFERENCES_H
#include "ivp.h"

/* What is kept from one Jacobian to the next (step sizes), and memory. NULL: none left. */
ds_differences *ds_differences_new(const ds_ivp *ivp);
void ds_differences_free(ds_differences *d);

/* J(t, y) into ivp->jac_values. f: the derivative there, or NULL: it is evaluated, and not
 * counted. 0 or an error. */
int ds_differences_jacobian(ds_ivp *ivp, ds_differences *d, int flags, double t, double *y,
                            const double *f);

#endif
