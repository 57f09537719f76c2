/* ds_lane.h - one numeric vocabulary for three targets: one value (C, C++), DS_LANES values (GCC
 * vector extension), one GPU thread (CUDA, NVRTC).
 *
 *   R  a real number            V  what a variable holds: one R, or one R for each lane
 *   M  a truth value per lane   I, U  an integer of 64 bits, per lane
 *   T  a time: as V, but always of double precision
 *
 * DS_LANE(v, lane) is one lane of a V, M or I; ds_mask has bit l set where lane l of an M is true,
 * and ds_count is 1 there.
 *
 * Everything above is written once with V, M and the ds_* names below. No libc header is read;
 * pow, hypot and sqrt come from the compiler (on a CPU: libm, whose pow SciPy's step control
 * also calls). The lanes compute exactly what one value would, bit for bit. */
#ifndef DS_LANE_H
#define DS_LANE_H

#ifndef DS_LANES
#define DS_LANES 1
#endif

#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
#define DS_FN static __device__ __forceinline__
#define DS_RESTRICT __restrict__
#define DS_LIBM(name) name
#elif defined(_MSC_VER) && !defined(__clang__)
#include <math.h>
#define DS_FN static __forceinline
#define DS_RESTRICT __restrict
#define DS_LIBM(name) name
#else
#define DS_FN static inline __attribute__((always_inline))
#define DS_RESTRICT __restrict
#define DS_LIBM(name) __builtin_##name
#endif

/* Before a loop whose bounds the compiler knows: arrays become registers on a GPU only where no loop
 * over them is left. */
#if defined(__CUDACC_RTC__)
#define DS_UNROLL _Pragma("unroll")
#else
#define DS_UNROLL
#endif

/* DS_SINGLE: states in single precision, for one GPU thread. Such an R has no ds_bits. */
#ifdef DS_SINGLE
typedef float R;
#define DS_LARGEST 3.4028234663852886e38f
#else
typedef double R;
#define DS_LARGEST 1.7976931348623157e308
#endif
typedef long long ds_int; /* sizes, indices and the bits of one double */

#if DS_LANES == 1

typedef R V;
typedef double T;
typedef int M;
typedef ds_int I;
typedef unsigned long long U;

#define DS_C(x) ((R)(x))
#define DS_LANE(v, lane) (*((void)(lane), &(v)))
#define ds_sel(m, a, b) ((m) ? (a) : (b))
#define ds_any(m) (m)
#define ds_all(m) (m)
#define ds_and(a, b) ((a) && (b))
#define ds_or(a, b) ((a) || (b))
#define ds_not(a) (!(a))
DS_FN int ds_mask(M m) { return m != 0; }
DS_FN I ds_count(M m) { return m != 0; }
#ifdef DS_SINGLE
DS_FN V ds_sqrt(V x) { return DS_LIBM(sqrtf)(x); }
DS_FN V ds_pow(V x, R p) { return DS_LIBM(powf)(x, p); }
DS_FN V ds_hypot(V x, V y) { return DS_LIBM(hypotf)(x, y); }
DS_FN V ds_abs(V x) { return DS_LIBM(fabsf)(x); }
#else
DS_FN V ds_sqrt(V x) { return DS_LIBM(sqrt)(x); }
DS_FN V ds_pow(V x, R p) { return DS_LIBM(pow)(x, p); }
DS_FN V ds_hypot(V x, V y) { return DS_LIBM(hypot)(x, y); }
DS_FN V ds_abs(V x) { return DS_LIBM(fabs)(x); }
#endif

#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
DS_FN I ds_bits(T x) { return __double_as_longlong(x); }
DS_FN T ds_from_bits(I i) { return __longlong_as_double(i); }
#else
typedef union {
    T value;
    I bits;
} ds_pun;
DS_FN I ds_bits(T x) {
    ds_pun pun;
    pun.value = x;
    return pun.bits;
}
DS_FN T ds_from_bits(I i) {
    ds_pun pun;
    pun.bits = i;
    return pun.value;
}
#endif
#define DS_I(i) ((I)(i))
DS_FN I ds_plus_or_minus_one(M plus) { return plus ? 1 : -1; }

#else

/* gcc has no portable name for a vector's square root, nor for a mask's bits. */
#if defined(__GNUC__) && !defined(__clang__) &&                                        \
    ((DS_LANES == 8 && defined(__AVX512F__) && defined(__AVX512DQ__)) ||               \
     (DS_LANES == 4 && defined(__AVX__)) || (DS_LANES == 2 && defined(__SSE2__)))
