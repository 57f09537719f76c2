"""What a re-implementation of SciPy's solve_ivp gets wrong, item by item, side by side.

The right-hand sides here write to a log, so they must be called as Python: as often, in the order and
with the types that SciPy uses.
"""

import numpy as np
import pytest
import scipy.integrate
from numpy.testing import assert_allclose

import diffsol.integrate
from integrate.which_scipy import FORTRAN
from native.problems import takes

pytestmark = pytest.mark.usefixtures("tier")

METHODS = ("RK23", "RK45", "DOP853", "Radau", "BDF", "LSODA")
BOTH = (scipy.integrate, diffsol.integrate)
Y0 = (0.5, 0.25)

each_method = pytest.mark.parametrize("method", METHODS)


def oscillator(t, y):
    return [y[1], -y[0]]


def event(function, **attributes):
    """`function` as an event with attributes."""
    vars(function).update(attributes)
    return function


def both(fun=oscillator, t_span=(0, 3), y0=Y0, **options):
    """SciPy's result and ours."""
    return [m.solve_ivp(fun, t_span, y0, **options) for m in BOTH]


def logs(make_fun, t_span=(0, 3), y0=Y0, **options):
    """What `make_fun(log)` wrote into its log during SciPy's solve and during ours."""
    both_logs = []
    for m in BOTH:
        log = []
        start = y0.copy() if isinstance(y0, np.ndarray) else y0
        m.solve_ivp(make_fun(log), t_span, start, **options)
        both_logs.append(log)
    return both_logs


def assert_same_result(theirs, ours, rtol=1e-9):
    """Same kinds, shapes, counts and words; numbers to rounding."""
    for key in ("nfev", "njev", "nlu", "status", "message", "success"):
        assert ours[key] == theirs[key]
        assert type(ours[key]) is type(theirs[key])
    for key in ("t", "y"):
        assert_same_array(theirs[key], ours[key], rtol)
    for key in ("t_events", "y_events"):
        assert type(ours[key]) is type(theirs[key])
        for mine, other in zip(ours[key] or (), theirs[key] or (), strict=True):
            assert_same_array(other, mine, rtol)


def assert_same_array(theirs, ours, rtol):
    assert type(ours) is type(theirs)
    if isinstance(theirs, list):
        assert ours == theirs == []
        return
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    assert_allclose(ours, theirs, rtol=rtol, atol=1e-12)


# --- how fun is called -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method, y0",
    [
        (method, y0)
        for method in METHODS
        for y0 in (list(Y0), np.array(Y0), np.array(Y0) + 1j, np.array([1, 2]))
        if takes(method, y0)
    ],
)
@pytest.mark.parametrize("t_span", [(0, 3), (3, 0), (0, 1e-3)])
@pytest.mark.parametrize("vectorized", [False, True])
def test_calls_of_fun(method, y0, t_span, vectorized):
    def make(log):
        def fun(t, y):
            log.append((type(t), float(t), type(y), y.shape, y.dtype, y.flags.writeable, y.copy()))
            return np.array([y[1], -y[0]])

        return fun

    theirs, ours = logs(make, t_span, y0, method=method, vectorized=vectorized)
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        assert mine[0] is other[0]
        assert mine[2:6] == other[2:6]
        # SciPy's LSODA in Fortran rounds in its own way, which its steps amplify
        amplified = FORTRAN and method == "LSODA"
        assert mine[1] == pytest.approx(other[1], rel=1e-6 if amplified else 1e-9)
        assert_allclose(mine[6], other[6], rtol=1e-6 if amplified else 1e-8)


@each_method
def test_types_of_t_with_first_step(method):
    def make(log):
        def fun(t, y):
            log.append(type(t))
            return -y

        return fun

    for first_step in (None, 0.1, 1.0, 3.0):
        theirs, ours = logs(make, method=method, first_step=first_step)
        assert ours == theirs


