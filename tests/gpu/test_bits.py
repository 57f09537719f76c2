"""The kernels, run on the CPU, have the bits of the C core: states, steps, statuses, saved points, events."""

import numpy as np
import pytest

from diffsol import solve_ensemble

from .problems import PAIRS, PROBLEMS

SIZE = 40
SLICES = (128, 5)  # trial steps in a launch: all, or few, so that states lie in memory in between


def solved(name, method, device="cuda", size=SIZE, **more):
    problem = PROBLEMS[name]
    given = {"rtol": 1e-5, "atol": 1e-8, "args_axes": 0, "method": method, "device": device}
    own = (problem.own(size),)
    return solve_ensemble(problem.fun, problem.span, problem.y0, own, **(given | more))


def arrays(result):
    """In the memory of the CPU."""
    return {k: a.get() if hasattr(a, "get") else a for k, a in result._outcome.arrays().items()}


def assert_same(found, wanted):
    found, wanted = arrays(found), arrays(wanted)
    for name, values in wanted.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


def outputs(name):
    problem = PROBLEMS[name]
    return {
        "t_eval": np.linspace(*problem.span, 23)[1:],
        "events": problem.watched(),
        "max_events": 2,
    }


@pytest.mark.parametrize("method, name", PAIRS)
def test_ends(gpu, slices, method, name):
    wanted = solved(name, method, "cpu")
    assert np.ptp(wanted.n_steps) > 3
    for slice_length in SLICES:
        slices(slice_length)
        found = solved(name, method)
        assert_same(found, wanted)
        assert found.stats["redone"] == 0


@pytest.mark.parametrize("method, name", PAIRS)
def test_points_and_events(gpu, slices, method, name):
    wanted = solved(name, method, "cpu", **outputs(name))
    assert wanted.event_counts.any()
    for slice_length in SLICES:
        slices(slice_length)
        assert_same(solved(name, method, **outputs(name)), wanted)


@pytest.mark.parametrize("method", ["RK45", "DOP853"])
def test_options(gpu, method):
    more = {
        "rtol": np.array([1e-4, 1e-5, 1e-6]),
        "atol": np.array([1e-6, 1e-7, 1e-8]),
        "max_step": 0.1,
        "first_step": 0.01,
        "max_steps": 70,
    }
    found, wanted = solved("lorenz", method, **more), solved("lorenz", method, "cpu", **more)
    assert -2 in wanted.status
    assert_same(found, wanted)


def test_spans_of_their_own_backwards_and_empty(gpu):
    """A trajectory with no time to pass is done at once; one whose steps fail does not stop the others."""

    def blows_up(t, y, r):
        return r * y * y

    spans = (np.linspace(0, 1, 9), np.linspace(1, -2, 9))
    given = (blows_up, spans, np.linspace(0.1, 3, 9)[:, None], (np.full(9, 1.0),))
    found, wanted = (solve_ensemble(*given, args_axes=0, device=d) for d in ("cuda", "cpu"))
    assert_same(found, wanted)


@pytest.mark.parametrize(
    "method, name", [("RK45", "hodgkin_huxley"), ("DOP853", "lorenz"), ("Rodas5P", "robertson")]
)
def test_single_precision(gpu, method, name):
    """As good as double precision at this tolerance; times are in double."""
    more = {"rtol": 1e-4, "atol": 1e-6, "t_eval": [0.3, 1.0]}
    found = solved(name, method, dtype="float32", **more)
    assert found.y.dtype == np.float32
    assert found.t_final.dtype == float
    assert (found.status.get() == 0).all()
    exact = solved(name, method, "cpu", **(more | {"rtol": 1e-10, "atol": 1e-12})).y
    size = np.abs(exact).max((0, 2), keepdims=True)
    errors = [
        np.abs(y - exact) / size for y in (found.y.get(), solved(name, method, "cpu", **more).y)
    ]
    assert errors[0].max() < 3 * errors[1].max() + 1e-5


def test_single_precision_has_its_own_least_tolerance(gpu):
    with pytest.warns(UserWarning, match="rtol"):
        found = solved("lorenz", "RK45", dtype="float32", rtol=1e-9)
    wanted = solved("lorenz", "RK45", dtype="float32", rtol=100 * float(np.finfo(np.float32).eps))
    assert_same(found, wanted)


@pytest.mark.parametrize("shared", [3, 300])
def test_parameters_near_and_far(gpu, shared):
    """Few parameters travel with a launch, many lie in the device's memory."""
    rates = np.linspace(0.5, 1.5, shared)

    def decay(t, y, r, rates):
        return -r * y * rates.sum() / shared

    given = (decay, (0, 1), [1.0, 2.0], (np.linspace(1, 2, 5), rates))
    found, wanted = (solve_ensemble(*given, args_axes=(0, None), device=d) for d in ("cuda", "cpu"))
    assert_same(found, wanted)
