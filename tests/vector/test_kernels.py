"""What kernels for lanes do besides arithmetic: the tables of operators, arguments, traps, lookups, equations."""

import itertools

import numpy as np
import pytest
import scipy.special

import diffsol
from diffsol._compile.vector.emit import WIDTHS, emit_c, emit_llvm
from diffsol._compile.vector.rows import ROWS, Refused
from diffsol._graph.build import Graph
from diffsol._graph.node import Program
from diffsol._graph.ops import BOOL, COMPLEX, ELEMENTWISE, FLOAT, INT, result_dtype
from diffsol._trace.trace import trace_function

from .lanes import GCC, Function, by_gcc, by_llvm, operator_program

REAL = (BOOL, INT, FLOAT)
NUMBERS = {
    BOOL: (0.0, 1.0),
    INT: (-7.0, -2.0, -1.0, 0.0, 1.0, 3.0, 8.0),
    FLOAT: (-np.inf, -3.5, -1.0, -1e-3, -0.0, 0.0, 0.5, 1.0, 2.0, 7.25, 1e19, np.inf, np.nan),
}


def forms():
    """(name, operand dtypes) of every operator of real numbers."""
    for name, row in ELEMENTWISE.items():
        if name.startswith(("special_", "registered_")) or name == "make_complex":
            continue
        for dtype in REAL:
            if row.rule == "select":
                yield name, (BOOL, dtype, dtype)
            elif result_dtype(row, (dtype,) * row.arity)[0] == dtype:
                yield name, (dtype,) * row.arity


FORMS = list(forms())


def test_every_operator_has_its_row():
    assert {(name, dtypes[-1]) for name, dtypes in FORMS} == {
        (name, dtype) for name, row in ROWS.items() for dtype in row
    }


@pytest.mark.parametrize(
    "name, dtypes", FORMS, ids=lambda x: x if isinstance(x, str) else x[-1].name
)
def test_operator(name, dtypes):
    cases = np.array(list(itertools.product(*(NUMBERS[d] for d in dtypes)))).T
    cases = np.concatenate([cases, cases[:, : -cases.shape[1] % 4]], axis=1)
    kernel = by_llvm(operator_program(name, dtypes), 4)
    parts = [kernel(np.zeros(4), cases[:, i : i + 4])[0] for i in range(0, cases.shape[1], 4)]
    operands = [x.astype(d) for x, d in zip(cases, dtypes, strict=True)]
    with np.errstate(all="ignore"):
        reference = ELEMENTWISE[name].reference(*operands).astype(float)
    np.testing.assert_allclose(np.concatenate(parts, axis=1)[0], reference, rtol=1e-15)


def affine_in_arguments():
    """(t + y0 * q0, y1 - q1 * p0), a trap where y0 < 0."""
    graph = Graph()
    state, p = graph.state((4,), FLOAT), graph.param(0, (), FLOAT)
    y0, y1, q0, q1 = (graph.element(state, i) for i in range(4))
    first = graph.elementwise("add", graph.time(), graph.elementwise("multiply", y0, q0))
    second = graph.elementwise("subtract", y1, graph.elementwise("multiply", q1, p))
    output = graph.concat([graph.reshape(x, (1,)) for x in (first, second)], 0)
    trap = graph.elementwise("less", y0, graph.const(0.0))
    return Program(output, trap, (4,), FLOAT, 1)


@pytest.mark.parametrize("width", WIDTHS)
def test_own_arguments_time_and_trap(width):
    rng = np.random.default_rng(width)
    t, y, q = rng.normal(size=width), rng.normal(size=(2, width)), rng.normal(size=(2, width))
    out, mask = by_llvm(affine_in_arguments(), width, n=2)(t, y, [0.3], q)
    np.testing.assert_array_equal(out, [t + y[0] * q[0], y[1] - q[1] * 0.3])
    assert mask == sum(1 << i for i in range(width) if y[0, i] < 0)


@pytest.mark.skipif(GCC is None, reason="no gcc")
@pytest.mark.parametrize("width", [1, 4])
def test_own_arguments_time_and_trap_in_c(width, tmp_path):
    rng = np.random.default_rng(width)
    t, y, q = rng.normal(size=width), rng.normal(size=(2, width)), rng.normal(size=(2, width))
    out, mask = by_gcc(affine_in_arguments(), width, tmp_path, n=2)(t, y, [0.3], q)
    expected, bits = by_llvm(affine_in_arguments(), width, n=2)(t, y, [0.3], q)
    np.testing.assert_array_equal(out, expected)
    assert mask == bits