@each_method
def test_fun_may_keep_its_argument(method):
    def make(log):
        def fun(t, y):
            log.append(y)
            return -y

        return fun

    theirs, ours = logs(make, y0=np.array(Y0), method=method)
    assert len(ours) == len(theirs)
    if method in ("BDF", "LSODA"):
        # SciPy's go on to change the array that they have given; ours stays what it was
        assert len({y.tobytes() for y in ours}) > len(ours) / 2
    else:
        assert_allclose(ours, theirs, rtol=1e-7)


@each_method
@pytest.mark.parametrize("y0", [[1.0, -0.5], np.array([1.0, -0.5])])
def test_clamping_in_place_takes_effect(method, y0):
    results = []
    for m in BOTH:
        calls = []

        def fun(t, y, calls=calls):
            calls.append(t)
            np.maximum(y, 0.1, out=y)
            return [-1.0, -y[1]]

        start = y0.copy()
        sol = m.solve_ivp(fun, (0, 3), start, method=method)
        results.append((sol, start))
    (theirs, their_start), (ours, our_start) = results
    assert_same_result(theirs, ours)
    np.testing.assert_array_equal(our_start, their_start)


@each_method
def test_result_buffer_may_be_used_again(method):
    """SciPy goes wrong here in its initial step; copying, as we do, is what the caller means."""
    buffer = np.empty(2)

    def fun(t, y):
        buffer[0], buffer[1] = y[1], -y[0]
        return buffer

    fresh = diffsol.integrate.solve_ivp(lambda t, y: fun(t, y).copy(), (0, 3), Y0, method=method)
    reused = diffsol.integrate.solve_ivp(fun, (0, 3), Y0, method=method)
    np.testing.assert_array_equal(reused.y, fresh.y)


def test_numpy_warnings_and_errstate():
    def fun(t, y):
        return -np.sqrt(y) - 0.1

    for m in BOTH:
        with pytest.warns(RuntimeWarning, match="invalid value"):
            assert m.solve_ivp(fun, (0, 1), [0.1]).status == -1
        with np.errstate(all="raise"), pytest.raises(FloatingPointError):
            m.solve_ivp(fun, (0, 1), [0.1])


def test_python_division_by_zero_comes_out():
    for m in BOTH:
        with pytest.raises(ZeroDivisionError):
            m.solve_ivp(lambda t, y: [1 / float(y[0])], (0, 1), [0.0])


@each_method
def test_traceback_shows_the_line(method):
    def fun(t, y):
        if t > 0.5:
            raise LookupError("in fun")
        return -y

    with pytest.raises(LookupError, match="in fun") as caught:
        diffsol.integrate.solve_ivp(fun, (0, 1), Y0, method=method)
    assert caught.traceback[-1].name == "fun"


def test_nested_solves():
    def make(m):
        def fun(t, y):
            inner = m.solve_ivp(lambda s, x: -x, (0, 1), [1.0])
            return -y * inner.y[0, -1]

        return m.solve_ivp(fun, (0, 1), [1.0])

    assert_same_result(*map(make, BOTH))


# --- arguments, and the order in which they are looked at ------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"events": event(lambda t, y: y[0], terminal=-1)},
        {"first_step": -1.0},
        {"max_step": -1.0},
        {"atol": -1.0},
        {"t_eval": [5.0]},
        {"args": 3},
    ],
)
def test_when_errors_are_found(options):
    def calls_before_error(m):
        calls = []

        def fun(t, y, *args):
            calls.append(t)
            return [y[1], -y[0]]

        with pytest.raises((ValueError, TypeError)):
            m.solve_ivp(fun, (0, 3), Y0, **options)
        return len(calls)

    theirs, ours = map(calls_before_error, BOTH)
    # The initial step is evaluated together with the start, where SciPy might do it later.
    assert ours == theirs


def test_args_go_to_events():
    def reached(t, y, level):
        return y[0] - level

    options = {"args": (0.3,), "events": [reached]}
    assert_same_result(*both(lambda t, y, level: oscillator(t, y), **options))


