"""Functions that are only Python, whose Jacobian df/dy the user gives."""

import contextlib
import warnings

import numpy as np
import pytest
from scipy import sparse

from diffsol import sensitivity
from diffsol.errors import CompilationWarning

OPTIONS = {"args": (0.7,), "rtol": 1e-8, "atol": 1e-10}


def traceable(t, y, k):
    return [-k * y[0] + y[1], -y[1] * y[0]]


def jac(t, y, k):
    return np.array([[-k, 1.0], [-y[1], -y[0]]])


class Counted:
    """The same as Python."""

    def __init__(self):
        self.calls = 0

    def __call__(self, t, y, k):
        self.calls += 1
        with contextlib.suppress(ValueError):
            float("x")
        return traceable(t, y, k)


def solved(fun, method, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CompilationWarning)
        return sensitivity.solve_ivp(fun, (0, 2), [1.0, 2.0], method, **OPTIONS, **more)


@pytest.mark.parametrize("form", [np.array, np.ndarray.tolist, sparse.csc_array])
@pytest.mark.parametrize("method", ["BDF", "Radau"])
def test_derivatives_are_those_of_its_trace(method, form):
    found = solved(Counted(), method, jac=lambda *args: form(jac(*args)))
    wanted = solved(traceable, method)
    np.testing.assert_allclose(found.sens[:, -1], wanted.sens[:, -1], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("method", ["BDF", "Radau"])
def test_initial_values_cost_no_evaluations(method):
    """Only parameters are moved: df/dy is known."""
    calls = []
    for wrt in ("args", ("args", "y0")):
        fun = Counted()
        solved(fun, method, jac=jac, wrt=wrt, sens="discrete")
        calls.append(fun.calls)
    # the steps are the same; the columns take iterations of their own
    assert calls[1] < 1.05 * calls[0]
