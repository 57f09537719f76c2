"""Steps, counts and interpolants are SciPy's."""

import warnings

import numpy as np
import pytest
from scipy.integrate import BDF, DOP853, LSODA, RK23, RK45, Radau, solve_ivp

from diffsol._methods.registry import METHODS as REGISTRY
from native.harness import Solve, lib
from native.problems import PROBLEMS, decay, lorenz, oscillator, takes

METHODS = ("RK23", "RK45", "DOP853", "Radau", "BDF", "LSODA")
CLASSES = {"RK23": RK23, "RK45": RK45, "DOP853": DOP853, "Radau": Radau, "BDF": BDF, "LSODA": LSODA}


def assert_same(ours, theirs):
    """Equal counts; times and states as near as rounding in SciPy's dot products allows."""
    assert ours.ivp.nfev == theirs.nfev
    assert len(ours.t) == len(theirs.t)
    np.testing.assert_allclose(ours.t, theirs.t, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "method, problem", [(m, p) for m in METHODS for p in PROBLEMS if takes(m, PROBLEMS[p][2])]
)
@pytest.mark.parametrize("rtol", [1e-3, 1e-6])
def test_steps(problem, method, rtol):
    options = {"method": method, "rtol": rtol, "atol": rtol * 1e-2}
    ours = Solve(*PROBLEMS[problem], dense=True, **options)
    theirs = solve_ivp(*PROBLEMS[problem], dense_output=True, **options)
    assert ours.run() == lib.DS_FINISHED
    assert_same(ours, theirs)
    t = np.linspace(*PROBLEMS[problem][1], 37)
    np.testing.assert_allclose(ours.sol(t), theirs.sol(t), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("fun", [lorenz, oscillator])
def test_first_steps_agree_to_rounding(fun, method):
    """Before rounding has been amplified: times to 1e-12 relative.

    DOP853's error norm is a small difference of large sums, and finite differences are differences
    of nearly equal numbers: step sizes repeat to 1e-8 only, SciPy's own too when a derivative is
    perturbed in its last bit.
    """
    rtol = 1e-8 if method in ("DOP853", "Radau", "BDF") else 1e-12
    y0 = [1.0, 1.0, 1.0][: 3 if fun is lorenz else 2]
    ours = Solve(fun, (0, 0.5), y0, method=method)
    theirs = solve_ivp(fun, (0, 0.5), y0, method=method)
    ours.run()
    np.testing.assert_allclose(ours.t, theirs.t, rtol=rtol)
    np.testing.assert_allclose(ours.y, theirs.y, rtol=10 * rtol)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "options",
    [
        {"first_step": 0.01},
        {"max_step": 0.05},
        {"rtol": np.array([1e-3, 1e-5]), "atol": np.array([1e-6, 1e-3])},
        {"rtol": 1e-5, "atol": np.array([1e-2, 1e-8])},
        {"atol": 0.0},
    ],
    ids=str,
)
def test_options(options, method):
    if method in ("Radau", "BDF") and np.ndim(options.get("rtol", 0)):
        options = {**options, "rtol": 1e-4}  # SciPy's take one number
    args = oscillator, (0, 3), [1.0, 0.5]
    ours = Solve(*args, method=method, **options)
    theirs = solve_ivp(*args, method=method, **options)
    assert ours.run() == lib.DS_FINISHED
    assert_same(ours, theirs)


@pytest.mark.parametrize("t_bound", [10.0, -10.0])
@pytest.mark.parametrize(
    "method, y0", [(m, y) for m in METHODS for y in ([1.0, 2.0], [1 + 1j, 2.0]) if takes(m, y)]
)
def test_t_eval(method, t_bound, y0):
    inside = np.sort(np.random.default_rng(1).uniform(0, 10, 50))
    t_eval = np.sign(t_bound) * np.concatenate([[0], inside, [10]])
    ours = Solve(decay, (0, t_bound), y0, method=method, t_eval=t_eval)
    theirs = solve_ivp(decay, (0, t_bound), y0, method=method, t_eval=t_eval)
    assert ours.run() == lib.DS_FINISHED
    np.testing.assert_array_equal(ours.t, t_eval)
    assert_same(ours, theirs)


def test_t_eval_stops_at_nan_and_may_be_empty():
    ours = Solve(decay, (0, 1), [1.0], t_eval=[0.5, np.nan])
    assert ours.run() == lib.DS_FINISHED
    assert list(ours.t) == [0.5]
    ours = Solve(decay, (0, 1), [1.0], t_eval=np.empty(0))
    assert ours.run() == lib.DS_FINISHED
    assert ours.ivp.n_points == 0


@pytest.mark.parametrize("method", METHODS)
def test_zero_length(method):
    ours = Solve(decay, (2, 2), [1.0, 3.0], method=method, dense=True)
    theirs = solve_ivp(decay, (2, 2), [1.0, 3.0], method=method, dense_output=True)
    assert ours.run() == lib.DS_FINISHED
    assert_same(ours, theirs)
    np.testing.assert_array_equal(ours.sol([2.0, 5.0]), [[1, 1], [3, 3]])
    none = Solve(decay, (2, 2), [1.0, 3.0], method=method, t_eval=[2.0])
    assert none.run() == lib.DS_FINISHED
    assert none.ivp.n_points == 0


@pytest.mark.parametrize("method", METHODS)
def test_no_equations(method):
    ours = Solve(decay, (0, 1), [], method=method)
    theirs = solve_ivp(decay, (0, 1), [], method=method)
    assert ours.run() == lib.DS_FINISHED
    assert ours.ivp.nfev == theirs.nfev
    np.testing.assert_array_equal(ours.t, theirs.t)