@each_method
@pytest.mark.parametrize("rtol", [1e-4, [1e-3, 1e-6], np.float32(1e-4)])
@pytest.mark.parametrize("atol", [1e-8, [1e-3, 1e-9], 0])
@pytest.mark.parametrize("max_step", [np.inf, 0.25, 1])
def test_options(method, rtol, atol, max_step):
    # with steps of 1/128 and 1/4 times are exact: BDF asks whether a step was cut at max_step
    options = {"rtol": rtol, "atol": atol, "max_step": max_step, "first_step": 2**-7}
    if method in ("Radau", "BDF") and np.ndim(rtol):
        for module in BOTH:
            with pytest.raises((ValueError, TypeError), match=r"truth value|unsupported operand"):
                module.solve_ivp(oscillator, (0, 3), Y0, method=method, **options)
        return
    assert_same_result(*both(method=method, **options), rtol=1e-6)


# --- what comes back -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method, y0",
    [
        (method, y0)
        for method in METHODS
        for y0 in (Y0, np.array(Y0), [1, 2], [0.5 + 0j, 1], np.float32([0.1, 0.2]))
        if takes(method, y0)
    ],
)
@pytest.mark.parametrize("t_eval", [None, [0, 1, 3], np.linspace(0, 3, 7), [3.0], []])
def test_types_and_shapes(method, y0, t_eval):
    theirs, ours = both(method=method, y0=y0, t_eval=t_eval)
    assert_same_result(theirs, ours)
    # The order in memory is SciPy's F or C, by `t_eval` and how many points fall into one step; ours is C.
    if isinstance(ours.y, np.ndarray):
        assert ours.y.flags.c_contiguous
    assert list(ours) == list(theirs)


@pytest.mark.parametrize(
    "y0", [np.array([0.5, 0.25], dtype=object), np.array([0.1, 0.2], dtype=np.longdouble)]
)
def test_type_of_y0_decides(y0):
    theirs, ours = both(y0=y0)
    assert ours.y.dtype == theirs.y.dtype
    np.testing.assert_array_equal(ours.y[:, 0], theirs.y[:, 0])


@each_method
@pytest.mark.parametrize("t_eval", [[3, 1, 0], [2.5, 0.1], [3.0]])
def test_backward(method, t_eval):
    assert_same_result(*both(t_span=(3, 0), method=method, t_eval=t_eval))
    assert_same_result(*both(t_span=(3, 0), method=method))


@each_method
def test_dense_output_costs_evaluations(method):
    for options in ({"dense_output": True}, {"t_eval": [1.0]}, {"t_eval": [1.0, 1.1, 2.9]}):
        theirs, ours = both(method=method, rtol=1e-8, **options)
        assert ours.nfev == theirs.nfev


# --- events ------------------------------------------------------------------------------------------


def test_calls_of_events():
    y0 = list(Y0)

    def make(log):
        log.append(y0)

        def watched(t, y):
            log.append((type(t), type(y), y is y0))
            return y[0] - 0.3

        return watched

    both_logs = []
    for m in BOTH:
        log = []
        m.solve_ivp(oscillator, (0, 3), y0, events=make(log))
        both_logs.append(log)
    assert both_logs[1] == both_logs[0]


@each_method
def test_terminal_at_the_end_of_the_step_before(method):
    """SciPy makes an OdeSolution with two equal times then, and fails; a gap that we close."""
    stop = event(lambda t, y: t - 2.0, terminal=2)
    ours = diffsol.integrate.solve_ivp(
        lambda t, y: [1.0],
        (0, 4),
        [0.0],
        method,
        [0.5, 3.0],
        True,
        stop,
        max_step=1.0,
        first_step=1.0,
    )
    assert ours.status == 1
    assert ours.sol.ts[-1] == 2.0
    assert len(ours.sol.interpolants) == ours.sol.n_segments == len(ours.sol.ts) - 1
    assert_allclose(ours.sol([0.5, 2.0]), [[0.5, 2.0]])


ALWAYS = {"zero": lambda t, y: 0.0, "nan": lambda t, y: np.nan, "bool": lambda t, y: y[0] > 0}


