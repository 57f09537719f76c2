"""Trajectories one by one: SciPy's counts, and the Jacobian that the user has."""

import threading

import numpy as np
import pytest
import scipy.integrate
import scipy.sparse

import diffsol
from diffsol import solve_ensemble
from diffsol.integrate import solve_ivp

K = np.linspace(0.5, 9.0, 7)


def pendulum(t, y, k):
    s = y[0] * y[0]
    return [y[1], -k * y[0] * (1 - s / 6 * (1 - s / 20)) + 0.1 * t]


def bottom(t, y, k):
    return y[0]


def second_time(t, y, k):
    return y[0] - 0.1


second_time.terminal = 2

WANTED = [
    {},
    {"t_eval": np.linspace(0, 3, 50)},
    {"t_eval": [0.0, 3.0]},
    {"t_eval": [1.5]},
    {"t_eval": []},
    {"events": [bottom]},
    {"events": [bottom, second_time]},
    {"events": [bottom, second_time], "t_eval": [0.1, 0.2, 2.9]},
]


@pytest.mark.parametrize("method", ["RK23", "RK45", "DOP853"])
@pytest.mark.parametrize("switch", ["0", "1"], ids=["one by one", "lanes"])
@pytest.mark.parametrize("options", WANTED, ids=lambda options: "-".join(options) or "ends")
def test_counts_are_those_of_scipy(method, switch, options, monkeypatch):
    """Interpolants as well: DOP853 pays three evaluations for each that is asked for."""
    monkeypatch.setenv("DIFFSOL_JIT", switch)
    options = options | {"method": method, "rtol": 1e-6}
    sol = solve_ensemble(pendulum, (0, 3), [1.0, 0.5], (K,), args_axes=0, **options)
    assert sol.stats["tier"] == ("lanes" if switch == "1" else "one by one")
    for i, k in enumerate(K):
        theirs = scipy.integrate.solve_ivp(pendulum, (0, 3), [1.0, 0.5], args=(k,), **options)
        assert (sol.nfev[i], sol.status[i]) == (theirs.nfev, theirs.status)
        np.testing.assert_array_equal(sol[i].t.size, np.size(theirs.t) if sol.t is not None else 1)


@pytest.mark.parametrize("method", ["DOP853", "BDF", "LSODA"])
def test_ends_beside_the_output_times(method, monkeypatch):
    """The same with and without output times: every step's own state."""
    monkeypatch.setenv("DIFFSOL_JIT", "0")
    options = {"method": method, "events": second_time}
    some, none = (
        solve_ensemble(pendulum, (0, 3), [1.0, 0.5], (K,), args_axes=0, t_eval=times, **options)
        for times in ([0.1], None)
    )
    np.testing.assert_array_equal(some.y_final, none.y_final)
    np.testing.assert_array_equal(some.t_final, none.t_final)
    np.testing.assert_array_equal(some.n_steps, none.n_steps)
    assert set(none.status) == {0, 1}


@pytest.mark.filterwarnings("ignore::diffsol.errors.CompilationWarning")
def test_a_result_that_scipy_broadcasts():
    """One number for two components, by a function that stays Python."""

    def fun(t, y, k):
        print(end="")
        return np.float64(k)

    sol = solve_ensemble(fun, (0, 1), [0.0, 1.0], (K,), args_axes=0, t_eval=[0.5])
    np.testing.assert_allclose(sol.y[:, :, 0], np.stack([K / 2, 1 + K / 2], 1))
    np.testing.assert_allclose(sol.y_final, np.stack([K, 1 + K], 1))


def test_observers_are_told_of_each():
    ended = []

    class Observer:
        def on_end(self, stats):
            ended.append(stats.n_steps)

    with diffsol.observe(Observer()):
        sol = solve_ensemble(
            pendulum, (0, 3), [1.0, 0.5], (K,), args_axes=0, method="BDF", threads=1
        )
    assert ended == sol.n_steps.tolist()


class TestJacobian:
    @pytest.fixture(autouse=True)
    def python(self, monkeypatch):
        """Kernels that join on the way would make other last digits."""
        monkeypatch.setenv("DIFFSOL_JIT", "0")

    def fun(self, t, y, k):
        return [-k * 100 * (y[0] - np.cos(t)), y[0] - y[1]]

    def solve(self, jac, method, **options):
        return solve_ensemble(
            self.fun, (0, 2), [0.0, 1.0], (K,), args_axes=0, method=method, jac=jac, **options
        )

    @pytest.mark.parametrize("method", ["Radau", "BDF", "LSODA"])
    def test_a_function(self, method):
        seen, calls = set(), []

        def jac(t, y, k):
            seen.add(threading.get_ident())
            calls.append(k)
            return [[-k * 100, 0], [1, -1]]

        sol = self.solve(jac, method, threads=4)
        assert len(seen) == 1  # it may use what is not for two
        assert set(calls) == set(K)
        for i, k in enumerate(K):
            alone = solve_ivp(self.fun, (0, 2), [0.0, 1.0], method, args=(k,), jac=jac)
            np.testing.assert_array_equal(sol.y[i], alone.y[:, -1])
            assert sol.nfev[i] == alone.nfev

    @pytest.mark.parametrize("method", ["Radau", "BDF"])
    @pytest.mark.parametrize("kind", [np.array, scipy.sparse.csc_matrix])
    def test_a_constant_matrix(self, method, kind):
        matrix = kind([[-300.0, 0.0], [1.0, -1.0]])
        sol = self.solve(matrix, method)
        for i, k in enumerate(K):
            alone = solve_ivp(self.fun, (0, 2), [0.0, 1.0], method, args=(k,), jac=matrix)
            np.testing.assert_array_equal(sol.y[i], alone.y[:, -1])

    @pytest.mark.parametrize(
        "jac", [np.eye(3), lambda t, y, k: np.eye(3)], ids=["matrix", "function"]
    )
    def test_a_wrong_shape(self, jac):
        with pytest.raises(ValueError) as theirs:
            scipy.integrate.solve_ivp(self.fun, (0, 2), [0.0, 1.0], "BDF", args=(1.0,), jac=jac)
        with pytest.raises(ValueError) as ours:
            self.solve(jac, "BDF")
        assert str(ours.value) == str(theirs.value)

    def test_none_is_none(self):
        np.testing.assert_array_equal(self.solve(None, "BDF").status, 0)
