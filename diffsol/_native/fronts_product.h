/* fronts_product.h - C -= A B for the dense blocks of fronts.
 *
 * As Goto & van de Geijn do it (ACM TOMS 34 (2008) 12): slices of A and B are copied to lie as the
 * innermost loop reads them, and that loop keeps a tile of C in registers. A complex product is a
 * real one of twice the depth:
 *     re C -= [re A, im A] [re B; -im B],   im C -= [re A, im A] [im B; re B].
 * Included by each instance of inst_fronts.h, which says for which instruction set. */
#include "fronts.h"
#include "include/ds_lane.h"

#ifndef DS_BLOCK_TYPE
#define DS_BLOCK_TYPE
/* Entry (i, j) at re[i * row + j * column], its imaginary part `plane` further. */
typedef struct {
    double *re;
    int64_t plane, row, column;
} ds_block;
#endif

#ifdef DS_FRONTS_AVX2
/* Vectors named as such: gcc makes half the speed of the plain loops below. */
typedef double FRONTS(four) __attribute__((vector_size(32), aligned(8), may_alias));

DS_FN void FRONTS(tile_sum)(double sum[DS_TILE_COLUMNS][DS_TILE_ROWS], const double *a,
                            const double *b, int64_t depth) {
    FRONTS(four) low[DS_TILE_COLUMNS] = {{0}}, high[DS_TILE_COLUMNS] = {{0}};
    for (int64_t k = 0; k < depth; ++k) {
        const FRONTS(four) *column = (const FRONTS(four) *)(a + k * DS_TILE_ROWS);
        for (int j = 0; j < DS_TILE_COLUMNS; ++j) {
            low[j] += column[0] * b[k * DS_TILE_COLUMNS + j];
            high[j] += column[1] * b[k * DS_TILE_COLUMNS + j];
        }
    }
    for (int j = 0; j < DS_TILE_COLUMNS; ++j) {
        *(FRONTS(four) *)sum[j] = low[j];
        *(FRONTS(four) *)(sum[j] + 4) = high[j];
    }
}
#else
DS_FN void FRONTS(tile_sum)(double sum[DS_TILE_COLUMNS][DS_TILE_ROWS], const double *a,
                            const double *b, int64_t depth) {
    for (int j = 0; j < DS_TILE_COLUMNS; ++j)
        for (int i = 0; i < DS_TILE_ROWS; ++i) sum[j][i] = 0;
    for (int64_t k = 0; k < depth; ++k)
        for (int j = 0; j < DS_TILE_COLUMNS; ++j)
            for (int i = 0; i < DS_TILE_ROWS; ++i)
                sum[j][i] += a[k * DS_TILE_ROWS + i] * b[k * DS_TILE_COLUMNS + j];
}
#endif

/* Rows x columns of a tile of C. */
DS_FN void FRONTS(tile)(double *c, int64_t row, int64_t column, int64_t rows, int64_t columns,
                        const double *a, const double *b, int64_t depth) {
    double sum[DS_TILE_COLUMNS][DS_TILE_ROWS];
    FRONTS(tile_sum)(sum, a, b, depth);
    if (rows == DS_TILE_ROWS && columns == DS_TILE_COLUMNS && row == 1) {
        for (int j = 0; j < DS_TILE_COLUMNS; ++j)
            for (int i = 0; i < DS_TILE_ROWS; ++i) c[i + j * column] -= sum[j][i];
        return;
    }
    for (int64_t j = 0; j < columns; ++j)
        for (int64_t i = 0; i < rows; ++i) c[i * row + j * column] -= sum[j][i];
}

/* `count` (at most `width`) lines of a block beside each other, filled up with zeros. */
DS_FN void FRONTS(copy)(double *DS_RESTRICT out, int width, const double *from, int64_t across,
                        int64_t along, int64_t count, int64_t depth, double sign) {
    if (count == width && across == 1) {
        for (int64_t k = 0; k < depth; ++k)
            for (int i = 0; i < width; ++i) out[k * width + i] = sign * from[i + k * along];
        return;
    }
    for (int64_t k = 0; k < depth; ++k)
        for (int i = 0; i < width; ++i)
            out[k * width + i] = i < count ? sign * from[i * across + k * along] : 0;
}

/* C -= A B for at most DS_DEPTH columns of A. */
DS_FN void FRONTS(product_slice)(ds_block c, ds_block a, ds_block b, int64_t m, int64_t n,
                                 int64_t depth, int is_complex, double *scratch) {
    const int64_t all = is_complex ? 2 * depth : depth; /* rows of the real product */
    double *slice = scratch, *for_re = slice + 2 * DS_TILE_ROWS * DS_DEPTH;
    double *for_im = for_re + (n + DS_TILE_COLUMNS) * all;
    for (int64_t j = 0; j < n; j += DS_TILE_COLUMNS) {
        const double *re = b.re + j * b.column;
        const int64_t count = n - j < DS_TILE_COLUMNS ? n - j : DS_TILE_COLUMNS;
        const int64_t at = j * all, half = at + DS_TILE_COLUMNS * depth;
        FRONTS(copy)(for_re + at, DS_TILE_COLUMNS, re, b.column, b.row, count, depth, 1);
        if (!is_complex) continue;
        const double *im = re + b.plane;
        FRONTS(copy)(for_re + half, DS_TILE_COLUMNS, im, b.column, b.row, count, depth, -1);
        FRONTS(copy)(for_im + at, DS_TILE_COLUMNS, im, b.column, b.row, count, depth, 1);
        FRONTS(copy)(for_im + half, DS_TILE_COLUMNS, re, b.column, b.row, count, depth, 1);
    }
    for (int64_t i = 0; i < m; i += DS_TILE_ROWS) {
        const double *re = a.re + i * a.row;
        const int64_t rows = m - i < DS_TILE_ROWS ? m - i : DS_TILE_ROWS;
        FRONTS(copy)(slice, DS_TILE_ROWS, re, a.row, a.column, rows, depth, 1);
        if (is_complex)
            FRONTS(copy)(slice + DS_TILE_ROWS * depth, DS_TILE_ROWS, re + a.plane, a.row, a.column,
                         rows, depth, 1);
        for (int64_t j = 0; j < n; j += DS_TILE_COLUMNS) {
            const int64_t columns = n - j < DS_TILE_COLUMNS ? n - j : DS_TILE_COLUMNS;
            double *to = c.re + i * c.row + j * c.column;
            FRONTS(tile)(to, c.row, c.column, rows, columns, slice, for_re + j * all, all);
            if (is_complex)
                FRONTS(tile)(to + c.plane, c.row, c.column, rows, columns, slice, for_im + j * all,
                             all);
        }
    }
}

static ds_block FRONTS(part)(ds_block x, int64_t i, int64_t j) {
    x.re += i * x.row + j * x.column;
    return x;
}

/* C -= A B: m x n, `depth` columns of A. */
DS_FN void FRONTS(product)(ds_block c, ds_block a, ds_block b, int64_t m, int64_t n, int64_t depth,
                           int is_complex, double *scratch) {
    for (int64_t k = 0; k < depth; k += DS_DEPTH)
        FRONTS(product_slice)(c, FRONTS(part)(a, 0, k), FRONTS(part)(b, k, 0), m, n,
                              depth - k < DS_DEPTH ? depth - k : DS_DEPTH, is_complex, scratch);
}
