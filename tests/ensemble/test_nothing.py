"""Statistics of no trajectory that succeeded."""

import warnings

import numpy as np
import pytest

from diffsol import solve_ensemble

ALL = ("mean", "var", "min", "max", "quantiles")


def blows_up(t, y, k):
    return [k * y[0] ** 2, 1.0]


def reduced(k, t_eval, chunk=None, reduce=ALL):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return solve_ensemble(
            blows_up, (0, 1), [1.0, 0.0], (np.asarray(k),), args_axes=0, t_eval=t_eval, chunk=chunk, reduce=reduce
        )  # fmt: skip


@pytest.mark.parametrize("t_eval", [None, [0.1, 1.0]])
def test_all_failed(t_eval):
    found = reduced([3.0, 4.0], t_eval)
    shape = (2,) if t_eval is None else (2, 2)
    assert (found.count, found.size, found.status) == (0, 2, {-1: 2})
    for values in (found.mean, found.var, found.min, found.max, found.quantiles(0.5)):
        assert values.shape == shape
        assert np.isnan(values).all()


def test_what_was_not_asked_for():
    found = reduced([3.0], None, reduce="min")
    assert found.mean is found.var is found.max is found.quantiles is found.results is None


def test_a_chunk_without_any_changes_nothing():
    some = np.full(1024, 0.5)
    with_failures = reduced(np.concatenate([np.full(1024, 3.0), some]), None, chunk=1024)
    without = reduced(some, None, chunk=1024)
    assert with_failures.count == without.count == 1024
    for name in ALL[:4]:
        np.testing.assert_array_equal(getattr(with_failures, name), getattr(without, name))
