"""Where NumPy warns, Python is asked: also of values that are not used, or not chosen."""

import warnings

import numpy as np
import pytest
import scipy.integrate

import diffsol.integrate
from diffsol._engine import kernels

HUGE = 1.7e308
FUNCTIONS = {
    "the other side of where": lambda t, y: np.where(y > 5, 1 / y, 0.0),
    "one number of it": lambda t, y: [np.where(y[0] > 5, 1 / y[0], 0.0), y[1]],
    "by t": lambda t, y: [np.where(y[0] > 5, 1 / np.float64(t), 0.0), y[1]],
    "complex": lambda t, y: np.where(y > 5, 1 / (y + 0j), 0.0).real,
    "select": lambda t, y: np.select([y > 5, y > 4], [1 / y, y], 0.0),
    "an unused product": lambda t, y: ((y + 1) * 1e200 * 1e200, -y)[1],
    "an unused sum": lambda t, y: (np.sum(np.full(3, HUGE) * (y[0] + 1)), -y)[1],
    "an unused difference": lambda t, y: ((y - 1) * HUGE - HUGE, -y)[1],
    "an unused matrix product": lambda t, y: (np.full((2, 2), HUGE) @ (y + 1), -y)[1],
    "an unused square": lambda t, y: (((y + 1) * 1e200) ** 2, -y)[1],
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("method", ["RK45", "LSODA"])
def test_warns_as_scipy_does(name, method, monkeypatch):
    monkeypatch.setenv("DIFFSOL_JIT", "require")
    kernels.clear()
    fun, told = FUNCTIONS[name], []
    for solve_ivp in (scipy.integrate.solve_ivp, diffsol.integrate.solve_ivp):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            solve_ivp(fun, (0, 1e-3), [0.0, 0.0], method=method)
        told.append({(str(w.message), w.lineno) for w in caught if not _of_scipy(w)})
    assert told[0]
    assert told[0] == told[1]


def _of_scipy(warning):
    return "scipy" in warning.filename
