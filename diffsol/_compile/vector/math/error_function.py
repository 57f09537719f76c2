"""erf and erfc: a polynomial near 0, else exp(-x**2) / (1 + 2x) times a polynomial.

(1 + 2x) exp(x**2) erfc(x) is smooth in (x - 3.75) / (x + 3.75) for all x >= 0 (Shepherd & Laframboise,
Math. Comp. 36, 1981).
"""

from __future__ import annotations

from diffsol._compile.vector.math import coefficients as c
from diffsol._compile.vector.math.exponential import exponential
from diffsol._compile.vector.math.parts import (
    clamped,
    fast_two_sum,
    polynomial,
    quotient,
    scaled,
    two_product,
    two_sum,
    with_sign_of,
)

NEAR = 0.5


def _near(x):
    """erf(x) - x, |x| <= 1/2."""
    return x * polynomial(x * x, c.ERF)


def _tail(size):
    """(high, low, k): erfc(x) = (high + low) 2**k for x from 1/2 to 28."""
    text = size.text
    place = (size - c.ERFC_MIDDLE) / (size + c.ERFC_MIDDLE)
    start, rest = fast_two_sum(text.real(c.ERFC_START), polynomial(place, c.ERFC))
    square, square_low = two_product(size, size)
    k, power, power_low = exponential(-square, -square_low)
    above, above_low = two_product(power, start)
    above_low = above_low + text.fma(power, rest, power_low * start)
    high, low = quotient((above, above_low), two_sum(2.0 * size, text.real(1.0)))
    return high, low, k


def erf(text, x):
    size = text.abs(x)
    near = x + _near(x)
    high, low, k = _tail(clamped(size, NEAR, 6.0))
    far = 1.0 - scaled(high + low, k)
    return text.select(size < NEAR, near, with_sign_of(far, x))


def erfc(text, x):
    size = text.abs(x)
    head, error = two_sum(text.real(1.0), -x)
    near = head + (error - _near(x))
    high, low, k = _tail(clamped(size, NEAR, 28.0))
    far = scaled(high + low, k)
    far = text.select(x < 0.0, 2.0 - far, far)
    return text.select(size < NEAR, near, far)
