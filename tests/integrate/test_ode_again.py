"""One object of `ode` for many solves, other parameters, and calls within calls: as new objects do."""

import contextlib
import warnings

import numpy as np
import pytest
import scipy.integrate
from hypothesis import given, settings
from hypothesis import strategies as st

import diffsol.integrate
from diffsol.integrate import complex_ode, ode
from integrate.which_scipy import FORTRAN

pytestmark = pytest.mark.usefixtures("tier")

ALL = ("vode", "zvode", "lsoda", "dopri5", "dop853")
KINDS = [
    *[(name, {}) for name in ALL],
    ("vode", {"method": "bdf"}),
    ("vode", {"method": "bdf", "with_jacobian": True}),
    ("zvode", {"method": "bdf", "with_jacobian": True}),
]
NAMES = [" ".join([name, *options]) for name, options in KINDS]


def decay(t, y, k=1.0):
    return [-k * y[0] + 0.1 * y[1], -0.3 * k * y[1]]


def stiff(t, y, k=1.0):
    return [-300 * k * (y[0] - y[1]), -y[1] + 0.1 * np.sin(t)]


def told(solver):
    """All that a solve leaves to be read."""
    integrator = solver._integrator
    work = [getattr(integrator, n).copy() for n in ("iwork", "rwork") if hasattr(integrator, n)]
    return [solver.y.copy(), solver.t, solver.successful(), solver.get_return_code(), *work]


def run(solver, y0, ends, t0=0.0):
    solver.set_initial_value(y0, t0)
    outcomes = []
    for t in ends:
        solver.integrate(t)
        outcomes.append(told(solver))
    return outcomes


def assert_same(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        for one, other in zip(a, b, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("fun", [decay, stiff])
@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_many_solves_by_one_object(kind, fun):
    name, options = kind

    def new():
        return ode(fun).set_integrator(name, nsteps=20000, **options)

    solver = new()
    for y0, ends in (
        ([1.0, 0.5], [0.1, 0.2, 3.0]),
        ([2.0, -0.5], [1.0]),
        ([2.0, -0.5], []),
        ([0.0, 0.5], [-1.0, -2.0]),
        ([1.0, 0.5], [0.1, 0.2, 3.0]),
    ):
        if fun is stiff and ends and ends[0] < 0:
            continue  # there it grows beyond all bounds
        assert_same(run(solver, y0, ends), run(new(), y0, ends))


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_a_second_solve_by_the_solver_of_the_first(kind):
    solver = ode(decay).set_integrator(kind[0], **kind[1])
    run(solver, [1.0, 0.5], [1.0])
    native = solver._integrator._native
    run(solver, [2.0, 0.5], [1.0])
    assert solver._integrator._native is native
    run(solver.set_f_params(0.5), [2.0, 0.5], [1.0])
    assert solver._integrator._native is native


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "change",
    [
        lambda s: setattr(s._integrator, "rtol", 1e-3),
        lambda s: setattr(s._integrator, "atol", np.array([1e-3, 1e-2])),
        lambda s: setattr(s._integrator, "first_step", 1e-3),
        lambda s: setattr(s._integrator, "max_step", 0.01),
        lambda s: setattr(s, "f", stiff),
    ],
    ids=["rtol", "atol", "first_step", "max_step", "f"],
)
def test_options_changed_between_solves(name, change):
    solver, new = (ode(decay).set_integrator(name, nsteps=20000) for _ in range(2))
    run(solver, [1.0, 0.5], [1.0])
    change(solver)
    change(new)
    assert_same(run(solver, [1.0, 0.5], [1.0]), run(new, [1.0, 0.5], [1.0]))


@pytest.mark.parametrize("name", ["vode", "zvode", "lsoda"])
def test_an_array_of_tolerances_that_changes(name):
    tolerance = np.array([1e-9, 1e-9])
    solvers = [
        m.ode(decay).set_integrator(name, atol=tolerance)
        for m in (diffsol.integrate, scipy.integrate)
    ]
    for value in (1e-9, 1e-3):
        tolerance[:] = value
        ours, theirs = (run(s, [1.0, 0.5], [1.0])[0][0] for s in solvers)
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", ALL)
def test_number_of_states_changed(name):
    def fun(t, y):
        return -y

    solver = ode(fun).set_integrator(name)
    for n in (2, 3, 2):
        new = ode(fun).set_integrator(name)
        assert_same(run(solver, np.ones(n), [1.0]), run(new, np.ones(n), [1.0]))


@pytest.mark.parametrize("name", ALL)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from([0.2, 0.5, 1.0]), st.booleans()), min_size=1, max_size=6
    )
)
@settings(max_examples=15, deadline=None)
def test_parameters_before_each_call(name, steps):
    ours, theirs = (
        m.ode(decay).set_integrator(name, nsteps=5000) for m in (diffsol.integrate, scipy.integrate)
    )
    t, others = 0.0, []
    for solver in (ours, theirs):
        solver.set_initial_value([1.0, 0.5], 0.0).set_f_params(1.0)
    for k, changes in steps:
        t += 0.3
        states = []
        for solver in (ours, theirs):
            if changes:
                solver.set_f_params(k)
            states.append(solver.integrate(t).copy())
        others.append(states)
    for a, b in others:
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", ALL)
def test_states_that_a_function_kept_are_left_alone(name):
    kept = []

    def fun(t, y):
        kept.append(y)
        return -y

    solver = ode(fun).set_integrator(name)
    run(solver, [1.0, 0.5], [1.0])
    first = [(y, y.copy()) for y in kept]
    run(solver, [7.0, 8.0], [1.0])
    for y, before in first:
        np.testing.assert_array_equal(y, before)


