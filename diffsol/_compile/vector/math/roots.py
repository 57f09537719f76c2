"""cbrt and hypot: a good estimate, then one step of Newton's method on the exact residual."""

from __future__ import annotations

from diffsol._compile.vector.math import coefficients as c
from diffsol._compile.vector.math.parts import (
    INFINITY,
    ONE_BITS,
    exponent_and_mantissa,
    fast_two_sum,
    polynomial,
    power_of_two,
    rounded,
    two_product,
    with_sign_of,
)


def cbrt(text, x):
    """x = m 2**k, k = 3 j + i: the root of m 2**i by a polynomial and Newton's method, times 2**j."""
    size = text.abs(x)
    tiny = size < 2.0**-1022
    k, m, _ = exponent_and_mantissa(text.select(tiny, size * 2.0**54, size), ONE_BITS)
    j, whole = rounded((k - 1.0) * (1.0 / 3.0))
    i = k - 3.0 * j  # 0, 1 or 2
    two, four = i.equals(1.0), i.equals(2.0)

    def by_rest(of_0, of_1, of_2):
        return text.select(four, of_2, text.select(two, text.real(of_1), of_0))

    root = polynomial(m, c.CBRT) * by_rest(1.0, c.CBRT_OF_2, c.CBRT_OF_4)
    m = m * by_rest(1.0, 2.0, 4.0)
    root = root - (root - m / (root * root)) * (1.0 / 3.0)
    square, square_low = two_product(root, root)
    cube, cube_low = two_product(square, root)
    residual = (cube - m) + text.fma(square_low, root, cube_low)
    root = root - residual / (3.0 * square)
    result = root * power_of_two(text.select(tiny, whole - 18, whole))
    ordinary = (size > 0.0) & (size < INFINITY)
    return text.select(ordinary, with_sign_of(result, x), x)


def hypot(text, x, y):
    a, b = text.abs(x), text.abs(y)
    swapped = b > a
    large, small = text.select(swapped, b, a), text.select(swapped, a, b)
    scale = text.select(large > 2.0**500, 2.0**-600, 1.0)
    scale = text.select(large < 2.0**-450, 2.0**600, scale)
    inverse = text.select(large > 2.0**500, 2.0**600, 1.0)
    inverse = text.select(large < 2.0**-450, 2.0**-600, inverse)
    large, small = large * scale, small * scale
    square, square_low = two_product(large, large)
    other, other_low = two_product(small, small)
    total, error = fast_two_sum(square, other)
    error = error + (square_low + other_low)
    root = text.sqrt(total)
    residual = text.fma(-root, root, total) + error
    result = root + text.select(root > 0.0, residual / (2.0 * root), 0.0)
    infinite = a.equals(INFINITY) | b.equals(INFINITY)
    return text.select(infinite, INFINITY, result * inverse)
