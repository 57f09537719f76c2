"""The C steppers with sensitivity columns behind the state: what they compute, and that y does not notice."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import scipy.integrate

from native.harness import Solve, lib
from sens.harness import EXPLICIT, IMPLICIT, Sensitive, solved, tolerances
from sens.problems import DECAY, LINEAR, LOGISTIC, LOTKA_VOLTERRA, PROBLEMS, ROBERTSON, VAN_DER_POL

STIFF = (ROBERTSON, VAN_DER_POL)
CASES = [
    pytest.param(problem, method, id=f"{name} {method}")
    for name, problem in PROBLEMS.items()
    for method in EXPLICIT + IMPLICIT
    if method in IMPLICIT or problem not in STIFF
]


def plain(problem, method, **options):
    """A solve of y alone."""
    solve = Solve(problem.fun, problem.t_span, problem.y0, method, **options)
    assert solve.run() == lib.DS_FINISHED, solve.error
    return solve


COUNTS = ("nfev", "njev", "nlu", "n_trials", "n_accepted", "n_newton")


def counts(solve):
    return {name: getattr(solve.ivp, name) for name in COUNTS}


# --- y ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rtol", [1e-4, 1e-7])
@pytest.mark.parametrize("problem, method", CASES)
def test_y_is_that_of_a_solve_without_columns(problem, method, rtol):
    """Bit for bit, and at the same cost, where errors of the columns are not controlled."""
    options = tolerances(problem, rtol)
    alone, solve = plain(problem, method, **options), solved(problem, method, False, **options)
    assert np.array_equal(solve.t, alone.t)
    assert np.array_equal(solve.y[: solve.k], alone.y)
    assert counts(solve) == counts(alone)


def test_stiff_columns_before_a_stiff_state():
    """Adams' corrector diverges for the columns where y shows nothing of the fast component yet."""
    options = tolerances(ROBERTSON, 1e-9)
    alone, solve = (
        plain(ROBERTSON, "LSODA", **options),
        solved(ROBERTSON, "LSODA", False, **options),
    )
    assert solve.ivp.columns_nlu > 0
    assert np.array_equal(solve.y[:3], alone.y)


@pytest.mark.parametrize("problem, method", CASES)
def test_columns_that_are_zero_change_nothing(problem, method):
    """Nor do they hide errors of y, in a norm over all components together."""
    still = replace(problem, f_p=lambda t, y, *p: np.zeros((len(p), len(y))))
    options = tolerances(problem, 1e-5)
    alone, solve = plain(problem, method, **options), solved(still, method, True, **options)
    assert np.array_equal(solve.t, alone.t)
    assert np.array_equal(solve.y[: solve.k], alone.y)
    assert not np.any(solve.S)


# --- the columns --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", EXPLICIT + IMPLICIT)
@pytest.mark.parametrize("problem", [DECAY, LOGISTIC, LINEAR], ids=["decay", "logistic", "linear"])
def test_closed_forms(problem, method):
    for rtol in (1e-4, 1e-7):
        S, exact = (
            solved(problem, method, **tolerances(problem, rtol)).S[:, :, -1],
            problem.at_end(),
        )
        errors = abs(S - exact).max(axis=1) / abs(exact).max(axis=1)
        assert errors.max() < (20 if method == "RK23" else 10) * rtol


@cache
def grid(problem):
    """Times, and reliable columns there."""
    t = np.linspace(*problem.t_span, 41)[1:]
    return t, augmented(problem, "Radau", t, rtol=1e-12, atol=1e-15)


def augmented(problem, method, t, rtol, atol):
    """SciPy's solution of y and the columns as one system."""
    k = len(problem.y0)
    y0 = np.concatenate([problem.y0, np.ravel(problem.start())])
    return scipy.integrate.solve_ivp(
        problem.augmented, problem.t_span, y0, method, t, rtol=rtol, atol=atol
    ).y[k:]


def typical_error(S, exact):
    """Over time; the largest depends on where the fronts of a relaxation oscillation happen to be."""
    return np.exp(np.mean(np.log(abs(S - exact).max(axis=0) / abs(exact).max(axis=0))))


@pytest.mark.parametrize("method", IMPLICIT)
@pytest.mark.parametrize(
    "problem", [LOTKA_VOLTERRA, *STIFF], ids=["Lotka-Volterra", "Robertson", "van der Pol"]
)
@pytest.mark.parametrize("rtol", [1e-6, 1e-9])
def test_as_exact_as_one_system(problem, method, rtol):
    """y first and the columns after it, with the factors of y: no worse than all at once, as SciPy does it."""
    if rtol == 1e-9 and problem is not LOTKA_VOLTERRA and method == "Radau":
        pytest.skip("the reference has little more digits")
    t, exact = grid(problem)
    options = tolerances(problem, rtol)
    solve = solved(problem, method, t_eval=t, **options)
    S = solve.y[solve.k :]
    together = augmented(problem, method, t, rtol, solve_atol(problem, options["atol"]))
    assert typical_error(S, exact) < 4 * max(typical_error(together, exact), rtol / 100)


