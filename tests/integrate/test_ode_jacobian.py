"""The Jacobian of `ode`'s vode, zvode and lsoda at both tiers: the compiled function's, a compiled `jac`."""

import numpy as np
import pytest
import scipy.integrate

from diffsol._engine import kernels, verify
from diffsol._engine.chord import EXACT_JACOBIAN_SIZE
from diffsol.errors import MismatchWarning
from diffsol.integrate import complex_ode, ode

N = EXACT_JACOBIAN_SIZE + 4
SLOPE = np.linspace(-1e3, -1.0, N)
gain = 1.0


def chain(t, y):
    """Stiff, tridiagonal, nonlinear."""
    dy = SLOPE * y + np.sin(t)
    dy[1:] += gain * np.tanh(y[:-1])
    dy[:-1] -= 0.5 * y[1:]
    return dy


def chain_jac(t, y):
    j = np.diag(SLOPE)
    i = np.arange(N - 1)
    j[i + 1, i] = gain / np.cosh(y[:-1]) ** 2
    j[i, i + 1] = -0.5
    return j


def small(t, y):
    return [-1e3 * y[0] + y[1], y[0] - y[1] ** 2]


def small_jac(t, y, k=1e3):
    return [[-k, 1.0], [1.0, -2.0 * y[1]]]


SOLVERS = {
    "lsoda": {"nsteps": 5000},
    "vode": {"nsteps": 5000, "method": "bdf", "with_jacobian": True},
    "zvode": {"nsteps": 5000, "method": "bdf", "with_jacobian": True},
}


@pytest.fixture(autouse=True)
def compiled(monkeypatch):
    monkeypatch.setenv("DIFFSOL_JIT", "require")
    kernels.clear()


def start(namespace, name, fun, jac=None, y0=None, **options):
    y0 = np.ones(N) if y0 is None else y0
    solver = namespace.ode(fun, jac).set_integrator(name, **SOLVERS[name], **options)
    return solver.set_initial_value(y0, 0.0)


def core(solver):
    return solver._integrator._native._core


def has_jacobian_kernel(solver):
    return bool(core(solver).jac.kernel)


class Diffsol:
    ode, complex_ode = ode, complex_ode


@pytest.mark.parametrize("name", ["lsoda", "vode"])
def test_the_exact_jacobian_serves(name):
    theirs, ours = start(scipy.integrate, name, chain), start(Diffsol, name, chain)
    for t in (0.1, 1.0, 5.0):
        np.testing.assert_allclose(ours.integrate(t), theirs.integrate(t), rtol=1e-4, atol=1e-8)
    assert has_jacobian_kernel(ours)
    # differences take N evaluations for each Jacobian
    nfe, nje = ours._integrator.iwork[11:13]
    assert nje > 1
    assert nfe < theirs._integrator.iwork[11] - nje * N / 2


def test_a_small_system_keeps_differences():
    for name in ("lsoda", "vode"):
        ours = start(Diffsol, name, small, y0=[1.0, 1.0])
        ours.integrate(1.0)
        assert not has_jacobian_kernel(ours)


@pytest.mark.parametrize("name", ["lsoda", "vode"])
def test_a_band_keeps_differences(name):
    options = {"lband": 1, "uband": 1}
    theirs = start(scipy.integrate, name, chain, **options)
    ours = start(Diffsol, name, chain, **options)
    np.testing.assert_allclose(ours.integrate(2.0), theirs.integrate(2.0), rtol=1e-5, atol=1e-10)
    assert not has_jacobian_kernel(ours)


@pytest.mark.parametrize("name", ["lsoda", "vode"])
def test_it_waits_until_it_pays(name, monkeypatch):
    """Without being required: by differences first, exactly when they have cost as much."""
    monkeypatch.setenv("DIFFSOL_JIT", "1")
    start(Diffsol, name, chain)  # SciPy is there
    from diffsol._engine.function import Function

    bound = Function(chain, (), np.ones(N), kind="odepack").compile()
    ours = start(Diffsol, name, chain)
    ours.integrate(0.5)
    exact = bound.variant.jacobian
    assert not exact.made
    assert not has_jacobian_kernel(ours)
    exact.wait(10.0)
    ours.integrate(1.0)
    assert exact.made
    assert has_jacobian_kernel(ours)
    theirs = start(scipy.integrate, name, chain).integrate(1.0)
    np.testing.assert_allclose(ours.y, theirs, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("name", ["lsoda", "vode"])
@pytest.mark.parametrize("fun, jac, y0", [(small, small_jac, [1.0, 1.0]), (chain, chain_jac, None)])
def test_a_jac_is_compiled(name, fun, jac, y0):
    calls = []

    def counted(t, y):
        calls.append(t)
        return jac(t, y)

    ours = start(Diffsol, name, fun, jac, y0)
    y = [ours.integrate(t).copy() for t in (0.5, 2.0)]
    assert has_jacobian_kernel(ours)
    plain = start(Diffsol, name, fun, counted, y0)  # writes to something outside: Python
    wanted = [plain.integrate(t).copy() for t in (0.5, 2.0)]
    assert not has_jacobian_kernel(plain)
    assert len(calls) == plain._integrator.iwork[12]
    np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-10)
    np.testing.assert_array_equal(ours._integrator.iwork[12], plain._integrator.iwork[12])


