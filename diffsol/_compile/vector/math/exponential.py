"""exp, exp2, expm1: x = k ln 2 + r with |r| <= ln(2)/2 in two parts (Cody & Waite 1980), a polynomial, 2**k."""

from __future__ import annotations

from diffsol._compile.vector.math import coefficients as c
from diffsol._compile.vector.math.parts import (
    clamped,
    fast_two_sum,
    polynomial,
    power_of_two,
    rounded,
    scaled,
    two_product,
    two_sum,
)

LEAST, LARGEST = -746.0, 710.0  # beyond, e**x is 0 or infinite


def reduced(high, low=None):
    """(k, r, the rest of r) of a pair, |high| < 2**10: k an integer."""
    text = high.text
    k, whole = rounded(high * c.LOG2E[0])
    near = text.fma(-k, c.LN2[0], high)  # exact: k * LN2[0] has 53 bits, and is close to x
    r, error = two_sum(near, -(k * c.LN2[1]))  # that product is exact too
    return whole, *((r, error) if low is None else two_sum(r, error + low))


def exponential_less_one(r, rest):
    """e**(r + rest) - 1 = r + (the second result), |r| <= ln(2)/2, rest about the last bit of r."""
    square = r * r
    tail = r.text.fma(square, polynomial(r, c.EXP), rest)
    return r, r.text.fma(r, rest, tail)


def exponential(high, low=None):
    """(k, e, its rest) of e**(high + low) = (e + rest) 2**k, k an integer."""
    k, r, rest = reduced(high, low)
    r, tail = exponential_less_one(r, rest)
    head, lost = fast_two_sum(r, tail)
    total, error = fast_two_sum(r.text.real(1.0), head)
    return k, total, error + lost


def exp(text, x):
    x = clamped(x, LEAST, LARGEST)
    k, whole = rounded(x * c.LOG2E[0])
    near = text.fma(-k, c.LN2[0], x)
    r = text.fma(-k, c.LN2[1], near)
    tail = text.fma(r * r, polynomial(r, c.EXP), r)
    return scaled(1.0 + tail, whole)


def exp2(text, x):
    x = clamped(x, -1080.0, 1030.0)
    k, whole = rounded(x)
    r, rest = two_product(x - k, c.LN2_PAIR[0])
    rest = text.fma(x - k, c.LN2_PAIR[1], rest)
    r, tail = exponential_less_one(r, rest)
    return scaled(1.0 + (r + tail), whole)


def half_expm1(x):
    """(e**x - 1) / 2 as a pair, -60 <= x <= 710 or so: 2**k (1 + r) - 1, halved since 2**k may overflow."""
    text = x.text
    k, r, rest = reduced(x)
    r, tail = exponential_less_one(r, rest)
    power = power_of_two(k - 1)
    start, lost = two_sum(power, text.real(-0.5))
    total, error = two_sum(start, power * r)
    return total, text.fma(power, tail, error) + lost


def expm1(text, x):
    high, low = half_expm1(clamped(x, -60.0, LARGEST))
    return text.select(text.abs(x) < 2.0**-54, x, 2.0 * (high + low))
