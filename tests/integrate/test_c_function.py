"""Right-hand sides in C, handed over as scipy.LowLevelCallable."""

import ctypes

import numpy as np
import pytest
import scipy
import scipy.integrate

import diffsol
from diffsol.integrate import solve_ivp

DOUBLES = ctypes.POINTER(ctypes.c_double)
FORM = ctypes.CFUNCTYPE(None, ctypes.c_double, DOUBLES, DOUBLES, ctypes.c_void_p)
SHORT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_double, DOUBLES, DOUBLES)


@FORM
def spring(t, y, out, data):
    k = ctypes.cast(data, DOUBLES)
    out[0], out[1] = y[1], -k[0] * y[0] - k[1] * y[1] + t


@SHORT
def decay_until_half(t, y, out):
    out[0] = -y[0]
    return 7 if t > 0.5 else 0


def with_data(*numbers):
    data = (ctypes.c_double * len(numbers))(*numbers)
    function = scipy.LowLevelCallable(spring, ctypes.cast(data, ctypes.c_void_p))
    return function, data


def python(t, y):
    return [y[1], -4.0 * y[0] - 0.5 * y[1] + t]


@pytest.mark.parametrize("mode", ["0", "1", "require"])
@pytest.mark.parametrize("method", ["RK45", "DOP853", "BDF", "Radau", "LSODA"])
def test_as_the_same_in_python(monkeypatch, method, mode):
    monkeypatch.setenv("DIFFSOL_JIT", mode)
    function, _data = with_data(4.0, 0.5)
    options = {"method": method, "rtol": 1e-7, "t_eval": [1, 2, 3]}
    options["events"] = lambda t, y: y[0] - 0.2
    ours = solve_ivp(function, (0, 3), [1.0, 0.0], **options)
    theirs = scipy.integrate.solve_ivp(python, (0, 3), [1.0, 0.0], **options)
    assert ours.nfev == theirs.nfev
    np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-8)
    np.testing.assert_allclose(ours.t_events[0], theirs.t_events[0], rtol=1e-8)


def test_user_data_are_read_anew():
    function, data = with_data(4.0, 0.5)
    one = solve_ivp(function, (0, 3), [1.0, 0.0])
    data[0] = 1.0
    other = solve_ivp(function, (0, 3), [1.0, 0.0])
    assert abs(one.y[0, -1] - other.y[0, -1]) > 1e-3


def test_a_code_ends_the_solve():
    with pytest.raises(RuntimeError, match="returned 7 at t="):
        solve_ivp(scipy.LowLevelCallable(decay_until_half), (0, 1), [1.0])


def test_a_jacobian_in_python_goes_with_it():
    function, _data = with_data(4.0, 0.5)
    jac = [[0.0, 1.0], [-4.0, -0.5]]
    ours = solve_ivp(function, (0, 3), [1.0, 0.0], method="BDF", jac=jac)
    theirs = scipy.integrate.solve_ivp(python, (0, 3), [1.0, 0.0], method="BDF", jac=jac)
    assert (ours.nfev, ours.njev, ours.nlu) == (theirs.nfev, theirs.njev, theirs.nlu)


def test_explain():
    function, _data = with_data(4.0, 0.5)
    told = diffsol.explain(function, (0, 1), [1.0, 0.0], method="BDF")
    assert told.compiled
    assert "function in C" in str(told)
    with pytest.raises(ValueError, match="not known"):
        told.sparsity()


@pytest.mark.parametrize(
    "call, error, text",
    [
        ({"args": (1.0,)}, TypeError, "user data"),
        ({"y0": [1.0 + 0j, 0.0]}, TypeError, "real states"),
        ({"vectorized": True}, TypeError, "vectorized"),
    ],
)
def test_what_does_not_go(call, error, text):
    function, _data = with_data(4.0, 0.5)
    y0 = call.pop("y0", [1.0, 0.0])
    with pytest.raises(error, match=text):
        solve_ivp(function, (0, 1), y0, **call)


def test_another_signature():
    other = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(lambda x: x)
    with pytest.raises(ValueError, match=r"signature 'double \(double\)'"):
        solve_ivp(scipy.LowLevelCallable(other), (0, 1), [1.0])


def test_a_tuple_is_refused_as_by_scipy():
    with pytest.raises(TypeError) as ours:
        solve_ivp((1, 2), (0, 1), [1.0])
    with pytest.raises(TypeError) as theirs:
        scipy.integrate.solve_ivp((1, 2), (0, 1), [1.0])
    assert str(ours.value) == str(theirs.value)
