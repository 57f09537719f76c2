/* ds_text.h - what kernels printed as C text (diffsol/_compile/vector) need beyond ds_lane.h.
 *
 * Each line of such a text is one operation of primitives.py, in V, M and I. Integers wrap around.
 * Compiled without contraction (-ffp-contract=off, --fmad=false) they give the same bits everywhere:
 * where one rounding is wanted the text says ds_fma. */
#ifndef DS_TEXT_H
#define DS_TEXT_H

#include "ds_lane.h"

#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
#pragma nv_diag_suppress 177 /* texts name values that are not used */
#define DS_TABLE static __device__ const
#define DS_CALLED static __device__ __noinline__
#elif defined(_MSC_VER) && !defined(__clang__)
#define DS_TABLE static const
#define DS_CALLED static __declspec(noinline)
#else
#define DS_TABLE static const
#define DS_CALLED static __attribute__((noinline))
#endif

typedef unsigned long long ds_word;

#define DS_LEAST_INT (-9223372036854775807LL - 1)
#define DS_INFINITY (DS_LARGEST * 2)
#define DS_NAN (DS_INFINITY - DS_INFINITY)

#if DS_LANES == 1

#define DS_M(x) (x)
#define ds_xor(a, b) ((a) != (b))
#define ds_isel(m, a, b) ((m) ? (a) : (b))
DS_FN I ds_iadd(I a, I b) { return (I)((ds_word)a + (ds_word)b); }
DS_FN I ds_isub(I a, I b) { return (I)((ds_word)a - (ds_word)b); }
DS_FN I ds_imul(I a, I b) { return (I)((ds_word)a * (ds_word)b); }
DS_FN I ds_shl(I a, I places) { return (I)((ds_word)a << places); }
DS_FN I ds_shr(I a, I places) { return (I)((ds_word)a >> places); }
DS_FN V ds_int_to_real(I a) { return (V)a; }
DS_FN I ds_real_to_int(V x) { return (I)x; }
#define DS_SET_LANES(result, expression) \
    do {                                 \
        const int lane = 0;              \
        (void)lane;                      \
        (result) = (expression);         \
    } while (0)

#else

typedef ds_word ds_words __attribute__((vector_size(8 * DS_LANES)));

#define DS_M(x) ((M)DS_I(-(x)))
#define ds_xor(a, b) ((a) ^ (b))
#define ds_isel(m, a, b) ((I)(((a) & (I)(m)) | ((b) & ~(I)(m))))
DS_FN I ds_iadd(I a, I b) { return (I)((ds_words)a + (ds_words)b); }
DS_FN I ds_isub(I a, I b) { return (I)((ds_words)a - (ds_words)b); }
DS_FN I ds_imul(I a, I b) { return (I)((ds_words)a * (ds_words)b); }
DS_FN I ds_shl(I a, I places) { return (I)((ds_words)a << (ds_words)places); }
DS_FN I ds_shr(I a, I places) { return (I)((ds_words)a >> (ds_words)places); }
DS_FN V ds_int_to_real(I a) { return __builtin_convertvector(a, V); }
DS_FN I ds_real_to_int(V x) { return __builtin_convertvector(x, I); }
#define DS_SET_LANES DS_EACH_LANE

#endif

#ifdef DS_SINGLE
#include "ds_single.h"
#else

DS_FN V ds_fma(V a, V b, V c)
{
    V r;
    DS_SET_LANES(r, DS_LIBM(fma)(DS_LANE(a, lane), DS_LANE(b, lane), DS_LANE(c, lane)));
    return r;
}

DS_FN V ds_copysign(V size, V sign)
{
    const I top = DS_I(DS_LEAST_INT);
    return ds_from_bits((ds_bits(size) & ~top) | (ds_bits(sign) & top));
}

/* To the nearest integer, ties to even: from 2**52 on doubles have no fraction to round away. */
DS_FN V ds_rint(V x)
{
    const V size = ds_abs(x), whole = DS_C(4503599627370496.0);
    const V rounded = ds_sel(size < whole, (size + whole) - whole, size);
    return ds_copysign(rounded, x);
}

DS_FN V ds_trunc(V x)
{
    const V size = ds_abs(x), near = ds_rint(size);
    return ds_copysign(ds_sel(near > size, near - DS_C(1), near), x);
}

DS_FN V ds_floor(V x)
{
    const V near = ds_rint(x);
    return ds_copysign(ds_sel(near > x, near - DS_C(1), near), x);
}

DS_FN V ds_ceil(V x) { return -ds_floor(-x); }

/* The remainder of a division, exact, so that everybody's has the same bits. */
DS_FN V ds_fmod(V a, V b)
{
    V r;
    DS_SET_LANES(r, DS_LIBM(fmod)(DS_LANE(a, lane), DS_LANE(b, lane)));
    return r;
}

#endif

/* --- arrays: shared by the lanes, or rows of one element of each lane ------------------------- */

DS_FN V ds_lookup_V(const R *table, I index)
{
    V r;
    DS_SET_LANES(r, table[DS_LANE(index, lane)]);
    return r;
}

DS_FN I ds_lookup_I(const ds_int *table, I index)
{
    I r;
    DS_SET_LANES(r, table[DS_LANE(index, lane)]);
    return r;
}

DS_FN V ds_lookup_row_V(const V *rows, I index)
{
    V r;
    DS_SET_LANES(r, DS_LANE(rows[DS_LANE(index, lane)], lane));
    return r;
}

DS_FN I ds_lookup_row_I(const I *rows, I index)
{
    I r;
    DS_SET_LANES(r, DS_LANE(rows[DS_LANE(index, lane)], lane));
    return r;
}

/* How many of n elements (element k is table[k * stride]) go before x: those that are less than it, or
 * from the right those that are not greater. Bisection; NaN goes last. */
#define DS_SEARCH(element)                                                        \
    do {                                                                          \
        ds_int low = 0, high = n;                                                 \
        while (low < high) {                                                      \
            const ds_int middle = low + (high - low) / 2;                         \
            const R here = (element), value = DS_LANE(x, lane);                   \
            if (right ? (here <= value || value != value)                         \
                      : (here < value || (here == here && value != value)))       \
                low = middle + 1;                                                 \
            else                                                                  \
                high = middle;                                                    \
        }                                                                         \
        DS_LANE(found, lane) = low;                                               \
    } while (0)

DS_FN I ds_search_table(const R *table, ds_int n, ds_int stride, V x, int right)
{
    I found;
    int lane;
    for (lane = 0; lane < DS_LANES; ++lane) DS_SEARCH(table[middle * stride]);
    return found;
}

DS_FN I ds_search_rows(const V *rows, ds_int n, ds_int stride, V x, int right)
{
    I found;
    int lane;
    for (lane = 0; lane < DS_LANES; ++lane) DS_SEARCH(DS_LANE(rows[middle * stride], lane));
    return found;
}

#endif