@pytest.mark.parametrize("name", ["lsoda", "vode"])
def test_what_a_jac_reads_may_change_between_calls(name, monkeypatch):
    ours = start(Diffsol, name, chain, chain_jac)
    ours.integrate(0.5)
    monkeypatch.setitem(globals(), "gain", 3.0)
    changed = ours.integrate(1.0).copy()
    assert has_jacobian_kernel(ours)
    monkeypatch.setitem(globals(), "gain", 1.0)
    theirs = start(scipy.integrate, name, chain)
    theirs.integrate(0.5)
    monkeypatch.setitem(globals(), "gain", 3.0)
    # the step that ends beyond the first call was made before the change
    np.testing.assert_allclose(changed, theirs.integrate(1.0), rtol=1e-2)


@pytest.mark.parametrize("name", ["lsoda", "vode"])
def test_the_kernel_goes_and_so_does_its_jacobian(name, monkeypatch):
    """What the function reads becomes something else: it is Python from then on, and so differences."""
    ours, theirs = start(Diffsol, name, chain), start(scipy.integrate, name, chain)
    ours.integrate(0.5), theirs.integrate(0.5)
    assert has_jacobian_kernel(ours)
    monkeypatch.setenv("DIFFSOL_JIT", "1")
    ours._integrator._native.tier._mode = "1"
    monkeypatch.setitem(globals(), "SLOPE", SLOPE.astype(np.float32))
    np.testing.assert_allclose(ours.integrate(1.0), theirs.integrate(1.0), rtol=1e-2)
    assert not has_jacobian_kernel(ours)


@pytest.mark.parametrize("name", ["lsoda", "vode"])
def test_other_functions_in_the_middle_of_a_solve(name):
    ours = start(Diffsol, name, chain)
    theirs = start(scipy.integrate, name, chain)
    for solver in (ours, theirs):
        solver.integrate(0.5)
        solver.f = lambda t, y: -2.0 * y
        solver.integrate(3.0)
    # the step that ends beyond the first call was made by the function before
    np.testing.assert_allclose(ours.y, theirs.y, rtol=0.5)


@pytest.mark.parametrize("name", ["lsoda", "vode"])
def test_a_wrong_jac_kernel_is_found_out(name, monkeypatch):
    agrees = verify.agrees
    monkeypatch.setattr(verify, "agrees", lambda f, *a: f.kind != "jac" and agrees(f, *a))
    ours = start(Diffsol, name, small, small_jac, [1.0, 1.0])
    with pytest.warns(MismatchWarning, match="Jacobian") as caught:
        y = ours.integrate(1.0)
    assert caught[0].filename == __file__
    wanted = start(scipy.integrate, name, small, y0=[1.0, 1.0]).integrate(1.0)
    np.testing.assert_allclose(y, wanted, rtol=1e-4)
    assert not has_jacobian_kernel(ours)


def test_complex_states():
    def fun(t, y):
        return (-100.0 + 10j) * y + np.exp(1j * t)

    y0 = np.ones(N, complex)
    theirs, ours = start(scipy.integrate, "zvode", fun, y0=y0), start(Diffsol, "zvode", fun, y0=y0)
    np.testing.assert_allclose(ours.integrate(1.0), theirs.integrate(1.0), rtol=1e-4)
    real = Diffsol.complex_ode(fun).set_integrator("lsoda", nsteps=5000)
    real.set_initial_value(y0)
    np.testing.assert_allclose(real.integrate(1.0), theirs.y, rtol=1e-4)
    assert not has_jacobian_kernel(real)
