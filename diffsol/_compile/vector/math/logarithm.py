"""Logarithms: x = m 2**k with m in [sqrt(1/2), sqrt(2)), then log m = 2 artanh(s) with s = f / (2 + f), f = m - 1.

log m is written f - (f**2/2 - s (f**2/2 + R(s**2))), in which f is exact (the method of fdlibm's e_log.c, as its
comments describe it); the first two terms are kept as a pair for log2, log10 and log1p.
"""

from __future__ import annotations

from diffsol._compile.vector.math import coefficients as c
from diffsol._compile.vector.math.parts import (
    INFINITY,
    NAN,
    exponent_and_mantissa,
    fast_two_sum,
    polynomial,
    quotient,
    two_product,
    two_sum,
)

LEAST_NORMAL = 2.0**-1022
ROOT_HALF_BITS = 0x3FE6A09E667F3BCD  # of sqrt(1/2)


def split(text, x):
    """(k, m) of positive x, subnormal ones too."""
    tiny = x < LEAST_NORMAL
    k, m, _ = exponent_and_mantissa(text.select(tiny, x * 2.0**54, x), ROOT_HALF_BITS)
    return text.select(tiny, k - 54.0, k), m


def near_one(f):
    """log(1 + f) as a pair, for 1 + f in [sqrt(1/2), sqrt(2)]."""
    text = f.text
    s = f / (2.0 + f)
    z = s * s
    half, half_low = two_product(f * 0.5, f)
    high, rest = fast_two_sum(f, -half)
    return high, text.fma(s, half + z * polynomial(z, c.LOG), rest - half_low)


def at_the_ends(x, result):
    """The result of a logarithm of x, with the special values."""
    text = x.text
    result = text.select(x.equals(0.0), -INFINITY, result)
    result = text.select(x < 0.0, NAN, result)
    return text.select((x < INFINITY) | (x < 0.0), result, x)  # infinity and NaN


def log(text, x):
    k, m = split(text, x)
    high, rest = near_one(m - 1.0)
    head, lost = two_sum(k * c.LN2[0], high)
    return at_the_ends(x, head + (lost + text.fma(k, c.LN2[1], rest)))


def log2(text, x):
    k, m = split(text, x)
    high, rest = near_one(m - 1.0)
    product, error = two_product(high, c.LOG2E[0])
    rest = text.fma(rest, c.LOG2E[0], text.fma(high, c.LOG2E[1], error))
    head, lost = two_sum(k, product)
    return at_the_ends(x, head + (lost + rest))


def log10(text, x):
    k, m = split(text, x)
    high, rest = near_one(m - 1.0)
    product, error = two_product(high, c.LOG10E[0])
    rest = text.fma(rest, c.LOG10E[0], text.fma(high, c.LOG10E[1], error))
    head, lost = two_sum(k * c.LOG10_2[0], product)
    return at_the_ends(x, head + (lost + text.fma(k, c.LOG10_2[1], rest)))


def log1p_of_pair(text, x, low):
    """log(1 + x + low), x > -1 and finite."""
    total, lost = two_sum(text.real(1.0), x)
    k, m, scale = exponent_and_mantissa(total, ROOT_HALF_BITS)
    high, tail = near_one(m - 1.0)
    rest = (lost + low) * scale / m
    # beyond 2**60 what the sum lost is no part of the last bit, and there may be no such scale
    tail = tail + text.select(total < 2.0**60, rest, 0.0)
    head, error = two_sum(k * c.LN2[0], high)
    return head + (error + text.fma(k, c.LN2[1], tail))


def log1p(text, x):
    inside = text.select((x > -1.0) & (x < INFINITY), x, 1.0)
    result = log1p_of_pair(text, inside, text.real(0.0))
    result = text.select(text.abs(x) < 2.0**-54, x, result)
    result = text.select(x.equals(-1.0), -INFINITY, result)
    result = text.select(x < -1.0, NAN, result)
    return text.select((x < INFINITY) | (x < -1.0), result, x)


def precise_log(text, x):
    """log x as a pair, to about 2**-66 of it, for positive finite x (powers need it)."""
    k, m = split(text, x)
    f = m - 1.0
    below = fast_two_sum(text.real(2.0), f)
    s, s_low = quotient((f, text.real(0.0)), below)
    z, z_low = two_product(s, s)
    z_low = text.fma(2.0 * s, s_low, z_low)
    # 2 s + (2/3) s**3 + s**5 P(s**2)
    third, third_low = two_product(z, c.TWO_THIRDS[0])
    third_low = text.fma(z, c.TWO_THIRDS[1], text.fma(z_low, c.TWO_THIRDS[0], third_low))
    third, error = fast_two_sum(third, z * z * polynomial(z, c.LOG_FIFTH))
    factor, factor_low = fast_two_sum(text.real(2.0), third)
    factor_low = factor_low + (error + third_low)
    high, low = two_product(s, factor)
    low = low + text.fma(s, factor_low, s_low * factor)
    whole, whole_low = k * c.LN2[0], k * c.LN2[1]
    head, lost = two_sum(whole, high)
    return fast_two_sum(head, lost + (low + text.fma(k, c.LN2[2], whole_low)))
