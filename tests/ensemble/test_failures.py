"""A trajectory that fails ends in its own way; its neighbours do not notice."""

import numpy as np
import pytest
import scipy.integrate

from diffsol._methods.registry import EXPLICIT

from .harness import Ensemble

RATES = np.array([0.1, 2.0, 0.3, 0.7, 1.5, 0.2, 0.9, 0.15, 5.0])
BLOWS_UP, GIVES_UP = 2.0 / 3.0, np.log(2.0) / 2


@pytest.mark.parametrize("method", EXPLICIT)
def test_steps_that_become_too_small(systems, portable, method):
    """y' = r y**2 from 1 has a pole at 1 / r."""
    ensemble = Ensemble(
        systems, np.ones((9, 1)), RATES[:, None], t_bound=1.5, fun="blows_up", method=method
    )
    result = ensemble.run(portable, 8)
    np.testing.assert_array_equal(result["status"], np.where(RATES > BLOWS_UP, -1, 0))
    for i, r in enumerate(RATES):
        theirs = scipy.integrate.solve_ivp(lambda t, y, r=r: r * y * y, (0, 1.5), [1.0], method)
        assert theirs.status == result["status"][i]
        np.testing.assert_allclose(theirs.t[-1], result["t"][i], rtol=1e-12)
        # how often a step is halved at the pole is a matter of rounding
        np.testing.assert_allclose(theirs.nfev, result["nfev"][i], rtol=0.1 if theirs.status else 0)


@pytest.mark.parametrize("lanes", [1, 4, 8])
def test_nan(systems, portable, lanes):
    t_bound = np.linspace(0.5, 1.5, 9)
    ensemble = Ensemble(systems, np.zeros((9, 1)), RATES[:, None], t_bound=t_bound, fun="roots")
    result = ensemble.run(portable, lanes)
    np.testing.assert_array_equal(result["status"], np.where(t_bound > 1, -1, 0))
    assert np.isfinite(result["y"]).all()


@pytest.mark.parametrize("lanes", [1, 4, 8])
def test_a_kernel_that_gives_up(systems, portable, lanes):
    """y' = r y from 1; the kernel has no answer above 2, and none at the start of one of them."""
    y0 = np.ones((9, 1))
    y0[3] = 2.5
    ensemble = Ensemble(systems, y0, RATES[:, None], t_bound=2.0, fun="gives_up")
    result = ensemble.run(portable, lanes)
    gives_up = (RATES > GIVES_UP) | (y0[:, 0] > 2)
    np.testing.assert_array_equal(result["status"], np.where(gives_up, -4, 0))
    goes_on = result["y"][~gives_up, 0]
    np.testing.assert_allclose(goes_on, np.exp(2 * RATES[~gives_up]), rtol=1e-3)


@pytest.mark.parametrize("lanes", [1, 8])
def test_number_of_steps(systems, portable, lanes):
    t_bound = np.linspace(0.1, 9, 9)
    ensemble = Ensemble(
        systems, np.ones((9, 3)), np.full((9, 1), 20.0), t_bound=t_bound, fun="lorenz"
    )
    free = ensemble.run(portable, lanes)
    ensemble.max_steps = most = int(np.median(free["n_steps"]))
    result = ensemble.run(portable, lanes)
    np.testing.assert_array_equal(result["n_steps"], np.minimum(free["n_steps"], most))
    np.testing.assert_array_equal(result["status"], np.where(free["n_steps"] > most, -2, 0))
    assert set(result["status"]) == {0, -2}


def test_no_time_to_pass(systems, core):
    """SciPy makes no evaluation beyond the first; with events Python shall decide."""
    t_bound = np.array([0.0, 1.0, 0.0])
    y0 = np.arange(1.0, 4.0)[:, None]
    ensemble = Ensemble(systems, y0, RATES[:3, None], t_bound=t_bound, fun="blows_up")
    result = ensemble.run(core, core.widths[-1])
    assert result["status"][0] == result["status"][2] == 0
    np.testing.assert_array_equal(result["y"][[0, 2]], y0[[0, 2]])
    assert result["nfev"][0] == scipy.integrate.solve_ivp(lambda t, y: y, (0, 0), [1.0]).nfev
    ensemble.events, ensemble.direction, ensemble.event_max = "blows_up", [0.0], [np.inf]
    assert ensemble.run(core, 1)["status"].tolist()[::2] == [-4, -4]


def test_an_event_that_is_nan(systems, core):
    """sqrt(1 - t) is nan where a step ends beyond 1: nothing has happened, as in SciPy."""
    ensemble = Ensemble(
        systems, np.ones((9, 1)), RATES[:, None] - 0.5, t_bound=2.0, fun="blows_up",
        events="roots", direction=[0.0], event_max=[np.inf], first_step=0.4, max_step=0.4,
    )  # fmt: skip
    result = ensemble.run(core, core.widths[-1])
    assert not result["event_count"].any()


@pytest.mark.parametrize("lanes", [1, 4, 8])
def test_an_event_that_is_nan_on_the_way(systems, portable, lanes):
    """It changes its sign from one end of a step to the other, and has no value between: SciPy raises."""
    ensemble = Ensemble(
        systems, np.ones((9, 1)), RATES[:, None] / 10, t_bound=1.0, fun="blows_up",
        events="has_a_gap", direction=[0.0], event_max=[np.inf], first_step=0.4, max_step=0.4,
    )  # fmt: skip
    ensemble.t0 = np.where(np.arange(9) % 2, 0.0, 0.9)
    result = ensemble.run(portable, lanes)
    np.testing.assert_array_equal(result["status"], np.where(np.arange(9) % 2, -4, 0))


@pytest.mark.parametrize("lanes", [1, 4, 8])
def test_an_interpolant_that_cannot_be_had(systems, portable, lanes):
    """Some need it for their event first, the others for an output time."""
    ensemble = Ensemble(
        systems, np.ones((9, 1)), RATES[:, None], t_bound=1.0, fun="gives_up_near_a_fifth",
        method="DOP853", first_step=1.0, max_step=1.0,
    )  # fmt: skip
    assert not ensemble.run(portable, lanes)["status"].any()
    ensemble.events, ensemble.direction, ensemble.event_max = "first_is_half", [0.0], [np.inf]
    needs_it = RATES > 0.5
    np.testing.assert_array_equal(
        ensemble.run(portable, lanes)["status"], np.where(needs_it, -4, 0)
    )
    ensemble.t_eval = [0.5]
    np.testing.assert_array_equal(ensemble.run(portable, lanes)["status"], -4)
