/* inst_fronts.h - the dense work of fronts.h, for one instruction set. The includer defines
 * FRONTS(name), and DS_FRONTS_AVX2 where it may be used. `is_complex` is a constant wherever
 * these functions are inlined. */
#include "fronts_product.h"

/* y -= factor x, `count` numbers in line. */
DS_FN void FRONTS(subtract)(double *DS_RESTRICT y, int64_t y_plane, const double *DS_RESTRICT x,
                            int64_t x_plane, double re, double im, int64_t count, int is_complex) {
    if (!is_complex) {
        for (int64_t i = 0; i < count; ++i) y[i] -= re * x[i];
        return;
    }
    for (int64_t i = 0; i < count; ++i) {
        y[i] -= re * x[i] - im * x[i + x_plane];
        y[i + y_plane] -= re * x[i + x_plane] + im * x[i];
    }
}

/* x *= factor. */
DS_FN void FRONTS(scale)(double *x, int64_t plane, double re, double im, int64_t count,
                         int is_complex) {
    for (int64_t i = 0; i < count; ++i) {
        const double x_re = x[i], x_im = is_complex ? x[i + plane] : 0;
        x[i] = is_complex ? re * x_re - im * x_im : re * x_re;
        if (is_complex) x[i + plane] = re * x_im + im * x_re;
    }
}

DS_FN void FRONTS(exchange)(double *x, int64_t plane, int64_t i, int64_t j, int is_complex) {
    const double re = x[i];
    x[i] = x[j];
    x[j] = re;
    if (is_complex) {
        const double im = x[plane + i];
        x[plane + i] = x[plane + j];
        x[plane + j] = im;
    }
}

/* Adds alpha I - beta J's entries to the zeros of a front; the bits of ds_not_finite_bits. */
DS_FN uint64_t FRONTS(add_entries)(const ds_shifted *a, const ds_fronts *f, const ds_front *front,
                                   double *values, int64_t plane, int is_complex) {
    uint64_t bits = 0;
    const int64_t end = front[1].entries;
    for (int64_t k = front->entries; k < end; ++k) {
        const double *entry = a->jac + (f->from[k] << a->jac_complex);
        const double re = -a->beta * entry[0];
        bits |= ds_not_finite_bits(re);
        values[f->to[k]] = re;
        if (is_complex && a->jac_complex) {
            const double im = -a->beta * entry[1];
            bits |= ds_not_finite_bits(im);
            values[f->to[k] + plane] = im;
        }
    }
    const int64_t m = front->pivots + front->below;
    for (int64_t k = 0; k < front->pivots; ++k) {
        values[k * (m + 1)] += a->alpha_re;
        bits |= ds_not_finite_bits(values[k * (m + 1)]);
        if (!is_complex) continue;
        values[k * (m + 1) + plane] += a->alpha_im;
        bits |= ds_not_finite_bits(values[k * (m + 1) + plane]);
    }
    return bits;
}

/* One plane of a child's F22 is added to its parent's front. inside: how many of its rows the
 * parent eliminates. */
DS_FN void FRONTS(add_plane)(const ds_front *parent, double *values, double *rest,
                             const int32_t *DS_RESTRICT to, int64_t below, int64_t inside,
                             const double *DS_RESTRICT from) {
    const int64_t m = parent->pivots + parent->below;
    double *u = values + m * parent->pivots;
    for (int64_t j = 0; j < inside; ++j, from += below) {
        double *column = values + to[j] * m;
        for (int64_t i = 0; i < below; ++i) column[to[i]] += from[i];
    }
    for (int64_t j = inside; j < below; ++j, from += below) {
        const int64_t at = to[j] - parent->pivots;
        for (int64_t i = 0; i < inside; ++i) u[at + (int64_t)to[i] * parent->below] += from[i];
        double *column = rest + at * parent->below - parent->pivots;
        for (int64_t i = inside; i < below; ++i) column[to[i]] += from[i];
    }
}

DS_FN void FRONTS(add_child)(const ds_fronts *f, const ds_front *child, const double *from,
                             double *values, int64_t plane, double *rest, int is_complex) {
    const ds_front *parent = &f->fronts[child->parent];
    const int64_t below = child->below, rest_plane = (int64_t)parent->below * parent->below;
    const int32_t *to = f->relative + child->rows;
    int64_t inside = 0;
    while (inside < below && to[inside] < parent->pivots) ++inside;
    FRONTS(add_plane)(parent, values, rest, to, below, inside, from);
    if (is_complex)
        FRONTS(add_plane)(parent, values + plane, rest + rest_plane, to, below, inside,
                          from + below * below);
}

