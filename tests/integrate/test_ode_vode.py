"""vode and zvode of ode, side by side with SciPy's: results, arrays that people read, surroundings."""

import pickle

import numpy as np
import pytest
import scipy.integrate

import diffsol.integrate
from diffsol.integrate import complex_ode, ode
from integrate.test_ode import BOTH, CASES, Outcome, both, f2py_error, is_exact, lorenz, oscillator
from integrate.which_scipy import FORTRAN

pytestmark = pytest.mark.usefixtures("tier")

NAMES = ("vode", "zvode")


def spirals(t, y):
    return [1j * y[0] - 0.1 * y[1], (2 - 1j) * np.cos(t) - 50 * y[1]]


def spirals_jac(t, y):
    return [[1j, -0.1], [0, -50]]


def line(t, y):
    """Diffusion along a line."""
    return 30 * np.array([y[1] - 2 * y[0], y[0] - 2 * y[1] + y[2], y[1] - 2 * y[2]])


def line_jac(t, y):
    return [[0.0, 30.0, 30.0], [-60.0] * 3, [30.0, 30.0, 0.0]]


@pytest.mark.parametrize("method", ["adams", "bdf"])
@pytest.mark.parametrize("case", ["oscillator", "backward", "lorenz", "one number"])
def test_results(method, case, tier):
    both("vode", *CASES[case], method=method, nsteps=10000, exact=tier == "python")


@pytest.mark.parametrize("method", ["adams", "bdf"])
@pytest.mark.parametrize("times", [[0.5, 2.0], [-0.1, -0.3]])
@pytest.mark.parametrize(
    "options",
    [{}, {"with_jacobian": True}, {"jac": spirals_jac}, {"lband": 0, "uband": 1}],
    ids=" and ".join,
)
def test_complex_states(method, times, options, tier):
    exact = tier == "python" and not options  # LAPACK's complex elimination rounds in its own way
    both("zvode", spirals, [1 + 1j, 0.5], times, method=method, exact=exact, **options)


@pytest.mark.parametrize("jac", [None, line_jac])
def test_bands(jac, tier):
    both(
        "vode", line, [1.0, 0.0, 0.5], [0.1, 3.0], method="bdf", jac=jac, lband=1, uband=1,
        exact=tier == "python",
    )  # fmt: skip


@pytest.mark.parametrize("how", [{"step": True}, {"relax": True}])
@pytest.mark.parametrize("name", NAMES)
def test_step_and_relax(name, how, tier):
    calls = [how] * 40 + [{}]
    times = [0.5] * 40 + [9.0]
    both(name, oscillator, [0.5, 0.25], times, calls=calls, exact=tier == "python")


