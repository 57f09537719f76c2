"""The door from Python, fuzzed: whatever is given as state, times, tolerances and options, the outcome is
SciPy's result or SciPy's error. Values on which SciPy loops for ever (docs/gaps.md) only must come to an end."""

import itertools
import warnings

import numpy as np
import pytest
import scipy.integrate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diffsol._engine import kernels
from diffsol.integrate import solve_ivp

FAST = settings(
    max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
METHODS = ("RK23", "RK45", "DOP853", "Radau", "BDF", "LSODA")
TAME = st.sampled_from([0.0, -0.0, 1.0, -2.5, 0.125, 3e-5, 5e-324, 2e-310, 1e10])
WILD = st.sampled_from([np.nan, np.inf, -np.inf, 1e308, -1e300, 1e200])
DTYPES = st.sampled_from(
    [
        "f8",
        ">f8",
        "f4",
        ">f4",
        "f2",
        "i8",
        "i4",
        ">i2",
        "u1",
        "b",
        "?",
        "c16",
        ">c16",
        "c8",
        "g",
        "O",
    ]
)


@st.composite
def states(draw, values):
    """Arrays of any type, order, stride and right, or lists; of no, few or some dozen states."""
    n = draw(st.sampled_from([0, 1, 2, 3, 7, 40]))
    numbers = draw(st.lists(values, min_size=n, max_size=n))
    form = draw(
        st.sampled_from(["list", "tuple", "array", "strided", "reversed", "read-only", "2-D"])
    )
    if form in ("list", "tuple"):
        return list(numbers) if form == "list" else tuple(numbers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        array = np.array(numbers, dtype=float).astype(draw(DTYPES))
    if form == "strided":
        wide = np.empty(3 * n, dtype=array.dtype)
        wide[::3] = array
        return wide[::3]
    if form == "reversed":
        return array[::-1]
    if form == "read-only":
        array.flags.writeable = False
    return array[None, :] if form == "2-D" else array


@st.composite
def options(draw, values):
    given = {"method": draw(st.sampled_from(METHODS))}
    if draw(st.booleans()):
        given["rtol"] = draw(
            st.sampled_from([1e-3, 1e-6, 0.0, -1.0, 1e-20, [1e-3], np.float32(1e-3)])
        )
    if draw(st.booleans()):
        given["atol"] = draw(
            st.sampled_from([1e-6, 1e-3, -1.0, [1e-6], [1e-6, 1e-5], np.full(3, 1e-4)])
        )
    if draw(st.booleans()):
        given["max_step"] = draw(st.sampled_from([np.inf, 0.25, 0.0, -1.0, np.float32(0.5)]))
    if draw(st.booleans()):
        given["first_step"] = draw(st.sampled_from([None, 0.01, 0.0, -0.1, 5.0]))
    if draw(st.booleans()):
        times = draw(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, 1.5]), max_size=4))
        given["t_eval"] = draw(
            st.sampled_from([times, sorted(times), np.array(sorted(times))[::-1]])
        )
    given["dense_output"] = draw(st.booleans())
    return given


def decay(t, y):
    return -0.5 * y + 0.1 * t


class Endless(Exception):
    pass


def counted(limit):
    """`decay`, until it has been called so often that its solver will never end."""
    calls = itertools.count()

    def fun(t, y):
        if next(calls) > limit:
            raise Endless
        return decay(t, y)

    return fun


def outcome(solve, span, y0, given, fun=decay):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            sol = solve(fun, span, y0, **given)
        except Exception as error:
            return type(error).__name__, None, None
    kinds = sorted({w.category.__name__ for w in caught})
    return "", sol, kinds


@FAST
@given(
    states(TAME), options(TAME), st.sampled_from([(0, 1), (1, 0), (0.0, 0.0), (0, 1e-300), [0, 1]])
)
@pytest.mark.parametrize("switch", ["0", "require"])
def test_like_scipy(switch, y0, given, span):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIFFSOL_JIT", switch)
        kernels.clear()
        got = outcome(solve_ivp, span, y0, given | {"deadline": 5.0})
    wanted = outcome(scipy.integrate.solve_ivp, span, y0, given, counted(20_000))
    if got[0] == "NotCompiledError" or wanted[0] == "Endless":
        return
    assert got[0] == wanted[0]
    if wanted[1] is None:
        return
    ours, theirs = got[1], wanted[1]
    assert (ours.status, ours.message) == (theirs.status, theirs.message)
    assert np.shape(ours.t) == np.shape(theirs.t)
    assert np.asarray(ours.y).dtype == np.asarray(theirs.y).dtype
    scale = np.max(np.abs(np.asarray(theirs.y, dtype=complex)), initial=0.0)
    np.testing.assert_allclose(
        np.asarray(ours.y, dtype=complex),
        np.asarray(theirs.y, dtype=complex),
        rtol=1e-4,
        atol=1e-6 * scale + 1e-300,
    )


@FAST
@given(
    states(st.one_of(TAME, WILD)),
    options(TAME),
    st.sampled_from([(0, 1), (0, np.nan), (np.nan, 1), (0, 1e308), (1e300, -1e300), (np.inf, 0)]),
)
@pytest.mark.parametrize("switch", ["0", "require"])
def test_comes_to_an_end(switch, y0, given, span):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIFFSOL_JIT", switch)
        error, sol, _ = outcome(solve_ivp, span, y0, given | {"deadline": 2.0, "max_steps": 10_000})
    assert error or sol.status in (-3, -2, -1, 0)
