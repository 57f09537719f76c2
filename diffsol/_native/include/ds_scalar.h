/* ds_scalar.h - the arithmetic of LU factors, for real and for complex matrices.
 *
 * Read before each instance of a template (lu_small.h and its like) with DS_COMPLEX set:
 *   S                       a number: R, or a ds_pair
 *   S_SIZE(a)               what pivots are chosen by, LAPACK's way: |a|, or |re| + |im| (izamax)
 *   S_TIMES(a, b)           a b
 *   S_LESS(c, a, b)         c - a b
 *   S_INVERSE(a)            1 / a; of 0: inf or nan, never a trap
 *   S_KEPT(a, inverse)      of a pivot and its inverse the one that is kept
 *   S_OVER_KEPT(b, kept)    b divided by that pivot
 * No libc. */
#include "ds_lane.h"

#ifndef DS_SCALAR_TYPES
#define DS_SCALAR_TYPES
typedef struct {
    R re, im;
} ds_pair;

DS_FN R ds_real_size(R a) { return DS_LIBM(fabs)(a); }
DS_FN R ds_pair_size(ds_pair a) { return DS_LIBM(fabs)(a.re) + DS_LIBM(fabs)(a.im); }

DS_FN ds_pair ds_pair_times(ds_pair a, ds_pair b) {
    const ds_pair c = {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
    return c;
}

DS_FN ds_pair ds_pair_less(ds_pair c, ds_pair a, ds_pair b) {
    const ds_pair d = {c.re - (a.re * b.re - a.im * b.im), c.im - (a.re * b.im + a.im * b.re)};
    return d;
}

/* Smith's division (CACM 5, 1962, algorithm 116): no square that could overflow. */
DS_FN ds_pair ds_pair_inverse(ds_pair a) {
    if (DS_LIBM(fabs)(a.re) >= DS_LIBM(fabs)(a.im)) {
        const R ratio = a.re == 0 ? a.im : a.im / a.re, size = a.re + a.im * ratio;
        const ds_pair b = {1 / size, -ratio / size};
        return b;
    }
    const R ratio = a.re / a.im, size = a.im + a.re * ratio;
    const ds_pair b = {ratio / size, -1 / size};
    return b;
}
#endif

#undef S
#undef S_SIZE
#undef S_TIMES
#undef S_LESS
#undef S_INVERSE
#undef S_KEPT
#undef S_OVER_KEPT
#if DS_COMPLEX
#define S ds_pair
#define S_SIZE(a) ds_pair_size(a)
#define S_TIMES(a, b) ds_pair_times(a, b)
#define S_LESS(c, a, b) ds_pair_less(c, a, b)
#define S_INVERSE(a) ds_pair_inverse(a)
#define S_KEPT(a, inverse) (inverse)
#define S_OVER_KEPT(b, kept) ds_pair_times(b, kept)
#else
#define S R
#define S_SIZE(a) ds_real_size(a)
#define S_TIMES(a, b) ((a) * (b))
#define S_LESS(c, a, b) ((c) - (a) * (b))
#define S_INVERSE(a) (1 / (a))
#define S_KEPT(a, inverse) (a)
#define S_OVER_KEPT(b, kept) ((b) / (kept))
#endif
