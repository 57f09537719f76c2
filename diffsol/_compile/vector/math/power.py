"""x**y = exp(y log|x|), the logarithm and the product as pairs; special cases are C99's (annex F.9.4.4)."""

from __future__ import annotations

from diffsol._compile.vector.math.exponential import LARGEST, LEAST, exponential
from diffsol._compile.vector.math.logarithm import precise_log
from diffsol._compile.vector.math.parts import INFINITY, NAN, clamped, scaled, two_product


def pow(text, x, y):
    size = text.abs(x)
    ordinary = (size > 0.0) & (size < INFINITY)
    high, low = precise_log(text, text.select(ordinary, size, 1.0))
    high = text.select(size.equals(0.0), -INFINITY, high)
    high = text.select(size.equals(INFINITY), INFINITY, high)
    result = _exponential_of_product(text, high, low, y)
    result = text.select(x.is_nan(), x, result)
    result = text.select(size.equals(1.0) & ~y.is_nan(), 1.0, result)
    result = _with_sign(text, result, x, y)
    return text.select(y.equals(0.0) | x.equals(1.0), 1.0, result)


def _exponential_of_product(text, high, low, y):
    product, rest = two_product(high, y)
    rest = text.fma(low, y, rest)
    rest = text.select(text.abs(product) < 800.0, rest, 0.0)
    k, total, error = exponential(clamped(product, LEAST, LARGEST), rest)
    return scaled(total + error, k)


def _with_sign(text, result, x, y):
    """The power of |x| to that of x, which may be negative."""
    half = y * 0.5
    whole = text.op("floor", y).equals(y)
    odd = whole & text.op("floor", half).differs(half)
    negative = text.bits(x) < 0
    result = text.select(negative & odd, -result, result)
    finite = text.abs(x) < INFINITY
    return text.select((x < 0.0) & finite & ~whole & ~y.is_nan(), NAN, result)