@each_method
@pytest.mark.parametrize("direction", [-1, 0, 1, 0.5, None, np.nan])
@pytest.mark.parametrize("terminal", [None, False, True, 1, 2, 3.0])
@pytest.mark.parametrize("t_span", [(0, 12), (12, 0)])
def test_event_attributes(method, direction, terminal, t_span):
    crossing = event(lambda t, y: y[0] - 0.1, direction=direction, terminal=terminal)
    theirs, ours = both(t_span=t_span, method=method, events=crossing, dense_output=True)
    # BDF's differences of differences amplify rounding
    assert_same_result(theirs, ours, rtol=1e-6 if method == "BDF" else 1e-7)
    tolerance = {"rtol": 1e-8, "atol": 1e-7} if method == "BDF" else {"rtol": 1e-9}
    assert_allclose(ours.sol.ts, theirs.sol.ts, **tolerance)


@each_method
@pytest.mark.parametrize("terminal", [None, 2, 3])
@pytest.mark.parametrize("t_eval", [None, [0.5, 1.5, 3.5]])
def test_zero_at_a_step_is_found_twice(method, terminal, t_eval):
    at_two = event(lambda t, y: t - 2.0, terminal=terminal)
    options = {"max_step": 1.0, "first_step": 1.0, "rtol": 1e-2}
    theirs, ours = both(
        lambda t, y: [1.0, 0.0], (0, 4), method=method, events=at_two, t_eval=t_eval, **options
    )
    assert_same_result(theirs, ours)


@each_method
@pytest.mark.parametrize("name", ALWAYS)
def test_odd_events(method, name):
    assert_same_result(*both(t_span=(0, 5), method=method, events=ALWAYS[name]))


@each_method
def test_many_events_and_their_order(method):
    events = [
        lambda t, y: y[0],
        event(lambda t, y: y[1], terminal=2),
        lambda t, y: np.sin(5 * t),
        event(lambda t, y: y[0] - 0.1, direction=1),
    ]
    for t_span in ((0, 9), (9, 0)):
        for t_eval in (None, sorted([0.1, 1.0, 5.0], reverse=t_span[0] > 0)):
            options = {"events": events, "t_eval": t_eval, "max_step": 2.0}
            assert_same_result(*both(t_span=t_span, method=method, **options), rtol=1e-7)


@each_method
@pytest.mark.parametrize("dense_output", [False, True])
def test_terminal_at_the_start(method, dense_output):
    stop = event(lambda t, y: y[0], terminal=True)
    options = {"events": stop, "dense_output": dense_output}
    theirs, ours = both(y0=(0.0, 1.0), method=method, **options)
    assert_same_result(theirs, ours)
    if dense_output:
        assert_allclose(ours.sol(0.01), theirs.sol(0.01))


def test_terminal_event_and_t_eval():
    stop = event(lambda t, y: t - 1.25, terminal=True)
    theirs, ours = both(events=stop, t_eval=np.linspace(0, 3, 31), dense_output=True)
    assert_same_result(theirs, ours)
    assert ours.sol.ts[-1] == pytest.approx(1.25)


def test_event_brackets():
    def liar(t, y):
        return 1.0 if isinstance(y, list) else -1.0

    for m in BOTH:
        with pytest.raises(ValueError, match=r"f\(a\) and f\(b\) must have different signs"):
            m.solve_ivp(oscillator, (0, 5), list(Y0), events=liar)


# --- failures ----------------------------------------------------------------------------------------


# SciPy's LSODA never comes back from a blow-up
@pytest.mark.parametrize("method", [name for name in METHODS if name != "LSODA"])
@pytest.mark.parametrize("options", [{}, {"t_eval": [0.1, 0.9]}, {"dense_output": True}])
def test_failure_keeps_what_was_reached(method, options):
    theirs, ours = both(lambda t, y: y**2, (0, 2), [2.0], method=method, **options)
    assert ours.status == theirs.status == -1
    assert ours.message == theirs.message
    assert type(ours.t) is type(theirs.t)
    if len(theirs.t):
        assert ours.t[-1] == pytest.approx(theirs.t[-1], rel=1e-6)
