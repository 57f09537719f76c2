"""odeint side by side with SciPy's: results, infodict, options, exceptions, surroundings."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.integrate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import diffsol.integrate
import problems
from diffsol._engine import grid_core, kernels, policy
from diffsol.integrate import odeint
from integrate.which_scipy import FORTRAN, forget_refusals

pytestmark = pytest.mark.usefixtures("tier")

COUNTS = ("nst", "nfe", "nje")
# Where ODEPACK is Fortran, tolsf is memory that nobody has written to.
COLUMNS = [name for name in grid_core.COLUMNS if not (FORTRAN and name == "tolsf")]


def both(*args, **options):
    """((y, infodict), ...) of SciPy and ours, with the warnings each gave in the infodict."""
    answers = []
    forget_refusals()
    for namespace in (scipy.integrate, diffsol.integrate):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            y, info = namespace.odeint(*args, full_output=True, **options)
        told = [w for w in caught if not issubclass(w.category, RuntimeWarning)]
        info["warned"] = [(w.category, str(w.message), w.filename) for w in told]
        answers.append((y, info))
    return answers


def assert_same(theirs, ours, exact=True, rtol=1.49012e-8, atol=1.49012e-8):
    """Bit for bit; or, where the rounding of LAPACK's factors differs from ours, to the tolerances
    (`assert_as_many` is about the steps then)."""
    (wanted, wanted_info), (got, got_info) = theirs, ours
    assert list(got_info) == list(wanted_info)
    for name in ("imxer", "lenrw", "leniw", "message", "warned"):
        assert got_info[name] == wanted_info[name]
    assert got.dtype == wanted.dtype
    assert got.shape == wanted.shape
    for name, column in wanted_info.items():
        assert np.shape(got_info[name]) == np.shape(column)
        assert getattr(got_info[name], "dtype", None) == getattr(column, "dtype", None)
    if exact:
        np.testing.assert_array_equal(got, wanted)
        for name in COLUMNS:
            np.testing.assert_array_equal(got_info[name], wanted_info[name])
        return
    error = np.abs(got - wanted) / (np.asarray(rtol) * np.abs(wanted) + atol)
    assert error.max() < 100


def assert_as_many(got, fun, *args, **options):
    """Steps, evaluations and Jacobians of our infodict `got`: as close to SciPy's as SciPy comes to
    itself when each derivative is changed by at most one rounding error, and 5 % more."""
    seen = []
    for seed in range(20):
        random = np.random.default_rng(seed)

        def nearly(function, random=random):
            def changed(*arguments):
                exact = np.asarray(function(*arguments))
                return exact * (1 + 1.1e-16 * random.integers(-1, 2, exact.shape))

            return changed

        others = {"Dfun": nearly(options["Dfun"])} if "Dfun" in options else {}
        _, info = scipy.integrate.odeint(nearly(fun), *args, full_output=True, **options | others)
        seen.append(info)
        if len(seen) == 5 and len(args[0]) > 20:
            break  # large systems average their rounding errors
    assert got["message"] == seen[0]["message"]
    for name in COUNTS:
        counts = [info[name][-1] for info in seen]
        assert 0.95 * min(counts) - 3 <= got[name][-1] <= 1.05 * max(counts) + 3, name


# --- problems ---------------------------------------------------------------------------------


def lorenz(y, t, sigma, rho, beta):
    return [sigma * (y[1] - y[0]), y[0] * (rho - y[2]) - y[1], y[0] * y[1] - beta * y[2]]


def lotka_volterra(y, t, a, b, c, d):
    prey, predators = y
    return np.array([a * prey - b * prey * predators, d * prey * predators - c * predators])


def forced(y, t, stiffness):
    fast = -stiffness * (2 + np.sin(t)) * (y[1] - np.cos(y[0]))
    return np.array([y[1] - 0.1 * y[0] + np.sin(3 * t), fast, y[0] - y[2]])


def forced_jacobian(y, t, stiffness):
    rate = stiffness * (2 + np.sin(t))
    return np.array([[-0.1, 1.0, 0.0], [-rate * np.sin(y[0]), -rate, 0.0], [1.0, 0.0, -1.0]])


NONSTIFF = {
    "lorenz": (lorenz, [-8, 8, 27], np.linspace(0, 10, 101), (10.0, 28.0, 8 / 3)),
    "lotka_volterra": (lotka_volterra, [10.0, 5.0], np.linspace(0, 15, 301), (1.1, 0.4, 0.4, 0.1)),
    "forced": (forced, [1.0, 0.5, -1.0], np.linspace(0, 8, 50), (1.0,)),
    "backward": (forced, [1.0, 0.5, -1.0], np.linspace(2, -2, 30), (0.5,)),
}


@pytest.mark.parametrize("name", NONSTIFF)
def test_nonstiff(name):
    fun, y0, t, args = NONSTIFF[name]
    assert_same(*both(fun, y0, t, args=args))


@pytest.mark.parametrize("rtol", [1e-4, 1e-8])
@pytest.mark.parametrize("name", problems.names("stiff"))
def test_stiff(name, rtol):
    p = problems.load(name)
    if p.n > 100 and rtol < 1e-5:
        return  # minutes of SciPy's time
    atol = p.atol(rtol)
    options = dict(rtol=rtol, atol=atol, mxstep=20000, tfirst=True, args=p.params)
    if p.band:
        options |= dict(ml=p.band[0], mu=p.band[1])
    (theirs, _), (ours, info) = both(p.fun, p.y0, p.reference.t, **options)
    assert problems.scd(p, ours.T) > problems.scd(p, theirs.T) - 0.5
    assert_as_many(info, p.fun, p.y0, p.reference.t, **options)


def test_large_full_jacobian():
    """Without a band given: differences of SciPy, or the compiled function's exact Jacobian."""
    p = problems.load("brusselator_1d")
    options = dict(rtol=1e-6, atol=1e-6, tfirst=True, args=p.params)
    (theirs, wanted), (ours, got) = both(p.fun, p.y0, p.reference.t, **options)
    np.testing.assert_allclose(got["nst"][-1], wanted["nst"][-1], rtol=0.05)
    assert np.abs(ours - theirs).max() < 1e-5


