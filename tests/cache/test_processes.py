"""What one process compiles, the next one runs; and what has changed in between, it does not."""

import subprocess
import sys

import pytest

from cache.processes import TELL, environment, run

# They measure, or take the machine: one after the other.
pytestmark = pytest.mark.xdist_group("machine")

ROBERTSON = """
import diffsol
from diffsol.integrate import solve_ivp
def rates(t, y, k):
    r = k * y[1] * y[2]
    return [-0.04 * y[0] + r, 0.04 * y[0] - r - 3e7 * y[1] ** 2, 3e7 * y[1] ** 2]
{warm}
sol = solve_ivp(rates, (0, 1e3), [1, 0, 0], method={method!r}, args=(1e4,))
tell(y=sol.y[:, -1].tolist(), nfev=int(sol.nfev), njev=int(sol.njev))
"""


def robertson(folder, method, warm=True, **variables):
    compiled = (
        f"assert diffsol.cache.warm(rates, (0, 1), [1, 0, 0], (1e4,), method={method!r}).compiled"
    )
    return run(folder, ROBERTSON.format(method=method, warm=compiled if warm else ""), **variables)


@pytest.mark.parametrize("method", ["RK45", "BDF", "Radau", "LSODA"])
def test_second_process_loads_neither_tracer_nor_compiler(tmp_path, method):
    first = robertson(tmp_path, method)
    second = robertson(tmp_path, method, warm=False, DIFFSOL_JIT="require")
    assert len(first["loaded"]) == 3
    assert second["loaded"] == []
    assert second["known"] == first["known"]
    assert second["known"]["rates"][1] == (method != "RK45")
    for what in ("y", "nfev", "njev"):
        assert second[what] == first[what]


def test_derivatives_from_a_kept_program(tmp_path):
    """Kept without its Jacobian, a function is differentiated by the process that wants that."""
    only_function = (
        "from diffsol._engine.function import Function; import numpy as np; "
        "Function(rates, (1e4,), np.ones(3), 'strict').compile()"
    )
    first = run(tmp_path, ROBERTSON.format(method="BDF", warm=only_function), DIFFSOL_JIT="require")
    run(tmp_path / "plain", ROBERTSON.format(method="RK45", warm=only_function))
    got = robertson(tmp_path / "plain", "BDF", warm=False, DIFFSOL_JIT="require")
    assert got["known"] == {"rates": [1, True]}
    assert got["loaded"] == ["llvmlite", "diffsol._compile.cpu"]
    assert got["y"] == first["y"]


def test_switched_off(tmp_path):
    robertson(tmp_path, "RK45", DIFFSOL_CACHE="0")
    assert list(tmp_path.iterdir()) == []
    robertson(tmp_path, "RK45")
    second = robertson(tmp_path, "RK45", warm=False, DIFFSOL_CACHE="0")
    assert "diffsol._trace.trace" in second["loaded"]  # a long solve: it is worth compiling


def test_no_such_switch(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "diffsol", "cache"],
        env=environment(tmp_path, DIFFSOL_CACHE="off"),
        capture_output=True,
        text=True,
    )
    assert done.stdout == "no cache: DIFFSOL_CACHE must be 0 or 1, not 'off'\n"


