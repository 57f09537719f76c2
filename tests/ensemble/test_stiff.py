"""Rodas5P in lanes: its order, stiff problems, its interpolant, and the bits of every width."""

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg

from .harness import Ensemble
from .problems import first_is_half, relaxes, robertson
from .test_bits import assert_same

COUNT = 13
RATES = np.geomspace(0.3, 30.0, COUNT)


def robertsons(systems, **options):
    return Ensemble(
        systems, np.tile([1.0, 0.0, 0.0], (COUNT, 1)), RATES[:, None], t_bound=1e4,
        method="Rodas5P", fun="robertson", jac="robertson_jac", atol=1e-10, **options,
    )  # fmt: skip


def relaxations(systems, rates=RATES, t_bound=2.0, **options):
    return Ensemble(
        systems, np.tile([0.5, 1.0], (len(rates), 1)), np.reshape(rates, (-1, 1)), t_bound=t_bound,
        method="Rodas5P", fun="relaxes", jac="relaxes_jac", dfdt="relaxes_dfdt", **options,
    )  # fmt: skip


def exact(t, r):
    """y, and log z as the integral of y, of the relaxation from (0.5, 1)."""
    return np.array(
        [t**2 + 0.5 * np.exp(-r * t), np.exp(t**3 / 3 + 0.5 * (1 - np.exp(-r * t)) / r)]
    )


def fixed(systems, core, steps, **options):
    """Steps of one size: tolerances that accept everything."""
    h = 2.0 / steps
    ensemble = relaxations(systems, [1.5], first_step=h, max_step=h, rtol=1e6, atol=1e6, **options)
    result = ensemble.run(core, 1)
    assert result["n_steps"][0] in (steps, steps + 1)
    return result


def slope(steps, errors):
    return -np.polyfit(np.log(steps), np.log(errors), 1)[0]


def test_order_of_the_solution(systems, core):
    steps = np.array([10, 20, 40, 80])
    errors = [
        np.abs(fixed(systems, core, n)["y"][0] - exact(2.0, 1.5)).max() for n in steps.tolist()
    ]
    assert abs(slope(steps, errors) - 5) < 0.4


def test_order_of_the_interpolant(systems, core):
    steps, t = np.array([10, 20, 40, 80]), np.linspace(0, 2, 301)
    errors = [
        np.abs(fixed(systems, core, n, t_eval=t)["ys"][0] - exact(t, 1.5).T).max()
        for n in steps.tolist()
    ]
    assert slope(steps, errors) > 4.6


def test_error_follows_the_tolerance(systems, core):
    stiff = np.array([1.5, 1e3, 1e6])
    for tolerance in 10.0 ** -np.arange(3, 11):
        ensemble = relaxations(systems, stiff, rtol=tolerance, atol=tolerance)
        result = ensemble.run(core, 1)
        assert not result["status"].any()
        expected = exact(2.0, stiff).T
        np.testing.assert_allclose(result["y"], expected, rtol=50 * tolerance)
        assert result["n_steps"].max() < 15 * tolerance**-0.2


def test_robertson(systems, core):
    t_eval = np.geomspace(1e-4, 1e4, 30)
    result = robertsons(systems, rtol=1e-6, t_eval=t_eval).run(core, core.widths[-1])
    for i, r in enumerate(RATES):
        theirs = scipy.integrate.solve_ivp(
            robertson, (0, 1e4), [1.0, 0.0, 0.0], "Radau", t_eval, args=(r,), rtol=1e-9, atol=1e-13
        )
        np.testing.assert_allclose(result["ys"][i], theirs.y.T, rtol=2e-5, atol=1e-9)
    assert result["n_steps"].max() < 150


def test_events(systems, core):
    """Robertson's first component falls to a half: later for slow rates."""
    ensemble = robertsons(
        systems, rtol=1e-7, events="first_is_half", direction=[-1.0], event_max=[1.0]
    )
    result = ensemble.run(core, core.widths[-1])
    first_is_half.terminal = True
    for i, r in enumerate(RATES):
        theirs = scipy.integrate.solve_ivp(
            robertson, (0, 1e4), [1.0, 0.0, 0.0], "Radau", args=(r,), events=first_is_half,
            rtol=1e-9, atol=1e-12,
        )  # fmt: skip
        assert result["status"][i] == theirs.status == 1
        np.testing.assert_allclose(result["t"][i], theirs.t[-1], rtol=1e-5)
        np.testing.assert_allclose(result["y"][i], theirs.y[:, -1], rtol=1e-5)


def test_bits(systems, core, portable):
    ensembles = [
        robertsons(systems, t_eval=[1.0, 1e3]),
        relaxations(systems, np.geomspace(0.3, 1e5, COUNT), t_eval=np.linspace(0, 2, 9)),
        Ensemble(
            systems, np.tile([1.0, 0.3, -0.2], (COUNT, 1)), RATES[:, None], t_bound=0.5,
            method="Rodas5P", fun="needs_pivots", jac="needs_pivots_jac",
        ),
    ]  # fmt: skip
    order = np.random.default_rng(0).permutation(COUNT)
    for ensemble in ensembles:
        expected = ensemble.run(core, 1)
        assert not expected["status"].any()
        assert len(set(expected["n_steps"])) > 3
        for where in (core, portable):
            for lanes in where.widths:
                assert_same(expected, ensemble.run(where, lanes, order=order, pieces=2))


def test_pivots(systems, portable):
    """Rows change places in some lanes and not in others."""
    result = Ensemble(
        systems, np.tile([1.0, 0.3, -0.2], (COUNT, 1)), RATES[:, None], t_bound=0.5,
        method="Rodas5P", fun="needs_pivots", jac="needs_pivots_jac", rtol=1e-8, atol=1e-8,
    ).run(portable, 8)  # fmt: skip
    for i, r in enumerate(RATES):
        matrix = np.array([[-r, 1, 0], [0, 0, 100], [0, -100 * r, 0]])
        expected = scipy.linalg.expm(0.5 * matrix) @ [1.0, 0.3, -0.2]
        np.testing.assert_allclose(result["y"][i], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("change", [{"jac": None}, {"y0": np.ones((COUNT, 33))}])
def test_refused(systems, core, change):
    ensemble = robertsons(systems)
    for name, value in change.items():
        setattr(ensemble, name, value)
    ens, _ = ensemble._describe(core, 1, np.arange(COUNT))
    assert core.lib.ds_ens_new(ens, 0, COUNT) == core.ffi.NULL


def test_few_evaluations_at_stiffness(systems, core):
    """An explicit method would need a step per 1 / r."""
    ensemble = relaxations(systems, [1e7], rtol=1e-6)
    theirs = scipy.integrate.solve_ivp(
        relaxes, (0, 2), [0.5, 1.0], "Radau", args=(1e7,), rtol=1e-6, atol=1e-6
    )
    result = ensemble.run(core, 1)
    assert result["nfev"][0] < theirs.nfev
