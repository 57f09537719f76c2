"""Calls of solve_ivp like the one before, which take its solver: the same results, errors and warnings as ever."""

import threading

import numpy as np
import pytest
import scipy.integrate

import diffsol
from diffsol._engine import kernels
from diffsol._engine.run_again import WarmRun
from diffsol.integrate import solve_ivp

EXPLICIT = ["RK23", "RK45", "DOP853"]
RATE = 0.5


def decay(t, y, k=1.0):
    return -k * y


def spiral(t, y):
    return [y[1], -y[0] - RATE * y[1]]


@pytest.fixture
def again(monkeypatch):
    """Outcomes of the solves that took a solver of another one."""
    kernels.clear()
    monkeypatch.setenv("DIFFSOL_JIT", "require")
    found = []
    go = WarmRun.go

    def watched(self, *given):
        found.append(go(self, *given))
        return found[-1]

    monkeypatch.setattr(WarmRun, "go", watched)
    return found


def warm_up(*given, **options):
    """So many solves that the next four need no comparison of the kernel with its function."""
    for _ in range(9):
        solve_ivp(*given, **options)


def assert_same(ours, theirs):
    assert list(ours) == list(theirs)
    for name in ("nfev", "njev", "nlu", "status", "message", "success", "sol", "t_events", "y_events"):  # fmt: skip
        assert getattr(ours, name) == getattr(theirs, name), name
        assert type(getattr(ours, name)) is type(getattr(theirs, name)), name
    for name in ("t", "y"):
        # step sizes amplify rounding
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-5, atol=1e-5)
        assert ours[name].dtype == theirs[name].dtype


@pytest.mark.parametrize("method", EXPLICIT)
@pytest.mark.parametrize("options", [{}, {"rtol": 1e-7, "atol": 1e-9}, {"max_step": 0.25}])
def test_like_scipy(again, method, options):
    grid = np.linspace(0, 3, 7)
    calls = [
        ((0, 3), [1.0, 2.0], None),
        ((0, 3), np.array([1.0, 2.0]), None),
        ([0.0, 3.0], [1, 2], None),
        (np.array([3.0, -1.0]), (np.array([0.5, -2.0])), None),
        ((0, 3), [1.0, 2.0], grid),
        ((0, 4), [1.0, 2.0], grid[1:4]),
        ((3, 0), [1.0, 2.0], np.ascontiguousarray(grid[::-1])),
        ((0, 3), [1.0, 2.0], grid[::2]),
        ((0, 3), [1.0, 2.0], None),
    ]
    warm_up(spiral, (0, 3), [1.0, 2.0], method, **options)
    again.clear()
    for span, y0, t_eval in calls:
        given = spiral, span, y0, method, t_eval
        ours = solve_ivp(*given, **options)
        assert_same(ours, scipy.integrate.solve_ivp(*given, **options))
        fresh = solve_ivp(*given, **options, callback=lambda t, y: None)  # takes no other's solver
        np.testing.assert_array_equal(ours.y, fresh.y)
    assert again.count(0) >= 3
    assert None not in again


def test_arguments(again):
    warm_up(decay, (0, 1), [1.0], args=(3.0,))
    again.clear()
    for k in (0.5, 0.25, 2.0):
        ours = solve_ivp(decay, (0, 1), [1.0], args=(k,))
        assert_same(ours, scipy.integrate.solve_ivp(decay, (0, 1), [1.0], args=(k,)))
    assert again == [0] * 3
    ours = solve_ivp(decay, (0, 1), [1.0])  # another kernel: k is not given
    assert_same(ours, scipy.integrate.solve_ivp(decay, (0, 1), [1.0]))


def test_results_are_the_callers(again):
    warm_up(decay, (0, 1), [1.0])
    again.clear()
    first = solve_ivp(decay, (0, 1), [1.0])
    second = solve_ivp(decay, (0, 1), [1.0])
    kept = second.t.copy(), second.y.copy()
    third = solve_ivp(decay, (0, 2), [3.0])
    assert again == [0] * 3
    for sol in (first, second):
        np.testing.assert_array_equal(sol.t, kept[0])
        np.testing.assert_array_equal(sol.y, kept[1])
    assert third.y[0, 0] == 3.0
    assert second.stats.n_steps == first.stats.n_steps == len(kept[0]) - 1
    assert second.stats.t == 1.0


def test_what_is_read_from_outside(again, monkeypatch):
    warm_up(spiral, (0, 1), [1.0, 0.0])
    again.clear()
    monkeypatch.setitem(globals(), "RATE", 2.0)
    assert_same(
        solve_ivp(spiral, (0, 1), [1.0, 0.0]),
        scipy.integrate.solve_ivp(spiral, (0, 1), [1.0, 0.0]),
    )
    assert again == [0]
    monkeypatch.setitem(globals(), "RATE", 1)
    assert_same(
        solve_ivp(spiral, (0, 1), [1.0, 0.0]),
        scipy.integrate.solve_ivp(spiral, (0, 1), [1.0, 0.0]),
    )


