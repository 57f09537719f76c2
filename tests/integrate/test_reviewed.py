"""What a review found, side by side with SciPy."""

import numpy as np
import pytest
import scipy.integrate
from numpy.testing import assert_allclose

import diffsol
import diffsol.integrate

INTEGRATORS = ("vode", "zvode", "lsoda", "dopri5", "dop853")
REAL = tuple(name for name in INTEGRATORS if name != "zvode")
BOTH = (scipy.integrate, diffsol.integrate)

pytestmark = pytest.mark.usefixtures("tier")


def decay(t, y):
    return -y


@pytest.mark.parametrize("name", INTEGRATORS)
def test_initial_value_before_the_integrator(name):
    theirs, ours = (
        m.ode(decay).set_initial_value([1.0, 2.0], 0.0).set_integrator(name) for m in BOTH
    )
    for t in (0.5, 1.0):
        assert_allclose(ours.integrate(t), theirs.integrate(t), rtol=1e-12)
    if hasattr(theirs._integrator, "iwork"):
        assert np.array_equal(ours._integrator.iwork[:10], theirs._integrator.iwork[:10])


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("other", REAL)
def test_another_integrator_on_the_way(name, other):
    found = []
    for m in BOTH:
        r = m.ode(decay).set_integrator(name).set_initial_value([1.0])
        r.integrate(0.5)
        r.set_integrator(other, rtol=1e-9)
        found.append(r.integrate(1.0))
    assert_allclose(found[1], found[0], rtol=1e-5)


def test_complex_ode_with_its_initial_value_first():
    theirs, ours = (
        m.complex_ode(lambda t, y: 1j * y).set_initial_value([1 + 0j]).set_integrator("vode")
        for m in BOTH
    )
    assert_allclose(ours.integrate(1.0), theirs.integrate(1.0), rtol=1e-12)


@pytest.mark.parametrize("name", ["vode", "lsoda"])
def test_a_function_that_resets_its_own_solver(name):
    calls = []

    def fun(t, y):
        calls.append(t)
        if len(calls) == 6:
            solver.set_initial_value([5.0, 5.0], 0.0)
        return -y

    solver = diffsol.integrate.ode(fun).set_integrator(name).set_initial_value([1.0, 2.0])
    assert np.isfinite(solver.integrate(0.5)).all()


def test_odeint_inside_odeint(monkeypatch):
    """Functions that stay Python for good: SciPy's odeint cannot do it, and must not be asked to."""
    monkeypatch.setenv("DIFFSOL_JIT", "1")
    log = []

    def inner(y, t):
        log.append(t)
        return -y

    def outer(y, t):
        log.append(t)
        return -y * diffsol.integrate.odeint(inner, [1.0], [0, 0.1])[-1, 0]

    def solve():
        return diffsol.integrate.odeint(outer, [1.0], [0, 1.0])[-1, 0]

    first = solve()
    for fun in (inner, outer):
        diffsol.explain(fun, (0, 1), [1.0], method="odeint")
    assert solve() == pytest.approx(first, rel=1e-12)
    assert first == pytest.approx(np.exp(-np.exp(-0.1)), rel=1e-6)


@pytest.mark.parametrize("name", ["Radau", "BDF", "LSODA"])
def test_a_finished_solver_that_is_looked_into(name):
    found = []
    for m in BOTH:
        solver = getattr(m, name)(decay, 0, [1.0, 2.0], -1)
        while solver.status == "running":
            solver.step()
        solver.max_step = 10.0
        assert solver.direction == -1
        found.append(solver)
        if name == "LSODA":
            continue
        solver.t_bound, solver.status = -2.0, "running"
        while solver.status == "running":
            solver.step()
        assert solver.t == -2
    assert_allclose(found[1].y, found[0].y, rtol=1e-3)


@pytest.mark.parametrize("t_bound", [(1, 2.0), (-1, -1.4)])
def test_lsodas_bound_moved_outward(t_bound):
    before, after = t_bound
    for m in BOTH:
        solver = m.LSODA(decay, 0, [1.0, 2.0], before)
        solver.step()
        solver.step()
        solver.t_bound = after
        while solver.status == "running" and abs(solver.t) < 1:
            solver.step()
        assert abs(solver.t) >= 1 or m is scipy.integrate
        assert solver.status != "failed"
        assert_allclose(solver.y, np.exp(-solver.t) * np.array([1.0, 2.0]), rtol=2e-2)


OPTIONS = [
    ({"rtol": 10.0**-6}, {"rtol": 10.0**-6}),
    ({"rtol": np.float64(1e-6)}, {"rtol": np.float64(1e-6)}),
    ({"full_output": 1}, {"full_output": 0}),
    ({"rtol": 1e-5}, {"rtol": 1e-9}),
    ({"mxstep": 5000}, {"hmax": 0.1}),
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("y0", [[1.0, 2.0], [1, 2], np.array([1, 2])])
def test_options_and_types_in_turn(options, y0):
    def fun(y, t):
        return [-y[0], y[0] - 2 * y[1]]

    for _ in range(3):
        for chosen in options:
            theirs, ours = (m.odeint(fun, y0, [0, 1, 2], **chosen) for m in BOTH)
            if chosen.get("full_output"):
                theirs, ours = theirs[0], ours[0]
            assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.slow
def test_bdf_slides_along_a_jump_that_the_exact_jacobian_does_not_see():
    """Newton's iteration with the exact Jacobian hardly gets on; SciPy's differences see a slope."""

    def heat(t, y):
        d = -200 * y
        d[1:] += 100 * y[:-1]
        d[:-1] += 100 * y[1:]
        return d + np.where(y > 0.5, -y, 0)

    call = (heat, (0, 0.01), np.sin(np.linspace(0, 3, 400)))
    ours = diffsol.integrate.solve_ivp(*call, method="BDF", rtol=1e-6)
    theirs = scipy.integrate.solve_ivp(*call, method="BDF", rtol=1e-6)
    assert ours.success
    assert ours.nfev < 2 * theirs.nfev
    # SciPy's own error is 1.7e-4 at the jump, ours 4e-5 (RK45 in steps of 1e-5)
    assert_allclose(ours.y[:, -1], theirs.y[:, -1], atol=3e-4)
