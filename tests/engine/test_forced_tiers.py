"""DIFFSOL_TIER: every problem gives the same at each tier, and every kernel has the form asked for."""

import subprocess
import sys

import numpy as np
import pytest

import diffsol
import problems
from diffsol._compile import cpu
from diffsol._engine import kernels, switch
from diffsol.integrate import odeint, solve_ivp

TIERS = ("python", "quick", "full")
NONSTIFF = ("lotka_volterra", "lorenz", "hodgkin_huxley", "sens_logistic", "arenstorf")
STIFF = ("robertson", "van_der_pol", "hires", "oregonator", "brusselator_1d")
CASES = [
    *((name, method) for name in NONSTIFF for method in ("RK45", "DOP853", "LSODA", "odeint")),
    *((name, method) for name in STIFF for method in ("Radau", "BDF", "LSODA", "odeint")),
]


@pytest.fixture
def forms(monkeypatch):
    """Is each kernel that is compiled quick code?"""
    seen, compile_program = [], cpu.compile_program

    def spy(program, *args, quick=False, **options):
        seen.append(quick)
        return compile_program(program, *args, quick=quick, **options)

    monkeypatch.setattr(cpu, "compile_program", spy)
    monkeypatch.delenv("DIFFSOL_JIT", raising=False)
    return seen


def solve(problem, method):
    """The states at the end, and what the solve cost."""
    options = {"rtol": 1e-6, "atol": problem.atol(1e-6)}
    if method == "odeint":
        # with the user's Jacobian, all tiers have the same matrices
        jac = None if problem.jac is None else lambda *given: np.asarray(problem.jac(*given))
        y, told = odeint(
            problem.fun,
            problem.y0,
            problem.t_span,
            args=problem.params,
            Dfun=jac,
            tfirst=True,
            full_output=True,
            mxstep=5000,
            **options,
        )
        return y[-1], int(told["nst"][-1]), None
    if problem.jac is not None and method not in ("RK45", "DOP853"):
        options["jac"] = problem.jac
    sol = solve_ivp(problem.fun, problem.t_span, problem.y0, method, args=problem.params, **options)
    assert sol.success
    return sol.y[:, -1], sol.stats.n_steps, sol.stats.tier


@pytest.mark.parametrize("name, method", CASES)
def test_the_same_at_each_tier(name, method, monkeypatch, forms):
    problem = problems.load(name)
    ends = {}
    for tier in TIERS:
        kernels.clear()
        forms.clear()
        monkeypatch.setenv("DIFFSOL_TIER", tier)
        ends[tier] = solve(problem, method)
        assert forms == [] if tier == "python" else set(forms) == {tier == "quick"}
        assert ends[tier][2] in (None, "python" if tier == "python" else "compiled")
    wanted, steps, _ = ends["python"]
    for tier in ("quick", "full"):
        got, count, _ = ends[tier]
        size = 1e-6 * np.abs(wanted) + problem.atol(1e-6)  # the solve's own tolerance
        assert np.all(np.abs(got - wanted) <= 0.1 * size)
        assert abs(count - steps) <= 0.02 * steps  # roundings decide now and then


def test_it_is_stronger_than_the_other_variable(monkeypatch, forms):
    monkeypatch.setenv("DIFFSOL_JIT", "0")
    for tier in ("quick", "full"):
        monkeypatch.setenv("DIFFSOL_TIER", tier)
        assert (switch.switched_on(), switch.forced_form()) == ("require", tier)
    monkeypatch.setenv("DIFFSOL_JIT", "require")
    monkeypatch.setenv("DIFFSOL_TIER", "python")
    assert (switch.switched_on(), switch.forced_form()) == ("0", None)
    monkeypatch.setenv("DIFFSOL_TIER", "")
    assert (switch.switched_on(), switch.forced_form()) == ("require", None)


@pytest.mark.parametrize(
    "name, choices", [("DIFFSOL_TIER", "python, quick or full"), ("DIFFSOL_JIT", "0, 1 or require")]
)
def test_other_values_are_errors(name, choices, monkeypatch):
    monkeypatch.delenv("DIFFSOL_TIER", raising=False)
    monkeypatch.setenv(name, "fast")
    with pytest.raises(ValueError, match=f"{name} must be {choices}, not 'fast'"):
        solve_ivp(lambda t, y: -y, (0, 1), [1.0])


def test_what_cannot_be_compiled_is_an_error(monkeypatch):
    monkeypatch.setenv("DIFFSOL_TIER", "quick")
    calls = []

    def counted(t, y):
        calls.append(t)
        return -y

    with pytest.raises(diffsol.errors.NotCompiledError, match=r"DIFFSOL_TIER=quick, and .*counted"):
        solve_ivp(counted, (0, 1), [1.0])


def test_kernels_on_disk_are_left_alone(tmp_path):
    """Neither taken, which may have another form, nor written for processes that want the best."""
    script = """
from diffsol.integrate import solve_ivp
solve_ivp(lambda t, y: -y, (0, 1), [1.0])
"""
    environment = {"DIFFSOL_CACHE": "1", "DIFFSOL_CACHE_DIR": str(tmp_path), "DIFFSOL_TIER": "full"}
    path = tmp_path / "script.py"
    path.write_text(script)
    before = set(tmp_path.rglob("*"))
    run = [sys.executable, str(path)]
    subprocess.run(run, env=environment, check=True, timeout=60)
    assert set(tmp_path.rglob("*")) == before
    del environment["DIFFSOL_TIER"]
    subprocess.run(run, env=environment | {"DIFFSOL_JIT": "require"}, check=True, timeout=60)
    assert set(tmp_path.rglob("*")) > before