/* Columns k0 .. k1 - 1 of the panel, up to date, become L and U. 0 when a pivot is bad: too small
 * beside its column, where only rows of F11 may be exchanged. */
DS_FN int FRONTS(factor_columns)(ds_block panel, ds_block u, int64_t m, int64_t pivots,
                                 int64_t below, int64_t k0, int64_t k1, int32_t *exchanged,
                                 int is_complex) {
    for (int64_t k = k0; k < k1; ++k) {
        double *column = panel.re + k * m, *im = column + panel.plane;
        int64_t best = k;
        double largest = 0, lower = 0;
        for (int64_t i = k; i < pivots; ++i) {
            const double size = fabs(column[i]) + (is_complex ? fabs(im[i]) : 0);
            if (size > largest) {
                largest = size;
                best = i;
            }
        }
        for (int64_t i = pivots; i < m; ++i) {
            const double size = fabs(column[i]) + (is_complex ? fabs(im[i]) : 0);
            lower = size > lower ? size : lower;
        }
        /* 0, nan or overflow, too */
        if (!(largest > 0 && largest <= DBL_MAX) || largest < PIVOT_THRESHOLD * lower) return 0;
        exchanged[k] = (int32_t)best;
        if (best != k) {
            for (int64_t j = 0; j < pivots; ++j)
                FRONTS(exchange)(panel.re + j * m, panel.plane, k, best, is_complex);
            for (int64_t j = 0; j < below; ++j)
                FRONTS(exchange)(u.re + j, u.plane, k * below, best * below, is_complex);
        }
        double re, part = 0;
        if (is_complex) {
            const ds_pair pivot = {column[k], im[k]}, inverse = ds_pair_inverse(pivot);
            re = inverse.re;
            part = im[k] = inverse.im;
        } else
            re = 1 / column[k];
        column[k] = re;
        FRONTS(scale)(column + k + 1, panel.plane, re, part, m - k - 1, is_complex);
        for (int64_t j = k + 1; j < k1; ++j) {
            double *other = panel.re + j * m;
            FRONTS(subtract)(other + k + 1, panel.plane, column + k + 1, panel.plane, other[k],
                             is_complex ? other[k + panel.plane] : 0, m - k - 1, is_complex);
        }
    }
    return 1;
}

/* Rows k0 .. k1 - 1 of columns j0 .. j1 - 1 of the panel, less the rows above, become U. */
DS_FN void FRONTS(solve_rows)(ds_block panel, int64_t m, int64_t k0, int64_t k1, int64_t j0,
                              int64_t j1, int is_complex) {
    for (int64_t j = j0; j < j1; ++j) {
        double *column = panel.re + j * m;
        for (int64_t k = k0; k < k1; ++k)
            FRONTS(subtract)(column + k + 1, panel.plane, panel.re + k * m + k + 1, panel.plane,
                             column[k], is_complex ? column[k + panel.plane] : 0, k1 - k - 1,
                             is_complex);
    }
}

/* Brings columns k0 .. k1 - 1 of the panel up to date with those before. */
DS_FN void FRONTS(update_columns)(ds_block panel, int64_t m, int64_t k0, int64_t k1, int is_complex,
                                  double *scratch) {
    for (int64_t k = 0; k < k0; k += BLOCK) {
        if (k)
            FRONTS(product)(FRONTS(part)(panel, k, k0), FRONTS(part)(panel, k, 0),
                            FRONTS(part)(panel, 0, k0), BLOCK, k1 - k0, k, is_complex, scratch);
        FRONTS(solve_rows)(panel, m, k, k + BLOCK, k0, k1, is_complex);
    }
    if (k0)
        FRONTS(product)(FRONTS(part)(panel, k0, k0), FRONTS(part)(panel, k0, 0),
                        FRONTS(part)(panel, 0, k0), m - k0, k1 - k0, k0, is_complex, scratch);
}

