/* by_kernel.h - one evaluation by a compiled function, where that may stand for Python's. */
#ifndef DS_BY_KERNEL_H
#define DS_BY_KERNEL_H
#include "api.h"
#include "fpflags.h"

/* The kernel, unless it asks for Python or raises a floating-point flag. True when it has
 * answered. A flag may have been raised by the arithmetic around: a second call tells. */
static inline int by_kernel(const ds_function *function, double t, const double *y, double *out) {
    if (!function->kernel) return 0;
    for (int attempt = 0; attempt < 2; ++attempt) {
        if (function->kernel(t, y, out, function->params)) break;
        if (!ds_flags_raised()) return 1;
        ds_flags_clear();
    }
    if (ds_flags_raised()) ds_flags_clear();
    return 0;
}

#endif
