"""Parts of a result, by NumPy's rules."""

import numpy as np
import pytest

from diffsol import solve_ensemble

K = np.linspace(0.1, 2.0, 12)


def half(t, y, k):
    return y[0] - 0.5


half.terminal = True


@pytest.fixture(scope="module")
def sol():
    return solve_ensemble(
        lambda t, y, k: [-k * y[0], k],
        (0, 1),
        [1.0, 0.0],
        (K,),
        args_axes=0,
        t_eval=[0.5, 1.0],
        events=half,
    )


WHICH = [
    slice(3),
    slice(None, None, -2),
    slice(5, 5),
    K > 1,
    [7, 2, 2],
    np.array([-1, 0]),
    [],
    np.zeros(12, bool),
]


@pytest.mark.parametrize("which", WHICH, ids=repr)
def test_as_numpy_picks_rows(sol, which):
    part = sol[which]
    assert type(part) is type(sol)
    assert len(part) == len(K[which])
    for name, values in sol._outcome.arrays().items():
        np.testing.assert_array_equal(getattr(part._outcome, name), values[which], err_msg=name)
    np.testing.assert_array_equal(part.y, sol.y[which])
    np.testing.assert_array_equal(part.t_events[0], sol.t_events[0][which])
    np.testing.assert_array_equal(part.t, sol.t)
    assert part.stats == sol.stats
    assert f"{len(part)} trajectories" in repr(part)


def test_views_and_copies(sol):
    assert np.shares_memory(sol[2:4].y, sol.y)
    assert not np.shares_memory(sol[[2, 3]].y, sol.y)


def test_parts_of_parts_and_one_of_them(sol):
    one, same = sol[4:][[3, 1]][1], sol[5]
    np.testing.assert_array_equal(one.y, same.y)
    np.testing.assert_array_equal(one.t_events[0], same.t_events[0])
    assert (one.status, one.nfev, one.message) == (same.status, same.nfev, same.message)
    for i in (5, np.int64(5), np.array(5), -7):
        np.testing.assert_array_equal(sol[i].y, same.y)
    assert sum(1 for _ in sol) == 12


@pytest.mark.parametrize(
    "which",
    [12, -13, True, np.True_, (1, 2), (), [12], [0.5], np.zeros((2, 2), int), np.ones(5, bool)],
    ids=repr,
)
def test_what_is_no_index(sol, which):
    with pytest.raises(IndexError):
        sol[which]


@pytest.mark.parametrize("which", [None, 1.5, "a", ...], ids=repr)
def test_what_is_no_index_at_all(sol, which):
    with pytest.raises(TypeError):
        sol[which]
