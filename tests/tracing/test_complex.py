"""Complex states, and functions of columns (`vectorized=True`)."""

import cmath

import numpy as np
import pytest
import scipy.integrate

import diffsol
from diffsol._graph.interpret import run
from diffsol._graph.ops import COMPLEX
from diffsol._trace.reasons import Refused
from diffsol._trace.trace import trace_function
from diffsol.integrate import solve_ivp

H = np.array([[1.0, 0.5 - 0.2j], [0.5 + 0.2j, -1.0]])


def schroedinger(t, psi):
    return -1j * (H @ psi)


def driven(t, a):
    return [1j * a[0] * np.exp(-1j * t) - abs(a[1]) ** 2, np.conj(a[0]) + a[1].real - 2 * a[1].imag]


def nonlinear(t, a):
    return -(0.1 + 1j) * a * np.abs(a) ** 2 + np.sqrt(a) + a**3 + np.angle(a[0])


def parts(t, a):
    out = np.zeros(2, dtype=complex)
    out[0] = complex(a[0].real, -a[1].imag)
    out[1] = np.vdot(a, a) / (2 + 1j)
    return out


def elementary(t, a):
    return np.sin(a) + np.cos(a) * np.tanh(a) + np.log(a + 3) + np.exp(a) / a**2


def real_parts_first(t, a):
    x, y = a.real, a.imag
    return -y + 1j * x


def branch(t, a):
    return a if a[0].real > 0 else 1j * a


FUNCTIONS = [schroedinger, driven, nonlinear, parts, elementary, real_parts_first, branch]


@pytest.mark.parametrize("fun", FUNCTIONS)
def test_complex_function_means_the_same(fun):
    result = trace_function(fun, (), (2,), COMPLEX, (2,), COMPLEX)
    block = np.empty(result.n_params)
    assert result.check(fun, (), block)
    rng = np.random.default_rng(0)
    for t in (0.0, 0.7):
        y = rng.normal(size=2) + 1j * rng.normal(size=2)
        got, trap = run(result.program, t, y, block)
        assert not trap
        np.testing.assert_allclose(got, fun(t, y), rtol=1e-14)


@pytest.mark.parametrize("fun", FUNCTIONS)
def test_complex_solve(fun, monkeypatch):
    monkeypatch.setenv("DIFFSOL_JIT", "require")
    call = (fun, (0, 1), [1 + 0.5j, 0.3 - 0.2j])
    ours = solve_ivp(*call, rtol=1e-8, atol=1e-10)
    theirs = scipy.integrate.solve_ivp(*call, rtol=1e-8, atol=1e-10)
    assert ours.nfev == theirs.nfev
    np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-7)  # rounding moves the steps as much


def test_unknown_complex_function_is_called_as_python():
    assert diffsol.explain(lambda t, a: [cmath.exp(a[0])], (0, 1), [1j]).reason == "unknown-call"


@pytest.mark.parametrize("method", ["RK45", "BDF"])
def test_vectorized(method):
    def fun(t, y):
        if y.ndim != 2:
            raise ValueError
        return np.array([y[1], -y[0]])

    assert diffsol.explain(fun, (0, 1), [1.0, 0.0], vectorized=True).compiled
    assert diffsol.explain(fun, (0, 1), [1.0, 0.0]).reason == "raises"
    call = (fun, (0, 5), [1.0, 0.0])
    ours = solve_ivp(*call, vectorized=True, method=method)
    theirs = scipy.integrate.solve_ivp(*call, vectorized=True, method=method)
    assert ours.nfev == theirs.nfev
    np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-9)


def test_extremes_of_complex_values_are_python():
    """NumPy orders them by their real parts, then by their imaginary ones."""
    for function in (np.max, np.min):
        with pytest.raises(Refused):
            trace_function(lambda t, y, f=function: f(y) + y, (), (2,), COMPLEX, (2,), COMPLEX)
