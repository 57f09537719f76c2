/* ens_call.h - evaluations, for an instance of DS_LANES lanes. */
#include "include/ds_root.h"
#define DS_ROOT(x, k) ds_root(x, k)

/* What an evaluation needs, and what it leaves. */
typedef struct {
    V t;
    const ds_ens *ens;
    const V *q;
    int64_t trapped; /* lanes that a kernel gave up on, in all calls since it was set to 0 */
} ds_ens_call;

static inline void ds_ens_evaluate(ds_ens_call *call, const ds_ens_function *function, V t,
                                   const V *y, V *out) {
    call->t = t;
    call->trapped |= function->kernel((const double *)&call->t, (const double *)y, (double *)out,
                                      function->params, (const double *)call->q);
}

DS_FN int ds_ens_derivative(ds_ens_call *call, V t, const V *y, V *out) {
    ds_ens_evaluate(call, &call->ens->fun, t, y, out);
    return 0;
}

/* ... of the Jacobian, and of the derivative by time. */
DS_FN int ds_ens_jacobian(ds_ens_call *call, V t, const V *y, V *J, V *f_t) {
    const ds_ens *ens = call->ens;
    ds_ens_evaluate(call, &ens->jac, t, y, J);
    if (ens->dfdt.kernel)
        ds_ens_evaluate(call, &ens->dfdt, t, y, f_t);
    else
        for (int64_t i = 0; i < ens->n; ++i) f_t[i] = DS_C(0);
    return 0;
}
