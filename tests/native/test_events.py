"""Events: found when, where and as often as SciPy finds them."""

import numpy as np
import pytest
import scipy
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from native.harness import Solve, lib
from native.problems import decay, oscillator

METHODS = ("RK23", "RK45", "DOP853")


def event(function, **attributes):
    def wrapped(t, y):
        return function(t, y)

    for name, value in attributes.items():
        setattr(wrapped, name, value)
    return wrapped


def both(fun, span, y0, events, **options):
    ours = Solve(fun, span, y0, events=events, **options)
    code = ours.run()
    theirs_options = {k: v for k, v in options.items() if k != "dense"}
    theirs = solve_ivp(
        fun, span, y0, events=events, dense_output=options.get("dense", False), **theirs_options
    )
    assert code == {0: lib.DS_FINISHED, 1: lib.DS_EVENT}[theirs.status]
    return ours, theirs


def assert_same_events(ours, theirs):
    assert ours.ivp.nfev == theirs.nfev
    assert [len(t) for t in ours.t_events] == [len(t) for t in theirs.t_events]
    for mine, scipys in zip(ours.t_events, theirs.t_events, strict=True):
        np.testing.assert_allclose(mine, scipys, rtol=1e-6, atol=1e-12)
    for mine, scipys in zip(ours.y_events, theirs.y_events, strict=True):
        np.testing.assert_allclose(mine, scipys, rtol=1e-5, atol=1e-6)
    if len(theirs.t):
        np.testing.assert_allclose(ours.t, theirs.t, rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("span", [(0, 20), (20, 0)], ids=["forward", "backward"])
@pytest.mark.parametrize("direction", [0, 1, -1, 0.5, np.nan])
@pytest.mark.parametrize("terminal", [None, True, 3])
def test_directions_and_counts(method, span, direction, terminal):
    events = [
        event(lambda t, y: y[0], direction=direction, terminal=terminal),
        event(lambda t, y: y[1] - 0.1),
    ]
    assert_same_events(*both(oscillator, span, [1.0, 0.5], events, method=method))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("t_eval", [None, np.linspace(0, 10, 23)], ids=["steps", "t_eval"])
def test_with_outputs(method, dense, t_eval):
    events = [event(lambda t, y: y[0], terminal=2), event(lambda t, y: t - 1.25)]
    ours, theirs = both(
        oscillator, (0, 10), [1.0, 0.5], events, method=method, dense=dense, t_eval=t_eval
    )
    assert_same_events(ours, theirs)
    assert ours.ivp.t_stop == pytest.approx(theirs.t_events[0][-1], rel=1e-6)
    if dense:
        assert ours.ivp.n_segments == len(theirs.sol.interpolants)


def test_zero_at_a_step_end_is_found_twice():
    options = {"first_step": 1.0, "max_step": 1.0, "rtol": 1e3, "atol": 1e3}
    for terminal in (None, 1, 2):
        ours, theirs = both(
            decay, (0, 5), [1.0], [event(lambda t, y: t - 2.0, terminal=terminal)], **options
        )
        assert_same_events(ours, theirs)
    assert list(ours.t_events[0]) == [2.0, 2.0]


@pytest.mark.parametrize("dense", [False, True])
def test_zero_at_the_start(dense):
    """A terminal event that is zero at t0: the equal time is kept, being only the second."""
    events = [event(lambda t, y: t, terminal=True)]
    ours, theirs = both(decay, (0, 5), [1.0], events, dense=dense)
    assert_same_events(ours, theirs)
    assert ours.ivp.n_points == 2


@pytest.mark.skipif(scipy.__version__.startswith("1.14."), reason="SciPy 1.14 fails there")
def test_equal_last_time_is_dropped_with_dense_output():
    """The event ends the solve at a time that is already the last point."""
    options = {"first_step": 1.0, "max_step": 1.0, "rtol": 1e3, "atol": 1e3, "dense": True}
    events = [event(lambda t, y: t - 2.0, terminal=2)]
    ours, theirs = both(decay, (0, 5), [1.0], events, **options)
    assert_same_events(ours, theirs)
    assert list(ours.t) == [0.0, 1.0, 2.0]
    assert ours.ivp.n_segments == len(theirs.sol.interpolants) == 2


def test_roots_are_sorted_only_when_one_ends_the_solve():
    def late(t, y):
        return t - 0.9

    def early(t, y):
        return t - 0.1

    options = {"first_step": 1.0, "rtol": 1e3, "atol": 1e3}
    ours, theirs = both(decay, (0, 1), [1.0], [late, early], **options)
    assert_same_events(ours, theirs)
    assert [ours.ivp.ev_index[i] for i in range(2)] == [0, 1]
    ending = event(early, terminal=True)
    ours, theirs = both(decay, (0, 1), [1.0], [late, ending], **options)
    assert_same_events(ours, theirs)
    assert ours.ivp.n_event_records == 1
    assert ours.ivp.event_count[0] == 1, "counted although it came after the end"


def test_complex_state_and_always_zero_event():
    events = [event(lambda t, y: y[0].real), event(lambda t, y: 0.0)]
    ours, theirs = both(lambda t, y: 1j * y, (0, 7), [1 + 0j], events)
    assert_same_events(ours, theirs)
    assert len(ours.t_events[1]) == ours.ivp.n_accepted


def test_zero_length_span():
    ours, theirs = both(decay, (1, 1), [1.0], [event(lambda t, y: y[0] - 1, terminal=True)])
    assert_same_events(ours, theirs)


def test_nan_is_no_event():
    ours, theirs = both(decay, (0, 3), [1.0], [event(lambda t, y: np.nan)])
    assert_same_events(ours, theirs)
    assert ours.ivp.n_event_records == 0


def sign_flipper():
    """An event that answers -1 at step ends (np.float64 times) and +1 to the root search."""
    return event(lambda t, y: 1.0 if type(t) is float else (-1.0 if t > 0.1 else 1.0))


def test_broken_brackets_are_told():
    ours = Solve(decay, (0, 3), [1.0], events=(sign_flipper(),))
    assert ours.run() == lib.DS_BRACKET
    assert ours.ivp.event_error == 0
    assert ours.ivp.n_points >= 1


def test_nan_in_the_root_search_is_told():
    broken = event(lambda t, y: np.nan if type(t) is float and t > 0 else t - 0.2)
    ours = Solve(decay, (0, 3), [1.0], events=(decay_event, broken))
    assert ours.run() == lib.DS_ROOT_NAN
    assert ours.ivp.event_error == 1
    assert 0 <= ours.ivp.error_t <= 3


def decay_event(t, y):
    return y[0] + 1


def searched(function):
    """Return code, times of all evaluations and root of a search over one step from 0 to 1."""
    ours = Solve(decay, (0, 1), [1.0], first_step=1.0, rtol=1e3, events=(lambda t, y: function(t),))
    code = ours.run()
    times = [t for which, _, t in ours.calls if which == 1]
    # The first is the step's end; the search then asks at both ends again.
    return code, times[1:], [ours.ivp.ev_t[i] for i in range(ours.ivp.n_event_records)]


def brentqs(function):
    times = []

    def recorded(t):
        times.append(t)
        return function(t)

    eps4 = 4 * np.finfo(float).eps
    return brentq, (recorded, 0, 1), {"xtol": eps4, "rtol": eps4}, times


@pytest.mark.parametrize(
    "function",
    [
        lambda t: np.cos(t) - t,
        lambda t: np.expm1(t - 0.7) * 1e-8,
        lambda t: np.sign(t - 0.6) * 1.0,
        lambda t: np.arctan(50 * (t - 0.987654)),
        lambda t: 1e300 * (t - 0.25),
        lambda t: (t - 0.1) * (t - 0.2) * (t - 0.9),
    ],
)
def test_root_search_takes_brentqs_points(function):
    """The times at which the event is evaluated are brentq's, one by one."""
    search, args, options, times = brentqs(function)
    wanted = search(*args, **options)
    assert searched(function) == (lib.DS_FINISHED, times, [wanted])


def test_root_search_gives_up_where_brentq_does():
    def flat(t):
        return (t - 1 / 3) ** 3

    search, args, options, times = brentqs(flat)
    with pytest.raises(RuntimeError, match="100 iterations"):
        search(*args, **options)
    assert searched(flat) == (lib.DS_ROOT_ITER, times, [])
