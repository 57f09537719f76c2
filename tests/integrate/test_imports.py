"""What an import brings along, looked at in fresh processes."""

import subprocess
import sys

import pytest

OPTIONAL = ("scipy.optimize", "scipy.integrate", "torch", "cupy", "jax", "pandas", "llvmlite")


def modules_after(code):
    """Names of the modules loaded after `code` in a new interpreter."""
    script = f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"
    run = [sys.executable, "-c", script]
    return set(subprocess.run(run, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import diffsol",
        "import diffsol.integrate",
        "from diffsol.integrate import solve_ivp",
    ],
)
def test_import_is_light(code):
    assert modules_after(code).isdisjoint(OPTIONAL)


def test_result_does_not_import_scipy():
    """Neither a solve nor asking for the class of its result needs anything of SciPy."""
    code = """
from diffsol.integrate import solve_ivp
sol = solve_ivp(lambda t, y: -y, (0, 1), [1.0], dense_output=True, t_eval=[0.5, 1.0])
assert sol.success and sol.sol(0.5).shape == (1,)
assert not isinstance(sol, list) and not isinstance(sol.sol, list)
"""
    assert modules_after(code).isdisjoint({"scipy.optimize", "scipy.integrate"})


def test_submodules_of_integrate_import_scipy_late():
    assert "scipy.integrate" in modules_after("from diffsol.integrate import quad")
