"""The slope is the proof of the order: errors against step size, for every method in the registry."""

import numpy as np
import pytest

from diffsol._methods.registry import EXPLICIT
from diffsol.integrate import solve_ivp


def fun(t, y):
    """y0 = sin(t) / (1 + t / 2) from a nonlinear, time-dependent equation; y1 follows it."""
    u = 1 + t / 2
    return [np.cos(t) / u - y[0] / (2 * u) - (y[0] * u) ** 3 + np.sin(t) ** 3, y[0] - 0.3 * y[1]]


def exact(t):
    return np.sin(t) / (1 + t / 2)


def solve(method, h, **options):
    """A solve in steps of h: tolerances that accept everything, and a largest step."""
    sol = solve_ivp(
        fun,
        (0.0, 2.0),
        [0.0, 1.0],
        method=method,
        first_step=h,
        max_step=h,
        rtol=1e6,
        atol=1e6,
        **options,
    )
    assert sol.success
    return sol


def slope(steps, errors):
    return np.polyfit(np.log(steps), np.log(errors), 1)[0]


# steps between which the error is neither rounding nor still far from its limit
STEPS = {"RK23": (40, 80, 160, 320), "RK45": (20, 40, 80, 160), "DOP853": (12, 16, 24, 32)}


@pytest.mark.parametrize("method", EXPLICIT)
def test_order_of_the_solution(method):
    steps = 2.0 / np.array(STEPS[method])
    errors = [abs(solve(method, h).y[0, -1] - exact(2.0)) for h in steps]
    assert abs(slope(steps, errors) - EXPLICIT[method].order) < 0.4


@pytest.mark.parametrize("method", EXPLICIT)
def test_order_of_the_interpolant(method):
    """An interpolant of order p is off by h**(p + 1) within a step; the step's own order bounds it."""
    traits = EXPLICIT[method]
    steps = 2.0 / np.array(STEPS[method])
    times = np.linspace(0.0, 2.0, 501)
    errors = [
        np.max(np.abs(solve(method, h, dense_output=True).sol(times)[0] - exact(times)))
        for h in steps
    ]
    assert slope(steps, errors) > min(traits.dense_order + 1, traits.order) - 0.4


@pytest.mark.parametrize("method", EXPLICIT)
def test_error_follows_the_tolerance(method):
    tolerances = 10.0 ** -np.arange(3, 11)
    errors, evaluations = [], []
    for rtol in tolerances:
        sol = solve_ivp(fun, (0.0, 2.0), [0.0, 1.0], method=method, rtol=rtol, atol=rtol)
        errors.append(abs(sol.y[0, -1] - exact(2.0)))
        evaluations.append(sol.nfev)
    assert all(error < 50 * rtol for error, rtol in zip(errors, tolerances, strict=True))
    assert slope(tolerances, errors) > 0.6
    # the work grows like rtol**(-1 / order of the estimate)
    growth = -slope(tolerances[2:], evaluations[2:])
    assert growth < 1.4 / (EXPLICIT[method].error_estimator_order + 1)