def solve_atol(problem, atol):
    atol = np.broadcast_to(atol, len(problem.y0))
    return np.concatenate([atol, *(atol / abs(p) for p in problem.p)])


@pytest.mark.parametrize("method", EXPLICIT)
def test_explicit_methods_as_exact_as_one_system(method):
    t, exact = grid(LOTKA_VOLTERRA)
    for rtol in (1e-4, 1e-8):
        options = tolerances(LOTKA_VOLTERRA, rtol)
        S = solved(LOTKA_VOLTERRA, method, t_eval=t, **options).y[2:]
        together = augmented(
            LOTKA_VOLTERRA, method, t, rtol, solve_atol(LOTKA_VOLTERRA, options["atol"])
        )
        assert typical_error(S, exact) < 1.5 * typical_error(together, exact)


@pytest.mark.parametrize("problem, method", CASES)
def test_control_buys_accuracy(problem, method):
    """And without it the columns are those of y's steps: as y's tolerance falls, so do their errors."""
    coarse, fine = tolerances(problem, 1e-4), tolerances(problem, 1e-7)
    exact = problem.at_end()

    def error(controlled, options):
        return (
            abs(solved(problem, method, controlled, **options).S[:, :, -1] - exact).max()
            / abs(exact).max()
        )

    assert error(False, fine) < error(False, coarse) / 10
    assert error(True, fine) < max(2 * error(False, fine), fine["rtol"])


def difference_quotient(problem, method, j, mesh_of, **options):
    """The change of the computed y by p_j, on one and the same mesh: as many steps for both."""
    ends = []
    for sign in (1, -1):
        p = list(problem.p)
        p[j] *= 1 + sign * 1e-6
        solve = plain(replace(problem, p=tuple(p)), method, **options)
        assert np.array_equal(solve.t, mesh_of.t)
        ends.append(solve.y[:, -1])
    return (ends[0] - ends[1]) / (2e-6 * problem.p[j])


@pytest.mark.parametrize("method", EXPLICIT)
def test_on_the_mesh_of_y_they_are_derivatives_of_what_was_computed(method):
    """To rounding, where steps of one size have errors that are not small at all."""
    options = {"rtol": 1e3, "atol": 1e3, "max_step": 0.25, "first_step": 0.25}
    solve = solved(LOTKA_VOLTERRA, method, False, **options)
    for j in range(4):
        expected = difference_quotient(LOTKA_VOLTERRA, method, j, solve, **options)
        np.testing.assert_allclose(solve.S[j, :, -1], expected, rtol=1e-6, atol=1e-7)


# --- outputs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", EXPLICIT + IMPLICIT)
def test_dense_output_and_t_eval(method):
    options = tolerances(LINEAR, 1e-7)
    t = np.linspace(0.1, 3.9, 25)
    dense = solved(LINEAR, method, dense=True, **options)
    np.testing.assert_allclose(dense.sol(dense.t), dense.y, rtol=1e-9, atol=1e-12)
    at_times = solved(LINEAR, method, t_eval=t, **options).y
    np.testing.assert_array_equal(dense.sol(t), at_times)
    exact = np.array([LINEAR.exact(time, *LINEAR.p).ravel() for time in t]).T
    np.testing.assert_allclose(at_times[2:], exact, atol=2e-5)


@pytest.mark.parametrize("method", EXPLICIT + IMPLICIT)
def test_events_are_of_y(method):
    """They happen when they do without columns, and the columns there are among the outputs."""

    def half(t, y):
        return y[0] - 5.0

    half.terminal = True
    options = tolerances(LOGISTIC, 1e-8)
    alone = Solve(LOGISTIC.fun, LOGISTIC.t_span, LOGISTIC.y0, method, events=(half,), **options)
    solve = Sensitive(LOGISTIC, method, False, events=(half,), **options)
    assert alone.run() == solve.run() == lib.DS_EVENT
    assert solve.t_events[0] == alone.t_events[0]
    assert np.array_equal(solve.y_events[0][:, :1], alone.y_events[0])
    exact = LOGISTIC.exact(solve.t_events[0][0], *LOGISTIC.p).ravel()
    np.testing.assert_allclose(solve.y_events[0][0, 1:], exact, rtol=1e-4)


# --- cost ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("controlled", [True, False])
@pytest.mark.parametrize("method, lu", [("BDF", 1), ("LSODA", 1), ("Radau", 2)])
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_few_factors_and_evaluations(problem, method, lu, controlled):
    """All columns share the matrix of y: per step one at most is made (Radau: a real and a complex one)."""
    ivp = solved(problem, method, controlled, **tolerances(problem, 1e-6)).ivp
    assert ivp.nlu + ivp.columns_nlu <= lu * ivp.n_trials
    assert ivp.columns_nfev <= 1.6 * ivp.nfev