@pytest.mark.parametrize(
    "method, y0", [(m, y) for m in METHODS for y in ([1.0, 0.5], [1j, 0.5]) if takes(m, y)]
)
def test_single_steps_equal_the_classes(method, y0):
    ours = Solve(oscillator, (0, 4), y0, method=method)
    theirs = CLASSES[method](oscillator, 0, np.array(y0), 4)
    assert ours.start() == lib.DS_RUNNING
    if method != "LSODA":  # which chooses later, and keeps it elsewhere
        assert ours.ivp.h_abs == pytest.approx(theirs.h_abs, rel=1e-14)
    while theirs.status == "running":
        theirs.step()
        code = lib.ds_ivp_step(ours.ivp)
        for name in ("t", "t_old", "h_abs", "h_previous", "y", "y_old", "f", "K"):
            if not hasattr(theirs, name) or name in ("y_old", "f") and method == "LSODA":
                continue  # each family keeps what it needs
            value, tolerance = getattr(theirs, name), {"rtol": 1e-7, "atol": 1e-10}
            mine = getattr(ours.ivp, name)
            if name in ("y", "y_old", "f", "K"):
                mine = ours._state(mine, value.shape[0] if name == "K" else None)
            if name == "K":
                tolerance = {"rtol": 1e-6, "atol": 1e-9}
            np.testing.assert_allclose(mine, value, **tolerance)
        ours_nfev = ours.ivp.nfev
        assert ours_nfev == theirs.nfev
    assert code == lib.DS_FINISHED
    assert lib.ds_ivp_step(ours.ivp) == lib.DS_FINISHED


@pytest.mark.parametrize("method", METHODS)
def test_interpolant_has_scipys_layout(method):
    ours = Solve(lorenz, (0, 4), [1.0, 1.0, 1.0], method=method)
    theirs = CLASSES[method](lorenz, 0, np.ones(3), 4)
    ours.start()
    lib.ds_ivp_step(ours.ivp)
    theirs.step()
    dense = theirs.dense_output()
    if method == "LSODA":
        wanted = np.concatenate([[len(dense.p) - 1, dense.t, dense.h], dense.yh.T.ravel()])
    elif method == "BDF":
        wanted = np.concatenate([[dense.order, dense.t, theirs.h_abs], dense.D.ravel()])
    else:
        wanted = dense.F if method == "DOP853" else dense.Q
    q = np.empty(wanted.shape)
    assert lib.ds_ivp_q_size(ours.ivp) == wanted.size
    assert lib.ds_ivp_dense(ours.ivp, ours._borrow(q)) == 0
    np.testing.assert_allclose(q, wanted, rtol=1e-9, atol=1e-12)
    assert ours.ivp.nfev == theirs.nfev


@pytest.mark.parametrize("method", METHODS)
def test_what_hangs_scipy_fails(method):
    """A nan in the first derivative, in the span, an infinite step.

    Implicit methods meet it in the Newton matrix, where SciPy raises ValueError.
    """
    expected = (lib.DS_FAILED, lib.DS_NOT_FINITE) if REGISTRY[method].implicit else (lib.DS_FAILED,)
    if method == "LSODA":  # a nan passes its tests, there as here
        expected = (lib.DS_FAILED, lib.DS_FINISHED)
    for fun, span, y0, options in [
        (lambda t, y: y * np.nan, (0, 1), [1.0], {}),
        (lambda t, y: 0 * y, (0, np.inf), [1.0], {}),
        (decay, (np.nan, 1), [1.0], {}),
        (lambda t, y: y * np.nan, (0, 1), [1.0], {"first_step": 0.1}),
    ]:
        ours = Solve(fun, span, y0, method=method, **options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert ours.run(5.0) in expected


def test_blow_up_fails_by_lsoda():
    """SciPy's own loops for ever here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = Solve(lambda t, y: y * y, (0, 2), [1.0], method="LSODA")
        assert ours.run() == lib.DS_FAILED
    assert 0.99 < ours.t[-1] <= 1


@pytest.mark.parametrize("method", [name for name in METHODS if name != "LSODA"])
def test_blow_up_fails_where_scipy_does(method):
    def square(t, y):
        return y * y

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = Solve(square, (0, 2), [1.0], method=method)
        theirs = solve_ivp(square, (0, 2), [1.0], method=method)
        assert ours.run() == lib.DS_FAILED
    assert theirs.status == -1
    assert ours.ivp.nfev == theirs.nfev
    np.testing.assert_allclose(ours.t, theirs.t, rtol=1e-7)


def test_advance_returns_when_time_is_up():
    ours = Solve(lorenz, (0, 1e9), [1.0, 1.0, 1.0])
    assert ours.start() == lib.DS_RUNNING
    before = 0
    for _ in range(3):
        assert lib.ds_ivp_advance(ours.ivp, 0.01) == lib.DS_RUNNING
        assert ours.ivp.n_accepted > before
        before = ours.ivp.n_accepted
    assert ours.ivp.n_points == before + 1


def test_slices_change_nothing():
    whole = Solve(lorenz, (0, 2), [1.0, 1.0, 1.0])
    sliced = Solve(lorenz, (0, 2), [1.0, 1.0, 1.0])
    assert whole.run() == sliced.run(seconds=0) == lib.DS_FINISHED
    np.testing.assert_array_equal(whole.t, sliced.t)
    np.testing.assert_array_equal(whole.y, sliced.y)


def test_unknown_method_and_negative_size_make_nothing():
    from diffsol._native._core import ffi

    assert lib.ds_ivp_new(99, 1, 0) == ffi.NULL
    assert lib.ds_ivp_new(lib.DS_RK45, -1, 0) == ffi.NULL
    lib.ds_ivp_free(ffi.NULL)
