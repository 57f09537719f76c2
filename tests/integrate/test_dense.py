"""The native OdeSolution against SciPy's, over the same solves."""

import copy
import pickle

import numpy as np
import pytest
import scipy.integrate
from numpy.testing import assert_allclose

from diffsol.integrate import OdeSolution, solve_ivp
from native.problems import takes

METHODS = ("RK23", "RK45", "DOP853", "Radau", "BDF", "LSODA")
SPANS = ((0, 3), (3, 0))
TIMES = np.array([2.5, 0.1, 0.1, 1.0, -0.5, 3.5, 0.0, 3.0])


def rhs(t, y):
    return [y[1], -y[0] + 0.1 * t]


def end(t, y):
    return t - 1.234


end.terminal = True


def solutions(method, span, y0=(0.5, 0.25), **options):
    both = scipy.integrate.solve_ivp, solve_ivp
    return [solve(rhs, span, y0, method=method, dense_output=True, **options).sol for solve in both]


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize(
    "method, y0",
    [(m, y) for m in METHODS for y in ((0.5, 0.25), (0.5 + 1j, 0.25)) if takes(m, y)],
)
def test_values(method, span, y0):
    theirs, ours = solutions(method, span, y0)
    # LSODA amplifies rounding
    tolerance = {"rtol": 1e-9, "atol": 1e-7 if method == "LSODA" else 0}
    assert_allclose(ours(TIMES), theirs(TIMES), **tolerance)
    assert ours(TIMES).dtype == theirs(TIMES).dtype
    for t in (0.3, 1, np.float32(0.5), np.array(2.0)):
        assert ours(t).shape == (2,)
        assert_allclose(ours(t), theirs(t), **tolerance)
    # each at its own breakpoint: one rounding error beside it another segment is asked
    assert_allclose(ours(ours.ts[1]), theirs(theirs.ts[1]), **tolerance)
    assert_allclose(ours([0, 1, 2]), theirs([0, 1, 2]), **tolerance)


@pytest.mark.parametrize("options", [{}, {"t_eval": [1.0]}, {"events": end}])
@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("method", METHODS)
def test_attributes(method, span, options):
    theirs, ours = solutions(method, span, **options)
    for name in ("ts", "ts_sorted", "t_min", "t_max"):
        assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-9)
    for name in ("n_segments", "ascending", "side"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert_allclose(ours(ours.ts), theirs(theirs.ts), rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_interpolants_are_scipys(method):
    theirs, ours = solutions(method, (0, 3))
    assert len(ours.interpolants) == len(theirs.interpolants)
    assert ours.interpolants is ours.interpolants
    for mine, other in zip(ours.interpolants, theirs.interpolants, strict=True):
        assert type(mine) is type(other)
        assert (mine.t_old, mine.t, mine.t_min) == pytest.approx(
            (other.t_old, other.t, other.t_min)
        )
        assert_allclose(mine(mine.t_old + 0.01), other(other.t_old + 0.01), rtol=1e-9)


@pytest.mark.parametrize("t", [1j, [1j, 2], None, "1", True, [1, 2], np.longdouble(1), np.nan])
@pytest.mark.parametrize("method", METHODS)
def test_odd_times(method, t):
    outcomes = []
    for sol in solutions(method, (0, 3)):
        try:
            outcomes.append(sol(t))
        except Exception as error:
            outcomes.append(type(error))
    theirs, ours = outcomes
    if isinstance(theirs, type):
        assert ours is theirs
    else:
        assert ours.dtype == theirs.dtype
        assert_allclose(ours, theirs, rtol=1e-9)


def test_memory_order_and_single_call():
    theirs, ours = solutions("RK45", (0, 3))
    for t in (TIMES, [1.0], 1.0):
        assert ours(t).strides == theirs(t).strides or np.size(t) == 1
    assert_allclose(ours._call_single(1.0), theirs._call_single(1.0), rtol=1e-9)


def test_class():
    _, ours = solutions("RK45", (0, 1))
    assert isinstance(ours, OdeSolution)
    assert ours.__class__ is scipy.integrate.OdeSolution
    with pytest.raises(AttributeError, match="nosuch"):
        ours.nosuch  # noqa: B018  (the look-up is the test)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
@pytest.mark.parametrize("method", METHODS)
def test_copies(method, duplicate):
    _, ours = solutions(method, (0, 3))
    other = duplicate(ours)
    np.testing.assert_array_equal(other(TIMES), ours(TIMES))


def test_memory_outlives_the_result():
    times = np.linspace(0, 3, 50)
    _, ours = solutions("DOP853", (0, 3))
    before = ours(times)
    for _ in range(20):
        solutions("DOP853", (0, 3))
    np.testing.assert_array_equal(ours(times), before)


@pytest.mark.parametrize("t", [[[0.5]], np.ones((2, 2))])
def test_two_dimensions(t):
    _, ours = solutions("RK45", (0, 1))
    with pytest.raises(ValueError, match="must be a float or a 1-D array"):
        ours(t)


def test_constant_solutions():
    """No interval, or no equations: SciPy's own constant interpolant."""
    point = solve_ivp(rhs, (1, 1), [0.5, 0.25], dense_output=True)
    assert_allclose(point.sol([0.0, 1.0, 2.0]), [[0.5] * 3, [0.25] * 3])
    empty = solve_ivp(lambda t, y: y, (0, 1), [], dense_output=True)
    assert empty.sol([0.0, 0.5]).shape == (0, 2)
