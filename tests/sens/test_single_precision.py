"""Functions that compute in single precision: differences go far enough to be seen."""

import contextlib
import warnings

import numpy as np
import pytest

from diffsol import sensitivity
from diffsol.errors import CompilationWarning

W = np.random.default_rng(0).normal(size=(2, 2))


def exact(t, y, k):
    return k * (W @ np.tanh(y))


def single(t, y, k):
    with contextlib.suppress(ValueError):
        float("x")
    return np.float32(k) * (W.astype("f4") @ np.tanh(np.asarray(y, "f4")))


def as_double(t, y, k):
    return np.asarray(single(t, y, k), float)


@pytest.mark.parametrize("fun", [single, as_double])
@pytest.mark.parametrize("method", ["RK45", "BDF", "LSODA", "Radau"])
@pytest.mark.parametrize("sens", ["forward", "discrete"])
def test_derivatives_are_good_to_three_digits(fun, method, sens):
    options = {"args": (0.8,), "sens": sens, "method": method, "rtol": 1e-5, "atol": 1e-6}
    wanted = sensitivity.solve_ivp(exact, (0, 1), [1.0, 2.0], **options).sens[:, -1]
    with pytest.warns(CompilationWarning, match="single precision"):
        found = sensitivity.solve_ivp(fun, (0, 1), [1.0, 2.0], **options).sens[:, -1]
    np.testing.assert_allclose(found, wanted, rtol=2e-3, atol=2e-3)


def test_gradient():
    options = {"args": (0.8,), "t_eval": [0.5, 1.0], "rtol": 1e-5, "atol": 1e-6}

    def loss(t, y):
        return (y**2).sum()

    wanted = sensitivity.gradient(exact, (0, 1), [1.0, 2.0], loss=loss, **options)
    with pytest.warns(CompilationWarning, match="single precision"):
        found = sensitivity.gradient(single, (0, 1), [1.0, 2.0], loss=loss, **options)
    np.testing.assert_allclose(found.dy0, wanted.dy0, rtol=2e-3)
    np.testing.assert_allclose(found.dargs[0], wanted.dargs[0], rtol=2e-3)


@pytest.mark.parametrize("constant", [96485.0, 0.5, 299792458.0])
def test_constants_of_few_digits_are_not_mistaken_for_it(constant):
    def fun(t, y, k):
        with contextlib.suppress(ValueError):
            float("x")
        return [constant, -k * y[1]]

    options = {"args": (0.7,), "rtol": 1e-8, "atol": 1e-10}
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = sensitivity.solve_ivp(fun, (0, 1), [1.0, 2.0], **options).sens[1, -1]
    assert not any("single precision" in str(w.message) for w in told)
    np.testing.assert_allclose(found, [-2 * np.exp(-0.7), 0.0, np.exp(-0.7)], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("start", [5000.25, 5001.0, -9999.0])
def test_nor_are_round_initial_values(start):
    def fun(t, y):
        with contextlib.suppress(ValueError):
            float("x")
        return [-0.5 * y[0]]

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = sensitivity.solve_ivp(fun, (0, 1), [start], rtol=1e-8).sens[0, -1]
    assert not any("single precision" in str(w.message) for w in told)
    np.testing.assert_allclose(found, [np.exp(-0.5)], rtol=1e-7)
