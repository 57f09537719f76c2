"""Each trajectory takes the steps of SciPy's solve_ivp and ends as that does."""

import numpy as np
import pytest
import scipy.integrate

from diffsol._methods.registry import EXPLICIT

from .harness import Ensemble
from .problems import a_time, bottom, decay, half_speed, lorenz, pendulum

COUNT = 12
RATES = np.linspace(0.5, 9.0, COUNT)
FUNCTIONS = {"lorenz": (lorenz, 3), "pendulum": (pendulum, 2), "decay": (decay, 5)}


def start(fun):
    return np.arange(1.0, 1.0 + FUNCTIONS[fun][1])


def solve(fun, i, t_span, **options):
    return scipy.integrate.solve_ivp(
        FUNCTIONS[fun][0], t_span, start(fun), args=(RATES[i],), **options
    )


def ensemble_of(systems, fun, t_span, method, **options):
    y0 = np.tile(start(fun), (COUNT, 1))
    t0, t_bound = t_span
    return Ensemble(
        systems, y0, RATES[:, None], t0, t_bound, method=method, fun=fun, p=[0.1], **options
    )


@pytest.mark.parametrize("method", EXPLICIT)
@pytest.mark.parametrize("fun", FUNCTIONS)
@pytest.mark.parametrize("t_span", [(0.0, 2.0), (0.5, 0.3)])
@pytest.mark.parametrize(
    "options",
    [{}, {"rtol": 1e-7, "atol": 1e-9}, {"max_step": 0.05}, {"first_step": 1e-3, "atol": 1e-4}],
    ids=lambda options: "-".join(options) or "default",
)
def test_steps(systems, core, portable, method, fun, t_span, options):
    """Rounding differs in the control's powers; a step or two of a chaotic solve would be too many."""
    ensemble = ensemble_of(systems, fun, t_span, method, **options)
    for result in (ensemble.run(core, 1), ensemble.run(portable, 8)):
        assert not result["status"].any()
        for i in range(COUNT):
            theirs = solve(fun, i, t_span, method=method, **options)
            assert result["nfev"][i] == theirs.nfev
            assert result["n_steps"][i] == len(theirs.t) - 1
            assert result["t"][i] == t_span[1]
            np.testing.assert_allclose(result["y"][i], theirs.y[:, -1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("method", EXPLICIT)
@pytest.mark.parametrize("t_eval", [np.linspace(0, 2, 41), [0.0], [0.3, 2.0], [1.5]])
def test_output_times(systems, core, method, t_eval):
    ensemble = ensemble_of(systems, "pendulum", (0.0, 2.0), method, t_eval=t_eval)
    result = ensemble.run(core, core.widths[-1])
    for i in range(COUNT):
        theirs = solve("pendulum", i, (0.0, 2.0), method=method, t_eval=t_eval)
        assert result["nfev"][i] == theirs.nfev
        assert result["n_saved"][i] == len(theirs.t)
        np.testing.assert_allclose(result["ys"][i], theirs.y.T, rtol=1e-9, atol=1e-12)


def as_event(function, direction, terminal):
    def event(t, y, r):
        return function(t, y, r)

    event.direction, event.terminal = direction, terminal
    return event


EVENTS = [
    ((0, 0, 0), (0, 0, 0)),
    ((1, -1, 0), (2, 0, 0)),
    ((-1, 1, -1), (0, 3, 0)),
    ((0, 0, 0), (0, 0, 1)),
    ((0, 0, 1), (1, 1, 1)),
]


@pytest.mark.parametrize("method", EXPLICIT)
@pytest.mark.parametrize("directions, terminals", EVENTS)
@pytest.mark.parametrize("t_bound", [6.0, -6.0])
def test_events(systems, core, method, directions, terminals, t_bound):
    t_eval = np.linspace(0, t_bound, 19)
    ensemble = ensemble_of(
        systems, "pendulum", (0.0, t_bound), method, t_eval=t_eval, events="swings",
        direction=directions, event_max=[n or np.inf for n in terminals], room=5,
    )  # fmt: skip
    functions = (bottom, half_speed, a_time)
    events = [as_event(*each) for each in zip(functions, directions, terminals, strict=True)]
    result = ensemble.run(core, core.widths[-1])
    for i in range(COUNT):
        theirs = solve("pendulum", i, (0.0, t_bound), method=method, t_eval=t_eval, events=events)
        compare_events(result, i, theirs, 5)


def compare_events(result, i, theirs, room):
    close = dict(rtol=1e-8, atol=1e-11)
    assert result["status"][i] == theirs.status
    assert result["nfev"][i] == theirs.nfev
    count = len(theirs.t)
    assert result["n_saved"][i] == count
    np.testing.assert_allclose(result["ys"][i][:count], theirs.y.T, **close)
    for e, (times, states) in enumerate(zip(theirs.t_events, theirs.y_events, strict=True)):
        assert result["event_count"][i, e] == len(times)
        kept = min(room, len(times))
        np.testing.assert_allclose(result["event_t"][i, e][:kept], times[:kept], **close)
        if kept:
            np.testing.assert_allclose(result["event_y"][i, e][:kept], states[:kept], **close)
    if theirs.status == 1:
        last = max(times[-1] for times in map(np.abs, theirs.t_events) if len(times))
        np.testing.assert_allclose(abs(result["t"][i]), last, **close)


def test_a_full_record_is_counted_on(systems, core):
    options = dict(direction=[0, 0, 0], event_max=[np.inf] * 3, events="swings")
    few = ensemble_of(systems, "pendulum", (0.0, 20.0), "RK45", room=2, **options)
    many = ensemble_of(systems, "pendulum", (0.0, 20.0), "RK45", room=50, **options)
    few, many = few.run(core, 1), many.run(core, 1)
    np.testing.assert_array_equal(few["event_count"], many["event_count"])
    assert many["event_count"].max() > 10
    np.testing.assert_array_equal(few["event_t"][:, 0], many["event_t"][:, 0, :2])
