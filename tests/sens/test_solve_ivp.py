"""diffsol.sensitivity.solve_ivp: SciPy's result, and derivatives that are right."""

import numpy as np
import pytest
import scipy.integrate

import diffsol.integrate
from diffsol.errors import CompilationWarning
from diffsol.sensitivity import solve_ivp

from .models import (
    LOTKA_VOLTERRA,
    ROBERTSON,
    VAN_DER_POL,
    decay,
    decay_solution,
    logistic,
    logistic_solution,
    lotka_volterra,
    robertson,
)

METHODS = ("RK23", "RK45", "DOP853", "Radau", "BDF", "LSODA")
TIMES = np.linspace(0.0, 5.0, 11)


# --- right --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rtol", [1e-5, 1e-8])
def test_decay_agrees_with_the_closed_form(method, rtol):
    sol = solve_ivp(decay, (0, 5), [2.0], method, TIMES, args=(0.8,), rtol=rtol, atol=rtol * 1e-2)
    y, slopes = decay_solution(TIMES, 0.8, 2.0)
    assert sol.success
    assert sol.sens_names == ("k", "y0[0]")
    bound = 30 if method in ("BDF", "LSODA", "RK23") else 10
    assert np.abs(sol.y[0] - y).max() < bound * rtol * y.max()
    for j in range(2):
        off = np.abs(sol.sens[0, :, j] - slopes[:, j]).max()
        assert off < bound * rtol * np.abs(slopes[:, j]).max()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rtol", [1e-5, 1e-8])
def test_logistic_growth_agrees_with_the_closed_form(method, rtol):
    times = np.linspace(0, 8, 9)
    sol = solve_ivp(
        logistic, (0, 8), [0.5], method, times, args=(1.2, 10.0), rtol=rtol, atol=rtol * 1e-2
    )
    _, slopes = logistic_solution(times, 1.2, 10.0, 0.5)
    bound = 60 if method in ("BDF", "LSODA", "RK23") else 10
    for j in range(3):
        off = np.abs(sol.sens[0, :, j] - slopes[:, j]).max()
        assert off < bound * rtol * np.abs(slopes[:, j]).max()


def _end(problem, method, rtol, **more):
    fun, y0, tf, args = problem
    atol = rtol * (1e-5 if fun is robertson else 1e-2)
    return solve_ivp(
        fun, (0, tf), y0, method, [tf], args=args, wrt="args", rtol=rtol, atol=atol, **more
    ).sens[:, 0]


def _relative(found, wanted):
    """Columns count by the size of what they are derivatives for, so all are scaled alike."""
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


# Errors at the end, relative, that a prototype of the same methods was measured to make: controlled, and not.
TABLE = [
    (LOTKA_VOLTERRA, "DOP853", 1e-6, 2.0e-6, 2.0e-5),
    (LOTKA_VOLTERRA, "DOP853", 1e-9, 8e-10, 4.1e-8),
    (ROBERTSON, "BDF", 1e-6, 8.4e-7, 5.5e-6),
    (ROBERTSON, "BDF", 1e-9, 3.1e-9, 2.0e-8),
    (VAN_DER_POL, "BDF", 1e-6, 2.95e-4, 9.7e-4),
    (VAN_DER_POL, "BDF", 1e-9, 3.1e-7, 2.5e-6),
]


@pytest.mark.parametrize(("problem", "method", "rtol", "controlled", "free"), TABLE)
def test_errors_are_no_worse_than_the_best_known(problem, method, rtol, controlled, free):
    wanted = _end(problem, "Radau" if method == "BDF" else "DOP853", 1e-12)
    assert _relative(_end(problem, method, rtol), wanted) <= controlled
    assert _relative(_end(problem, method, rtol, sens="discrete"), wanted) <= free


@pytest.mark.parametrize("method", METHODS)
def test_discrete_leaves_the_solution_as_it_is(method, monkeypatch):
    monkeypatch.setenv("DIFFSOL_JIT", "require")  # both by kernels, whose Jacobians are exact
    fun, y0, tf, args = ROBERTSON if method in ("Radau", "BDF", "LSODA") else LOTKA_VOLTERRA
    sol = solve_ivp(fun, (0, tf), y0, method, args=args, sens="discrete", rtol=1e-6)
    plain = diffsol.integrate.solve_ivp(fun, (0, tf), y0, method, args=args, rtol=1e-6)
    assert np.array_equal(sol.t, plain.t)
    assert np.array_equal(sol.y, plain.y)
    assert (sol.nfev, sol.njev, sol.nlu) == (plain.nfev, plain.njev, plain.nlu)


