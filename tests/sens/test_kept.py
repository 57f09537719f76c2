"""What one process has differentiated and compiled, the next one finds."""

import numpy as np
import pytest

from cache.processes import run

# They start processes: one after the other.
pytestmark = pytest.mark.xdist_group("machine")

SHARED = """
import sys
import warnings
import numpy as np
from diffsol import fit, sensitivity
warnings.simplefilter("error")
rate = {rate}
def fun(t, y, a, b):
    return [a * {factor} * y[0] - b * y[0] * y[1], np.exp(-y[1]) * rate - t]
def answer():
{body}
found = answer()
makers = ("forward", "adjoint", "jacobian", "reverse", "diff")
tell(found=found, made=[name for name in makers if "diffsol._graph." + name in sys.modules])
"""

BODIES = {
    "forward": """
    sol = sensitivity.solve_ivp(fun, (0, 1), [1.0, 0.5], args=(0.5, 2.0))
    return sol.sens.tolist()
""",
    "implicit": """
    sol = sensitivity.solve_ivp(fun, (0, 1), [1.0, 0.5], "BDF", args=(0.5, 2.0))
    return sol.sens.tolist()
""",
    "events": """
    def crossed(t, y, a, b): return y[0] - a - 0.3 + 0.2 * np.sin(t)
    sol = sensitivity.solve_ivp(fun, (0, 1), [1.0, 0.5], args=(0.5, 2.0), events=crossed)
    return sol.sens_t_events[0].tolist()
""",
    "adjoint rows": """
    sol = sensitivity.solve_ivp(fun, (0, 1), [1.0, 0.5], args=(0.5, 2.0), t_eval=[0.5, 1], sens="adjoint")
    return sol.sens.tolist()
""",
    "gradient": """
    def loss(t, Y): return np.sum(Y**2 / (1 + t))
    def integrand(t, y, a, b): return a * y[0] * y[1]
    found = sensitivity.gradient(
        fun, (0, 1), [1.0, 0.5], (0.5, 2.0), t_eval=[0.5, 1], loss=loss, integrand=integrand, method={method!r}
    )
    return found.flat.tolist()
""",
    "fit": """
    def observe(t, y, a, b): return y[0] + b * y[1] ** 2
    def start(a, b): return [2 * a, 0.25 * b]
    t = np.linspace(0, 1, 5)
    residual = fit.residual(fun, start, t, np.ones(5), args=(0.5, 2.0), observe=observe)
    return [residual((0.6, 1.9)).tolist(), residual.jac((0.6, 1.9)).tolist()]
""",
    "fit of several": """
    t = np.linspace(0, 1, 5)
    starts, data = [[1.0, 0.5], [0.9, 0.4]] * 2, np.ones((2, 5))
    residual = fit.residual(fun, starts, [t] * 4, [data] * 4, args=(0.5, 2.0))
    assert residual._together is not None
    return residual.jac((0.6, 1.9)).tolist()
""",
}  # fmt: skip


def solved(folder, what="forward", rate=1.5, factor=1, method="RK45", **environment):
    body = BODIES[what].format(method=method)
    return run(folder, SHARED.format(rate=rate, factor=factor, body=body), **environment)


CASES = [(what, "RK45") for what in BODIES] + [("gradient", "BDF"), ("gradient", "LSODA")]


@pytest.mark.parametrize("what, method", CASES)
def test_second_process_neither_differentiates_nor_compiles(tmp_path, what, method):
    first = solved(tmp_path, what, method=method)
    second = solved(tmp_path, what, method=method)
    assert len(first["loaded"]) == 3
    assert first["made"]
    assert second["loaded"] == []
    assert second["made"] == []
    assert second["found"] == first["found"]


@pytest.mark.parametrize("what", ["forward", "gradient"])
def test_what_is_read_from_outside_is_a_parameter(tmp_path, what):
    solved(tmp_path, what)
    other = solved(tmp_path, what, rate=2.5)
    assert other["loaded"] == []
    assert other["found"] == solved(tmp_path / "new", what, rate=2.5)["found"]


@pytest.mark.parametrize("what", ["forward", "gradient", "implicit"])
def test_another_function_is_another(tmp_path, what):
    solved(tmp_path, what)
    other = solved(tmp_path, what, factor=3)
    assert "llvmlite" in other["loaded"]
    assert other["found"] == solved(tmp_path / "new", what, factor=3)["found"]


CLOSURE = """
import numpy as np
from diffsol import sensitivity
def made(power, table):
    return lambda t, y, a: a * y ** power * np.array(table)
fun = made({power}, {table})
sol = sensitivity.solve_ivp(fun, (0, 0.5), [0.5, 0.7], args=({a},){more})
found = sensitivity.gradient(fun, (0, 0.5), [0.5, 0.7], ({a},), loss=lambda t, Y: Y.sum())
tell(sens=sol.sens[:, -1].tolist(), flat=found.flat.tolist())
"""


def closed(folder, power=2, table=(1.0, 2.0), a="0.5", more=""):
    return run(folder, CLOSURE.format(power=power, table=table, a=a, more=more))


@pytest.mark.parametrize(
    "changed",
    [
        {"power": 3},
        {"table": (1.0, 3.0)},
        {"a": "np.array([0.5, 0.25])"},  # two parameters
        {"more": ", wrt='a'"},
        {"more": ", wrt='y0[1]'"},
    ],
)
def test_a_closure_or_a_number_of_parameters_that_changes(tmp_path, changed):
    closed(tmp_path)
    other, fresh = closed(tmp_path, **changed), closed(tmp_path / "new", **changed)
    assert (other["sens"], other["flat"]) == (fresh["sens"], fresh["flat"])
    again = closed(tmp_path, **changed)
    assert again["loaded"] == []
    assert again["sens"] == fresh["sens"]


@pytest.mark.parametrize("what", ["implicit", "gradient"])
@pytest.mark.parametrize("spoil", ["bit", "cut", "other"])
def test_spoilt_files_are_passed_over(tmp_path, what, spoil):
    first = solved(tmp_path, what)
    paths = sorted(tmp_path.iterdir())
    contents = [path.read_bytes() for path in paths]
    for path, content, other in zip(paths, contents, np.roll(contents, 1), strict=True):
        bad = {
            "bit": content[:-1] + bytes([content[-1] ^ 1]),
            "cut": content[:60],
            "other": bytes(other),  # a sound file of something else
        }[spoil]
        path.write_bytes(bad)
    second = solved(tmp_path, what)
    assert second["found"] == first["found"]


def test_switched_off(tmp_path):
    solved(tmp_path, DIFFSOL_CACHE="0")
    assert list(tmp_path.iterdir()) == []


def test_kernels_with_what_only_this_process_knows_are_not_kept():
    """An operator that was registered has a number of this process's."""
    from diffsol._cache.programs import is_lasting
    from diffsol._graph.build import Graph
    from diffsol._graph.node import Node, Program

    state = Graph().state((2,), np.dtype(float))
    own = Node("registered_1", (state,), (), (2,), np.dtype(float), 7)
    assert not is_lasting(Program(own, None, (2,), np.dtype(float), 0))
    assert is_lasting(Program(state, None, (2,), np.dtype(float), 0))
