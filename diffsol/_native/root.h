/* root.h - a zero of a function of one variable between two points of different sign. */
#ifndef DS_ROOT_H
#define DS_ROOT_H
#include "api.h"
#include "include/ds_brent.h"

/* Brent's method with the decisions of scipy.optimize.brentq(f, a, b, xtol=4 eps, rtol=4 eps,
 * maxiter=100): the same points in the same order. 0, DS_BRACKET, DS_ROOT_ITER, or what f
 * stopped with. R. P. Brent, Algorithms for Minimization Without Derivatives (1973), chapter 4. */
int ds_find_root(ds_root_function f, void *context, double a, double b, double *root);

#endif