def test_options_that_warn_or_are_refused_do_so_at_each_call(again):
    warm_up(decay, (0, 1), [1.0])
    for _ in range(3):
        with pytest.warns(UserWarning, match="`rtol` is too small"):
            solve_ivp(decay, (0, 1e-3), [1.0], rtol=1e-20)
        with pytest.warns(UserWarning, match="have no effect"):
            solve_ivp(decay, (0, 1), [1.0], jac=None)
        with pytest.raises(ValueError, match="exceeds bounds"):
            solve_ivp(decay, (0, 1), [1.0], first_step=2.0)
        with pytest.raises(ValueError, match="not within `t_span`"):
            solve_ivp(decay, (0, 1), [1.0], t_eval=np.array([0.5, 2.0]))
        with pytest.raises(ValueError, match="must be finite"):
            solve_ivp(decay, (0, 1), [np.nan])
        with pytest.raises(ValueError, match="1-dimensional"):
            solve_ivp(decay, (0, 1), [[1.0]])
        with pytest.raises(TypeError):
            solve_ivp(decay, (0, 1), [1.0], args=(1.0, 2.0))
        assert solve_ivp(decay, (1, 1), [1.0]).nfev == scipy.integrate.solve_ivp(decay, (1, 1), [1.0]).nfev  # fmt: skip
        assert solve_ivp(decay, iter((0, 1)), [1.0]).success
        solve_ivp(decay, (0, 1), [1.0])
    assert again


def test_warnings_of_the_function_come_at_each_call(again):
    def root(t, y):
        return -np.sqrt(y - 0.9)

    warm_up(root, (0, 0.1), [2.0])
    again.clear()
    for _ in range(3):
        with pytest.warns(RuntimeWarning, match="invalid value encountered in sqrt"):
            ours = solve_ivp(root, (0, 5), [2.0])
        with pytest.warns(RuntimeWarning):
            theirs = scipy.integrate.solve_ivp(root, (0, 5), [2.0])
        assert ours.nfev == theirs.nfev
        solve_ivp(root, (0, 0.1), [2.0])
        solve_ivp(root, (0, 0.1), [2.0])
    assert set(again) == {None, 0}


def test_a_function_that_always_asks_for_python_is_not_tried_again(again):
    def over(t, y):
        return -np.sqrt(np.abs(y)) * np.minimum(1.0, np.exp(800.0 + t))

    for _ in range(9):
        with pytest.warns(RuntimeWarning, match="overflow"):
            solve_ivp(over, (0, 1), [1.0])
    assert not again


def test_a_solve_that_fails(again):
    def explode(t, y):
        return y * y

    warm_up(explode, (0, 0.5), [1.0])
    again.clear()
    for _ in range(3):
        ours = solve_ivp(explode, (0, 2), [1.0])
        theirs = scipy.integrate.solve_ivp(explode, (0, 2), [1.0])
        assert ours.status == theirs.status == -1
        np.testing.assert_allclose(ours.t, theirs.t, rtol=1e-12)
        assert solve_ivp(explode, (0, 0.5), [1.0]).success
    assert set(again) == {-1, 0}


def test_who_looks_on_sees_every_solve(again):
    ends, steps = [], []
    warm_up(decay, (0, 1), [1.0])
    again.clear()

    class Observer:
        def on_end(self, stats):
            ends.append(stats.t)

    with diffsol.observe(Observer()):
        for _ in range(3):
            solve_ivp(decay, (0, 1), [1.0])
    assert ends == [1.0, 1.0, 1.0]
    for _ in range(3):
        solve_ivp(decay, (0, 1), [1.0], callback=lambda t, y: steps.append(t))
    assert len(steps) >= 6
    assert not again


def test_switched_off(again, monkeypatch):
    warm_up(decay, (0, 1), [1.0])
    again.clear()
    monkeypatch.setenv("DIFFSOL_JIT", "0")
    assert solve_ivp(decay, (0, 1), [1.0]).stats.tier == "python"
    assert not again


def test_threads(again):
    wrong = []
    wanted = {k: scipy.integrate.solve_ivp(decay, (0, 1), [1.0, k], args=(k,)).y for k in (0.5, 2.0, 3.0)}  # fmt: skip

    def work(k):
        for _ in range(200):
            found = solve_ivp(decay, (0, 1), [1.0, k], args=(k,)).y
            if found.shape != wanted[k].shape or not np.allclose(found, wanted[k], rtol=1e-12):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(again) > 300
