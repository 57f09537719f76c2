/* c_function.c - right-hand sides that users bring as C functions, as kernels. */
#include "api.h"

int ds_c_function_kernel(double t, const double *y, double *out, const double *p) {
    const ds_c_function *f = (const void *)p;
    double *state = (double *)(uintptr_t)y; /* theirs takes no const */
    if (f->returns_int) return ((int (*)(double, double *, double *, void *))f->address)(t, state, out, f->data);
    ((void (*)(double, double *, double *, void *))f->address)(t, state, out, f->data);
    return 0;
}
