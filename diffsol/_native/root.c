/* root.c - see root.h. */
#include "root.h"

int ds_find_root(ds_root_function f, void *context, double a, double b, double *root) {
    return ds_brent(f, context, a, b, root);
}
