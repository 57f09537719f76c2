"""A solve that meets a NaN or an infinity can say where it came from."""

import inspect
import warnings

import numpy as np
import pytest

from diffsol._engine import kernels
from diffsol.integrate import solve_ivp


@pytest.fixture(autouse=True)
def _quiet():
    kernels.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def falling(t, y):
    a = y[0] - 1.0
    flow = np.sqrt(y[1])
    return [y[1] * a, -flow - 0.1]


def line_of(function, text):
    lines, first = inspect.getsourcelines(function)
    return first + next(i for i, line in enumerate(lines) if text in line)


@pytest.mark.parametrize("mode", ["0", "1", "require"])
@pytest.mark.parametrize("method", ["RK45", "DOP853"])
def test_component_time_line_and_operation(monkeypatch, method, mode):
    monkeypatch.setenv("DIFFSOL_JIT", mode)
    sol = solve_ivp(falling, (0, 5), [0.5, 1.0], method=method)
    assert sol.status == -1
    found = sol.nonfinite
    assert found.components == (1,)
    assert found.where == (__file__, line_of(falling, "np.sqrt"), "falling")
    assert found.operation.startswith("sqrt(-")
    assert found.operation.endswith("is nan")
    assert found.y[1] < 0
    assert 1.0 < found.t < 2.0
    assert "flow = np.sqrt(y[1])" in str(found)


@pytest.mark.parametrize("method", ["BDF", "Radau"])
def test_a_note_of_the_exception(method):
    with pytest.raises(ValueError, match="infs or NaNs") as caught:
        solve_ivp(falling, (0, 5), [0.5, 1.0], method=method)
    assert str(caught.value) == "array must not contain infs or NaNs"
    (note,) = caught.value.__notes__
    assert "component 1 is not finite" in note
    assert "flow = np.sqrt(y[1])" in note


def test_of_a_function_that_stays_python():
    calls = []

    def noisy(t, y):
        calls.append(t)
        return [y[1], -np.log(1 - t)]

    sol = solve_ivp(noisy, (0, 2), [0.0, 0.0])
    found = sol.nonfinite
    assert found.components == (1,)
    assert found.where is None
    assert str(found).startswith(found.name)


def test_nothing_to_tell():
    sol = solve_ivp(lambda t, y: -y, (0, 1), [1.0])
    assert sol.nonfinite is None
    assert "nonfinite" not in sol
    assert "nonfinite" not in dir(sol)


def test_arrays():
    def rates(t, y):
        inner = 1 / (y - 0.5)
        return np.where(y > 0, inner, 0.0)

    sol = solve_ivp(rates, (0, 1), [-1.0, 0.5, 2.0])
    found = sol.nonfinite
    assert found.components == (1,)
    assert found.operation == "divide(1.0, 0.0) is inf"
    assert found.where[1] == line_of(rates, "inner = ")


def test_in_a_helper():
    def helper(x):
        return np.log(x)

    def rates(t, y):
        return -helper(y - 1.0)

    found = solve_ivp(rates, (0, 1), [0.5]).nonfinite
    assert found.where == (__file__, line_of(helper, "np.log"), "helper")
