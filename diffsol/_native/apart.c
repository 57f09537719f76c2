/* apart.c - a second Jacobian, with factors, for sensitivity columns that do not converge with y's. Theirs
 * is from where y has got to. y's own are left as they are: its next steps must not depend on whether
 * anybody asked for columns. */
#include "ivp.h"
#include "linear_inside.h"
#include <stdlib.h>

int ds_apart_plan(ds_ivp *ivp, const ds_lu_plan *plan) {
    ds_lu_plan *kept = &ds_inside(ivp)->apart.plan;
    *kept = *plan;
    if (!plan->order) return 0;
    int64_t *order = ds_lu_copy(plan->order, ivp->jac_pattern.n);
    kept->order = order;
    return order ? 0 : DS_NO_MEMORY;
}

#define SWAP(type, a, b)      \
    do {                      \
        type const kept = a;  \
        a = b;                \
        b = kept;             \
    } while (0)

static void swap(ds_ivp *ivp) {
    ds_solver *solver = ds_inside(ivp);
    ds_apart *apart = &solver->apart;
    SWAP(double *, ivp->jac_values, apart->jac_values);
    SWAP(ds_lu *, solver->lu, apart->lu);
    SWAP(ds_lu *, solver->lu_complex, apart->lu_complex);
    SWAP(int, solver->lu_broken, apart->lu_broken);
    SWAP(ds_differences *, solver->differences, apart->differences);
}

void ds_apart_free(ds_ivp *ivp) {
    ds_apart *apart = &ds_inside(ivp)->apart;
    swap(ivp);
    ds_free_factors(ivp);
    swap(ivp);
    free((void *)apart->plan.order);
    apart->plan.order = NULL;
}

int ds_apart_begin(ds_ivp *ivp) {
    ds_apart *apart = &ds_inside(ivp)->apart;
    apart->nfev = ivp->nfev;
    apart->njev = ivp->njev;
    apart->nlu = ivp->nlu;
    swap(ivp);
    return ivp->jac_values ? 0 : ds_make_factors(ivp, &apart->plan);
}

int ds_apart_end(ds_ivp *ivp) {
    const ds_apart *apart = &ds_inside(ivp)->apart;
    ivp->columns_nlu += ivp->nlu - apart->nlu;
    ivp->nfev = apart->nfev;
    ivp->njev = apart->njev;
    ivp->nlu = apart->nlu;
    swap(ivp);
    if (ivp->jac_values) return 1;
    swap(ivp); /* a user's Jacobian has changed its pattern: there is one now, which is y's */
    return 0;
}
