"""What a Python function sees and does: types of t, exceptions, states changed in place."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from native.harness import Solve, lib
from native.problems import decay, lorenz

METHODS = ("RK23", "RK45", "DOP853", "Radau", "BDF")


def scipys_calls(fun, span, y0, **options):
    calls = []

    def recorded(t, y):
        calls.append((type(t), float(t)))
        return fun(t, y)

    solve_ivp(recorded, span, y0, **options)
    return calls


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "options",
    [{}, {"first_step": 1.5}, {"t_eval": [0.5, 1.5]}, {"rtol": 1e-9}, {"rtol": 10.0}],
    ids=str,
)
def test_times_and_their_types_are_scipys(method, options):
    """A Python float at first, and at the end of a first step that reaches t_bound."""
    for span in [(0.0, 1.5), (1.5, 0.0)]:
        options = {**options}
        if "t_eval" in options and span[0] > span[1]:
            options["t_eval"] = options["t_eval"][::-1]
        ours = Solve(decay, span, [1e-3], method=method, **options)
        ours.run()
        theirs = scipys_calls(decay, span, [1e-3], method=method, **options)
        assert [kind for _, kind, _ in ours.calls] == [kind for kind, _ in theirs]
        times = [t for _, _, t in ours.calls]
        np.testing.assert_allclose(times, [t for _, t in theirs], rtol=1e-7, atol=1e-12)


def test_event_times_have_scipys_types():
    theirs, ours_kinds = [], []

    def event(t, y):
        theirs.append(type(t))
        return t - 1.0

    solve_ivp(decay, (0, 2), [1.0], events=event)
    ours = Solve(decay, (0, 2), [1.0], events=(lambda t, y: t - 1.0,))
    ours.run()
    ours_kinds = [kind for which, kind, _ in ours.calls if which == 1]
    assert ours_kinds == theirs[1:], "the first call, at t0, is the caller's"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("number", [1, 2, 3, 9, 40])
def test_an_exception_stops_at_once_and_keeps_what_was_reached(method, number):
    calls = 0

    def fun(t, y):
        nonlocal calls
        calls += 1
        if calls == number:
            raise KeyError("mine")
        return lorenz(t, y)

    ours = Solve(fun, (0, 5), [1.0, 1.0, 1.0], method=method, dense=True)
    assert ours.run() == lib.DS_PYTHON_ERROR
    assert isinstance(ours.error, KeyError)
    assert calls == number
    if method in ("Radau", "BDF"):
        assert ours.ivp.nfev <= number, "finite differences are not counted"
    else:
        assert ours.ivp.nfev == number
    started = ours.ivp.status == lib.DS_RUNNING
    assert started == (number > (5 if method == "Radau" else 6 if method == "BDF" else 2))
    assert ours.ivp.n_points == (ours.ivp.n_accepted + 1 if started else 0)
    assert np.isfinite(ours.t).all()


def test_a_step_may_be_tried_again_after_an_exception():
    fail = False

    def fun(t, y):
        if fail and t > 1:
            raise ValueError("not now")
        return lorenz(t, y)

    ours = Solve(fun, (0, 5), [1.0, 1.0, 1.0])
    undisturbed = Solve(lorenz, (0, 5), [1.0, 1.0, 1.0])
    ours.start(), undisturbed.start()
    for i in range(30):
        fail = i == 20
        code = lib.ds_ivp_step(ours.ivp)
        if fail:
            assert code == lib.DS_PYTHON_ERROR
            fail = False
            code = lib.ds_ivp_step(ours.ivp)
        assert code == lib.ds_ivp_step(undisturbed.ivp) == lib.DS_RUNNING
        assert (ours.ivp.t, ours.ivp.h_abs) == (undisturbed.ivp.t, undisturbed.ivp.h_abs)


@pytest.mark.parametrize("method", METHODS)
def test_exception_in_an_event(method):
    def event(t, y):
        if t > 0.5:
            raise ZeroDivisionError
        return 1.0

    ours = Solve(decay, (0, 5), [1.0], method=method, events=(event,))
    assert ours.run() == lib.DS_PYTHON_ERROR
    assert isinstance(ours.error, ZeroDivisionError)


@pytest.mark.parametrize("method", METHODS)
def test_states_clamped_in_place_stay_clamped(method):
    def fun(t, y):
        np.clip(y, 0, 1, out=y)
        return np.array([1.0, -2.0])

    ours = Solve(fun, (0, 3), [0.5, 0.5], method=method)
    theirs = solve_ivp(fun, (0, 3), [0.5, 0.5], method=method)
    assert ours.run() == lib.DS_FINISHED
    assert ours.ivp.nfev == theirs.nfev
    np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-9)
    assert ours.y.min() == 0
    assert ours.y.max() == 1


def test_events_may_change_the_state():
    def bounce(t, y):
        if y[0] < 0:
            y[0] = 0
            y[1] = -y[1]
        return 1.0

    def fall(t, y):
        return [y[1], -9.81]

    ours = Solve(fall, (0, 3), [1.0, 0.0], events=(bounce,))
    theirs = solve_ivp(fall, (0, 3), [1.0, 0.0], events=bounce)
    assert ours.run() == lib.DS_FINISHED
    assert ours.ivp.nfev == theirs.nfev
    np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-7)
