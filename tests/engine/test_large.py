"""Large systems: no dense Jacobian where the exact one is sparse."""

import numpy as np
import pytest
import scipy.integrate
from diffsol._native._core import lib

from diffsol._engine import kernels, policy
from diffsol.integrate import solve_ivp

LARGE = 1500


@pytest.fixture(autouse=True)
def no_kernels_yet():
    kernels.clear()


@pytest.fixture
def room(monkeypatch):
    """Numbers of entries of the Jacobians that room is made for."""
    from diffsol._engine import factors

    counts = []
    make = lib.ds_ivp_set_jacobian

    class Watched:
        def __getattr__(self, name):
            return getattr(lib, name)

        @staticmethod
        def ds_ivp_set_jacobian(ivp, pattern, plan):
            counts.append(pattern.count)
            return make(ivp, pattern, plan)

    monkeypatch.setattr(factors, "lib", Watched())
    return counts


def heat(t, u):
    du = np.zeros_like(u)
    du[1:-1] = 1e3 * (u[2:] - 2 * u[1:-1] + u[:-2])
    return du


def start(n):
    return np.sin(np.pi * np.linspace(0, 1, n))


@pytest.mark.parametrize("method", ["Radau", "BDF"])
def test_large_system_is_compiled_before_its_first_step(method, room):
    ours = solve_ivp(heat, (0, 1e-2), start(LARGE), method=method)
    assert max(room) <= 3 * LARGE
    band = np.abs(np.subtract.outer(np.arange(LARGE), np.arange(LARGE))) <= 1
    theirs = scipy.integrate.solve_ivp(
        heat, (0, 1e-2), start(LARGE), method=method, jac_sparsity=band
    )
    np.testing.assert_allclose(ours.y[:, -1], theirs.y[:, -1], rtol=1e-4, atol=1e-6)


def test_small_system_begins_in_python(room):
    solve_ivp(heat, (0, 1e-2), start(40), method="BDF")
    assert room == [40**2]
    assert not kernels.records()[0].variants


def test_large_system_that_cannot_be_compiled(room):
    calls = []

    def impure(t, u):
        calls.append(t)
        return heat(t, u)

    n = 900
    assert policy.pays_at_once(policy.dense_seconds(n))
    ours = solve_ivp(impure, (0, 1e-4), start(n), method="BDF")
    assert ours.success
    assert room == [n**2]
    count, calls[:] = len(calls), []
    scipy.integrate.solve_ivp(impure, (0, 1e-4), start(n), method="BDF")
    assert count == len(calls)  # no call that SciPy does not make


def test_sparsity_given_by_the_user_is_kept(room):
    band = np.abs(np.subtract.outer(np.arange(LARGE), np.arange(LARGE))) <= 1
    solve_ivp(heat, (0, 1e-3), start(LARGE), method="BDF", jac_sparsity=band)
    assert room[0] == np.count_nonzero(band)
