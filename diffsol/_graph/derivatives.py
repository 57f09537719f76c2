"""The derivative of every elementwise operator, one row each (beside `ops.ELEMENTWISE`).

A row has one rule per input. A rule takes the input's tangent d, the operator's result z and all
inputs, and gives the input's share of the result's tangent; shares are added. It must be linear in
d over the real numbers (so that |z| and the conjugate have one), and d may have a further leading
axis. None: the result does not depend on that input, or does so in steps only. A `Choice` hands on
the tangent of the input whose value the operator picked, never a product with zero, which would
turn an infinite tangent of the other into a NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from diffsol._graph.formula import Formula
from diffsol._graph.ops import COMPLEX
from diffsol._graph.special import TABLE as SPECIAL
from diffsol._graph.terms import TooLarge


@dataclass(frozen=True)
class Choice:
    """The result is input `first` where condition(*inputs) holds, else input `second`."""

    condition: Callable
    first: int = 0
    second: int = 1


def _times(partial):
    """The rule of an input with this partial derivative, a formula of (z, *inputs)."""
    return lambda d, z, *inputs: d * partial(z, *inputs)


def rule_of(name, partial):
    """The rule of an argument with this partial derivative, or None: it is not known."""

    def unknown(*_):
        raise TooLarge(f"the derivative of {name} with respect to an argument")

    return unknown if partial is None else _times(partial)


def _same(d, *_):
    return d


def _opposite(d, *_):
    return -d


def _alike(name):
    """The rule of an operator that is linear itself."""
    return lambda d, *_: d.apply(name)


def _absolute(d, z, x):
    if x.node.dtype == COMPLEX:  # |x| = sqrt(x conj(x))
        return (d * x.apply("conjugate")).apply("real") / z
    return d * x.apply("sign")


def _complex_part(number):
    """The rule of re (0) or im (1) in re + i im."""

    def rule(d, *_):
        zero = Formula(d.graph, d.graph.const(0.0))
        return (zero if number else d).apply("make_complex", d if number else zero)

    return rule


def _sign_changed(z, a, b):
    """copysign(a, b) is a or -a; signs of zeros count."""
    one = Formula(a.graph, a.graph.const(1.0))
    return one.apply("copysign", a) * one.apply("copysign", b)


def _inverse_root(product):
    return 1.0 / product.apply("sqrt")


def _squares(a, b):
    return a.apply("square") + b.apply("square")


LN2, LN10 = math.log(2.0), math.log(10.0)
TWO_BY_ROOT_PI = 2.0 / math.sqrt(math.pi)

# d f / d x of f(x), as a formula of (f, x)
FUNCTIONS = {
    "square": lambda z, x: 2.0 * x,
    "reciprocal": lambda z, x: -z.apply("square"),
    "sqrt": lambda z, x: 0.5 / z,
    "cbrt": lambda z, x: 1.0 / (3.0 * z.apply("square")),
    "exp": lambda z, x: z,
    "exp2": lambda z, x: LN2 * z,
    "expm1": lambda z, x: x.apply("exp"),  # z + 1 would cancel for very negative x
    "log": lambda z, x: 1.0 / x,
    "log2": lambda z, x: 1.0 / (LN2 * x),
    "log10": lambda z, x: 1.0 / (LN10 * x),
    "log1p": lambda z, x: 1.0 / (1.0 + x),
    "sin": lambda z, x: x.apply("cos"),
    "cos": lambda z, x: -x.apply("sin"),
    "tan": lambda z, x: 1.0 + z.apply("square"),
    "arcsin": lambda z, x: _inverse_root((1.0 - x) * (1.0 + x)),
    "arccos": lambda z, x: -_inverse_root((1.0 - x) * (1.0 + x)),
    "arctan": lambda z, x: 1.0 / (1.0 + x.apply("square")),
    "sinh": lambda z, x: x.apply("cosh"),
    "cosh": lambda z, x: x.apply("sinh"),
    "tanh": lambda z, x: 1.0 - z.apply("square"),
    "arcsinh": lambda z, x: 1.0 / x.apply("hypot", 1.0),
    "arccosh": lambda z, x: _inverse_root((x - 1.0) * (x + 1.0)),
    "arctanh": lambda z, x: 1.0 / ((1.0 - x) * (1.0 + x)),
    "erf": lambda z, x: TWO_BY_ROOT_PI * (-x.apply("square")).apply("exp"),
    "erfc": lambda z, x: -TWO_BY_ROOT_PI * (-x.apply("square")).apply("exp"),
}

# Constant between jumps, or truth values
STEPS = (
    *("floor_divide", "sign", "heaviside", "floor", "ceil", "trunc", "rint"),
    *("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"),
    *("isnan", "isinf", "isfinite"),
    *("logical_and", "logical_or", "logical_xor", "logical_not"),
)

DERIVATIVES = {
    **dict.fromkeys(STEPS),
    **{name: (_times(partial),) for name, partial in FUNCTIONS.items()},
    **{
        f"special_{name}": tuple(
            rule_of(f"scipy.special.{name}", partial) for partial in row.partials
        )
        for name, row in SPECIAL.items()
    },
    "add": (_same, _same),
    "subtract": (_same, _opposite),
    "multiply": (_times(lambda z, a, b: b), _times(lambda z, a, b: a)),
    "divide": (_times(lambda z, a, b: 1.0 / b), _times(lambda z, a, b: -(z * (1.0 / b)))),
    "power": (
        _times(lambda z, x, e: e * x.apply("power", e - 1.0)),
        _times(lambda z, x, e: z * x.apply("log")),
    ),
    "remainder": (_same, _times(lambda z, a, b: -a.apply("floor_divide", b))),
    "fmod": (_same, _times(lambda z, a, b: -(a / b).apply("trunc"))),
    "arctan2": (
        _times(lambda z, y, x: x / _squares(x, y)),
        _times(lambda z, y, x: -(y / _squares(x, y))),
    ),
    "hypot": (_times(lambda z, a, b: a / z), _times(lambda z, a, b: b / z)),
    "copysign": (_times(_sign_changed), None),
    "logaddexp": (
        _times(lambda z, a, b: (a - z).apply("exp")),
        _times(lambda z, a, b: (b - z).apply("exp")),
    ),
    "negative": (_opposite,),
    "absolute": (_absolute,),
    "conjugate": (_alike("conjugate"),),
    "real": (_alike("real"),),
    "imag": (_alike("imag"),),
    "make_complex": (_complex_part(0), _complex_part(1)),
    "select": Choice(lambda condition, a, b: condition, 1, 2),
    "shield": Choice(lambda condition, a, b: condition, 1, 2),
    "maximum": Choice(lambda a, b: a.apply("greater_equal", b)),
    "minimum": Choice(lambda a, b: a.apply("less_equal", b)),
    "fmax": Choice(lambda a, b: a.apply("greater_equal", b).apply("logical_or", b.apply("isnan"))),
    "fmin": Choice(lambda a, b: a.apply("less_equal", b).apply("logical_or", b.apply("isnan"))),
}
