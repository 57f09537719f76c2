"""Many experiments are solved in lanes, and give what each gives alone."""

import numpy as np
import pytest

from diffsol import fit
from diffsol.testing import check_gradients

TIMES = np.linspace(0, 5, 21)
ARGS = (1.5, 1.0, 3.0, 1.0)
COUNT = 6


def model(t, y, a, b, c, d):
    return [a * y[0] - b * y[0] * y[1], -c * y[1] + d * y[0] * y[1]]


def _residual(**options):
    random = np.random.default_rng(0)
    starts = [random.uniform(0.7, 1.4, 2) for _ in range(COUNT)]
    times = [TIMES[: 21 - i] for i in range(COUNT)]
    data = [random.uniform(size=(2, t.size)) for t in times]
    given = {"args": ARGS, "own": ("a", "y0"), "wrt": ("args", "y0"), "t_span": (0, 5)} | options
    return fit.residual(model, starts, times, data, **given)


def test_gradients():
    fun = _residual()
    assert fun._together is not None
    assert check_gradients(fun, fun.p0).passed


def test_lanes_give_what_each_gives_alone():
    fun = _residual()
    assert fun._together is not None
    together = fun(fun.p0), fun.jac(fun.p0)
    fun._together = None
    fun._kept.clear()
    # in lanes one norm is over y and all columns, alone the largest of theirs counts: steps differ a little
    assert np.allclose(fun(fun.p0), together[0], rtol=1e-7, atol=1e-7)
    assert np.allclose(fun.jac(fun.p0), together[1], rtol=1e-6, atol=1e-6)


def test_what_fails_in_lanes_fails_alone():
    def growing(t, y, k):
        return k * y**2

    times = np.linspace(0, 2, 5)
    fun = fit.residual(
        growing, [1.0], [times] * COUNT, [np.ones(5)] * COUNT, args=(0.1,), own="k", max_steps=5000
    )
    assert fun._together is not None
    rates = np.full(COUNT, 0.1)
    rates[2] = 1.0  # infinite at t = 1
    residual = fun(rates)
    assert fun.n_failed == 1
    assert np.isfinite(residual).all()
    assert residual[5 * 3 - 1] >= 1e6
    alone = fit.residual(growing, [1.0], times, np.ones(5), args=(0.1,), max_steps=5000)
    assert np.allclose(residual[10:15], alone([1.0]))
    assert np.allclose(residual[:5], alone([0.1]))


@pytest.mark.parametrize("options", [{"method": "BDF"}, {"sens": "discrete"}, {"deadline": 10.0}])
def test_other_ways_are_for_one_at_a_time(options):
    assert _residual(**options)._together is None
