"""Radau and BDF with the exact Jacobian of a compiled function, beside SciPy's by differences."""

import numpy as np
import pytest
import scipy.integrate
from diffsol._native._core import lib

import diffsol.integrate
import problems
from diffsol._engine import kernels, structure

NEWTON = ("Radau", "BDF")


def counts(sol):
    return sol.status, len(sol.t), sol.nfev, int(sol.njev), int(sol.nlu)


@pytest.fixture(autouse=True)
def compiled(monkeypatch):
    kernels.clear()
    monkeypatch.setenv("DIFFSOL_JIT", "require")


@pytest.mark.slow
@pytest.mark.parametrize("method", NEWTON)
@pytest.mark.parametrize("name", problems.names("stiff"))
@pytest.mark.parametrize("rtol", [1e-3, 1e-6, 1e-9])
def test_exact_jacobians_are_no_less_accurate(method, name, rtol):
    p = problems.load(name)
    call = {"method": method, "args": p.params, "rtol": rtol, "atol": p.atol(rtol)}
    call["t_eval"] = p.reference.t
    ours = diffsol.integrate.solve_ivp(p.fun, p.t_span, p.y0, **call)
    theirs = scipy.integrate.solve_ivp(p.fun, p.t_span, p.y0, **call)
    assert ours.success
    # the same method with as good a matrix: the same digits, as far as a rounded one repeats them
    assert problems.scd(p, ours.y) > problems.scd(p, theirs.y) - 0.3
    # the work is that of the exact Jacobian given to SciPy
    given = scipy.integrate.solve_ivp(p.fun, p.t_span, p.y0, jac=p.jac, **call)
    assert ours.nfev <= 1.05 * given.nfev + 10


def brusselator_2d(t, y, n, diffusion):
    u, v = y.reshape(2, n, n)
    k, uuv = diffusion * n**2, u * u * v

    def laplacian(w):
        return np.roll(w, 1, 0) + np.roll(w, -1, 0) + np.roll(w, 1, 1) + np.roll(w, -1, 1) - 4 * w

    du, dv = 1 + uuv - 4.4 * u + k * laplacian(u), 3.4 * u - uuv + k * laplacian(v)
    return np.concatenate([du.ravel(), dv.ravel()])


@pytest.mark.parametrize("diffusion", [0.002, 0.2])
@pytest.mark.parametrize("rtol", [1e-3, 1e-6])
def test_iterative_solutions_take_the_steps_of_direct_ones(diffusion, rtol, monkeypatch):
    n = 16
    x = np.arange(n) / n
    u = 22.0 * x[:, None] * (1 - x[:, None]) ** 1.5 * np.ones(n)
    y0 = np.concatenate([u.ravel(), 1.2 * u.T.ravel()])
    call = {"method": "BDF", "args": (n, diffusion), "rtol": rtol, "atol": rtol / 100}
    made = []
    plan = structure.plan

    def noted(*args, **options):
        made.append(plan(*args, **options))
        return made[-1]

    monkeypatch.setattr(structure, "plan", noted)
    ours = diffsol.integrate.solve_ivp(brusselator_2d, (0, 1), y0, **call)
    assert [p.kind for p in made] == [lib.DS_LU_ITERATIVE]
    monkeypatch.setattr(structure, "ITERATIONS", 1e9)
    direct = diffsol.integrate.solve_ivp(brusselator_2d, (0, 1), y0, **call)
    assert [p.kind for p in made[1:]] == [lib.DS_LU_SPARSE]
    assert counts(ours) == pytest.approx(counts(direct), rel=0.01, abs=2)
    apart = (ours.y[:, -1] - direct.y[:, -1]) / (rtol / 100 + rtol * abs(direct.y[:, -1]))
    assert np.sqrt(np.mean(apart**2)) < 0.1  # Newton's own errors are of this size
