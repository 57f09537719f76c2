"""A trajectory's results are the same bits whatever happens around it."""

import numpy as np
import pytest

from diffsol._methods.registry import EXPLICIT

from .harness import Ensemble

COUNT = 57
TIMES = np.linspace(0.0, 6.0, 23)


def assert_same(one, other):
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)


def pendulums(systems, method="RK45", **options):
    """Of many frequencies in random order, which need many numbers of steps."""
    rng = np.random.default_rng(3)
    return Ensemble(
        systems,
        np.column_stack([rng.uniform(0.5, 1.5, COUNT), rng.uniform(-1, 1, COUNT)]),
        np.exp(rng.uniform(-3, 4, COUNT))[:, None],
        t_bound=6.0,
        method=method,
        fun="pendulum",
        p=[0.1],
        t_eval=TIMES,
        events="swings",
        direction=[0.0, 1.0, -1.0],
        event_max=[np.inf, 5.0, np.inf],
        **options,
    )


@pytest.mark.parametrize("method", EXPLICIT)
def test_number_of_lanes(systems, core, portable, method):
    """Also where the processor has no such vectors and each is made of pieces."""
    ensemble = pendulums(systems, method)
    expected = ensemble.run(core, 1)
    assert len(set(expected["n_steps"])) > 10
    assert set(expected["status"]) == {0, 1}
    for lanes in core.widths:
        assert_same(expected, ensemble.run(core, lanes))
    for lanes in portable.widths:
        assert_same(expected, ensemble.run(portable, lanes))


def test_order_ranges_threads_and_slices(systems, core):
    lanes = core.widths[-1]
    ensemble = pendulums(systems)
    expected = ensemble.run(core, lanes)
    order = np.random.default_rng(0).permutation(COUNT)
    counts = []
    assert_same(expected, ensemble.run(core, lanes, order=order))
    assert_same(expected, ensemble.run(core, lanes, pieces=11))
    assert_same(expected, ensemble.run(core, lanes, order=order, pieces=4, threads=3))
    assert_same(expected, ensemble.run(core, lanes, seconds=1e-7, counts=counts))
    assert counts[0][0] > 50


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5])
def test_fewer_trajectories_than_lanes(systems, portable, count):
    ensemble = pendulums(systems)
    expected = ensemble.run(portable, 8)
    ensemble.y0, ensemble.q = ensemble.y0[:count], ensemble.q[:count]
    part = ensemble.run(portable, 8)
    assert_same({name: array[:count] for name, array in expected.items()}, part)


def test_what_is_shared_may_be_given_once(systems, core):
    ensemble = pendulums(systems)
    ensemble.y0 = np.tile([1.0, 0.5], (COUNT, 1))
    ensemble.t0, ensemble.t_bound = np.zeros(COUNT), np.full(COUNT, 6.0)
    ensemble.rtol, ensemble.atol = [1e-3, 1e-3], [1e-6, 1e-6]
    expected = ensemble.run(core, 2)
    ensemble.t0, ensemble.t_bound, ensemble.rtol, ensemble.atol = 0.0, 6.0, 1e-3, 1e-6
    assert_same(expected, ensemble.run(core, 2))


def test_finished_lanes_are_filled_again(systems, core):
    rng = np.random.default_rng(1)
    lanes, counts = core.widths[-1], []
    ensemble = Ensemble(
        systems,
        np.ones((1000, 3)),
        rng.uniform(0, 28, (1000, 1)),
        t_bound=10.0,
        fun="lorenz",
    )
    result = ensemble.run(core, lanes, counts=counts)
    ((_, attempts, busy),) = counts
    assert busy == (result["n_steps"] + result["n_rejected"]).sum()
    assert busy / attempts / lanes > 0.95
    assert result["n_steps"].max() > 2 * result["n_steps"].min()


def test_more_lanes_than_the_processor_has_are_refused(systems, core):
    ensemble = pendulums(systems)
    ens, _ = ensemble._describe(core, 1, np.arange(COUNT))
    for lanes in (0, 3, 16, 2 * core.widths[-1]):
        ens.lanes = lanes
        assert core.lib.ds_ens_new(ens, 0, COUNT) == core.ffi.NULL
    ens.lanes, ens.method = 1, core.lib.DS_RADAU
    assert core.lib.ds_ens_new(ens, 0, COUNT) == core.ffi.NULL