def test_discrete_is_the_derivative_of_what_is_computed():
    """For an explicit method with fixed steps the complex step differentiates the very same arithmetic."""
    settings = {"method": "RK45", "first_step": 0.1, "max_step": 0.1, "rtol": 1.0, "atol": 1.0}
    args = np.array(LOTKA_VOLTERRA[3])
    sol = solve_ivp(
        lotka_volterra, (0, 5), [1.0, 1.0], args=tuple(args), sens="discrete", **settings
    )
    for j in range(4):
        moved = args + 1e-30j * np.eye(4)[j]
        wanted = scipy.integrate.solve_ivp(
            lotka_volterra, (0, 5), np.array([1.0, 1.0], complex), args=tuple(moved), **settings
        )
        assert np.array_equal(wanted.t, sol.t)
        assert np.allclose(sol.sens[..., j], wanted.y.imag / 1e-30, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_the_fields_of_scipy_are_there(method):
    sol = solve_ivp(decay, (0, 1), [2.0], method, args=(0.5,))
    plain = scipy.integrate.solve_ivp(decay, (0, 1), [2.0], method, args=(0.5,))
    assert list(sol)[: len(plain)] == list(plain)
    assert sol.message == plain.message
    assert sol.status == plain.status
    assert sol.sens.shape == (1, sol.t.size, 2)
    assert sol.y.shape == (1, sol.t.size)
    assert np.array_equal(sol.sens_y0, sol.sens[..., 1:])


@pytest.mark.parametrize("method", METHODS)
def test_dense_output_gives_both(method):
    sol = solve_ivp(
        logistic, (0, 8), [0.5], method, dense_output=True, args=(1.2, 10.0), rtol=1e-8, atol=1e-10
    )
    times = np.linspace(0, 8, 33)
    y, slopes = logistic_solution(times, 1.2, 10.0, 0.5)
    assert sol.sol(times).shape == (1, 33)
    assert sol.sens_sol(times).shape == (1, 33, 3)
    assert sol.sol(4.0).shape == (1,)
    assert sol.sens_sol(4.0).shape == (1, 3)
    assert np.allclose(sol.sol(times)[0], y, rtol=1e-5)
    assert np.allclose(sol.sens_sol(times)[0], slopes, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_backward_in_time(method):
    sol = solve_ivp(
        decay, (2, 0), [2.0 * np.exp(-1.6)], method, [0.0], args=(0.8,), rtol=1e-8, atol=1e-10
    )
    # y(0) = c exp(2 k): d/dk = 2 y, d/dc = exp(1.6)
    assert np.allclose(sol.sens[0, 0], [4.0, np.exp(1.6)], rtol=1e-5)


# --- variables ----------------------------------------------------------------------------------------


def scaled(t, y, factor, rates, power):
    return -factor * rates * y**power


def test_arrays_integers_and_shared_arguments():
    args = (2.0, np.array([0.5, 0.25]), 1)
    sol = solve_ivp(scaled, (0, 1), [1.0, 3.0], "DOP853", [1.0], args=args, rtol=1e-10, atol=1e-12)
    assert sol.sens_names == ("factor", "rates[0]", "rates[1]", "y0[0]", "y0[1]")
    decayed = np.exp(-2.0 * args[1])
    y0 = np.array([1.0, 3.0])
    assert np.allclose(sol.sens[:, 0, 0], -args[1] * y0 * decayed)
    assert np.allclose(sol.sens[:, 0, 1:3], np.diag(-2.0 * y0 * decayed))
    assert np.allclose(sol.sens_y0[:, 0], np.diag(decayed))


@pytest.mark.parametrize(
    "wrt, names",
    [
        ("args", ("k1", "k2", "k3")),
        ("y0", ("y0[0]", "y0[1]", "y0[2]")),
        (("k3", "y0[1]"), ("k3", "y0[1]")),
        (("args[1]",), ("k2",)),
        (("y0", "k1"), ("k1", "y0[0]", "y0[1]", "y0[2]")),
    ],
)
def test_wrt(wrt, names):
    fun, y0, _, args = ROBERTSON
    every = solve_ivp(fun, (0, 1), y0, "Radau", [1.0], args=args, rtol=1e-8, atol=1e-12)
    sol = solve_ivp(fun, (0, 1), y0, "Radau", [1.0], args=args, wrt=wrt, rtol=1e-8, atol=1e-12)
    assert sol.sens_names == names
    chosen = [every.sens_names.index(name) for name in names]
    assert np.allclose(sol.sens, every.sens[..., chosen], rtol=1e-4, atol=1e-13)


def test_an_integer_that_is_named_is_a_variable():
    sol = solve_ivp(
        decay, (0, 1), [2.0], "DOP853", [1.0], args=(1,), wrt="k", rtol=1e-10, atol=1e-12
    )
    assert np.allclose(sol.sens, -2 * np.exp(-1))
    assert solve_ivp(decay, (0, 1), [2.0], args=(1,)).sens_names == ("y0[0]",)


def test_vectorized():
    sol = solve_ivp(
        lambda t, y, k: -k * y, (0, 1), [2.0], "BDF", [1.0], args=(0.5,), vectorized=True, rtol=1e-8
    )
    assert np.allclose(sol.sens[0, 0], [-2 * np.exp(-0.5), np.exp(-0.5)], rtol=1e-5)


def test_a_captured_number_may_change_between_solves():
    rates = {"fast": 1.0}

    def fun(t, y, k):
        return -rates["fast"] * k * y

    found = []
    for rate in (1.0, 2.0):
        rates["fast"] = rate
        sol = solve_ivp(fun, (0, 1), [1.0], "DOP853", [1.0], args=(0.5,), rtol=1e-10, atol=1e-12)
        found.append(sol.sens[0, 0, 0])
    assert np.allclose(found, [-np.exp(-0.5), -2 * np.exp(-1.0)])


# --- what cannot be compiled ----------------------------------------------------------------------------


def opaque(t, y, k):
    return eval("-k * y")


@pytest.mark.parametrize("method", METHODS)
def test_without_a_trace_there_are_differences_and_a_warning(method):
    with pytest.warns(CompilationWarning, match="finite differences"):
        sol = solve_ivp(opaque, (0, 5), [2.0], method, TIMES, args=(0.8,), rtol=1e-7, atol=1e-9)
    _, slopes = decay_solution(TIMES, 0.8, 2.0)
    assert np.allclose(sol.sens[0], slopes, rtol=2e-5, atol=2e-6)


def test_an_exception_of_the_function_comes_out():
    def fun(t, y, k):
        if t > 0.5:
            raise ZeroDivisionError("here")
        return -k * y

    with pytest.raises(ZeroDivisionError, match="here"):
        solve_ivp(fun, (0, 1), [1.0], args=(1.0,))


def test_a_solve_that_fails_returns_what_it_reached():
    sol = solve_ivp(lambda t, y, k: k * y**2, (0, 2), [1.0], args=(1.0,))
    assert sol.status == -1
    assert not sol.success
    assert 0.9 < sol.t[-1] < 1.1
    assert sol.sens.shape == (1, sol.t.size, 2)


def test_limits():
    assert solve_ivp(decay, (0, 100), [1.0], args=(1.0,), max_steps=3).status == -2


# --- arguments ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change, error, match",
    [
        ({"sens": "backward"}, ValueError, "'forward', 'discrete', 'adjoint'"),
        ({"wrt": "q"}, ValueError, "'q'; it may have 'args', 'y0', 'y0\\[0\\]', 'k'"),
        ({"wrt": ()}, ValueError, "names nothing"),
        ({"args": ("text",), "wrt": "k"}, TypeError, "'text'"),
        ({"y0": [1j]}, TypeError, "real states"),
        ({"method": "Euler"}, ValueError, "'Euler'"),
        ({"dy0": [1.0]}, ValueError, r"\(1, 2\)"),
        ({"dt0": [1.0]}, ValueError, r"\(2,\)"),
        ({"t_eval": [7.0]}, ValueError, "t_span"),
    ],
)
def test_arguments_that_make_no_sense(change, error, match):
    given = {"fun": decay, "t_span": (0, 1), "y0": [1.0], "args": (1.0,)} | change
    with pytest.raises(error, match=match):
        solve_ivp(**given)


def test_second_derivatives_from_differences_are_symmetric():
    fun, y0, _, args = LOTKA_VOLTERRA
    h = 1e-4

    def gradient(args):
        sol = solve_ivp(
            fun, (0, 3), y0, "DOP853", [3.0], args=tuple(args), wrt="args", rtol=1e-11, atol=1e-13
        )
        return sol.sens[0, 0]

    args = np.array(args)
    steps = h * np.eye(4)
    hessian = np.array([(gradient(args + e) - gradient(args - e)) / (2 * h) for e in steps])
    assert np.allclose(hessian, hessian.T, rtol=1e-6, atol=1e-6 * np.abs(hessian).max())


def test_robertson_in_many_methods():
    _, y0, tf, args = ROBERTSON
    wanted = _end(ROBERTSON, "Radau", 1e-11)
    for method in ("Radau", "BDF", "LSODA"):
        sol = solve_ivp(
            robertson, (0, tf), y0, method, [tf], args=args, wrt="args", rtol=1e-7, atol=1e-11
        )
        assert _relative(sol.sens[:, 0], wanted) < 1e-4, method
