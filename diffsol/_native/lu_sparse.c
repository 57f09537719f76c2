#include "linear_inside.h"
#include "fronts.h"
#include <stdlib.h>
typedef struct { ds_lu lu; ds_fronts*f; } sparse;
static void sfree(ds_lu*lu){ ds_fronts_free(((sparse*)lu)->f); free(lu);}
static int sfactor(ds_lu*lu,double ar,double ai,double b,const double*jac){ return ds_fronts_factor(((sparse*)lu)->f,lu->jac_complex,ar,ai,b,jac);}
static void ssolve(ds_lu*lu,double*b){ ds_fronts_solve(((sparse*)lu)->f,b);}
ds_lu *ds_lu_sparse_new(const ds_pattern *pattern, int is_complex, const ds_lu_plan *plan) {
    sparse*s=calloc(1,sizeof*s); s->f=ds_fronts_new(pattern,is_complex,plan->order);
    if(!s->f) return NULL;
    s->lu.factor=sfactor; s->lu.solve=ssolve; s->lu.free=sfree; s->lu.size=s->f->size; return &s->lu;
}
