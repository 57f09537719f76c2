/* The mathematical functions that compiled kernels call, by name.
 *
 * Kernels are compiled at run time and find these addresses through ds_math_name/ds_math_address,
 * so that they work on every platform whatever its C library exports. Real functions take and
 * return doubles; complex ones take parts and write (re, im) to their last argument. All are pure,
 * apart from the floating-point flags, which say what NumPy would warn about.
 */
#ifndef DS_MATHLIB_H
#define DS_MATHLIB_H

int ds_math_count(void);                     /* how many functions there are */
const char *ds_math_name(int i);             /* name of function i, as kernels write it */
void *ds_math_address(int i);                /* its address */

#endif
