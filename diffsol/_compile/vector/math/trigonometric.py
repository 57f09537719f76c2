"""sin, cos, tan: polynomials on |r| <= pi/4 by quadrant (the method of fdlibm's k_sin.c and k_cos.c)."""

from __future__ import annotations

from diffsol._compile.vector.math import coefficients as c
from diffsol._compile.vector.math import reduction
from diffsol._compile.vector.math.parts import (
    INFINITY,
    NAN,
    fast_two_sum,
    polynomial,
    quotient,
    two_product,
    with_sign_flipped,
)


def sine(r, rest):
    """sin(r + rest) as a pair."""
    text = r.text
    z = r * r
    return r, text.fma(r * z, polynomial(z, c.SIN), rest * text.fma(z, -0.5, 1.0))


def cosine(r, rest):
    """cos(r + rest) as a pair."""
    text = r.text
    z, z_low = two_product(r, r)
    high, low = fast_two_sum(text.real(1.0), -0.5 * z)
    tail = text.fma(z * z, polynomial(z, c.COS), -text.fma(r, rest, 0.5 * z_low))
    return high, low + tail


def _functions(name, kernel):
    """(one for any argument, one for large arguments) of what is done with a reduced argument."""

    def small(text, x):
        size = text.abs(x)
        result = kernel(x, *reduction.near(text, size))
        far = size >= reduction.LARGE
        return text.rarely(far, name + "_far", [x], result)

    def large(text, x):
        size = text.abs(x)
        result = kernel(x, *reduction.far(text, size))
        return text.select(size < INFINITY, result, NAN)

    return small, large


def _sin(x, r, rest, quadrant):
    result = _sum(_chosen(quadrant, sine(r, rest), cosine(r, rest)))
    sign = (quadrant << 62) ^ x.text.bits(x)
    return with_sign_flipped(result, sign)


def _cos(x, r, rest, quadrant):
    result = _sum(_chosen(quadrant, cosine(r, rest), sine(r, rest)))
    return with_sign_flipped(result, (quadrant + 1) << 62)


def _tan(x, r, rest, quadrant):
    above = _chosen(quadrant, sine(r, rest), cosine(r, rest))
    below = _chosen(quadrant, cosine(r, rest), sine(r, rest))
    result = _sum(quotient(fast_two_sum(*above), fast_two_sum(*below)))
    return with_sign_flipped(result, (quadrant << 63) ^ x.text.bits(x))


def _chosen(quadrant, even, odd):
    """The pair for an even number of quarter turns, or that for an odd one."""
    text = quadrant.text
    is_odd = (quadrant & 1).differs(0)
    return tuple(text.select(is_odd, b, a) for a, b in zip(even, odd, strict=True))


def _sum(pair):
    return pair[0] + pair[1]


sin, sin_far = _functions("sin", _sin)
cos, cos_far = _functions("cos", _cos)
tan, tan_far = _functions("tan", _tan)