#define DS_IN_ONE_INSTRUCTION 1
#else
#define DS_IN_ONE_INSTRUCTION 0
#endif

typedef R V __attribute__((vector_size(8 * DS_LANES)));
typedef V T;
typedef ds_int M __attribute__((vector_size(8 * DS_LANES))); /* all bits set where true */
typedef M I;
typedef unsigned long long U __attribute__((vector_size(8 * DS_LANES)));

#define DS_C(x) ((R)(x) - (V){0})
#define DS_LANE(v, lane) ((v)[lane])
#define ds_and(a, b) ((a) & (b))
#define ds_or(a, b) ((a) | (b))
#define ds_not(a) (~(a))
#define ds_bits(x) ((I)(x))
#define ds_from_bits(i) ((V)(i))
DS_FN V ds_sel(M m, V a, V b) { return (V)(((M)a & m) | ((M)b & ~m)); }
DS_FN int ds_mask(M m) {
#if DS_IN_ONE_INSTRUCTION && DS_LANES == 8
    return __builtin_ia32_cvtq2mask512(m);
#elif DS_IN_ONE_INSTRUCTION && DS_LANES == 4
    return __builtin_ia32_movmskpd256((V)m);
#elif DS_IN_ONE_INSTRUCTION && DS_LANES == 2
    return __builtin_ia32_movmskpd((V)m);
#else
    int mask = 0;
    for (int lane = 0; lane < DS_LANES; ++lane) mask |= (int)(m[lane] & 1) << lane;
    return mask;
#endif
}
DS_FN int ds_any(M m) { return ds_mask(m) != 0; }
DS_FN int ds_all(M m) { return !ds_any(~m); }
#define DS_EACH_LANE(result, expression)                                   \
    do {                                                                   \
        for (int lane = 0; lane < DS_LANES; ++lane) (result)[lane] = (expression); \
    } while (0)
DS_FN I ds_count(M m) { return -m; }
DS_FN V ds_sqrt(V x) {
#if DS_IN_ONE_INSTRUCTION && DS_LANES == 8
    return __builtin_ia32_sqrtpd512_mask(x, x, -1, 4 /* this thread's rounding */);
#elif DS_IN_ONE_INSTRUCTION && DS_LANES == 4
    return __builtin_ia32_sqrtpd256(x);
#elif DS_IN_ONE_INSTRUCTION && DS_LANES == 2
    return __builtin_ia32_sqrtpd(x);
#else
    V r;
    DS_EACH_LANE(r, __builtin_sqrt(x[lane]));
    return r;
#endif
}
DS_FN V ds_pow(V x, R p) {
    V r;
    DS_EACH_LANE(r, __builtin_pow(x[lane], p));
    return r;
}
DS_FN V ds_hypot(V x, V y) {
    V r;
    DS_EACH_LANE(r, __builtin_hypot(x[lane], y[lane]));
    return r;
}
DS_FN V ds_abs(V x) { return (V)((M)x & 0x7fffffffffffffffLL); }
#define DS_I(i) ((ds_int)(i) - (I){0})
DS_FN I ds_plus_or_minus_one(M plus) { return -2 * plus - 1; }

#endif

/* Python's min and max: the first argument stays unless the second is strictly beyond it, so that
 * a nan in the first place is kept and one in the second is dropped. */
DS_FN V ds_min(V a, V b) { return ds_sel(b < a, b, a); }
DS_FN V ds_max(V a, V b) { return ds_sel(b > a, b, a); }

DS_FN M ds_finite(V x) { return ds_abs(x) <= DS_C(DS_LARGEST); }

/* Distance from t to the next number in the direction given by +1 or -1. In single precision not less
 * than what a step, ten times as long, needs for its inverse to be finite. */
DS_FN V ds_spacing(T t, V direction) {
#ifdef DS_SINGLE
    const T size = DS_LIBM(fabs)(t);
    const M outward = t * direction >= 0;
    const T next = ds_from_bits(ds_bits(size) + ds_plus_or_minus_one(outward));
    return ds_max((V)DS_LIBM(fabs)(next - size), DS_C(1e-36));
#else
    const V size = ds_abs(t);
    const M outward = t * direction >= DS_C(0);
    return ds_abs(ds_from_bits(ds_bits(size) + ds_plus_or_minus_one(outward)) - size);
#endif
}

#endif
