/* call.c - a kernel called by itself, for callers that are not a solver. */
#include "api.h"
#include "fpflags.h"

int ds_kernel_call(ds_kernel kernel, const double *p, double t, const double *y, double *out) {
    if (ds_flags_raised()) ds_flags_clear();
    const int asked = kernel(t, y, out, p) || ds_flags_raised();
    if (asked) ds_flags_clear();
    return asked;
}
