"""What the functions share: sums and products without error, polynomials, powers of two.

A pair (high, low) stands for the unevaluated sum of two doubles (Dekker 1971; Muller et al., Handbook of
Floating-Point Arithmetic, 2nd ed., chapter 4).
"""

from __future__ import annotations

ONE_BITS = 0x3FF0000000000000  # of 1.0
SIGN_BIT = -(1 << 63)
ROUNDER = 1.5 * 2.0**52  # x + ROUNDER has the nearest integer in its last bits
ROUNDER_BITS = 0x4338000000000000
INFINITY = float("inf")
NAN = float("nan")


def two_sum(a, b):
    """a + b as a pair (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def fast_two_sum(a, b):
    """a + b as a pair, where |a| >= |b| or a = 0."""
    total = a + b
    return total, b - (total - a)


def two_product(a, b):
    """a * b as a pair."""
    text = a.text
    b = text.real(b)
    product = a * b
    return product, text.fma(a, b, -product)


def quotient(above, below):
    """The quotient of two pairs as a pair."""
    text = above[0].text
    high = above[0] / below[0]
    rest = text.fma(-high, below[0], above[0])
    return high, ((rest + above[1]) - high * below[1]) / below[0]


def polynomial(x, coefficients):
    """By Estrin's scheme, whose chains are short; coefficients from the lowest power on."""
    text = x.text
    terms = [text.real(c) for c in coefficients]
    power = x
    while len(terms) > 1:
        pairs = [
            text.fma(terms[i + 1], power, terms[i]) if i + 1 < len(terms) else terms[i]
            for i in range(0, len(terms), 2)
        ]
        terms = pairs
        if len(terms) > 1:
            power = power * power
    return terms[0]


def rounded(x):
    """(the nearest integer as a double, the same as an integer) of |x| < 2**51."""
    text = x.text
    shifted = x + ROUNDER
    return shifted - ROUNDER, text.bits(shifted) - ROUNDER_BITS


def power_of_two(k):
    """2**k for an integer -1023 < k < 1024."""
    return k.text.from_bits((k << 52) + ONE_BITS)


def scaled(x, k):
    """x * 2**k for an integer |k| < 2000: in two steps, the first of which is exact where x is near 1, so that
    results in the subnormal range are rounded once."""
    half = ((k + 2048) >> 1) - 1024  # a shift brings in zeros: of positive numbers
    return (x * power_of_two(half)) * power_of_two(k - half)


def clamped(x, low, high):
    """x within bounds; NaN stays."""
    text = x.text
    x = text.select(x > high, high, x)
    return text.select(x < low, low, x)


def exponent_and_mantissa(x, least):
    """(k, m, 2**-k) with x = m 2**k, m in [least, 2 least), for positive normal x; k is a double, and least
    the bits of a number in (1/2, 1]."""
    text = x.text
    bits = text.bits(x)
    biased = (bits + (ONE_BITS - least)) >> 52
    mantissa = text.from_bits((bits - (biased << 52)) + ONE_BITS)
    exponent = text.from_bits(biased | 0x4330000000000000) - (2.0**52 + 1023.0)
    return exponent, mantissa, text.from_bits((2046 - biased) << 52)


def with_sign_of(x, sign):
    return x.text.op("copysign", x, sign)


def with_sign_flipped(x, where):
    """x, with the other sign where an integer's highest bit is set."""
    text = x.text
    return text.from_bits(text.bits(x) ^ (where & SIGN_BIT))