/* Columns of F12 transposed, u, become those of U12: U12' = F12' L11'^-1. */
DS_FN void FRONTS(solve_u)(ds_block panel, ds_block u, int64_t m, int64_t pivots, int64_t below,
                           int is_complex, double *scratch) {
    ds_block transposed = panel;
    transposed.row = panel.column;
    transposed.column = panel.row;
    for (int64_t k0 = 0; k0 < pivots; k0 += BLOCK) {
        const int64_t k1 = k0 + BLOCK < pivots ? k0 + BLOCK : pivots;
        if (k0)
            FRONTS(product)(FRONTS(part)(u, 0, k0), u, FRONTS(part)(transposed, 0, k0), below,
                            k1 - k0, k0, is_complex, scratch);
        for (int64_t k = k0; k < k1; ++k)
            for (int64_t j = k0; j < k; ++j) {
                const double *l = panel.re + k + j * m;
                FRONTS(subtract)(u.re + k * below, u.plane, u.re + j * below, u.plane, l[0],
                                 is_complex ? l[panel.plane] : 0, below, is_complex);
            }
    }
}

/* F22 -= L21 U12. */
DS_FN void FRONTS(update_rest)(ds_block panel, ds_block u, double *rest, int64_t pivots,
                               int64_t below, int is_complex, double *scratch) {
    const ds_block c = {rest, below * below, 1, below}, l = FRONTS(part)(panel, pivots, 0);
    if (pivots < LEAST_PRODUCT || below < LEAST_PRODUCT) {
        for (int64_t j = 0; j < below; ++j)
            for (int64_t k = 0; k < pivots; ++k) {
                const double *factor = u.re + j + k * below;
                FRONTS(subtract)(rest + j * below, c.plane, l.re + k * l.column, l.plane, factor[0],
                                 is_complex ? factor[u.plane] : 0, below, is_complex);
            }
        return;
    }
    const ds_block b = {u.re, u.plane, u.column, 1};
    FRONTS(product)(c, l, b, below, below, pivots, is_complex, scratch);
}

/* All of one front whose values and rest are assembled. */
DS_FN int FRONTS(eliminate)(const ds_fronts *f, const ds_front *front, double *values,
                            int64_t plane, double *rest, int is_complex) {
    const int64_t pivots = front->pivots, below = front->below, m = pivots + below;
    const ds_block panel = {values, plane, 1, m}, u = {values + m * pivots, plane, 1, below};
    for (int64_t k0 = 0; k0 < pivots; k0 += BLOCK) {
        const int64_t k1 = k0 + BLOCK < pivots ? k0 + BLOCK : pivots;
        FRONTS(update_columns)(panel, m, k0, k1, is_complex, f->packed);
        if (!FRONTS(factor_columns)(panel, u, m, pivots, below, k0, k1,
                                    f->exchanged + front->first, is_complex))
            return 0;
    }
    FRONTS(solve_u)(panel, u, m, pivots, below, is_complex, f->packed);
    FRONTS(update_rest)(panel, u, rest, pivots, below, is_complex, f->packed);
    return 1;
}

/* All fronts; children come just before their parent, the last one first on the list. */
DS_FN int FRONTS(factor_all)(ds_fronts *f, const ds_shifted *a, int is_complex) {
    uint64_t bits = 0;
    for (int64_t s = 0; s < f->count; ++s) {
        const ds_front *front = &f->fronts[s];
        const int64_t pivots = front->pivots, below = front->below;
        const int64_t plane = pivots * (pivots + 2 * below), parts = 1 + is_complex;
        double *values = f->values + front->values;
        double *rest = f->stack[front->depth & 1] + front->rest;
        memset(values, 0, sizeof *values * (size_t)(plane * parts));
        memset(rest, 0, sizeof *rest * (size_t)(below * below * parts));
        bits |= FRONTS(add_entries)(a, f, front, values, plane, is_complex);
        for (int32_t c = front->child; c >= 0; c = f->fronts[c].sibling)
            FRONTS(add_child)(f, &f->fronts[c],
                              f->stack[!(front->depth & 1)] + f->fronts[c].rest, values, plane,
                              rest, is_complex);
        if (ds_not_finite(bits)) return DS_LU_NOT_FINITE;
        if (!FRONTS(eliminate)(f, front, values, plane, rest, is_complex))
            return DS_FRONTS_BAD_PIVOT;
    }
    return DS_LU_OK;
}

/* Real and complex, chosen once. */
static int FRONTS(factor)(ds_fronts *f, const ds_shifted *a) {
    return f->is_complex ? FRONTS(factor_all)(f, a, 1) : FRONTS(factor_all)(f, a, 0);
}
