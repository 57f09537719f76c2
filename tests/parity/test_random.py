"""Random systems and options: ours and SciPy's solve_ivp agree."""

import numpy as np
import pytest
import scipy.integrate
from hypothesis import given, settings
from hypothesis import strategies as st

import diffsol.integrate

pytestmark = pytest.mark.usefixtures("tier")

METHODS = st.sampled_from(["RK23", "RK45", "DOP853", "Radau", "BDF", "LSODA"])
COEFFICIENT = st.floats(-2, 2).map(lambda x: round(x, 3))


@st.composite
def systems(draw):
    """A right-hand side with linear, saturating and periodic parts that stays bounded for a while.

    It is smooth: at a kink DOP853 repeats not even its own counts when rounding changes.
    """
    n = draw(st.integers(1, 5))
    matrix = np.array(draw(st.lists(COEFFICIENT, min_size=n * n, max_size=n * n))).reshape(n, n)
    forcing = np.array(draw(st.lists(COEFFICIENT, min_size=n, max_size=n)))
    start = np.array(draw(st.lists(COEFFICIENT, min_size=n, max_size=n)))
    if draw(st.booleans()):
        start = start + 1j * forcing

    def fun(t, y, matrix, forcing):
        return matrix @ y / len(y) - y / (1 + np.abs(y) ** 2) + forcing * np.sin(3 * t)

    return fun, start, (matrix, forcing)


@st.composite
def options(draw):
    """Options of solve_ivp, and a span."""
    chosen = {"method": draw(METHODS), "dense_output": draw(st.booleans())}
    chosen["rtol"] = 10.0 ** draw(st.integers(-9, -2))
    chosen["atol"] = 10.0 ** draw(st.integers(-12, -3))
    if draw(st.booleans()):
        chosen["max_step"] = draw(st.sampled_from([0.05, 0.3, 5.0]))
    if draw(st.booleans()):
        chosen["first_step"] = draw(st.sampled_from([1e-3, 0.1, 0.5]))
    span = draw(st.sampled_from([(0.0, 2.0), (2.0, 0.0), (-1.0, 0.5)]))
    if draw(st.booleans()):
        chosen["t_eval"] = np.linspace(*span, draw(st.integers(1, 9)))
    return span, chosen


@settings(max_examples=150, deadline=None)
@given(systems(), options(), st.sampled_from([None, False, True, 2]), COEFFICIENT)
def test_agrees_with_scipy(system, span_and_options, terminal, level):
    fun, y0, args = system
    span, chosen = span_and_options
    if chosen["method"] in ("Radau", "LSODA"):  # they take no complex states
        y0 = y0.real

    def crossing(t, y, *args):
        return y[0].real - level

    crossing.terminal = terminal
    if terminal is not None:
        chosen = chosen | {"events": [crossing]}
    try:
        theirs = scipy.integrate.solve_ivp(fun, span, y0, args=args, **chosen)
    except ValueError as error:
        if chosen["method"] == "LSODA" and "different signs" in str(error):
            # its dense output has jumps, there as here
            with pytest.raises(ValueError, match="different signs"):
                diffsol.integrate.solve_ivp(fun, span, y0, args=args, **chosen)
            return
        ours = diffsol.integrate.solve_ivp(fun, span, y0, args=args, **chosen)
        # SciPy's own: an event that ends the solve exactly at the end of the step before.
        assert "`ts` must be strictly" in str(error)
        assert ours.status == 1
        return
    ours = diffsol.integrate.solve_ivp(fun, span, y0, args=args, **chosen)
    assert (ours.status, ours.message) == (theirs.status, theirs.message)
    assert np.shape(ours.y)[0] == np.shape(theirs.y)[0]
    if ours.nfev != theirs.nfev:
        # A decision fell the other way by rounding: about the same work all the same.
        assert abs(ours.nfev - theirs.nfev) <= 0.2 * theirs.nfev + 20
    elif np.shape(ours.t) == np.shape(theirs.t) and np.allclose(
        ours.t, theirs.t, rtol=1e-12, atol=0
    ):
        scale = 10 * (chosen["atol"] + chosen["rtol"] * np.abs(theirs.y).max(initial=0.0))
        assert np.abs(np.subtract(ours.y, theirs.y)).max(initial=0.0) <= scale
