/* fronts.h - the multifrontal method (Duff & Reid, ACM TOMS 9 (1983) 302-325; Liu, SIAM Review 34
 * (1992) 82-109) for sparse A on the symmetric pattern of A + A^T.
 *
 * Columns with (nearly) one pattern are one front: a dense matrix of `pivots` rows and columns
 * that are eliminated in it and `below` rows and columns that receive what this leaves behind,
 *
 *     | F11  F12 |      F11 = L11 U11, with row exchanges inside F11
 *     | F21  F22 |      F22 becomes F22 - L21 U12, and is added to the parent's front.
 *
 * The order and all indices are found once (ds_fronts_new); each factorisation is dense work. */
#ifndef DS_FRONTS_H
#define DS_FRONTS_H
#include "linear_inside.h"
#include "order.h"

typedef struct {
    int32_t first, pivots; /* positions first .. first + pivots - 1 are eliminated here */
    int32_t below;         /* rows that stay */
    int32_t depth;         /* of the front in the tree, from its root */
    int32_t parent;        /* fronts, or -1 */
    int32_t child, sibling;
    int64_t rows;          /* where its `below` positions begin in rows[], relative[] */
    int64_t entries;       /* where its entries of J begin in from[], to[] */
    int64_t values;        /* its place in values[], a plane of panel and transposed U12 */
    int64_t rest;          /* its F22's place in one of the two stacks */
} ds_front;

typedef struct {
    int64_t n;
    int is_complex;
    int64_t count;      /* fronts, children before parents */
    ds_front *fronts;   /* count + 1: the last one ends the lists of the others */
    int32_t *order;     /* position k holds unknown order[k] */
    int32_t *rows;      /* positions, ascending in each front */
    int32_t *relative;  /* the same rows as indices into the parent's front */
    int64_t *from;      /* entries of J ... */
    int64_t *to;        /* ... and where in the front's values they go */
    int64_t most_below; /* over all fronts */
    int64_t most_pivots;

    /* Numbers. A complex front has one plane of real parts and one of imaginary parts, so that
     * both kinds are the same dense work on doubles. Per front: the panel F11 over F21, pivots
     * columns of pivots + below rows; then F12 transposed, pivots columns of below rows. */
    double *values;
    int64_t size;         /* doubles in values */
    int32_t *exchanged;   /* by position: exchanged with which row of F11 */
    double *stack[2];     /* F22s of fronts at even and at odd depth */
    double *packed;       /* for products, see fronts_product.h */
    double *x, *gathered; /* solve: the right-hand side in order, and the rows of one front */
} ds_fronts;

/* Analysis and memory for A with this pattern in this order (NULL: as it is), or NULL. */
ds_fronts *ds_fronts_new(const ds_pattern *pattern, int is_complex, const int64_t *order);
void ds_fronts_free(ds_fronts *f);

/* DS_LU_OK, DS_LU_NOT_FINITE, or DS_FRONTS_BAD_PIVOT. */
enum { DS_FRONTS_BAD_PIVOT = -1 };
int ds_fronts_factor(ds_fronts *f, const ds_shifted *a);
void ds_fronts_solve(ds_fronts *f, double *b);

/* For products of blocks (fronts_product.h). 8 x 4 doubles are eight AVX registers: enough
 * independent sums to hide the latency of multiply-add on two units. The slice of the left factor,
 * 8 x 2 DEPTH doubles, stays in the L1 cache. */
enum { DS_TILE_ROWS = 8, DS_TILE_COLUMNS = 4, DS_DEPTH = 128 };

/* Doubles of scratch memory for products of up to `columns` columns. */
static inline int64_t ds_product_room(int64_t columns, int is_complex) {
    const int64_t at_least = columns > DS_TILE_ROWS ? columns : DS_TILE_ROWS;
    const int64_t copies = is_complex ? 4 : 1; /* of the right factor: twice the depth, twice */
    return ((at_least + DS_TILE_COLUMNS) * copies + 2 * DS_TILE_ROWS) * DS_DEPTH;
}

#endif
