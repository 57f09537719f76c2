"""sinh, cosh, tanh and their inverses, by e**x and log(1 + x) in pairs."""

from __future__ import annotations

from diffsol._compile.vector.math import coefficients as c
from diffsol._compile.vector.math.exponential import LARGEST, exponential, half_expm1
from diffsol._compile.vector.math.logarithm import log1p_of_pair
from diffsol._compile.vector.math.parts import (
    INFINITY,
    NAN,
    clamped,
    fast_two_sum,
    polynomial,
    quotient,
    scaled,
    two_sum,
    with_sign_of,
)

FAR = 2.0**28  # from here on sqrt(x**2 + 1) is x, to the last bit


def _halves(size):
    """(e**x / 2, e**-x / 2) for x >= 0."""
    k, total, error = exponential(clamped(size, 0.0, LARGEST + 1.0))
    half = scaled(total + error, k - 1)
    return half, 0.25 / half


def sinh(text, x):
    size = text.abs(x)
    z = x * x
    small = text.fma(x * z, polynomial(z, c.SINH), x)
    growing, shrinking = _halves(size)
    return text.select(size < 1.0, small, with_sign_of(growing - shrinking, x))


def cosh(text, x):
    growing, shrinking = _halves(text.abs(x))
    return growing + shrinking


def tanh(text, x):
    size = text.abs(x)
    twice = 2.0 * clamped(size, 0.0, 22.0)
    high, low = fast_two_sum(*half_expm1(twice))
    below, rest = two_sum(high, text.real(1.0))  # (e**2x + 1) / 2
    result, correction = quotient((high, low), (below, rest + low))
    result = text.select(size < 2.0**-28, size, result + correction)
    return with_sign_of(result, x)


def arcsinh(text, x):
    size = text.abs(x)
    near = clamped(size, 0.0, FAR)
    square = near * near
    root = text.sqrt(1.0 + square)
    high, low = two_sum(near, square / (1.0 + root))
    result = _of_far_too(size, log1p_of_pair(text, high, low))
    return with_sign_of(text.select(size < 2.0**-28, size, result), x)


def arccosh(text, x):
    inside = clamped(x, 1.0, FAR)
    less = inside - 1.0
    high, low = two_sum(less, text.sqrt(text.fma(less, less, 2.0 * less)))
    result = _of_far_too(x, log1p_of_pair(text, high, low))
    return text.select(x < 1.0, NAN, result)


def _of_far_too(size, result):
    """The result, or log(2x) = log(x) + log(2) where x is so large that 1 does not matter."""
    text = size.text
    return text.select(size < FAR, result, text.call("log", size) + c.LN2_PAIR[0])


def arctanh(text, x):
    size = text.abs(x)
    inside = clamped(size, 0.0, 1.0 - 2.0**-53)
    below, below_low = two_sum(text.real(1.0), -inside)
    high, low = quotient((2.0 * inside, text.real(0.0)), (below, below_low))
    result = 0.5 * log1p_of_pair(text, high, low)
    result = text.select(size < 2.0**-28, size, result)
    result = text.select(size.equals(1.0), INFINITY, result)
    result = text.select(size > 1.0, NAN, result)
    return text.select(x.is_nan(), x, with_sign_of(result, x))