# --- options ----------------------------------------------------------------------------------


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    stiffness=st.sampled_from([0.0, 1.0, 300.0, 1e5]),
    gaps=st.lists(st.sampled_from([0.0, 1e-3, 0.3, 1.7]), min_size=1, max_size=9),
    backward=st.booleans(),
    rtol=st.sampled_from([None, 1e-3, 1e-6, [1e-4, 1e-6, 1e-5], 1]),
    atol=st.sampled_from([None, 1e-4, 1e-9, [1e-6, 1e-5, 1e-8]]),
    band=st.sampled_from([{}, {}, {"mu": 1}, {"ml": 0, "mu": 2}]),
    jacobian=st.sampled_from(["none", "rows", "columns"]),
    critical=st.sampled_from([None, 0.2, [0.5, 1.0], [7.0]]),
    limits=st.sampled_from([{}, {"hmax": 0.1}, {"h0": 1e-3}, {"mxordn": 4, "mxords": 2}]),
    mxstep=st.sampled_from([0, 10000, 20]),
    tfirst=st.booleans(),
)
def test_options(
    stiffness, gaps, backward, rtol, atol, band, jacobian, critical, limits, mxstep, tfirst
):
    sign = -1.0 if backward else 1.0
    t = sign * np.cumsum([0.0, *gaps])
    if backward:
        stiffness = min(stiffness, 1.0)
        limits = limits | ({"h0": -limits["h0"]} if "h0" in limits else {})
        critical = None if critical is None else sign * np.asarray(critical)
    if FORTRAN:
        mxstep = 10000  # which step is the last but one is for rounding errors to say
    order = (lambda f: lambda t, y, *a: f(y, t, *a)) if tfirst else (lambda f: f)
    options = dict(
        args=(stiffness,), rtol=rtol, atol=atol, tcrit=critical, mxstep=mxstep, tfirst=tfirst,
        **limits, **band,
    )  # fmt: skip
    if jacobian != "none":
        options |= _dfun(order, jacobian, band)
    theirs, ours = both(order(forced), [1.0, 0.5, -1.0], t, **options)
    rows = _rows(ours)  # SciPy leaves rubbish beyond
    skip = int(np.argmax(t != t[0])) - 1 if np.any(t != t[0]) else len(t) - 1
    theirs, ours = (_cut(answer, skip, rows) for answer in (theirs, ours))
    tolerances = {name: value for name in ("rtol", "atol") if (value := options[name]) is not None}
    assert_same(theirs, ours, exact=not FORTRAN, **tolerances)


def _dfun(order, form, band):
    def dfun(y, t, stiffness):
        full = forced_jacobian(y, t, stiffness)
        if band:
            lower, upper = band.get("ml", 0), band.get("mu", 0)
            rows = range(upper, -lower - 1, -1)
            full = np.array([np.pad(np.diagonal(full, k), (max(k, 0), max(-k, 0))) for k in rows])
        return full.T if form == "columns" else full

    return {"Dfun": order(dfun), "col_deriv": int(form == "columns")}


def _rows(answer):
    """How many rows of ours were filled: all, or those up to the failed one; the rest is nan."""
    y, _ = answer
    unfilled = np.flatnonzero(np.isnan(y[:, 0]))
    return int(unfilled[0]) if unfilled.size else len(y)


