"""How far the functions of ds_math are from the truth, in units in the last place, by mpmath."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from mpmath import mp, mpf

# name: ((from, to) where most of its life is, mpmath's function)
UNARY = {
    "exp": ((-746, 710), mp.exp),
    "exp2": ((-1080, 1025), lambda x: mp.power(2, x)),
    "expm1": ((-50, 710), mp.expm1),
    "log": ((0, 100), mp.log),
    "log2": ((0, 100), lambda x: mp.log(x, 2)),
    "log10": ((0, 100), mp.log10),
    "log1p": ((-1, 100), mp.log1p),
    "sin": ((-1000, 1000), mp.sin),
    "cos": ((-1000, 1000), mp.cos),
    "tan": ((-1000, 1000), mp.tan),
    "arcsin": ((-1, 1), mp.asin),
    "arccos": ((-1, 1), mp.acos),
    "arctan": ((-10, 10), mp.atan),
    "sinh": ((-711, 711), mp.sinh),
    "cosh": ((-711, 711), mp.cosh),
    "tanh": ((-25, 25), mp.tanh),
    "arcsinh": ((-100, 100), mp.asinh),
    "arccosh": ((1, 100), mp.acosh),
    "arctanh": ((-1, 1), mp.atanh),
    "cbrt": ((-100, 100), lambda x: mp.sign(x) * mp.cbrt(abs(x))),
    "erf": ((-6, 6), mp.erf),
    "erfc": ((-6, 27.3), mp.erfc),
}
BINARY = {"power": mp.power, "arctan2": mp.atan2, "hypot": mp.hypot}
FUNCTIONS = (*UNARY, *BINARY)
SPECIAL = (0.0, np.inf, np.nan, 5e-324, 1e-310, 2.0**-1022, 1e-8, 0.5, 1.0, 1.5, 2.0, 3.0, 710.0)
SPECIAL += (745.5, 1e16, 2.0**53 - 1, 1e300, 1.7976931348623157e308, np.nextafter(1.0, 0))


def with_signs(values):
    return np.array([*values, *(-x for x in values)])


def _of_any_size(rng, count, low=-1074, high=1024):
    return np.exp2(rng.uniform(low, high, count)) * rng.choice([-1.0, 1.0], count)


def points(name, rng, count):
    """Operands of a function, about `count`: evenly, by magnitude, near 1 and where it is hard."""
    part = count // 4
    if name in BINARY:
        return _pairs(name, rng, part)
    (low, high), _ = UNARY[name]
    parts = [rng.uniform(low, high, 2 * part), _of_any_size(rng, part // 2)]
    parts += [_of_any_size(rng, part // 2, -60, np.log2(max(-low, high)))]
    parts += [(1.0 + _of_any_size(rng, part, -53, -1)) * rng.choice([-1.0, 1.0], part)]
    if name in ("sin", "cos", "tan"):
        hard = near_quarter_turns()
        parts.append(rng.choice(hard, min(part, hard.size)))
        parts.append(rng.integers(-(2**22), 2**22, part // 2) * (np.pi / 2))
    x = np.concatenate(parts)
    return (np.abs(x) if low >= 0 else x,)


def _pairs(name, rng, part):
    x = [_of_any_size(rng, part, -10, 10), _of_any_size(rng, 2 * part), rng.uniform(0, 2, part)]
    y = [rng.uniform(-50, 50, part), _of_any_size(rng, 2 * part), rng.uniform(-1100, 1100, part)]
    if name == "power":  # near 1 with large exponents
        x += [1.0 + _of_any_size(rng, part, -40, -4)]
        y += [_of_any_size(rng, part, 4, 50)]
    x, y = np.concatenate(x), np.concatenate(y)
    if name == "power":
        x = np.where(rng.random(x.size) < 0.8, np.abs(x), x)
        y = np.where(x < 0, np.rint(y), y)
    return x, y


def near_quarter_turns():
    """Doubles that are as near to multiples of pi/2 as any of their size: M 2**q with M a denominator of a
    convergent of 2**q 2/pi."""
    found = []
    with mp.workprec(1400):
        bits = int(mp.floor(mpf(2) ** 1300 * 2 / mp.pi))
    for q in range(-40, 971):
        x = Fraction(bits * 2 ** (q + 40), 2**1340)
        before, m = 0, 1
        while x.denominator > 1:
            x = 1 / (x - x.numerator // x.denominator)
            before, m = m, x.numerator // x.denominator * m + before
            if m >= 2**53:
                break
        found.append(before * 2.0**q)
    return np.array([x for x in found if np.isfinite(x)])


def errors(name, operands, results):
    """The error of each result, in units in the last place; inf where it is not finite and should be."""
    function = BINARY[name] if name in BINARY else UNARY[name][1]
    return np.array([_error(function, *case) for case in zip(*operands, results, strict=True)])


def _error(function, *case):
    *operands, result = map(float, case)
    largest = max(abs(np.frexp(x)[1]) for x in operands if np.isfinite(x))
    with mp.workprec(150 + (largest if function in (mp.sin, mp.cos, mp.tan) else 0)):
        with_range = _true(function, operands)
        if with_range is None:
            return 0.0
        nearest = _as_double(with_range)
        if np.isnan(result) or np.isinf(nearest) or np.isinf(result):
            return 0.0 if nearest == result else np.inf
        return float(abs(mpf(result) - with_range) / mpf(float(np.spacing(abs(nearest)))))


def _true(function, operands):
    """The true value; None where there is none, or it is beyond any double and mpmath would take for ever."""
    if not all(map(np.isfinite, operands)):
        return None
    if function is mp.power and abs(operands[1] * np.log2(abs(operands[0]))) > 1e5:
        return None
    if (
        function in (mp.exp, mp.expm1, mp.sinh, mp.cosh, mp.erf, mp.erfc, mp.tanh)
        and abs(operands[0]) > 1e5
    ):
        return None
    if function is UNARY["exp2"][1] and abs(operands[0]) > 1e5:
        return None
    try:
        value = function(*map(mpf, operands))
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    return value if isinstance(value, mpf) and mp.isfinite(value) else None


def _as_double(x):
    """mpmath's conversion, to infinity from the largest double and a half on."""
    try:
        return float(x)
    except OverflowError:
        return np.inf if x > 0 else -np.inf