@pytest.mark.parametrize("name", ALL)
def test_an_exception_in_one_solve_leaves_the_next(name):
    bad = []

    def fun(t, y):
        if bad and t > 0.2:
            raise KeyError("bad")
        return [-y[0], -y[1]]

    solver, new = (ode(fun).set_integrator(name) for _ in range(2))
    run(solver, [1.0, 0.5], [0.1])
    bad.append(1)
    with pytest.raises(KeyError):
        solver.integrate(1.0)
    bad.clear()
    assert_same(run(solver, [2.0, 0.5], [1.0]), run(new, [2.0, 0.5], [1.0]))


@pytest.mark.parametrize("name", ["lsoda", "dopri5", "dop853", "vode"])
def test_complex_ode_again(name):
    def fun(t, y):
        return [1j * y[0] + 0.1 * y[1], -y[1]]

    solver, new = (complex_ode(fun).set_integrator(name) for _ in range(2))
    run(solver, [1.0, 0.5j], [1.0])
    assert_same(run(solver, [2.0, 0.5], [1.0]), run(new, [2.0, 0.5], [1.0]))


# --- Calls within calls: SciPy's C code fails there (1.17), one way or another ------------------------


def within(name, act, at=4, namespace=diffsol.integrate):
    """A solver whose function calls act(solver) in one evaluation."""
    calls = []

    def fun(t, y):
        calls.append(t)
        if len(calls) == at:
            act(solver)
        return [-y[0]]

    solver = namespace.ode(fun).set_integrator(name, nsteps=5000, rtol=1e-8)
    return solver.set_initial_value([1.0], 0.0)


def inner_of_scipy(name, at):
    """What `integrate` in the `at`-th evaluation of the outer one gives, which then fails."""
    inner = []
    solver = within(name, lambda s: inner.append(s.integrate(0.5).copy()), at, scipy.integrate)
    with warnings.catch_warnings(), contextlib.suppress(RuntimeError):
        warnings.simplefilter("ignore")
        solver.integrate(1.0)
    return inner


@pytest.mark.parametrize("at", [1, 4, 9])
@pytest.mark.parametrize("name", ALL)
def test_integrate_within_the_function(name, at):
    inner = []
    solver = within(name, lambda s: inner.append(s.integrate(0.5).copy()), at)
    outer = [solver.integrate(t).copy() for t in (1.0, 2.0)]
    np.testing.assert_allclose(np.ravel(outer), np.exp([-1.0, -2.0]), rtol=1e-5)
    assert solver.t == 2.0
    assert solver.successful()
    # LSODA works in the state itself, so that the inner solve begins in the middle of a step
    wanted = [[np.exp(-0.5)]] if FORTRAN else inner_of_scipy(name, at)
    np.testing.assert_allclose(inner, wanted, rtol=1e-5)


@pytest.mark.parametrize("name", ALL)
def test_another_solve_within_the_function(name):
    inner = []

    def act(solver):
        other = (
            ode(solver.f).set_integrator(name, nsteps=5000, rtol=1e-8).set_initial_value([1.0], 0.0)
        )
        inner.append(other.integrate(0.5))

    solver = within(name, act)
    outer = [solver.integrate(t).copy() for t in (1.0, 2.0)]
    np.testing.assert_allclose(np.ravel([*inner, *outer]), np.exp([-0.5, -1.0, -2.0]), rtol=1e-5)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("name", ALL)
def test_reset_within_the_function(name, first):
    solver = within(name, lambda s: s.set_initial_value([5.0], 0.0), at=2 if first else 30)
    outer = [solver.integrate(t).copy() for t in (0.5, 1.0, 2.0)]
    np.testing.assert_allclose(np.ravel(outer), np.exp([-0.5, -1.0, -2.0]), rtol=1e-5)


@pytest.mark.parametrize("name", ["dopri5", "dop853"])
def test_parameters_and_a_call_within_the_function(name):
    calls = []

    def fun(t, y, k=1.0):
        calls.append(k)
        if len(calls) == 3:
            solver.set_f_params(3.0).integrate(0.1)
        return [-k * y[0]]

    solver = ode(fun).set_integrator(name).set_initial_value([1.0], 0.0)
    solver.integrate(0.5)
    solver.integrate(1.0)
    assert calls[-1] == 3.0


@pytest.mark.parametrize("name", ALL)
def test_parameters_of_a_call_within_the_function_that_failed(name):
    calls = []

    def fun(t, y, k=1.0):
        calls.append(k)
        if len(calls) == 3:
            with contextlib.suppress(ZeroDivisionError):
                solver.set_f_params(0.0).integrate(0.1)
        if k == 0.0:
            raise ZeroDivisionError
        return [-y[0] / k]

    solver = ode(fun).set_integrator(name).set_initial_value([1.0], 0.0)
    solver.set_f_params(1.0).integrate(0.5)
    solver.set_f_params(2.0)
    before = len(calls)
    solver.integrate(3.0)
    assert set(calls[before:]) == {2.0}