def _cut(answer, skip, rows):
    y, info = answer
    info = {
        name: column[skip : rows - 1] if name in grid_core.COLUMNS else column
        for name, column in info.items()
    }
    return y[:rows], info


def test_failure_in_the_middle():
    t = [0.0, 0.5, 1.5, 2.0]
    (theirs, wanted), (ours, got) = both(lambda y, t: y**2, [1.0], t)
    np.testing.assert_array_equal(ours[:3], theirs[:3])
    assert np.isnan(ours[3:]).all()
    assert got["message"] == wanted["message"]
    assert got["warned"] == wanted["warned"]
    for name in COLUMNS:
        np.testing.assert_array_equal(got[name][:2], wanted[name][:2])


def test_least_step_is_scipys_of_this_version():
    answers = [
        namespace.odeint(forced, [1.0, 0.5, -1.0], [0, 1, 2], args=(1.0,), hmin=1e-3)
        for namespace in (scipy.integrate, diffsol.integrate)
    ]
    np.testing.assert_array_equal(*answers)


def test_arguments_are_not_touched():
    y0, t = np.array([1.0, 2.0]), np.array([0.0, 1.0, 2.0])
    y = odeint(lambda y, t: -y, y0, t)
    y[0] = 7.0
    assert y0.tolist() == [1.0, 2.0]
    assert t.tolist() == [0.0, 1.0, 2.0]


def test_state_changed_in_place():
    """The solver goes on with what the function leaves in y, as SciPy's does."""

    def clamp(y, t):
        np.maximum(y, 0.0, out=y)
        return [-3.0 * y[0] + y[1], -50.0 * (y[1] - np.cos(t))]

    assert_same(*both(clamp, [1.0, -1.0], np.linspace(0, 2, 21)))


def test_kept_states_stay_readable():
    kept = []

    def fun(y, t):
        kept.append(y)
        return -y

    odeint(fun, [1.0, 2.0], [0, 1, 2])
    assert all(np.isfinite(y).all() for y in kept)


def test_arguments_are_let_go():
    class Rate(float):
        pass

    def fun(y, t, k):
        return [-float(k) * y[0]]

    odeint(fun, [1.0], [0, 1], args=(Rate(1.0),))  # tracing leaves cycles of its own
    rate = Rate(2.0)
    alive = weakref.ref(rate)
    gc.disable()
    try:
        odeint(fun, [1.0], [0, 1], args=(rate,))
        del rate
        assert alive() is None
    finally:
        gc.enable()


# --- exceptions and Ctrl-C --------------------------------------------------------------------


class MyError(Exception):
    pass


@pytest.mark.parametrize("kind", [MyError, KeyboardInterrupt, SystemExit, StopIteration])
@pytest.mark.parametrize("place", ["func", "Dfun"])
def test_exceptions_come_out_as_themselves_and_calls_stop(kind, place):
    def outcome(namespace):
        calls = []
        raised = kind("text", 7)

        def bomb(name, limit):
            calls.append(name)
            if name == place and calls.count(name) == limit:
                raise raised

        def func(y, t):
            bomb("func", 6)
            return -1e4 * (y - np.cos(t))

        def jac(y, t):
            bomb("Dfun", 2)
            return [[-1e4]]

        with pytest.raises(kind) as caught:
            namespace.odeint(func, [1.0], [0, 1], Dfun=jac)
        assert caught.value is raised
        return calls

    assert outcome(diffsol.integrate) == outcome(scipy.integrate)


@pytest.mark.xdist_group("machine")
def test_ctrl_c_stops_a_long_solve(monkeypatch, request):
    pressed = []

    def press():
        pressed.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(0.5, press)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        odeint(lorenz, [1.0, 1.0, 1.0], [0, 1e9], args=(10.0, 28.0, 8 / 3), mxstep=2_000_000_000)
    assert time.perf_counter() - pressed[0] < 0.1


# --- kernels ----------------------------------------------------------------------------------


def test_other_arguments_and_globals_take_effect():
    rate = {"k": 1.0}

    def fun(y, t, a):
        return -a * rate["k"] * y

    for a, k in [(1.0, 1.0), (2.0, 1.0), (2.0, 3.0), (1, 1.0)]:
        rate["k"] = k
        assert_same(*both(fun, [1.0, 2.0], [0, 0.5, 1], args=(a,)))