def system(n):
    graph = Graph()
    state = graph.state((n * n + n,), FLOAT)
    matrix = graph.view(state, 0, (n, 1), (n, n))
    right = graph.view(state, n * n, (1,), (n,))
    return Program(graph.solve(matrix, right), None, (n * n + n,), FLOAT, 0)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_systems_of_equations(n):
    rng = np.random.default_rng(n)
    a, b = rng.normal(size=(4, n, n)), rng.normal(size=(4, n))
    a[2, :, 0] = 0.0  # without a solution
    y = np.concatenate([a.reshape(4, -1), b], axis=1).T
    out, mask = by_llvm(system(n), 4)(np.zeros(4), y)
    assert mask == 0b100
    for lane in (0, 1, 3):
        np.testing.assert_allclose(out[:, lane], np.linalg.solve(a[lane], b[lane]), rtol=1e-11)


def test_large_systems_are_refused():
    with pytest.raises(Refused, match="40 linear equations"):
        emit_llvm(system(40), "kernel", 4, 40 * 41)


@pytest.mark.parametrize("kind", ["const", "param", "computed"])
@pytest.mark.parametrize("width", [1, 4])
def test_interpolation_tables(kind, width):
    """np.interp, as the tracer writes it: a search, and two elements of each table."""
    graph = Graph()
    at, values = np.array([0.0, 0.5, 0.7, 1.5, 4.0]), np.array([1.0, 3.0, -2.0, 0.5, 9.0])
    x = graph.reshape(graph.state((1,), FLOAT), ())
    if kind == "const":
        table, heights = graph.const(at), graph.const(values)
    else:
        table, heights = graph.param(0, (5,), FLOAT), graph.param(5, (5,), FLOAT)
    if kind == "computed":  # from the time, which is 1 in every lane
        table, heights = (graph.elementwise("multiply", a, graph.time()) for a in (table, heights))
    index = graph.searchsorted(table, x, "right")
    left = graph.elementwise("subtract", index, graph.const(1))
    (x0, x1), (y0, y1) = (
        (graph.gather(array, left), graph.gather(array, index)) for array in (table, heights)
    )
    rise = graph.elementwise(
        "divide", graph.elementwise("subtract", y1, y0), graph.elementwise("subtract", x1, x0)
    )
    output = graph.elementwise(
        "add", y0, graph.elementwise("multiply", rise, graph.elementwise("subtract", x, x0))
    )
    program = Program(graph.reshape(output, (1,)), None, (1,), FLOAT, 10)
    given = np.linspace(0.01, 3.9, width)[None, :]
    out, _ = by_llvm(program, width)(np.ones(width), given, [*at, *values])
    np.testing.assert_allclose(out, np.interp(given, at, values), rtol=1e-13)


def test_functions_of_scipy_special_lane_by_lane():
    x = np.linspace(0.1, 9.0, 50)
    np.testing.assert_array_equal(Function("special_j0", 4)(x), scipy.special.j0(x))
    with pytest.raises(Refused, match=r"scipy\.special\.j0"):
        emit_c({"kernel": operator_program("special_j0")}, 1)


def test_complex_numbers_are_refused():
    graph = Graph()
    state = graph.state((2,), COMPLEX)
    with pytest.raises(Refused, match="complex"):
        emit_llvm(Program(graph.elementwise("exp", state), None, (2,), COMPLEX, 0), "kernel", 4, 2)


def test_what_is_too_large_is_refused():
    graph = Graph()
    program = Program(
        graph.elementwise("exp", graph.state((30_000,), FLOAT)), None, (30_000,), FLOAT, 0
    )
    with pytest.raises(Refused, match="operations"):
        emit_llvm(program, "kernel", 4, 30_000)


SOFTENED = """
declare double @llvm.fabs.f64(double)
define double @softened(double %x, double %y) {
  %size = call double @llvm.fabs.f64(double %x)
  %below = fadd double %size, %y
  %result = fdiv double %x, %below
  ret double %result
}
"""


@pytest.mark.parametrize("width", [1, 4])
def test_registered_operators_lane_by_lane(width):
    def softened(x, y):
        return x / (abs(x) + y)

    def fun(t, y):
        return [softened(y[0], y[1]), abs(y[0])]

    diffsol.register_op(softened, llvm=SOFTENED)
    program = trace_function(fun, (), (2,), FLOAT, (2,), FLOAT).program
    assert any(node.op.startswith("registered") for node in program.nodes)
    y = np.random.default_rng(0).normal(size=(2, width)) + 3.0
    out, _ = by_llvm(program, width)(np.zeros(width), y)
    np.testing.assert_array_equal(out, fun(0.0, y))
    with pytest.raises(Refused, match="register_op"):
        emit_c({"kernel": program}, 2)
