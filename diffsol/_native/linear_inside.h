/* linear_inside.h - inside of the linear algebra: what linear.c and the kinds of factors share. */
#ifndef DS_LINEAR_INSIDE_H
#define DS_LINEAR_INSIDE_H
#include "linear.h"
#include <string.h>

/* What every kind of factors begins with. */
struct ds_lu {
    int (*factor)(ds_lu *lu, double alpha_re, double alpha_im, double beta, const double *jac);
    void (*solve)(ds_lu *lu, double *b);
    void (*solve_within)(ds_lu *lu, double *b, double tol); /* NULL: as exactly as ever */
    void (*free)(ds_lu *lu); /* all of it, the struct too */
    int64_t n;
    int64_t size;  /* ds_lu_size */
    int64_t pivot; /* ds_lu_pivot */
    double *scale; /* ds_lu_scale */
    int jac_complex, is_complex;
};

/* Each: factors in memory, with the functions above set, or NULL. */
ds_lu *ds_lu_dense_new(const ds_pattern *pattern, int is_complex, const ds_lu_plan *plan);
ds_lu *ds_lu_banded_new(const ds_pattern *pattern, int is_complex, const ds_lu_plan *plan);
ds_lu *ds_lu_sparse_new(const ds_pattern *pattern, int is_complex, const ds_lu_plan *plan);
ds_lu *ds_lu_iterative_new(const ds_pattern *pattern, int is_complex, const ds_lu_plan *plan);

/* Memory for count items, never NULL for none of them. */
void *ds_lu_memory(int64_t count, size_t item);

/* A copy of count indices; NULL when memory is short. */
int64_t *ds_lu_copy(const int64_t *indices, int64_t count);

/* Sum of x y in four strands, which the processor runs side by side. */
static inline double ds_lu_dot(const double *x, const double *y, int64_t count) {
    double sum[4] = {0};
    int64_t i = 0;
    for (; i + 4 <= count; i += 4)
        for (int k = 0; k < 4; ++k) sum[k] += x[i + k] * y[i + k];
    for (; i < count; ++i) sum[0] += x[i] * y[i];
    return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

/* position[order[k]] = k; NULL when `order` is no permutation of 0..n-1 or memory is short. No
 * order: the identity. */
int64_t *ds_lu_positions(int64_t n, const int64_t *order);

/* A = alpha I - beta J, as ds_lu_factor was given it; alpha_im is 0 where A is real. */
typedef struct {
    int jac_complex;
    double alpha_re, alpha_im, beta;
    const double *jac;
} ds_shifted;

/* Where the entries of J go in an array that A is stored in. */
typedef struct {
    int64_t count;     /* values of J */
    const int64_t *to; /* where each one goes; NULL: straight through */
    int64_t room;      /* entries of the array that are A's */
    int64_t n, diagonal, diagonal_step;
} ds_lu_places;

/* Are all the bits of an exponent set? Then the sign bit of this is, and a sum of inf or nan with
 * something else needs no thought: integers vectorise where a sum of doubles may not. */
static inline uint64_t ds_not_finite_bits(double x) {
    const uint64_t exponent = UINT64_C(0x7ff0000000000000), one = UINT64_C(0x0010000000000000);
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (bits & exponent) + one;
}
static inline int ds_not_finite(uint64_t bits) { return bits >> 63 != 0; }

/* The array of A = alpha I - beta J from J's values; DS_LU_OK or DS_LU_NOT_FINITE. */
int ds_lu_assemble(const ds_lu *lu, const ds_lu_places *places, double alpha_re, double alpha_im,
                   double beta, const double *jac, double *a);

#endif
