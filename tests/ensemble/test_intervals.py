"""Intervals of trajectories: output times beyond them, and those without an end."""

import re

import numpy as np
import pytest
import scipy.integrate

from diffsol import solve_ensemble
from diffsol.integrate import solve_ivp

METHODS = ["RK45", "DOP853", "Rodas5P", "BDF", "LSODA"]


def decay(t, y):
    return -y


@pytest.mark.parametrize(
    ("t_span", "times", "trajectory", "words"),
    [
        ((0.0, [2.0, 1.0, 3.0]), [0.5, 1.5], 1, "1.5 is not between 0.0 and 1.0"),
        (([0.0, 0.0, 0.4], 1.0), [0.2, 0.5], 2, "0.2 is not between 0.4 and 1.0"),
        ((0.0, [-2.0, -1.0, 0.0]), [-0.5], 2, "-0.5 is not between 0.0 and 0.0"),
    ],
)
def test_times_beyond_one_trajectory(t_span, times, trajectory, words):
    """As `solve_ivp` for that trajectory alone, which is named."""
    t0, tf = np.broadcast_arrays(*t_span)
    for i in {0, 1, 2} - {trajectory}:
        scipy.integrate.solve_ivp(decay, (t0[i], tf[i]), [1.0], t_eval=times)
    span = t0[trajectory], tf[trajectory]
    with pytest.raises(ValueError) as alone:
        scipy.integrate.solve_ivp(decay, span, [1.0], t_eval=times)
    with pytest.raises(ValueError, match=re.escape(words)) as raised:
        solve_ensemble(decay, t_span, [1.0], t_eval=times)
    assert f"of trajectory {trajectory}:" in str(raised.value)
    assert str(raised.value).startswith(str(alone.value).rstrip("."))


def test_times_beyond_all():
    with pytest.raises(ValueError, match=r"not within `t_span`: 2\.0 is not between 0\.0 and 1\.0"):
        solve_ensemble(decay, (0, 1), np.ones((3, 1)), t_eval=[2.0])


def test_times_within_all_but_at_the_edge():
    sol = solve_ensemble(decay, (0.0, [1.0, 2.0]), [1.0], t_eval=[0.0, 1.0])
    assert np.isfinite(sol.y).all()


def fallen(t, y, g):
    return y[0]


fallen.terminal, fallen.direction = True, -1


def falls(t, y, g):
    return [y[1], -g]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("t_eval", [None, [0.5, 1.0, 100.0]])
def test_until_an_event(method, t_eval):
    g = np.array([1.0, 3.0, 9.81])
    options = {"events": fallen, "t_eval": t_eval, "rtol": 1e-8}
    sol = solve_ensemble(
        falls, (0, np.inf), [1.0, 1.0], (g,), args_axes=0, method=method, **options
    )
    np.testing.assert_array_equal(sol.status, 1)
    np.testing.assert_allclose(sol.t_final, (1 + np.sqrt(1 + 2 * g)) / g, rtol=1e-5)
    for i in range(3):
        other = "Radau" if method == "Rodas5P" else method
        alone = solve_ivp(falls, (0, np.inf), [1.0, 1.0], other, args=(g[i],), **options)
        assert alone.status == sol.status[i]
        assert t_eval is None or sol[i].t.tolist() == alone.t.tolist()
        np.testing.assert_allclose(sol[i].y[:, -1], alone.y[:, -1], rtol=1e-5, atol=1e-7)


def test_backwards_without_an_end():
    def long_ago(t, y):
        return t + 30

    long_ago.terminal = True
    sol = solve_ensemble(decay, (0, -np.inf), np.ones((2, 1)), events=long_ago, rtol=1e-8)
    np.testing.assert_allclose(sol.t_final, -30)


def test_each_as_it_is():
    """Some end by themselves."""
    g = np.array([1.0, 3.0])
    sol = solve_ensemble(
        falls, (0, [0.5, np.inf]), [1.0, 1.0], (g,), args_axes=0, events=fallen, rtol=1e-8
    )
    np.testing.assert_array_equal(sol.status, [0, 1])
