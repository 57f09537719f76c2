"""Loops over components become arrays: the same values, and code whose size does not grow with them."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compile.kernels import call
from compile.random_programs import EXACT, programs
from diffsol._compile.cpu import compile_program
from diffsol._graph import interpret, roll
from diffsol._graph.build import Graph
from diffsol._graph.check import check
from diffsol._graph.explode import exploded
from diffsol._graph.jacobian import jacobian
from diffsol._graph.node import Program
from diffsol._graph.ops import FLOAT
from diffsol._trace import trace
from graph.jacobians import differences, scatter

RNG = np.random.default_rng(5)


def stencil(t, y):
    n, d = len(y), np.zeros(len(y))
    for i in range(1, n - 1):
        d[i] = y[i + 1] - 2 * y[i] + y[i - 1] + 0.1 * t
    d[0], d[n - 1] = y[1] - y[0], y[n - 2] - y[n - 1]
    return d


OMEGA = RNG.normal(size=400)


def kuramoto(t, y):
    rates = []
    for i in range(len(y)):
        pull = 0.0
        for j in range(len(y)):
            if i != j:
                pull += np.sin(y[j] - y[i])
        rates.append(OMEGA[i] + 0.5 / len(y) * pull)
    return rates


def network(reactions):
    def rates(t, y):
        d = np.zeros(len(y))
        for a, b, c, k in reactions:
            r = k * y[a] * y[b]
            d[a] -= r
            d[b] -= r
            d[c] += r
        return d

    return rates


def reactions_of(species):
    ends = RNG.integers(0, species, (3, 3 * species))
    return [
        (int(a), int(b), int(c), float(k))
        for a, b, c, k in zip(*ends, RNG.uniform(size=3 * species), strict=True)
    ]


MASS = RNG.uniform(1, 2, 60)


def bodies(t, y):
    n = len(y) // 6
    position, velocity = y[: 3 * n].reshape(n, 3), y[3 * n :].reshape(n, 3)
    force = np.zeros((n, 3))
    for i in range(n):
        for j in range(i + 1, n):
            d = position[j] - position[i]
            w = d / (np.sqrt((d**2).sum() + 0.01)) ** 3
            force[i] += MASS[j] * w
            force[j] -= MASS[i] * w
    return np.concatenate([velocity.ravel(), force.ravel()])


def cable(t, y):
    d = np.zeros(len(y))
    n = len(y) // 3
    for i in range(n):
        v, m, h = y[3 * i : 3 * i + 3]
        flow = 0.0
        if i > 0:
            flow += y[3 * i - 3] - v
        if i < n - 1:
            flow += y[3 * i + 3] - v
        d[3 * i : 3 * i + 3] = [
            flow - m**3 * h * (v - 1.2),
            (1 - m) / (1 + np.exp(-v)) - m,
            -h * v,
        ]
    return d


def guarded(t, y):
    """Divisions of Python floats, which raise: the trap grows with the loop."""
    return [
        1.0 / (2.0 + float(y[i])) - float(y[i - 1]) / (float(y[i]) + 3.0) for i in range(len(y))
    ]


def rows(t, y):
    u = y.reshape(-1, 20)
    d = np.empty_like(u)
    for i in range(len(u)):
        d[i] = u[i - 1] - 2 * u[i] + u[(i + 1) % len(u)] - u[i] ** 2
    return d.ravel()


CASES = {
    "stencil": (stencil, 400, 1200),
    "kuramoto": (kuramoto, 40, 80),
    "network": (network(reactions_of(150)), 150, None),
    "bodies": (bodies, 6 * 12, 6 * 24),
    "cable": (cable, 240, 480),
    "guarded": (guarded, 150, 300),
    "rows": (rows, 20 * 60, 20 * 120),
}


def traced(fun, n):
    result = trace.trace_function(fun, (), (n,), FLOAT, (n,), FLOAT)
    block = np.empty(result.n_params)
    assert result.check(fun, (), block)
    return result.program, block


@pytest.mark.parametrize("name", CASES)
def test_a_loop_means_the_same(name):
    fun, n, _ = CASES[name]
    program, block = traced(fun, n)
    check(program)
    assert len(program.nodes) < 120
    kernel = compile_program(program)
    for _ in range(3):
        y = RNG.uniform(-1, 1, n)
        value, asked, flags = call(kernel, 0.7, y, block)
        assert not asked
        assert not flags
        np.testing.assert_allclose(value, fun(0.7, y), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name][2]])
def test_code_does_not_grow_with_the_loop(name):
    fun, n, larger = CASES[name]
    one, other = (len(traced(fun, k)[0].nodes) for k in (n, larger))
    assert other <= one + 4


@pytest.mark.parametrize("name", CASES)
def test_jacobian_of_a_loop(name):
    fun, n, _ = CASES[name]
    program, block = traced(fun, n)
    found = jacobian(program)
    check(found.program)
    y = RNG.uniform(0.1, 1, n)
    values, _, _ = call(compile_program(found.program), 0.7, y, block)
    got = scatter(found, values, n, n)
    wanted = differences(program, 0.7, y, block)
    np.testing.assert_allclose(got, wanted, rtol=2e-6, atol=2e-6)


def test_the_trap_of_a_loop():
    program, block = traced(guarded, 150)
    kernel, y = compile_program(program), np.zeros(150)
    assert call(kernel, 0.0, y, block)[1] == 0
    y[57] = -2.0
    assert call(kernel, 0.0, y, block)[1] == 1
    with pytest.raises(ZeroDivisionError):
        guarded(0.0, y)


def test_small_programs_stay_as_they_are():
    program, _ = traced(kuramoto, 8)
    assert roll.rolled(program) is program


# --- any program ------------------------------------------------------------------------------

thorough = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


def same(program, other, t, y, params):
    with np.errstate(all="ignore"):
        (a, trap_a), (b, trap_b) = (interpret.run(p, t, y, params) for p in (program, other))
    assert trap_a == trap_b
    np.testing.assert_array_equal(a, b)


@thorough
@given(case=programs(EXACT))
def test_exploded(case):
    program, t, y, params = case
    if any(node.op in ("matmul", "sum", "prod") for node in program.nodes):
        return  # the interpreter leaves their order to NumPy
    other = exploded(program)
    check(other)
    same(program, other, t, y, params)


@st.composite
def loops(draw):
    """A program of many scalars: random operators on random earlier ones, sums, and a random output."""
    graph = Graph()
    size = draw(st.integers(3, 8))
    state = graph.state((size,), FLOAT)
    level = [graph.element(state, i) for i in range(size)]
    level += [graph.param(i, (), FLOAT) for i in range(3)] + [graph.const(0.0), graph.time()]
    level += [graph.const(-0.0), graph.const(1.5)]
    for _ in range(draw(st.integers(1, 4))):
        made = []
        for _ in range(draw(st.integers(2, 12))):
            names = ("add", "subtract", "multiply", "minimum", "negative", "sum")
            name = draw(st.sampled_from(names))
            picks = draw(st.lists(st.sampled_from(level), min_size=2, max_size=2))
            if name == "sum":
                total = draw(st.sampled_from([graph.const(0.0), picks[0]]))
                for x in draw(st.lists(st.sampled_from(level), min_size=1, max_size=9)):
                    sign = draw(st.sampled_from(("add", "subtract")))
                    total = graph.elementwise(sign, total, x)
                made.append(total)
            else:
                made.append(graph.elementwise(name, *picks[: 1 if name == "negative" else 2]))
        level = level + made
    out = [graph.reshape(x, (1,)) for x in draw(st.lists(st.sampled_from(level), min_size=2))]
    program = Program(graph.concat(out, 0), None, (size,), FLOAT, 3)
    numbers = st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.3, 1e300, -2.5])
    y = np.array(draw(st.lists(numbers, min_size=size, max_size=size)))
    return program, 0.25, y, np.array(draw(st.lists(numbers, min_size=3, max_size=3)))


@thorough
@given(case=loops())
def test_rolled_to_the_bit(case):
    program, t, y, params = case
    rolling = roll._Rolling(program)
    other = rolling.run()
    check(other)
    a, b = (
        call(compile_program(p, unrolled=unrolled), t, y, params)[0]
        for p, unrolled in ((program, True), (other, False))
    )
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(np.signbit(a), np.signbit(b))


@thorough
@given(case=loops(), alike=st.integers(2, 4))
def test_groups_of_any_size(case, alike):
    program, t, y, params = case
    fewest, roll.FEWEST_ALIKE = roll.FEWEST_ALIKE, alike
    try:
        other = roll._Rolling(program).run()
    finally:
        roll.FEWEST_ALIKE = fewest
    check(other)
    a, b = (
        call(compile_program(p, unrolled=unrolled), t, y, params)[0]
        for p, unrolled in ((program, True), (other, False))
    )
    np.testing.assert_array_equal(a, b)


def test_large_arrays_are_not_taken_apart(monkeypatch):
    """Scalars of 120 products of large matrices would take longer than loops over them do to compile."""

    def fun(t, y):
        return np.array([y @ (WEIGHTS * y[i]) @ y for i in range(len(y))])

    def refuse(program):
        raise AssertionError("taken apart")

    monkeypatch.setattr(roll, "exploded", refuse)
    program, _ = traced(fun, 60)
    assert len(program.nodes) < 400
    with pytest.raises(AssertionError, match="taken apart"):
        traced(rows, 20 * 60)


WEIGHTS = RNG.normal(size=(60, 60))
