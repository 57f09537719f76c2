"""A kernel that takes over in the middle of a solve: after any trial, the result is the same."""

import numpy as np
import pytest

from diffsol._engine import kernels, policy
from diffsol.integrate import odeint, solve_ivp

TIMES = np.linspace(0, 6, 25)


def swing(t, y):
    return [y[1], -np.sin(y[0]) - 0.1 * y[1] + 0.3 * np.cos(t)]


def swing_jac(t, y):
    return [[0.0, 1.0], [-np.cos(y[0]), -0.1]]


def crossing(t, y):
    return y[0]


def solve(method):
    if method == "odeint":
        y, told = odeint(swing, [1.0, 0.0], TIMES, tfirst=True, full_output=True)
        return {"y": y, "nst": told["nst"], "t": TIMES}
    # with the user's Jacobian, the same matrices come from both tiers
    jac = {"jac": swing_jac} if method in ("Radau", "BDF", "LSODA") else {}
    sol = solve_ivp(
        swing, (0, 6), [1.0, 0.0], method, events=crossing, dense_output=True, rtol=1e-5, **jac
    )
    return {
        "t": sol.t,
        "y": sol.y,
        "events": sol.t_events[0],
        "between": sol.sol(TIMES),
        "counts": (sol.nfev, sol.njev, sol.nlu),
        "stats": sol.stats,
    }


@pytest.fixture
def switch_at(monkeypatch):
    """Let compiling pay after so many looks at a solve, each after one trial."""

    def switch(looks):
        kernels.clear()
        left = [looks]

        def affordable(count, remaining, trials, overhead):
            left[0] -= 1
            return 10.0 if left[0] < 0 else 0.0

        monkeypatch.setattr(policy, "affordable", affordable)
        monkeypatch.setattr(policy, "budget_at_start", lambda records: 0.0)
        monkeypatch.setattr(policy, "FIRST_LOOK", 0.0)

    return switch


@pytest.mark.parametrize("method", ["RK23", "RK45", "DOP853", "Radau", "BDF", "LSODA", "odeint"])
def test_after_any_trial(method, switch_at, monkeypatch):
    monkeypatch.setenv("DIFFSOL_JIT", "0")
    wanted = solve(method)
    monkeypatch.setenv("DIFFSOL_JIT", "1")
    switched = 0
    for looks in (0, 1, 2, 3, 5, 8, 13, 21):
        switch_at(looks)
        got = solve(method)
        for what in wanted.keys() - {"counts", "stats"}:
            np.testing.assert_allclose(got[what], wanted[what], rtol=1e-7, atol=1e-9)
        if method != "odeint":
            assert got["counts"] == wanted["counts"]
            stats = got["stats"]
            assert stats.n_steps == wanted["stats"].n_steps
            if looks < stats.n_steps:
                assert stats.tier == "compiled"
                switched += 0 < stats.compiled_at < stats.n_steps
    assert method == "odeint" or switched >= 4
