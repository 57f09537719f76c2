/* dense.c - interpolants evaluated: one by the solver, many by the caller. */
#include "ivp.h"
#include <string.h>

void ds_interpolate(const ds_ivp *ivp, const double *q, double t, double *y) {
    const ds_solver *solver = (const ds_solver *)ivp;
    if (ivp->t == ivp->t_old) {
        memcpy(y, ivp->y, solver->width * sizeof(double));
        return;
    }
    solver->method->evaluate(ivp->n, ivp->t_old, ivp->t - ivp->t_old, ivp->y_old, q, t, y,
                             ivp->is_complex ? 2 : 1);
}

static void copy_constant(int64_t n, int parts, const double *y, double *out, int64_t stride) {
    for (int64_t j = 0; j < n; ++j)
        for (int part = 0; part < parts; ++part) out[j * stride + part] = y[parts * j + part];
}

void ds_dense_eval(int method_id, int64_t n, int is_complex, const double *seg_t_old,
                   const double *seg_t, const double *y_old, const double *q,
                   const int64_t *seg_at, int64_t nt, const double *t, const int64_t *seg_index,
                   double *out) {
    const ds_method *method = ds_find_method(method_id, is_complex);
    const int parts = is_complex ? 2 : 1;
    const int64_t width = n * parts;
    for (int64_t k = 0; k < nt; ++k) {
        const int64_t s = seg_index[k];
        const double h = seg_t[s] - seg_t_old[s];
        const double *y_s = y_old + s * width, *q_s = q + seg_at[s];
        if (h == 0)
            copy_constant(n, parts, y_s, out + parts * k, parts * nt);
        else
            method->evaluate(n, seg_t_old[s], h, y_s, q_s, t[k], out + parts * k, parts * nt);
    }
}
