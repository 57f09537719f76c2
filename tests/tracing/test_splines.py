"""SciPy's interpolating objects as forcing: values to the last digits, derivatives, hidden state."""

import numpy as np
import pytest
import scipy.interpolate as si

from tracing.agreement import agree, differentiates, refusal, traced

RNG = np.random.default_rng(3)
X = np.concatenate([[0.0], np.sort(RNG.uniform(0, 2, 10)), [2.0]])
Y = np.sin(3 * X)
PAIR = np.column_stack([Y, np.cos(X)])
TCK = si.splrep(X, Y)
KINDS = (
    "linear",
    "nearest",
    "nearest-up",
    "previous",
    "next",
    "zero",
    "slinear",
    "quadratic",
    "cubic",
)
INSIDE = [[0.31, 1.77], [0.0, 2.0], [X[4], X[7]]]
OUTSIDE = [[-0.3, 2.4], [np.nan, 1.0], [np.inf, 0.5]]

CUBIC = si.CubicSpline(X, Y)
NATURAL = si.make_interp_spline(X, Y)
SCALAR = {
    "CubicSpline": CUBIC,
    "periodic": si.CubicSpline(X, np.r_[Y[:-1], Y[0]], bc_type="periodic"),
    "Pchip": si.PchipInterpolator(X, Y),
    "Akima": si.Akima1DInterpolator(X, Y),
    "Hermite": si.CubicHermiteSpline(X, Y, np.cos(X)),
    "PPoly": si.PPoly(CUBIC.c, X, extrapolate=False),
    "derivative": CUBIC.derivative(),
    "BSpline derivative": NATURAL.derivative(),
    "BSpline in its range": si.BSpline(*NATURAL.tck, extrapolate=False),
    "BSpline periodic": si.BSpline(*NATURAL.tck, extrapolate="periodic"),
    "Univariate derivative": si.InterpolatedUnivariateSpline(X, Y).derivative(),
    **{f"BSpline {k}": si.make_interp_spline(X, Y, k=k) for k in range(6)},
    **{f"Univariate {k}": si.UnivariateSpline(X, Y, k=k, s=0.01) for k in (1, 3, 5)},
    **{f"Univariate ext={e}": si.UnivariateSpline(X, Y, s=0, ext=e) for e in (1, 2, 3)},
    **{f"interp1d {k}": si.interp1d(X, Y, kind=k) for k in KINDS},
    **{
        f"interp1d {k} filled": si.interp1d(
            X, Y, kind=k, bounds_error=False, fill_value=(-1.0, 5.0)
        )
        for k in KINDS
    },
    **{f"interp1d {k} beyond": si.interp1d(X, Y, kind=k, fill_value="extrapolate") for k in KINDS},
    "interp1d backwards": si.interp1d(X[::-1], Y[::-1]),
}
SEVERAL = {
    "CubicSpline": si.CubicSpline(X, PAIR),
    "Pchip": si.PchipInterpolator(X, PAIR),
    "BSpline": si.make_interp_spline(X, PAIR),
    **{
        f"interp1d {k}": si.interp1d(X, PAIR, kind=k, axis=0, bounds_error=False, fill_value=0.5)
        for k in KINDS
    },
}
ALONG_ROWS = {
    "CubicSpline": si.CubicSpline(X, PAIR.T, axis=1),
    "BSpline": si.make_interp_spline(X, PAIR.T, axis=1),
    "interp1d": si.interp1d(X, PAIR.T, bounds_error=False),
}
SMOOTH = ("CubicSpline", "Pchip", "Akima", "derivative", "BSpline 3", "BSpline 5", "Univariate 3")


@pytest.mark.parametrize("name", SCALAR)
def test_of_time_and_of_the_state(name):
    spline = SCALAR[name]
    agree(lambda t, y: [spline(t) * y[1], 1.0 + spline(t)], 2)
    agree(lambda t, y: spline(y), 2, states=INSIDE)
    agree(lambda t, y: spline(y), 2, states=OUTSIDE, plain=False)


@pytest.mark.parametrize("name", SEVERAL)
def test_several_components(name):
    spline = SEVERAL[name]
    agree(lambda t, y: spline(t) * y, 2)
    agree(lambda t, y: spline(y) @ np.array([1.0, 2.0]), 2, states=INSIDE, rtol=1e-13)


@pytest.mark.parametrize("name", ALONG_ROWS)
def test_another_axis(name):
    spline = ALONG_ROWS[name]
    agree(lambda t, y: spline(t) * y, 2)
    agree(lambda t, y: spline(y)[0] + spline(y)[:, 1], 2, states=INSIDE)


@pytest.mark.parametrize("name", SMOOTH)
def test_derivatives(name):
    spline = SCALAR[name]
    differentiates(lambda t, y: [spline(y[0]) * y[1], spline(t) * y[0]], 2, states=[[0.8, 0.3]])


@pytest.mark.parametrize("spline", [CUBIC, NATURAL], ids=["PPoly", "BSpline"])
@pytest.mark.parametrize("nu", [1, 2, 3, 4])
def test_derivatives_on_demand(spline, nu):
    agree(lambda t, y: spline(y, nu), 2, states=INSIDE)
    agree(lambda t, y: spline(y, nu=nu, extrapolate=False), 2, states=OUTSIDE, plain=False)


def test_splev():
    agree(lambda t, y: [si.splev(t, TCK) * y[0], si.splev(y[1], TCK)], 2)
    agree(lambda t, y: si.splev(y, TCK, ext=1), 2, states=[*INSIDE, [-1.0, 3.0]])


def test_changed_in_place_between_solves():
    spline = si.CubicSpline(X, Y)

    def fun(t, y):
        return spline(t) * y

    result, block = traced(fun, 2)
    before = block.copy()
    spline.c[...] *= 2
    assert result.check(fun, (), block)
    assert not np.array_equal(block, before)
    agree(fun, 2)
    spline.extrapolate = False
    assert not result.check(fun, (), block)


def test_another_way_of_interp1d_is_noticed():
    f = si.interp1d(X, Y)

    def fun(t, y):
        return f(t) * y

    result, block = traced(fun, 2)
    f.bounds_error = False
    assert not result.check(fun, (), block)
    f.bounds_error = True
    assert result.check(fun, (), block)
    f._call = type(f)._call_nearest
    assert not result.check(fun, (), block)


class Own(si.CubicSpline):
    def __call__(self, x):
        return 2.0 * super().__call__(x)


def test_refused():
    own = Own(X, Y)
    descending = si.PPoly(CUBIC.c[:, ::-1], X[::-1])
    assert refusal(lambda t, y: own(t) * y, 2) is not None
    assert refusal(lambda t, y: descending(t) * y, 2) == "numpy-call"
    assert refusal(lambda t, y: CUBIC(t, -1) * y, 2) == "unknown-call"
    assert refusal(lambda t, y: si.splev(t, TCK, der=1) * y, 2) == "unknown-call"
