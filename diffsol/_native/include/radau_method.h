/* radau_method.h - coefficients of Radau IIA, and what a solve by it keeps. References in step_radau.h. */
#ifndef DS_RADAU_METHOD_H
#define DS_RADAU_METHOD_H
#include "ds_lane.h"

#define DS_RADAU_ITERATIONS 6
#define DS_RADAU_STAGES 3
#define DS_RADAU_DENSE_COUNT 3
/* Rows of n numbers (see ds_radau). */
#define DS_RADAU_ROWS 18

#define DS_S6 2.449489742783178 /* sqrt(6) */

/* Nodes, weights of the error estimate, eigenvalues of A^-1 (1 / gamma, and alpha - i beta). */
static const R ds_radau_c[3] = {(4 - DS_S6) / 10, (4 + DS_S6) / 10, 1};
static const R ds_radau_e[3] = {(-13 - 7 * DS_S6) / 3, (-13 + 7 * DS_S6) / 3, -1.0 / 3};
#define DS_RADAU_MU_REAL 3.637834252744496
#define DS_RADAU_MU_RE 2.6810828736277523
#define DS_RADAU_MU_IM (-3.050430199247411)

/* T brings A^-1 to block diagonal form (Hairer and Wanner, IV.8, p. 121; digits as in RADAU5). */
static const R ds_radau_T[3][3] = {
    {0.09443876248897524, -0.14125529502095421, 0.03002919410514742},
    {0.25021312296533332, 0.20412935229379994, -0.38294211275726192},
    {1, 1, 0}};
static const R ds_radau_TI[3][3] = {
    {4.17871859155190428, 0.32768282076106237, 0.52337644549944951},
    {-4.17871859155190428, -0.32768282076106237, 0.47662355450055044},
    {0.50287263494578682, -2.57192694985560522, 0.59603920482822492}};

/* The collocation polynomial through 0, Z: coefficients of x, x^2, x^3 from Z. */
static const R ds_radau_p[3][3] = {
    {13.0 / 3 + 7 * DS_S6 / 3, -23.0 / 3 - 22 * DS_S6 / 3, 10.0 / 3 + 5 * DS_S6},
    {13.0 / 3 - 7 * DS_S6 / 3, -23.0 / 3 + 22 * DS_S6 / 3, 10.0 / 3 - 5 * DS_S6},
    {1.0 / 3, -8.0 / 3, 10.0 / 3}};

/* One solve. Sizes that are not known are negative. */
typedef struct {
    R newton_tol;
    int constant_jacobian; /* J never changes */

    R t, h_abs;                      /* h_abs: to be tried next */
    R h_abs_before, error_norm_before; /* of the last step, for the step size control */
    R t_old, h_old;                  /* start and length of the last step, whose polynomial Q holds */
    int has_polynomial;

    /* What the context's J and factors are good for. */
    int current_jacobian, have_factors;

    /* The attempt on its way. */
    int retry;              /* not the first attempt at this step */
    int rejected;           /* an earlier one was, for its error */
    R h_try;                /* size to be tried, unsigned */
    R h_before, norm_before; /* h_abs_before and error_norm_before, unless a limit was met */
    R h, t_new;             /* tried, signed, and its end */
    int clipped, failed, accepted;
    R columns_rate;         /* of convergence of the columns with these factors; negative: not known */

    /* Rows of memory: the derivative at t; Z, W and F with 3 rows each; Q with 3 numbers for each
     * component; right-hand sides, the complex one of 2 rows; Z E / h; a state. */
    R *f, *Z, *W, *F, *Q, *b, *b_complex, *ze, *w;
} ds_radau;

#endif
