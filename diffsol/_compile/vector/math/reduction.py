"""|x| = k pi/2 + r with |r| <= pi/4 (about), r as a pair, k modulo 4."""

from __future__ import annotations

import numpy as np

from diffsol._compile.vector.math import coefficients as c
from diffsol._compile.vector.math.parts import (
    fast_two_sum,
    rounded,
    two_product,
    two_sum,
)

LARGE = 2.0**20  # up to here k times 33 bits of pi/2 is exact
FRACTION_BITS, HIDDEN_BIT = (1 << 52) - 1, 1 << 52


def near(text, size):
    """(r, its rest, k) for |x| < 2**20: pi/2 in parts of 33, 33, 53 and 53 bits (Cody & Waite 1980)."""
    first, second, third, fourth = c.HALF_PI_PARTS
    k, quadrant = rounded(size * c.TWO_OVER_PI)
    start = size - k * first  # exact, as is k * second
    high, low = two_sum(start, -(k * second))
    product, rest = two_product(k, third)
    high, error = two_sum(high, -product)
    low = low + ((error - rest) - k * fourth)
    high, low = fast_two_sum(high, low)
    return high, low, quadrant


def far(text, size):
    """The same for any |x| >= 2**20, with as many bits of 2/pi as it takes (Payne & Hanek 1983).

    x = M 2**q with an integer M; of 2**q 2/pi, which the table holds, multiples of 4 do not matter.
    """
    bits = text.bits(size)
    step = c.PAYNE_HANEK_STEP
    power = (bits >> 52) - (1075 + c.PAYNE_HANEK_FIRST)  # q less that of the first row
    row = text.select(power < 0, 0, power) >> (step.bit_length() - 1)
    last = len(c.PAYNE_HANEK) - 1
    row = text.select(row > last, last, row)  # of infinity and NaN
    integer = text.op("to_real", (bits & FRACTION_BITS) | HIDDEN_BIT)
    shift = (power & (step - 1)) << 52
    integer = text.from_bits(text.bits(integer) + shift)
    table = text.table(np.array(c.PAYNE_HANEK))
    terms = []
    for j in range(4):
        terms += two_product(integer, text.lookup(table, row * 4 + j, "V"))
    return _quarter_turns(text, terms[:-1])  # the last is less than 2**-180


def _quarter_turns(text, terms):
    """(r, its rest, k) of a sum of quarter turns, the largest first."""
    terms = [x - 4.0 * text.op("rint", x * 0.25) for x in terms[:3]] + terms[3:]  # exact
    terms = _distilled(terms)
    k, quadrant = rounded(terms[0])
    high, low, *_ = _distilled(_distilled([terms[0] - k, *terms[1:]]))
    r, rest = two_product(high, c.HALF_PI[0])
    rest = text.fma(high, c.HALF_PI[1], text.fma(low, c.HALF_PI[0], rest))
    return *fast_two_sum(r, rest), quadrant


def _distilled(terms):
    """The same sum, with as much of it in the first term as that can hold (VecSum: Ogita, Rump & Oishi 2005)."""
    terms = list(terms)
    for i in range(len(terms) - 1, 0, -1):
        terms[i - 1], terms[i] = two_sum(terms[i - 1], terms[i])
    return terms
