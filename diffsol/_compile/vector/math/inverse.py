"""arcsin, arccos, arctan, arctan2 (the reductions that Muller's Elementary Functions, chapter 11, describes)."""

from __future__ import annotations

from diffsol._compile.vector.math import coefficients as c
from diffsol._compile.vector.math.parts import (
    INFINITY,
    NAN,
    polynomial,
    quotient,
    two_sum,
    with_sign_of,
)


def arctan2(text, y, x):
    rise, run = text.abs(y), text.abs(x)
    infinite = rise.equals(INFINITY) | run.equals(INFINITY)
    rise = text.select(infinite, _is_infinite(rise), rise)
    run = text.select(infinite, _is_infinite(run), run)
    result = _angle(*_moderate(rise, run), text.bits(x) < 0)
    result = text.select(x.is_nan() | y.is_nan(), x + y, result)
    return with_sign_of(result, y)


def _is_infinite(x):
    return x.text.select(x.equals(INFINITY), 1.0, 0.0)


def _moderate(rise, run):
    """Both scaled by a power of two where their sums or the rests of quotients would leave the range."""
    text = rise.text
    largest = text.select(rise > run, rise, run)
    scale = text.select(largest > 2.0**1000, 2.0**-100, 1.0)
    scale = text.select(largest < 2.0**-800, 2.0**200, scale)
    return rise * scale, run * scale


def arctan(text, x):
    size = text.abs(x)
    finite = size < INFINITY
    rise = text.select(finite, size, 1.0)
    run = text.select(finite, text.real(1.0), 0.0)
    large = size > 2.0**1000  # its last bits are nothing beside pi/2
    rise = text.select(large & finite, 2.0**1000, rise)
    result = _angle(rise, run, text.truth(False))
    return text.select(x.is_nan(), x, with_sign_of(result, x))


def _angle(rise, run, backwards):
    """The angle of (run, rise), both >= 0, from 0 to pi/2; of (-run, rise) where `backwards`.

    Up to pi/8 it is atan(rise / run), up to 3 pi/8 pi/4 + atan((rise - run) / (rise + run)), beyond
    pi/2 - atan(run / rise).
    """
    text = rise.text
    low, high = rise <= c.TAN_EIGHTH_PI * run, run < c.TAN_EIGHTH_PI * rise
    less, less_low = two_sum(rise, -run)
    more, more_low = two_sum(rise, run)

    def chosen(of_low, of_middle, of_high):
        return text.select(low, of_low, text.select(high, of_high, of_middle))

    above = chosen(rise, less, -run), chosen(0.0, less_low, 0.0)
    below = chosen(run, more, rise), chosen(0.0, more_low, 0.0)
    below = text.select(below[0].equals(0.0), 1.0, below[0]), below[1]  # both are 0
    base = [chosen(*parts) for parts in zip((0.0, 0.0), c.QUARTER_PI, c.HALF_PI, strict=True)]
    q, q_low = quotient(above, below)
    tail = text.fma(q * q * q, polynomial(q * q, c.ATAN), q_low)
    # pi less the angle, where x < 0
    sign = text.select(backwards, -1.0, 1.0)
    base = [
        text.select(backwards, whole - part, part) for whole, part in zip(c.PI, base, strict=True)
    ]
    head, error = two_sum(base[0], sign * q)
    return head + (error + text.fma(sign, tail, base[1]))


def _arcsin_tail(s):
    """asin(s) - s, |s| <= 1/2."""
    z = s * s
    return s * z * polynomial(z, c.ASIN)


def _root(size):
    """sqrt((1 - size) / 2) as a pair."""
    text = size.text
    square = (1.0 - size) * 0.5
    root = text.sqrt(square)
    rest = text.fma(-root, root, square) / (2.0 * root)
    return root, text.select(root.equals(0.0), 0.0, rest)


def arcsin(text, x):
    size = text.abs(x)
    small = size + _arcsin_tail(size)
    root, rest = _root(size)
    tail = _arcsin_tail(root) + rest
    head, error = two_sum(text.real(c.HALF_PI[0]), -2.0 * root)
    large = head + (error + text.fma(-2.0, tail, c.HALF_PI[1]))
    result = with_sign_of(text.select(size < 0.5, small, large), x)
    return _within(x, result)


def arccos(text, x):
    size = text.abs(x)
    root, rest = _root(size)
    tail = _arcsin_tail(root) + rest
    right = 2.0 * (root + tail)
    head, error = two_sum(text.real(c.PI[0]), -2.0 * root)
    left = head + (error + text.fma(-2.0, tail, c.PI[1]))
    head, error = two_sum(text.real(c.HALF_PI[0]), -x)
    middle = head + (error + (c.HALF_PI[1] - _arcsin_tail(x)))
    result = text.select(size < 0.5, middle, text.select(x < 0.0, left, right))
    return _within(x, result)


def _within(x, result):
    """The result where |x| <= 1."""
    text = x.text
    result = text.select(text.abs(x) > 1.0, NAN, result)
    return text.select(x.is_nan(), x, result)
