/* ds_root.h - roots by additions and multiplications alone: the same bits on every machine, in
 * every number of lanes and on a GPU, which no libm's pow promises. */
#ifndef DS_ROOT_OF_H
#define DS_ROOT_OF_H
#include "ds_lane.h"

/* Scaling that brings a subnormal number among the others: 2**120, whose roots of order 2, 3, 4,
 * 5, 6, 8 are powers of two. */
#define DS_ROOT_LIFT 120
#define DS_POWER_OF_TWO(i) ((R)(1ll << (i) / 2) * (R)(1ll << ((i) + 1) / 2))

/* x**(-1/k) within 7 %, x positive and normal: the upper word of a number, read as an
 * integer, is nearly a logarithm. Integers below 2**52 become numbers and come back by adding
 * 2**52. */
DS_FN V ds_root_guess(V x, int k) {
    const R two52 = 4503599627370496.0, one = 1023.0 * 1048576.0; /* upper word of 1.0 */
    const I word = (I)((U)ds_bits(x) >> 32);
    const V number = ds_from_bits(word | DS_I(0x4330000000000000ll)) - DS_C(two52);
    const V wanted = DS_C(one * (1 + 1.0 / k) - 30000) - number * DS_C(1.0 / k);
    return ds_from_bits((I)((U)ds_bits(wanted + DS_C(two52)) << 32));
}

/* x**(-1/k): the guess, and three steps of the iteration of order three that the series of
 * (1 - d)**(-1/k), d = 1 - x y**k, gives. The product is taken in an order that stays in range. */
DS_FN V ds_inverse_root(V x, int k) {
    const M small = x < DS_C(2.2250738585072014e-308);
    const V lifted = ds_sel(small, x * DS_C(DS_POWER_OF_TWO(DS_ROOT_LIFT)), x);
    V y = ds_root_guess(lifted, k);
    for (int step = 0; step < 3; ++step) {
        V half = y;
        for (int i = 1; i < k / 2; ++i) half = half * y;
        const V other = k % 2 ? half * y : half;
        const V d = DS_C(1) - lifted * half * other;
        y = y + y * (d * (DS_C(1.0 / k) + DS_C((k + 1) / (2.0 * k * k)) * d));
    }
    y = ds_sel(small, y * DS_C(DS_POWER_OF_TWO(DS_ROOT_LIFT / k)), y);
    y = ds_sel(x == DS_C(0), ds_from_bits(DS_I(0x7ff0000000000000ll)), y);
    return ds_sel(x > DS_C(DS_LARGEST), DS_C(0), y); /* nan has come through the product */
}

/* x**(1/k) of x >= 0, |k| one of 2, 3, 4, 5, 6, 8. A constant k leaves straight code. */
DS_FN V ds_root(V x, int k) {
    const V y = ds_inverse_root(x, k < 0 ? -k : k);
    return k < 0 ? y : DS_C(1) / y;
}

#endif
