"""Functions of numba's are what numba made of them: what they read is fixed, and integers wrap."""

import numpy as np
import pytest
import scipy.integrate

import diffsol.integrate
from soundness.sides import assert_same, attacks

numba = pytest.importorskip("numba")
attack, ATTACKS = attacks()

gain = 1.0
table = np.array([1.0, 2.0])


def number_rebound_after_compiling():
    global gain
    gain = 1.0

    @numba.njit
    def rhs(t, y):
        return -gain * y

    rhs(0.0, np.ones(1))
    gain = 5.0
    return rhs


def array_changed_after_compiling():
    table[:] = 1.0, 2.0

    @numba.njit
    def rhs(t, y):
        return -table[0] * y

    rhs(0.0, np.ones(1))
    table[0] = 7.0
    return rhs


@pytest.mark.parametrize(
    "make",
    [number_rebound_after_compiling, array_changed_after_compiling],
    ids=lambda f: f.__name__,
)
def test_changed_between_numba_and_us(make):
    """A kernel that reads the new value is found out before it is used."""
    rhs = make()
    for _ in range(3):
        wanted = scipy.integrate.solve_ivp(rhs, (0, 3000), [1.0])
        got = diffsol.integrate.solve_ivp(rhs, (0, 3000), [1.0])
        np.testing.assert_allclose(got.y, wanted.y, rtol=1e-8, atol=1e-12)
        assert got.nfev == wanted.nfev


@attack
def closure_over_an_array_that_an_event_changes():
    weights = np.array([0.5])

    @numba.njit
    def rhs(t, y):
        return -weights[0] * y

    def event(t, y):
        weights[0] += 1.0
        return y[0] - 0.7

    return rhs, {"events": event}


@attack
def raises_where_numpy_warns():
    @numba.njit
    def rhs(t, y):
        return np.array([1.0 / (t - t)])

    return rhs, {}


@attack
def invalid_without_a_warning():
    @numba.njit
    def rhs(t, y):
        return np.array([-y[0] + 0.0 * np.isnan(np.sqrt(-y[0]))])

    return rhs, {}


@attack
def integers_wrap():
    @numba.njit
    def rhs(t, y):
        seed = 12345
        for _ in range(5):
            seed = seed * 6364136223846793005 + 1442695040888963407
        return -y * (1.0 + (seed % 7))

    return rhs, {}


@attack
def helper_that_raises():
    @numba.njit
    def positive(x):
        if x < 0.9:
            raise ValueError("too small")
        return x

    return lambda t, y: [-positive(y[0])], {}


@attack
def parallel_loop():
    @numba.njit(parallel=True)
    def rhs(t, y):
        rate = np.zeros_like(y)
        for i in numba.prange(len(y)):
            rate[i] = -y[i] * i
        return rate

    return rhs, {"y0": np.ones(5)}


@attack
def typed_list():
    values = numba.typed.List([0.5, 0.25])

    @numba.njit
    def rhs(t, y, values):
        return np.array([-values[0] * y[0]])

    return rhs, {"args": (values,)}


@pytest.mark.parametrize("make", ATTACKS, ids=lambda make: make.__name__)
@pytest.mark.filterwarnings("ignore:.*compiled.*:RuntimeWarning")
def test_attack(make, monkeypatch):
    assert_same(make, monkeypatch)
