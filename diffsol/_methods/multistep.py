"""Adams-Moulton and BDF formulas in Nordsieck form, which verify themselves when they are built.

A step of order q with correction e (Gear 1971, chapter 9; Hindmarsh, ODEPACK 1983) makes
z_j + l_j e of the predicted scaled derivatives z_j = h**j y^(j) / j!.  The vectors l come from
generating polynomials l(x) = l_0 + l_1 x + ... + l_q x**q with l_1 = 1:

    Adams:  dl/dx = (x + 1) ... (x + q - 1) / (q - 1)!,  l(-1) = 0
    BDF:    l(x) proportional to (x + 1) ... (x + q)

`tests` are the three numbers by which norms are divided to estimate the local error relative to the
tolerance at orders q - 1, q and q + 1.  The numbers are computed by the recurrences, in the order of
operations, that ODEPACK uses at run time, so that they have the bits that SciPy's LSODA has; exact
rational arithmetic then confirms each of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import factorial

from .table import TableError

Polynomial = list[Fraction]  # coefficients of 1, x, x**2 ...

ROUNDING = Fraction(1, 2**48)  # a few dozen roundings of 2**-53: what the recurrences may lose


@dataclass(frozen=True)
class Formula:
    """One order: `l` has order + 1 entries, `tests` those for order - 1, order, order + 1."""

    l: tuple[float, ...]
    tests: tuple[float, float, float]


@dataclass(frozen=True)
class Family:
    """The formulas of orders 1, 2, ... of one family."""

    name: str
    formulas: tuple[Formula, ...]


def _times(p: Polynomial, constant: int) -> Polynomial:
    """p(x) (x + constant)."""
    shifted = [Fraction(0), *p]
    return [a + constant * b for a, b in zip(shifted, [*p, Fraction(0)], strict=True)]


def _product(constants: range) -> Polynomial:
    p = [Fraction(1)]
    for constant in constants:
        p = _times(p, constant)
    return p


def _at_minus_one(p: Polynomial) -> Fraction:
    return sum((a * (-1) ** k for k, a in enumerate(p)), Fraction(0))


def _antiderivative(p: Polynomial) -> Polynomial:
    return [Fraction(0), *(a / k for k, a in enumerate(p, start=1))]


def _exact_adams(q: int) -> tuple[list[Fraction], list[Fraction]]:
    p = _product(range(1, q))
    integral = _antiderivative(p)
    scale = Fraction(1, factorial(q - 1))
    l = [(-_at_minus_one(integral) if k == 0 else a) * scale for k, a in enumerate(integral)]
    return l, [_adams_down(q), 1 / _gamma(q), 1 / _gamma(q + 1) if q < 12 else Fraction(0)]


def _gamma(q: int) -> Fraction:
    """Error constant of order q: |integral from -1 to 0 of x (x + 1) ... (x + q - 1)| / q!."""
    moment = _antiderivative([Fraction(0), *_product(range(1, q))])
    return abs(_at_minus_one(moment)) / factorial(q)


def _adams_down(q: int) -> Fraction:
    if q == 1:
        return Fraction(0)  # there is no order 0
    return 1 / (_gamma(q - 1) * factorial(q - 1) * q)


def _exact_bdf(q: int) -> tuple[list[Fraction], list[Fraction]]:
    p = _product(range(1, q + 1))
    l = [a / p[1] for a in p]
    return l, [Fraction(1, factorial(q - 1)), (q + 1) / l[0], (q + 2) / l[0]]


def _adams() -> Family:
    """Orders 1 to 12."""
    ls = [[1.0, 1.0]]
    down, same, up = [0.0, 1.0], [2.0], []
    p, factor = [1.0], 1.0
    for q in range(2, 13):
        previous, factor = factor, factor / q
        p = _float_times(p, q - 1)
        integral, moment, sign = p[0], p[0] / 2.0, 1.0
        for k in range(1, q):
            sign = -sign
            integral += sign * p[k] / (k + 1)
            moment += sign * p[k] / (k + 2)
        ls.append([integral * previous, 1.0, *(previous * p[k] / (k + 1) for k in range(1, q))])
        same.append(1.0 / (factor * moment))
        down.append(same[-1] * factor / (q + 1))
        up.append(same[-1])
    up.append(0.0)
    return _checked("Adams", ls, [down, same, up], _exact_adams)


def _bdf() -> Family:
    """Orders 1 to 5: from 7 on BDF is unstable, and at 6 it bears little damping."""
    ls, down, same, up = [], [], [], []
    p, factor = [1.0], 1.0
    for q in range(1, 6):
        p = _float_times(p, q)
        l = [a / p[1] for a in p]
        l[1] = 1.0
        ls.append(l)
        down.append(factor)
        same.append((q + 1) / l[0])
        up.append((q + 2) / l[0])
        factor = factor / q
    return _checked("BDF", ls, [down, same, up], _exact_bdf)


def _float_times(p: list[float], constant: int) -> list[float]:
    return [constant * p[0], *(p[k - 1] + constant * p[k] for k in range(1, len(p))), p[-1]]


def _checked(name, ls, tests, exact) -> Family:
    rows = list(zip(*tests, strict=False))
    for q, l in enumerate(ls, start=1):
        wanted_l, wanted_tests = exact(q)
        _require_close(f"{name} {q}: l", l, wanted_l)
        _require_close(f"{name} {q}: tests", rows[q - 1], wanted_tests)
    return Family(name, tuple(Formula(tuple(l), rows[i]) for i, l in enumerate(ls)))


def _require_close(what, got, wanted) -> None:
    for g, w in zip(got, wanted, strict=True):
        if abs(Fraction(g) - w) > ROUNDING * abs(w):
            raise TableError(f"{what}: {g!r} is not {float(w)!r}")


FAMILIES = (_adams(), _bdf())
