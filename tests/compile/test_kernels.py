"""What the hypothesis tests leave out: big programs, threads, flags by size, the operator table."""

from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest

from compile import sample_programs as samples
from compile.kernels import as_doubles, call
from diffsol._compile import plan
from diffsol._compile.cpu import compile_program
from diffsol._compile.llvm_ops import ROWS, operand_dtype
from diffsol._graph import interpret
from diffsol._graph.build import Graph
from diffsol._graph.node import Program
from diffsol._graph.ops import BOOL, COMPLEX, ELEMENTWISE, FLOAT, INT, result_dtype
from diffsol._trace.trace import trace_function

SAMPLES = [
    ("lorenz", 3),
    ("hodgkin_huxley", 4),
    ("pleiades", 28),
    ("many_statements", 200),
    ("heat", 50),
    ("roll", 50),
    ("brusselator", 60),
    ("padded", 50),
    ("grid", 144),
    ("three_body", 18),
    ("decays", 40),
    ("quantum", 20),
]


def sample(name, n):
    dtype = COMPLEX if name == "quantum" else FLOAT
    program = samples.program(getattr(samples, name), n, dtype=dtype)
    y = np.random.default_rng(0).uniform(0.5, 1.5, n).astype(dtype)
    return program, y


def test_many_loops():
    """Beyond some thousand lines the optimiser would take seconds for loops, too."""
    n, graph = 60, Graph()
    state = x = graph.state((n,), FLOAT)
    for k in range(200):
        matrix = graph.const(np.random.default_rng(k).normal(size=(n, n)) / n)
        x = graph.elementwise("add", graph.matmul(matrix, x), graph.cumsum(state, 0))
    program = Program(x, None, (n,), FLOAT, 0)
    kernel = compile_program(program)
    assert not kernel.unrolled
    assert kernel.ir.count("\n") > plan.LARGE_LINES
    y = np.random.default_rng(0).normal(size=n)
    value, code, flags = call(kernel, 0.3, y, [])
    np.testing.assert_allclose(value, interpret.run(program, 0.3, y, [])[0], rtol=1e-12)
    assert (code, flags) == (0, 0)
    found = [plan.effort(lines, False) for lines in (plan.LARGE_LINES + 1, plan.HUGE_LINES + 1)]
    assert found == [plan.Effort("peephole", 1), plan.Effort("peephole", 0)]


@pytest.mark.parametrize(("name", "n"), SAMPLES)
@pytest.mark.parametrize(
    "options", [{"unrolled": True}, {"unrolled": False}, {"unrolled": True, "quick": True}]
)
def test_samples(name, n, options):
    program, y = sample(name, n)
    value, code, flags = call(compile_program(program, **options), 0.3, y, [])
    np.testing.assert_allclose(
        value,
        as_doubles(interpret.run(program, 0.3, y, [])[0]),
        rtol=1e-13,
        atol=1e-13 * abs(value).max(),
    )
    assert (code, flags) == (0, 0)


@pytest.mark.parametrize("name", ["heat", "roll", "brusselator", "padded", "grid"])
def test_a_million_states(name):
    program, y = sample(name, 1_000_000)
    kernel = compile_program(program)
    assert not kernel.unrolled
    value, code, flags = call(kernel, 0.3, y, [])
    expected = as_doubles(interpret.run(program, 0.3, y, [])[0])
    np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-12 * abs(expected).max())
    assert (code, flags) == (0, 0)


@pytest.mark.parametrize("unrolled", [True, False])
@pytest.mark.parametrize("dtype", [FLOAT, COMPLEX])
def test_no_size_raises_flags_of_idle_lanes(unrolled, dtype):
    def function(graph, t, y):
        return samples.Value(graph, y.node).apply("divide", y[::-1]) + y.apply("sqrt")

    for n in range(1, 42):
        program = samples.program(function, n, dtype=dtype)
        y = np.arange(1.0, n + 1).astype(dtype)
        value, _, flags = call(compile_program(program, unrolled=unrolled), 0.0, y, [])
        assert not flags
        np.testing.assert_allclose(value, as_doubles(y / y[::-1] + np.sqrt(y)), rtol=1e-15)


def test_every_operator_has_llvm_text_for_every_dtype_it_takes():
    graph = Graph()
    assert set(ROWS) == set(ELEMENTWISE)
    for name, row in ELEMENTWISE.items():
        for dtype in (BOOL, INT, FLOAT, COMPLEX):
            inputs = [graph.param(i, (2,), dtype) for i in range(row.arity)]
            try:
                if row.rule not in ("select", "make_complex"):
                    result_dtype(row, (dtype,) * row.arity)
                node = graph.elementwise(name, *inputs)
            except TypeError:
                continue
            if node.op == name:
                assert operand_dtype(node) in ROWS[name], (name, dtype)


def test_kernels_are_reentrant():
    program, _ = sample("brusselator", 20_000)
    kernel = compile_program(program)
    rng = np.random.default_rng(1)
    states = [rng.uniform(0.5, 1.5, 20_000) for _ in range(4)]
    expected = [call(kernel, 0.0, y, [])[0].copy() for y in states]
    wrong = []

    def work(y, value):
        for _ in range(50):
            if not np.array_equal(call(kernel, 0.0, y, [])[0], value):
                wrong.append(y)

    threads = [
        threading.Thread(target=work, args=pair) for pair in zip(states, expected, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_compiling_in_threads():
    kernels = []

    def work(n):
        program, y = sample("heat", n)
        kernels.append((compile_program(program), program, y))

    threads = [threading.Thread(target=work, args=(20 + i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for kernel, program, y in kernels:
        assert np.array_equal(call(kernel, 0.0, y, [])[0], interpret.run(program, 0.0, y, [])[0])


def rounds_for_few(t, y):
    rates = []
    for mean in y:
        anomaly, change = mean, 1.0
        while abs(change) > 1e-12:
            change = (anomaly - 0.3 * np.sin(anomaly) - mean) / (1 - 0.3 * np.cos(anomaly))
            anomaly = anomaly - change
        rates.append(np.cos(anomaly))
    return rates


def many_terms(t, y):
    return y * np.sum(y)


@pytest.mark.parametrize("fun, n, expected", [(rounds_for_few, 10, True), (many_terms, 500, False)])
def test_loops_over_few_elements_are_straight_line_code(fun, n, expected):
    """Rolled from a loop, it has sums of more terms than there are components."""
    program = trace_function(fun, (), (n,), FLOAT, (n,), FLOAT).program
    assert len(program.nodes) < 500
    assert max(map(plan._work, program.nodes)) > plan.SCALAR_CODE
    assert plan.unrolls(program) == expected


def test_importing_does_not_load_llvm():
    code = (
        "import sys, diffsol._compile.cpu; "
        "assert not [m for m in sys.modules if m.startswith('llvmlite')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