@pytest.mark.parametrize(
    "options",
    [
        {}, {"method": "bdf", "order": 3}, {"order": 4}, {"method": "bdf", "lband": 1, "uband": 1},
        {"nsteps": 5}, {"method": "bdf", "lband": 0, "uband": 0},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("name", NAMES)
def test_work_arrays(name, options, tier):
    if name == "zvode" and "lband" in options:
        options = {**options, "lband": 1, "uband": 1}  # SciPy's diagonals go wrong there
    solvers = both(name, lorenz, [1.0, 2.0, 3.0], [0.5], exact=tier == "python", **options)
    theirs, ours = (outcome.solver._integrator for outcome in solvers)
    np.testing.assert_array_equal(ours.iwork[:30], theirs.iwork[:30])  # then pivots follow
    np.testing.assert_allclose(ours.rwork[:14], theirs.rwork[:14], rtol=1e-4)


@pytest.mark.parametrize(
    "options",
    [
        {"order": 0}, {"order": -1}, {"order": "a"}, {"nsteps": 0}, {"nsteps": -1}, {"rtol": -1},
        {"rtol": "a"}, {"atol": [[1.0]]}, {"atol": [1e-6]}, {"atol": [1e-6, 1e-3, 1e-9]},
        {"rtol": [1e-6, 1e-3]}, {"first_step": -0.1}, {"first_step": 0.3}, {"max_step": 0.1},
        {"max_step": -1}, {"min_step": 0.3}, {"lband": 5}, {"uband": -1}, {"lband": 1},
        {"method": "x"}, {"nonsense": 1},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("name", NAMES)
def test_options(name, options, tier):
    both(name, oscillator, [0.5, 0.25], [1.0, 2.0], exact=tier == "python", **options)


WRONG = {
    "too few": lambda t, y: [1.0],
    "too many": lambda t, y: [1.0, 2.0, 3.0],
    "a row": lambda t, y: [[1.0, 2.0]],
    "strings": lambda t, y: ["a", "b"],
    "raises": lambda t, y: 1 / 0,
    "nothing": lambda t, y: None,
}


@pytest.mark.parametrize("result", WRONG)
@pytest.mark.parametrize("name", NAMES)
def test_what_f_must_not_return(name, result):
    if FORTRAN and result == "too many":  # f2py's message is rubbish
        ours = Outcome(diffsol.integrate, name, WRONG[result], [0.5, 0.25], [1.0])
        assert issubclass(ours.error[0], ValueError)
        return
    if FORTRAN and result in ("a row", "nothing"):  # f2py takes them, the latter as zeros
        both(name, WRONG[result], [0.5, 0.25], [1.0])
        return
    _, ours = both(name, WRONG[result], [0.5, 0.25], [1.0])
    assert ours.error is not None


def test_f_must_be_callable():
    kind, said = TypeError, "f must be callable"
    if FORTRAN:
        kind, said = f2py_error("vode"), "failed in processing argument list"
    for namespace in BOTH:
        with pytest.raises(kind, match=said):
            namespace.ode(3).set_integrator("vode").set_initial_value([1.0]).integrate(1.0)


@pytest.mark.parametrize("value", [3.0, np.array(3.0), [3.0], True])
@pytest.mark.parametrize("name", NAMES)
def test_a_number_will_do_for_one_component(name, value):
    both(name, lambda t, y: value, [0.5], [1.0])


@pytest.mark.parametrize("shape", [(1, 4), (3, 3), (4,)])
def test_bad_jacobians(shape):
    call = "vode", oscillator, [0.5, 0.25], [1.0]
    options = {"method": "bdf", "jac": lambda t, y: np.ones(shape)}
    if FORTRAN:  # f2py's words, or rubbish in their place
        ours = Outcome(diffsol.integrate, *call, **options)
        assert issubclass(ours.error[0], ValueError)
        return
    _, ours = both(*call, **options)
    assert ours.error is not None


def test_a_full_jacobian_is_used_as_it_is():
    """Where SciPy 1.17 transposes it (scipy issue 24933)."""

    def fun(t, y):
        return np.array([-0.04 * y[0] + 1e4 * y[1], -1e3 * y[1]])

    options = {"method": "bdf", "rtol": 1e-8}
    given = Outcome(
        diffsol.integrate, "vode", fun, [1.0, 1.0], [40.0],
        jac=lambda t, y: [[-0.04, 1e4], [0.0, -1e3]], nsteps=2000, **options,
    )  # fmt: skip
    as_band = Outcome(
        scipy.integrate, "vode", fun, [1.0, 1.0], [40.0], lband=1, uband=1, nsteps=2000, **options
    )
    np.testing.assert_allclose(given.states[-1][0], as_band.states[-1][0], rtol=1e-5, atol=1e-12)
    steps = as_band.solver._integrator.iwork[10]
    assert abs(given.solver._integrator.iwork[10] - steps) < 0.1 * steps


@pytest.mark.parametrize("name", NAMES)
def test_goes_on_from_the_start(name):
    solver = ode(oscillator).set_integrator(name).set_initial_value([0.0, 1.0], 0.0)
    np.testing.assert_array_equal(solver.integrate(0.0), [0.0, 1.0])
    np.testing.assert_allclose(solver.integrate(1.0), [np.sin(1), np.cos(1)], rtol=1e-4)
    assert solver.successful()


@pytest.mark.parametrize("name", NAMES)
def test_tolerances_for_some_components_only(name):
    solver = ode(lorenz).set_integrator(name, atol=[1e-6, 1e-6]).set_initial_value([1.0] * 3)
    with pytest.raises(ValueError, match="atol must have at least 3 elements"):
        solver.integrate(1.0)


@pytest.mark.parametrize("name", NAMES)
def test_after_an_exception_the_solve_begins_anew(name):
    fails = []

    def fun(t, y):
        if fails:
            raise KeyError(fails.pop())
        return [y[1], -y[0]]

    solver = ode(fun).set_integrator(name).set_initial_value([0.0, 1.0])
    solver.integrate(0.5)
    fails.append(1)
    with pytest.raises(KeyError):
        solver.integrate(1.0)
    assert solver.t == 0.5
    np.testing.assert_allclose(solver.integrate(1.0), [np.sin(1), np.cos(1)], rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_a_state_kept_from_one_call_stays(name):
    solver = ode(oscillator).set_integrator(name).set_initial_value([0.0, 1.0])
    kept = solver.integrate(1.0)
    before = kept.copy()
    solver.integrate(2.0)
    np.testing.assert_array_equal(kept, before)


@pytest.mark.parametrize("name", NAMES)
def test_pickles(name):
    solver = ode(oscillator).set_integrator(name).set_initial_value([0.0, 1.0])
    solver.integrate(1.0)
    copy = pickle.loads(pickle.dumps(solver))
    np.testing.assert_allclose(copy.integrate(2.0), solver.integrate(2.0), rtol=1e-4)


def test_complex_ode(tier):
    def outcome(namespace):
        solver = namespace.complex_ode(spirals)
        solver.set_integrator("vode", method="bdf", lband=0, uband=1)
        solver.set_initial_value([1 + 1j, 0.5])
        states = [solver.integrate(t) for t in (0.5, 1.0)]
        assert solver.successful()
        return states

    theirs, ours = map(outcome, BOTH)
    np.testing.assert_allclose(ours, theirs, rtol=0 if is_exact(tier) else 1e-6)


@pytest.mark.parametrize("make, name", [(ode, "vode"), (ode, "zvode"), (complex_ode, "vode")])
def test_is_compiled(make, name, tier):
    def fun(t, y):
        return [y[1] * 0.75, -y[0]]

    solver = make(fun).set_integrator(name).set_initial_value([0.0, 1.0])
    solver.integrate(1.0)
    assert (solver._integrator._native.tier.bound is not None) == (tier == "compiled")