def test_one_function_in_both_orders():
    """A kernel belongs to the order of the arguments too."""

    def fun(a, b):
        return 2.0 * a - b

    np.testing.assert_array_equal(
        odeint(fun, 1.0, [0, 1]), scipy.integrate.odeint(fun, 1.0, [0, 1])
    )
    np.testing.assert_array_equal(
        odeint(fun, 1.0, [0, 1], tfirst=True), scipy.integrate.odeint(fun, 1.0, [0, 1], tfirst=True)
    )
    ours = diffsol.integrate.solve_ivp(fun, (0, 1), [1.0], t_eval=[1.0])
    theirs = scipy.integrate.solve_ivp(fun, (0, 1), [1.0], t_eval=[1.0])
    np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-13)


def test_number_for_one_equation():
    assert_same(*both(lambda y, t: -0.5 * y[0], 1.0, np.linspace(0, 3, 7)))
    assert_same(*both(lambda y, t: [-0.5 * y[0]], [1.0], np.linspace(0, 3, 7)))


def test_is_compiled_when_it_has_cost_enough(tier):
    if tier == "python":
        return
    for _ in range(2):
        odeint(lorenz, [1.0, 1.0, 1.0], [0, 2], args=(10.0, 28.0, 8 / 3))
    found = [r for r in kernels.records() if r.name == "lorenz"]
    assert [len(r.variants) for r in found] == [1]


@pytest.mark.parametrize("jacobian", [None, forced_jacobian])
def test_compiled_on_the_way(jacobian, monkeypatch):
    """A long solve begins in Python and goes on with kernels, without a trace in its results."""
    monkeypatch.setenv("DIFFSOL_JIT", "1")
    monkeypatch.setattr(policy, "price", lambda count: 0.004)
    kernels.clear()
    t = np.linspace(0, 900, 301)
    assert_same(*both(forced, [1.0, 0.5, -1.0], t, args=(1.0,), Dfun=jacobian, mxstep=10000))
    assert any(record.variants for record in kernels.records() if record.name == "forced")


def test_function_that_stays_python():
    """At first it is called from our core, once it is refused by SciPy's."""

    def untraceable(y, t):
        return [float(f"{float(y[1])!r}"), -y[0]]

    for _ in range(3):
        assert_same(*both(untraceable, [1.0, 0.0], np.linspace(0, 5, 11)))
        assert_same(*both(untraceable, [1.0, 0.0], [0, 9], mxstep=20))


def test_functions_that_stay_python_nested_and_in_threads():
    """Also beside a SciPy that has one memory for all solves."""

    def untraceable(y, t, k):
        time.sleep(0)  # another thread's turn
        return [float(f"{float(-k * y[0])!r}")]

    def outer(y, t):
        return odeint(untraceable, [1.0], [0.0, 0.1], args=(3.0,))[-1] * untraceable(y, t, 1.0)

    def solve(k):
        return odeint(untraceable, [1.0], np.linspace(0, 3, 20), args=(k,))

    alone = [solve(float(k)) for k in range(8)]
    nested = odeint(outer, [1.0], [0, 1])
    with ThreadPoolExecutor(4) as pool:
        for one, other in zip(alone, pool.map(solve, map(float, range(8))), strict=True):
            np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(nested[-1], np.exp(-np.exp(-0.3)), rtol=1e-6)


@pytest.mark.parametrize("form", ["rows", "columns", "band", "transposed band"])
def test_given_jacobian(form):
    band = {"ml": 2, "mu": 1} if "band" in form else {}
    dfun = _dfun(lambda f: f, "rows" if form in ("rows", "band") else "columns", band)
    problem = forced, [1.0, 0.5, -1.0], np.linspace(0, 4, 9)
    theirs, ours = both(*problem, args=(1e5,), **dfun, **band)
    assert_same(theirs, ours, exact=False)
    # SciPy 1.17 misreads the norm of a banded matrix: the numbers are those of the full one
    assert_as_many(ours[1], *problem, args=(1e5,), Dfun=forced_jacobian)


def test_nested_and_in_threads():
    def outer(y, t):
        inner = odeint(lambda z, s: -z, [1.0], [0.0, 0.1])
        return -y * inner[-1, 0]

    theirs = scipy.integrate.odeint(outer, [1.0], [0, 1, 2])
    np.testing.assert_array_equal(odeint(outer, [1.0], [0, 1, 2]), theirs)

    def solve(k):
        fun, y0, t, args = NONSTIFF["lorenz"]
        return odeint(fun, np.asarray(y0) + k, t, args=args)

    alone = [solve(k) for k in range(8)]
    with ThreadPoolExecutor(4) as pool:
        for one, other in zip(alone, pool.map(solve, range(8)), strict=True):
            np.testing.assert_array_equal(one, other)


def test_does_not_import_scipy_integrate(tier):
    code = """
import sys
from diffsol.integrate import odeint
y = odeint(lambda y, t: [y[1], -y[0]], [1.0, 0.0], [0, 1, 2])
assert "scipy.integrate" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