CHANGING = """
import numpy as np, collections
import diffsol
from diffsol.integrate import solve_ivp
{before}
def rates(t, y):
    return {result}
if {compiling}:
    assert diffsol.cache.warm(rates, (0, 1), [1.0, 2.0]).compiled
sol = solve_ivp(rates, (0, 1), [1.0, 2.0])
tell(y=sol.y[:, -1].tolist())
"""
CHANGES = {
    "a number": ("k = 2.0", "k = 3.0", "-k * y", True),
    "an int": ("k = 2", "k = 3", "-np.ones(k)[0] * k * y", False),
    "an array": ("k = np.array([1.0, 2.0])", "k = np.array([3.0, 2.0])", "-k * y", True),
    "its shape": ("k = np.ones(2)", "k = np.full(1, 3.0)", "-k * y", False),
    "a helper": ("h = lambda y: -y", "h = lambda y: -2 * y", "h(y)", False),
    "a constant of it": ("h = lambda y: -y * 2", "h = lambda y: -y * 2.5", "h(y)", False),
    "a method": (
        "class C:\n  def f(self, y): return -y\nc = C()",
        "class C:\n  def f(self, y): return -2 * y\nc = C()",
        "c.f(y)",
        False,
    ),
    "an attribute that becomes a property": (
        "class C:\n  def __init__(self): self.k = 1.0\nc = C()",
        "class C:\n  k = property(lambda self: 2.0)\nc = C()",
        "-c.k * y",
        False,
    ),
    "a base class": (
        "class B: k = 1.0\nclass C(B): pass\nc = C()",
        "class B: k = 2.0\nclass C(B):\n  __getattr__ = None\nc = C()",
        "-c.k * y",
        False,
    ),
    "a value of a dict": ("p = {'k': 1.0}", "p = {'k': 4.0}", "-p['k'] * y", True),
    "the type of a value": ("p = {'k': 1.0}", "p = {'k': np.float64(4)}", "-p['k'] * y", False),
    "a named tuple": (
        "P = collections.namedtuple('P', 'k m')\np = P(1.0, 2.0)",
        "P = collections.namedtuple('P', 'm k')\np = P(1.0, 2.0)",
        "-p.k * y",
        False,
    ),
    "a function of NumPy": ("f = np.sin", "f = np.cos", "f(y)", False),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_in_between(tmp_path, change):
    """The second process gives what it gives without a cache, whether or not the kernel fits."""
    before, after, result, fits = CHANGES[change]

    def script(setting, compiling):
        return CHANGING.format(before=setting, result=result, compiling=compiling)

    run(tmp_path, script(before, True))
    again = run(tmp_path, script(before, False), DIFFSOL_JIT="require")
    assert again["known"]["rates"][0] == 1
    assert again["loaded"] == []
    used = run(tmp_path, script(after, False) + FITS, DIFFSOL_JIT="0")
    assert used["fits"] == fits
    changed = run(tmp_path, script(after, False), DIFFSOL_JIT="require")
    assert changed["y"] == pytest.approx(
        run(tmp_path, script(after, False), DIFFSOL_JIT="0")["y"], rel=1e-12
    )
    assert changed["y"] != again["y"]


FITS = """
from diffsol._engine.function import Function
function = Function(rates, (), np.ones(2))
tell(fits=function.record.look() and function.bind() is not None)
"""


def test_many_at_once(tmp_path):
    """Processes that write the same file at the same time leave one that can be used."""
    script = TELL + ROBERTSON.format(
        method="BDF", warm="diffsol.cache.warm(rates, (0, 1), [1, 0, 0], (1e4,), method='BDF')"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            env=environment(tmp_path),
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    assert len({process.communicate(timeout=120)[0].splitlines()[-1] for process in started}) == 1
    (file,) = tmp_path.iterdir()
    assert file.name.endswith(".kernel")
    assert robertson(tmp_path, "BDF", warm=False, DIFFSOL_JIT="require")["loaded"] == []


def test_command(tmp_path):
    def command(*words):
        return subprocess.run(
            [sys.executable, "-m", "diffsol", "cache", *words],
            env=environment(tmp_path),
            capture_output=True,
            text=True,
        )

    robertson(tmp_path, "RK45")
    assert f"{tmp_path}: 1 compiled functions" in command().stdout
    assert command("clear").stdout == "1 compiled functions removed\n"
    assert f"{tmp_path}: 0 compiled functions" in command().stdout
    wrong = command("empty")
    assert wrong.returncode == 2
    assert "cache takes nothing or clear, not empty" in wrong.stderr
