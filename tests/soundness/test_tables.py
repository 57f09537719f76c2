"""Lookups and splines from outside that change, and arguments that they were not made for."""

import numpy as np
import pytest
import scipy.interpolate
import scipy.special

from soundness.sides import assert_same, attacks

attack, CASES = attacks()
X = np.linspace(0.0, 2.0, 9)


@pytest.mark.parametrize("make", CASES, ids=lambda f: f.__name__)
def test_like_scipy(make, monkeypatch):
    assert_same(make, monkeypatch)


def changing(name, make_table, change):
    """A table that an event changes when t > 1."""

    def make():
        table = make_table()

        def f(t, y):
            return -table(t) * y

        def event(t, y):
            if t > 1:
                change(table)
            return 1.0

        return f, {"events": event, "max_step": 0.1, "t_span": (0, 1.9)}

    make.__name__ = name
    attack(make)


def cubic():
    return scipy.interpolate.CubicSpline(X, np.cos(X))


def replaced(name, value):
    return lambda table: setattr(table, name, value(getattr(table, name)))


def scaled(name, factor):
    def change(table):
        getattr(table, name)[...] *= factor

    return change


changing("cubic_coefficients_in_place", cubic, scaled("c", 1.1))
changing("cubic_knots_in_place", cubic, scaled("x", 1.01))
changing("cubic_coefficients_replaced", cubic, replaced("c", lambda c: c[:, ::-1].copy()))
changing("cubic_extrapolate", cubic, replaced("extrapolate", lambda e: False))
changing(
    "pchip_coefficients_in_place",
    lambda: scipy.interpolate.PchipInterpolator(X, np.sin(X)),
    scaled("c", 1.1),
)
changing(
    "bspline_coefficients_in_place",
    lambda: scipy.interpolate.make_interp_spline(X, np.cos(X)),
    scaled("c", 1.1),
)
changing(
    "bspline_knots_in_place",
    lambda: scipy.interpolate.make_interp_spline(X, np.cos(X)),
    scaled("t", 1.001),
)
changing(
    "bspline_degree_replaced",
    lambda: scipy.interpolate.make_interp_spline(X, np.cos(X)),
    replaced("extrapolate", lambda e: "periodic"),
)
for _kind in ("linear", "nearest", "previous", "cubic"):
    changing(
        f"interp1d_{_kind}_values_in_place",
        lambda _kind=_kind: scipy.interpolate.interp1d(X, np.cos(X), kind=_kind),
        scaled("y", 1.1),
    )
    changing(
        f"interp1d_{_kind}_replaced",
        lambda _kind=_kind: scipy.interpolate.interp1d(X, np.cos(X), kind=_kind),
        lambda table: table.__init__(X, np.sin(X)),
    )


def outside(name, make_table, at=lambda t, y: 3 * t):
    """A table asked where it has no values."""

    def make():
        table = make_table()
        return (lambda t, y: np.nan_to_num(table(at(t, y))) - y), {"t_span": (0, 1)}

    make.__name__ = name
    attack(make)


outside("beyond_cubic", cubic)
outside("beyond_interp1d", lambda: scipy.interpolate.interp1d(X, X))
outside("beyond_filled", lambda: scipy.interpolate.interp1d(X, X, bounds_error=False, fill_value=7))
outside("beyond_pchip", lambda: scipy.interpolate.PchipInterpolator(X, X**2, extrapolate=False))
outside("nan_in_cubic", cubic, lambda t, y: np.nan * t)
outside("nan_in_interp1d", lambda: scipy.interpolate.interp1d(X, X), lambda t, y: np.nan * t)
outside("array_in_cubic", cubic, lambda t, y: y)
outside("interp_of_a_list", lambda: lambda x: np.interp(x, [0, 1, 2], [0, 1, 0], left=-1, right=2))
outside("interp_unsorted", lambda: lambda x: np.interp(x, [0, 2, 1], [0, 1, 0]))
outside("interp_of_nan", lambda: lambda x: np.interp(x * np.nan, [0, 1], [0, 1]))


@attack
def interp_table_unsorted_by_an_event():
    xp, fp = X.copy(), np.cos(X)

    def f(t, y):
        return -np.interp(y, xp, fp) * y

    def event(t, y):
        if t > 1:
            xp[2], xp[5] = xp[5], xp[2]
        return 1.0

    return f, {"events": event, "max_step": 0.1}, lambda: None


def special(name, f):
    def make():
        return f, {"t_span": (0, 1)}

    make.__name__ = name
    attack(make)


special("gamma_at_poles", lambda t, y: np.nan_to_num(scipy.special.gamma(-np.floor(3 * t))) * 0 - y)
special("erf_of_integers", lambda t, y: scipy.special.erf(int(2 * t)) - y)
special("expit_of_truths", lambda t, y: scipy.special.expit(y > 0.4) - y)
special("gammaln_of_nan", lambda t, y: np.nan_to_num(scipy.special.gammaln(y * np.nan)) - y)
special("erf_into_out", lambda t, y: scipy.special.erf(y, out=np.zeros(2)) - y)
special("constants_of_special", lambda t, y: scipy.special.expit(0.5) - y)


@attack
def special_errors_become_exceptions():
    settings = scipy.special.geterr()

    def f(t, y):
        return -y + 0.0 * np.nan_to_num(scipy.special.gammaln(0.0 * y))

    def event(t, y):
        scipy.special.seterr(all="raise")
        return 1.0

    return f, {"events": event, "max_step": 0.5}, lambda: scipy.special.seterr(**settings) and None
