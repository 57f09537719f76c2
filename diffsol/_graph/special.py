"""The functions of scipy.special that are operators of the graph: one row each.

Values are SciPy's to the last bit, because its own functions are called (`_native/special.py`). A row
says how many arguments there are, the name under which `scipy.special.cython_special` publishes the
function of doubles, and for each argument the partial derivative, a formula of (z, *arguments). The
derivatives are those of the Digital Library of Mathematical Functions (DLMF), whose section is named.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

ROOT_PI = math.sqrt(math.pi)
ROOT_TWO_PI = math.sqrt(2.0 * math.pi)
LN2, LN10 = math.log(2.0), math.log(10.0)
DEGREE = math.pi / 180.0


class Special(NamedTuple):
    arity: int
    symbol: str
    partials: tuple[Callable | None, ...]  # None: not known, so there is no exact Jacobian


def _apply(name, *arguments):
    return arguments[0].apply("special_" + name, *arguments[1:])


def _of_order(name, order, x):
    """The function of an order that is a number."""
    return x.number(order).apply("special_" + name, x)


def _gauss(x):
    return (-x.apply("square")).apply("exp")


def _exprel(z, x):
    """(e^x - z) / x, by its series near 0, where that cancels."""
    small = x.apply("absolute").apply("less", 1e-3)
    series = 0.5 + x * (1 / 3 + x * (1 / 8 + x * (1 / 30)))
    return small.apply("select", series, (x.apply("exp") - z) / small.apply("select", 1.0, x))


def _neighbours(name, sign):
    """(f(v - 1) + sign f(v + 1)) / 2: DLMF 10.6.1, 10.29.1"""

    def partial(z, v, x):
        below, above = _apply(name, v - 1.0, x), _apply(name, v + 1.0, x)
        return 0.5 * (below + above if sign > 0 else below - above)

    return partial


def _gammainc(z, a, x):
    """DLMF 8.8.13"""
    return ((a - 1.0) * x.apply("log") - x - _apply("gammaln", a)).apply("exp")


def _digamma_difference(a, b):
    return _apply("psi", a) - _apply("psi", b)


def _one(symbol, partial):
    return Special(1, symbol, (partial,))


def _two(symbol, *partials):
    return Special(2, symbol, partials)


FIRST, SECOND = "__pyx_fuse_0", "__pyx_fuse_1"  # Cython's names of functions for several types

TABLE = {
    # logistic, and the error function: DLMF 7.2, 7.10
    "expit": _one(FIRST + "expit", lambda z, x: z * _apply("expit", -x)),
    "logit": _one(FIRST + "logit", lambda z, x: 1.0 / (x * (1.0 - x))),
    "log_expit": _one(FIRST + "log_expit", lambda z, x: _apply("expit", -x)),
    "erf": _one(SECOND + "erf", lambda z, x: 2.0 / ROOT_PI * _gauss(x)),
    "erfc": _one(SECOND + "erfc", lambda z, x: -2.0 / ROOT_PI * _gauss(x)),
    "erfcx": _one(SECOND + "erfcx", lambda z, x: 2.0 * x * z - 2.0 / ROOT_PI),
    "erfi": _one(SECOND + "erfi", lambda z, x: 2.0 / ROOT_PI * x.apply("square").apply("exp")),
    "erfinv": _one(FIRST + "erfinv", lambda z, x: ROOT_PI / 2 * z.apply("square").apply("exp")),
    "erfcinv": _one("erfcinv", lambda z, x: -ROOT_PI / 2 * z.apply("square").apply("exp")),
    "dawsn": _one(SECOND + "dawsn", lambda z, x: 1.0 - 2.0 * x * z),
    "ndtr": _one(
        SECOND + "ndtr", lambda z, x: (-0.5 * x.apply("square")).apply("exp") / ROOT_TWO_PI
    ),
    "ndtri": _one("ndtri", lambda z, x: ROOT_TWO_PI * (0.5 * z.apply("square")).apply("exp")),
    # powers, exponentials and logarithms
    "exprel": _one("exprel", _exprel),
    "exp2": _one("exp2", lambda z, x: LN2 * z),
    "exp10": _one("exp10", lambda z, x: LN10 * z),
    "expm1": _one(SECOND + "expm1", lambda z, x: x.apply("exp")),
    "log1p": _one(SECOND + "log1p", lambda z, x: 1.0 / (1.0 + x)),
    "cbrt": _one("cbrt", lambda z, x: 1.0 / (3.0 * z.apply("square"))),
    "cosm1": _one("cosm1", lambda z, x: -x.apply("sin")),
    "entr": _one("entr", lambda z, x: -x.apply("log") - 1.0),
    "xlogy": _two(SECOND + "xlogy", lambda z, x, y: y.apply("log"), lambda z, x, y: x / y),
    "xlog1py": _two(
        SECOND + "xlog1py", lambda z, x, y: y.apply("log1p"), lambda z, x, y: x / (1.0 + y)
    ),
    "rel_entr": _two(
        "rel_entr", lambda z, x, y: (x / y).apply("log") + 1.0, lambda z, x, y: -(x / y)
    ),
    "kl_div": _two("kl_div", lambda z, x, y: (x / y).apply("log"), lambda z, x, y: 1.0 - x / y),
    "sindg": _one("sindg", lambda z, x: DEGREE * _apply("cosdg", x)),
    "cosdg": _one("cosdg", lambda z, x: -DEGREE * _apply("sindg", x)),
    "tandg": _one("tandg", lambda z, x: DEGREE * (1.0 + z.apply("square"))),
    "wrightomega": _one(SECOND + "wrightomega", lambda z, x: z / (1.0 + z)),
    # gamma functions: DLMF 5.2, 5.12, 8.8
    "gamma": _one(SECOND + "gamma", lambda z, x: z * _apply("psi", x)),
    "gammaln": _one("gammaln", lambda z, x: _apply("psi", x)),
    "loggamma": _one(SECOND + "loggamma", lambda z, x: _apply("psi", x)),
    "rgamma": _one(SECOND + "rgamma", lambda z, x: -(z * _apply("psi", x))),
    "psi": _one(SECOND + "psi", None),
    "beta": _two(
        "beta",
        lambda z, a, b: z * _digamma_difference(a, a + b),
        lambda z, a, b: z * _digamma_difference(b, a + b),
    ),
    "betaln": _two(
        "betaln",
        lambda z, a, b: _digamma_difference(a, a + b),
        lambda z, a, b: _digamma_difference(b, a + b),
    ),
    "binom": _two(
        "binom",
        lambda z, n, k: z * _digamma_difference(n + 1.0, n - k + 1.0),
        lambda z, n, k: z * _digamma_difference(n - k + 1.0, k + 1.0),
    ),
    "gammainc": _two("gammainc", None, _gammainc),
    "gammaincc": _two("gammaincc", None, lambda z, a, x: -_gammainc(z, a, x)),
    # Bessel functions: DLMF 10.6, 10.29
    "j0": _one("j0", lambda z, x: -_apply("j1", x)),
    "j1": _one("j1", lambda z, x: 0.5 * (_apply("j0", x) - _of_order("jv", 2.0, x))),
    "y0": _one("y0", lambda z, x: -_apply("y1", x)),
    "y1": _one("y1", lambda z, x: _apply("y0", x) - z / x),
    "i0": _one("i0", lambda z, x: _apply("i1", x)),
    "i1": _one("i1", lambda z, x: 0.5 * (_apply("i0", x) + _of_order("iv", 2.0, x))),
    "k0": _one("k0", lambda z, x: -_apply("k1", x)),
    "k1": _one("k1", lambda z, x: -(_apply("k0", x) + z / x)),
    "i0e": _one("i0e", lambda z, x: _apply("i1e", x) - x.apply("sign") * z),
    "i1e": _one("i1e", None),
    "k0e": _one("k0e", lambda z, x: z - _apply("k1e", x)),
    "k1e": _one("k1e", lambda z, x: z - (_apply("k0e", x) + z / x)),
    "jv": _two(SECOND + "jv", None, _neighbours("jv", -1)),
    "yv": _two(SECOND + "yv", None, _neighbours("yv", -1)),
    "iv": _two(SECOND + "iv", None, _neighbours("iv", +1)),
    "kv": _two(SECOND + "kv", None, lambda z, v, x: -_neighbours("kv", +1)(z, v, x)),
    # exponential and elliptic integrals: DLMF 6.2, 19.2
    "exp1": _one(SECOND + "exp1", lambda z, x: -((-x).apply("exp") / x)),
    "expi": _one(SECOND + "expi", lambda z, x: x.apply("exp") / x),
    "ellipk": _one("ellipk", None),
    "ellipe": _one("ellipe", None),
    "ellipkinc": _two(
        "ellipkinc",
        lambda z, phi, m: 1.0 / (1.0 - m * phi.apply("sin").apply("square")).apply("sqrt"),
        None,
    ),
    "ellipeinc": _two(
        "ellipeinc",
        lambda z, phi, m: (1.0 - m * phi.apply("sin").apply("square")).apply("sqrt"),
        None,
    ),
}
