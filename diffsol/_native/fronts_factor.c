/* fronts_factor.c - factorisation for fronts.h, for the instruction set at hand. */
#include "fronts.h"
#include "include/ds_scalar.h"
#include <float.h>
#include <math.h>

/* A pivot may be this much smaller than the largest number in its column. Duff, Erisman & Reid
 * (Direct Methods for Sparse Matrices, 2017, section 5.2) recommend 0.1 where rows are chosen
 * freely; MUMPS, bound to its fronts like we are, takes 0.01. */
#define PIVOT_THRESHOLD 0.01

enum {
    BLOCK = 8,        /* columns of a panel that are eliminated one by one: a tile's height */
    LEAST_PRODUCT = 4 /* thinner products gain nothing from copies of their factors */
};

#define DS_COMPLEX 1 /* for ds_pair_inverse alone */
#define FRONTS(name) plain_##name
#include "inst_fronts.h"
#undef FRONTS

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define HAVE_AVX2
#define DS_FRONTS_AVX2
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#pragma GCC optimize("fp-contract=fast") /* nobody else's result to reproduce bit for bit */
#define FRONTS(name) avx2_##name
#include "inst_fronts.h"
#pragma GCC pop_options
#endif

int ds_fronts_factor(ds_fronts *f, const ds_shifted *a) {
#ifdef HAVE_AVX2
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return avx2_factor(f, a);
#endif
    return plain_factor(f, a);
}
