"""What a solve promises whatever tier it runs at: interrupts, exceptions, threads, switches, warnings."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.integrate

import diffsol
from diffsol._engine import kernels, policy, verify
from diffsol.errors import MismatchWarning, NotCompiledError
from diffsol.integrate import solve_ivp

METHODS = ("RK23", "RK45", "DOP853", "Radau", "BDF", "LSODA")


@pytest.fixture(autouse=True)
def _fresh():
    kernels.clear()


@pytest.fixture
def eager(monkeypatch):
    """Compile every function that can be, at the first solve."""
    monkeypatch.setenv("DIFFSOL_JIT", "require")


def lorenz(t, y, sigma, rho, beta):
    a, b, c = y
    return [sigma * (b - a), a * (rho - c) - b, a * b - beta * c]


LORENZ = (lorenz, (0.0, 5.0), [1.0, 1.0, 1.0])
ARGS = (10.0, 28.0, 8 / 3)


def same(ours, theirs, rtol=1e-9):
    np.testing.assert_allclose(ours.t, theirs.t, rtol=rtol)
    np.testing.assert_allclose(ours.y, theirs.y, rtol=rtol, atol=1e-12)
    assert (ours.nfev, ours.status, ours.message) == (theirs.nfev, theirs.status, theirs.message)


# --- tiers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("switch", ["0", "require"])
def test_tiers_agree_with_scipy(method, switch, monkeypatch):
    monkeypatch.setenv("DIFFSOL_JIT", switch)
    options = {"args": ARGS, "method": method, "rtol": 1e-6}
    # finite differences amplify rounding, and an exact Jacobian has none
    rtol = 1e-3 if method in ("Radau", "BDF") else 1e-7
    ours, theirs = solve_ivp(*LORENZ, **options), scipy.integrate.solve_ivp(*LORENZ, **options)
    same(ours, theirs, rtol=rtol)


def test_long_solve_is_compiled_on_the_way():
    sol = solve_ivp(lorenz, (0, 400), [1.0, 1.0, 1.0], args=ARGS, rtol=1e-8)
    record = next(r for r in kernels.records() if r.name == "lorenz")
    assert sol.success
    assert record.variants
    assert record.variants[0].verify_at > 0


def test_short_solve_is_not_compiled_at_first_but_after_many():
    calls = []

    def fun(t, y):
        return -y

    solve_ivp(fun, (0, 1), [1.0])
    record = kernels.records()[0]
    assert not record.variants
    record.python_seconds = policy.price(1) + 1.0  # as after many solves
    solve_ivp(fun, (0, 1), [1.0])
    until = time.monotonic() + 60
    while record.coming and time.monotonic() < until:  # another thread compiles
        time.sleep(0.001)
    assert record.variants
    assert not calls


def test_switch_in_flight_keeps_the_steps(monkeypatch):
    monkeypatch.setattr(policy, "FIRST_LOOK", 1e-4)
    monkeypatch.setattr(
        policy, "affordable", lambda count, remaining, trials, overhead: float(trials > 40)
    )
    sol = solve_ivp(*LORENZ, args=ARGS, rtol=1e-6)
    assert kernels.records()[0].variants
    same(sol, scipy.integrate.solve_ivp(*LORENZ, args=ARGS, rtol=1e-6), rtol=1e-7)


def test_kernel_is_reused_and_parameters_are_read_anew(eager):
    for rho in (28.0, 20.0, 15.0):
        args = (10.0, rho, 8 / 3)
        same(
            solve_ivp(*LORENZ, args=args), scipy.integrate.solve_ivp(*LORENZ, args=args), rtol=1e-7
        )
    (record,) = kernels.records()
    assert len(record.variants) == 1


def test_events_are_compiled_and_agree(eager):
    def fall(t, y, g):
        return [y[1], -g]

    def ground(t, y, g):
        return y[0]

    def top(t, y, g):
        return y[1]

    ground.terminal, ground.direction = True, -1
    call = (fall, (0, 100), [10.0, 5.0])
    options = {"args": (9.81,), "events": [ground, top], "dense_output": True}
    ours, theirs = solve_ivp(*call, **options), scipy.integrate.solve_ivp(*call, **options)
    assert sorted(r.name.split(".")[-1] for r in kernels.records() if r.variants) == [
        "fall",
        "ground",
        "top",
    ]
    same(ours, theirs)
    for a, b in zip(ours.t_events + ours.y_events, theirs.t_events + theirs.y_events, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


def test_event_with_side_effect_changes_what_a_compiled_function_reads():
    """The thermostat: SciPy lets the event switch the heater of the right-hand side."""

    def outcome(solve):
        heater = {"on": 1.0}

        def room(t, y):
            return [-y[0] + 5.0 * heater["on"]]

        def switch(t, y):
            heater["on"] = 0.0 if y[0] > 3.0 else 1.0 if y[0] < 2.0 else heater["on"]
            return 1.0

        if solve is solve_ivp:
            assert diffsol.explain(room, (0, 1), [0.0]).compiled
        return solve(room, (0, 10), [0.0], events=switch, max_step=0.05)

    ours, theirs = outcome(solve_ivp), outcome(scipy.integrate.solve_ivp)
    same(ours, theirs)
    assert np.max(ours.y) < 3.6


# --- Ctrl-C -----------------------------------------------------------------------------------------


@pytest.mark.xdist_group("machine")
@pytest.mark.parametrize("switch", ["0", "require"])
@pytest.mark.parametrize("method", ["RK45", "Radau", "BDF", "LSODA"])
def test_ctrl_c_stops_a_long_solve_within_a_tenth_of_a_second(method, switch, monkeypatch):
    monkeypatch.setenv("DIFFSOL_JIT", switch)
    pressed = []

    def press():
        pressed.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(0.5, press)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        solve_ivp(lorenz, (0, 1e9), [1.0, 1.0, 1.0], method, args=ARGS, t_eval=[1e9])
    assert time.perf_counter() - pressed[0] < 0.1
    same(solve_ivp(*LORENZ, args=ARGS), scipy.integrate.solve_ivp(*LORENZ, args=ARGS), rtol=1e-7)


# --- exceptions -------------------------------------------------------------------------------------


class MyError(Exception):
    pass


@pytest.mark.parametrize(
    "kind", [MyError, KeyboardInterrupt, SystemExit, StopIteration, GeneratorExit]
)
@pytest.mark.parametrize("place", ["fun", "event"])
def test_exceptions_come_out_as_themselves_and_calls_stop(kind, place):
    calls = []
    raised = kind("text", 7)

    def bomb(t, y):
        calls.append(t)
        if len(calls) == 5:
            raise raised
        return -y if place == "fun" else 1.0

    fun, event = (bomb, None) if place == "fun" else (lambda t, y: -y, bomb)
    with pytest.raises(kind) as caught:
        solve_ivp(fun, (0, 10), [1.0], events=event, max_step=0.1)
    assert caught.value is raised
    assert len(calls) == 5
    assert caught.traceback[-1].name == "bomb"


def test_exception_of_a_compiled_function_is_pythons_own(eager):
    def fun(t, y):
        if t > 0.5:
            raise MyError(f"at {t}")
        return -y

    with pytest.raises(MyError, match="at 0") as caught:
        solve_ivp(fun, (0, 1), [1.0])
    assert caught.traceback[-1].name == "fun"


def test_float_warnings_of_a_compiled_function_are_numpys_own(eager):
    def fun(t, y):
        return np.log(y - 0.5) - 1

    with pytest.warns(RuntimeWarning, match="invalid value encountered in log"):
        solve_ivp(fun, (0, 2), [1.0])
    with np.errstate(invalid="raise"), pytest.raises(FloatingPointError):
        solve_ivp(fun, (0, 2), [1.0])


def test_zero_division_of_python_floats(eager):
    def fun(t, y):
        return [1 / t]

    with pytest.raises(ZeroDivisionError):
        solve_ivp(fun, (0, 1), [1.0])


def test_infinite_recursion_in_fun():
    def fun(t, y):
        return fun(t, y)

    with pytest.raises(RecursionError):
        solve_ivp(fun, (0, 1), [1.0])
    assert diffsol.explain(fun, (0, 1), [1.0]).reason == "too-long"


# --- what a Python function does to y ------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_clamping_in_place_takes_effect(method):
    def fun(t, y):
        y[y < 0.5] = 0.5
        return -y

    call = (fun, (0, 3))
    ours = solve_ivp(*call, [1.0, 2.0], method=method)
    # the error estimate of DOP853 amplifies rounding: SciPy's own steps move by as much
    same(ours, scipy.integrate.solve_ivp(*call, [1.0, 2.0], method=method), rtol=1e-7)


def test_first_call_sees_the_callers_array():
    def fun(t, y):
        y[0] = max(y[0], 0.0)
        return -y

    ours, theirs = np.array([-1.0, 1.0]), np.array([-1.0, 1.0])
    solve_ivp(fun, (0, 1), ours)
    scipy.integrate.solve_ivp(fun, (0, 1), theirs)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("method", METHODS)
def test_kept_references_and_types_of_t(method):
    def record(solve):
        seen = []

        def fun(t, y):
            seen.append((type(t), t, y))
            return -y

        solve(fun, (0, 2), [1.0, 2.0], method=method, dense_output=True)
        return [(kind, t, y.copy()) for kind, t, y in seen]

    ours, theirs = record(solve_ivp), record(scipy.integrate.solve_ivp)
    assert [x[0] for x in ours] == [x[0] for x in theirs]
    np.testing.assert_allclose([x[1] for x in ours], [x[1] for x in theirs], rtol=1e-7)
    if method not in ("BDF", "LSODA"):  # SciPy's go on to change what they have given
        np.testing.assert_allclose([x[2] for x in ours], [x[2] for x in theirs], rtol=1e-7)


def test_a_buffer_returned_again_and_again():
    out = np.zeros(2)

    def fun(t, y):
        out[:] = -y
        return out

    sol = solve_ivp(fun, (0, 5), [1.0, 2.0], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(sol.y[:, -1], np.exp(-5) * np.array([1.0, 2.0]), rtol=1e-6)


# --- checked compilation ---------------------------------------------------------------------------------


def test_a_wrong_kernel_is_found_out_and_the_solve_redone(eager, monkeypatch):
    verdicts = iter([True, False])
    monkeypatch.setattr(verify, "agrees", lambda *a: next(verdicts))
    with pytest.warns(MismatchWarning, match="redone in Python") as caught:
        sol = solve_ivp(*LORENZ, args=ARGS, rtol=1e-6)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    same(sol, scipy.integrate.solve_ivp(*LORENZ, args=ARGS, rtol=1e-6), rtol=1e-7)
    monkeypatch.undo()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solve_ivp(*LORENZ, args=ARGS)
    explanation = diffsol.explain(*LORENZ, args=ARGS)
    assert not kernels.records()[0].variants or explanation.compiled


def test_verification_sees_a_wrong_kernel():
    def fun(t, y):
        return -y

    from diffsol._engine.function import Function

    state = np.array([1.0, 2.0])
    bound = Function(fun, (), state).compile()
    other = Function(lambda t, y: [-y[0], -y[1] * (1 + 1e-4)], (), state)
    assert verify.agrees(Function(fun, (), state), bound, 0.0, state)
    assert not verify.agrees(other, bound, 0.0, state)
    assert not verify.close(np.array([np.nan]), np.array([1.0]))
    assert verify.close(np.array([np.nan, np.inf]), np.array([np.nan, np.inf]))


# --- threads, nesting, processes ---------------------------------------------------------------------------


def test_many_threads_solve_at_once():
    wanted = scipy.integrate.solve_ivp(*LORENZ, args=ARGS, rtol=1e-6)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: solve_ivp(*LORENZ, args=ARGS, rtol=1e-6), range(40)))
    for sol in results:
        same(sol, wanted, rtol=1e-7)


def test_a_solve_inside_fun():
    def fun(t, y):
        return solve_ivp(lambda s, z: -z, (0, 0.1), y).y[:, -1] - y

    call = (fun, (0, 1), [1.0])

    def scipy_fun(t, y):
        return scipy.integrate.solve_ivp(lambda s, z: -z, (0, 0.1), y).y[:, -1] - y

    same(solve_ivp(*call), scipy.integrate.solve_ivp(scipy_fun, *call[1:]))


def test_results_pickle(eager):
    sol = solve_ivp(*LORENZ, args=ARGS, dense_output=True)
    again = pickle.loads(pickle.dumps(sol))
    np.testing.assert_array_equal(again.y, sol.y)
    np.testing.assert_array_equal(again.sol(0.5), sol.sol(0.5))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_fork_after_compilation():
    script = (
        "import os, numpy as np\n"
        "from diffsol.integrate import solve_ivp\n"
        "import diffsol\n"
        "f = lambda t, y: -y\n"
        "assert diffsol.explain(f, (0, 1), [1.0]).compiled\n"
        "g = lambda t, y: -2 * y\n"
        "pid = os.fork()\n"
        "a = solve_ivp(f, (0, 1), [1.0]).y[0, -1]; assert abs(a - np.exp(-1)) < 1e-3\n"
        "assert diffsol.explain(g, (0, 1), [1.0]).compiled\n"
        "if pid == 0: os._exit(0)\n"
        "assert os.waitpid(pid, 0)[1] == 0\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


# --- switches ------------------------------------------------------------------------------------------------


def test_switched_off(monkeypatch):
    monkeypatch.setenv("DIFFSOL_JIT", "0")
    solve_ivp(lorenz, (0, 50), [1.0, 1.0, 1.0], args=ARGS, rtol=1e-8)
    assert not any(r.variants for r in kernels.records())
    assert diffsol.explain(*LORENZ, args=ARGS).reason == "switched-off"


def test_switch_with_an_unknown_position(monkeypatch):
    monkeypatch.setenv("DIFFSOL_JIT", "yes")
    with pytest.raises(ValueError, match="DIFFSOL_JIT must be 0, 1 or require, not 'yes'"):
        solve_ivp(*LORENZ, args=ARGS)


def test_a_refusal_keeps_nothing_alive():
    import gc
    import weakref

    class Thing:
        pass

    thing = Thing()
    kept = weakref.ref(thing)

    def fun(t, y, thing):
        thing.value = t
        return -y

    assert diffsol.explain(fun, (0, 1), [1.0], args=(thing,)).reason == "side-effect"
    del thing
    gc.collect()
    assert kept() is None


def test_required(monkeypatch, eager):
    log = []

    def fun(t, y):
        log.append(t)
        return -y

    with pytest.raises(NotCompiledError, match="writes to something outside") as caught:
        solve_ivp(fun, (0, 1), [1.0])
    assert "test_solves.py" in str(caught.value)
    assert not log


def test_a_refused_function_is_not_traced_again_and_again():
    log = []

    def fun(t, y):
        log.append(t)
        return -y

    for _ in range(50):
        solve_ivp(fun, (0, 1), [1.0])
        kernels.records()[0].python_seconds += 1.0
    assert kernels.records()[0].attempts <= kernels.MAX_ATTEMPTS


# --- what fails gives what was reached -------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("switch", ["0", "require"])
def test_nan_at_the_start_fails_instead_of_hanging(method, switch, monkeypatch):
    monkeypatch.setenv("DIFFSOL_JIT", switch)
    call = (lambda t, y: y * np.nan, (0, 1), [1.0])
    if method in ("Radau", "BDF"):
        for solve in (scipy.integrate.solve_ivp, solve_ivp):
            with pytest.raises(ValueError, match="must not contain infs or NaNs"):
                solve(*call, method=method)
        return
    sol = solve_ivp(*call, method=method)
    if method == "LSODA":  # which does not look, there as here
        theirs = scipy.integrate.solve_ivp(*call, method=method)
        assert (sol.status, len(sol.t)) == (theirs.status, len(theirs.t))
        return
    assert (sol.status, sol.success) == (-1, False)
    np.testing.assert_array_equal(sol.y, [[1.0]])


@pytest.mark.parametrize("method", [name for name in METHODS if name != "LSODA"])
def test_blow_up_returns_what_was_reached(method, eager):
    call = (lambda t, y: y**2, (0, 1), [2.0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, theirs = (
            solve_ivp(*call, method=method),
            scipy.integrate.solve_ivp(*call, method=method),
        )
    assert ours.status == theirs.status == -1
    assert ours.message == theirs.message
    np.testing.assert_allclose(ours.t[-1], 0.5, rtol=1e-2)
