/* call.c - a kernel called by itself: for callers that are not a solver, and for solvers without Python. */
#include "api.h"
#include "fpflags.h"

int ds_kernel_call(ds_kernel kernel, const double *p, double t, const double *y, double *out) {
    if (ds_flags_raised()) ds_flags_clear();
    const int asked = kernel(t, y, out, p) || ds_flags_raised();
    if (asked) ds_flags_clear();
    return asked;
}

int64_t ds_kernel_many(ds_kernel kernel, const double *p, int64_t count, const double *t, const double *y,
                       int64_t y_width, double *out, int64_t out_width) {
    for (int64_t i = 0; i < count; ++i)
        if (ds_kernel_call(kernel, p, t[i], y + i * y_width, out + i * out_width)) return i;
    return count;
}

int ds_ask_nobody(void *handle, int which, int flags, double t, double *y, double *out) {
    (void)handle, (void)which, (void)flags, (void)t, (void)y, (void)out;
    return 1;
}
