"""Jacobian programs: of known problems, of random programs, compiled, with values, and products."""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import problems
from compile import sample_programs
from compile.kernels import as_doubles, call
from compile.random_programs import programs
from diffsol._compile.cpu import compile_program
from diffsol._graph import interpret
from diffsol._graph.build import Graph
from diffsol._graph.check import check
from diffsol._graph.jacobian import jacobian, jvp_program
from diffsol._graph.node import Program
from diffsol._graph.ops import COMPLEX, ELEMENTWISE, FLOAT
from diffsol._graph.special import TABLE as SPECIAL
from diffsol._graph.terms import TooLarge
from diffsol._trace.trace import trace_function
from graph.jacobians import differences, exact, moved, pattern, product, scatter, value
from tracing.idioms import COMPILED
from tracing.test_idioms import name_of


def traced(p):
    return trace_function(p.fun, p.params, (p.n,), FLOAT, (p.n,), FLOAT)


def parameters(p, result):
    block = np.empty(result.n_params)
    assert result.check(p.fun, p.params, block)
    return block


def state_of(p):
    return p.y0 + np.random.default_rng(0).uniform(0.01, 0.1, p.n)


WITH_JAC = [name for name in problems.names() if problems.load(name).jac is not None]


@pytest.mark.parametrize("unrolled", [True, False])
@pytest.mark.parametrize("name", WITH_JAC)
def test_problems_that_bring_their_jacobian(name, unrolled):
    p = problems.load(name)
    result, y = traced(p), state_of(p)
    found = jacobian(result.program)
    check(found.program)
    kernel = compile_program(found.program, unrolled=unrolled, quick=unrolled)
    values, asked, flags = call(kernel, 0.3, y, parameters(p, result))
    assert not asked
    assert not flags
    wanted = p.jac(0.3, y, *p.params)
    wanted = wanted.toarray() if hasattr(wanted, "toarray") else np.asarray(wanted)
    got = scatter(found, values, p.n, p.n)
    np.testing.assert_allclose(got, wanted, rtol=1e-13, atol=1e-15 * np.abs(wanted).max())


SAMPLES = {
    "lorenz": 3,
    "hodgkin_huxley": 4,
    "pleiades": 28,
    "three_body": 18,
    "many_statements": 200,
    "heat": 50,
    "roll": 50,
    "brusselator": 60,
    "padded": 40,
    "grid": 100,
    "decays": 40,
    "quantum": 12,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_sample_programs(name):
    n = SAMPLES[name]
    dtype = COMPLEX if name == "quantum" else FLOAT
    program = sample_programs.program(getattr(sample_programs, name), n, dtype=dtype)
    y = np.random.default_rng(2).uniform(0.5, 2.0, n).astype(dtype)
    found, wanted = jacobian(program), differences(program, 0.3, y)
    check(found.program)
    values, _, _ = call(compile_program(found.program), 0.3, as_doubles(y), np.empty(0))
    got = scatter(found, values.view(dtype), n, n)
    np.testing.assert_allclose(got, wanted, rtol=1e-7, atol=1e-9 * np.abs(wanted).max())
    v = np.random.default_rng(3).standard_normal(n)
    both = as_doubles(np.concatenate([y, v]))
    times, _, _ = call(compile_program(jvp_program(program)), 0.3, both, np.empty(0))
    np.testing.assert_allclose(
        times.view(dtype), got @ v, rtol=1e-10, atol=1e-12 * np.abs(got @ v).max()
    )


def test_folded_seeds_leave_only_real_work():
    """Robertson's Jacobian: no product with 0 or 1, no power, each product once."""
    p = problems.load("robertson")
    kernel = compile_program(jacobian(traced(p).program).program)
    work = [line for line in kernel.ir.splitlines() if " fmul " in line or " call " in line]
    assert len(work) == 4  # k2 y3, k2 y2, and the two of 2 k3 y2
    assert not any("0x0000000000000000" in line or "0x3FF0" in line for line in work)


@pytest.mark.parametrize("name", ["robertson", "hires", "brusselator_1d"])
def test_value_and_jacobian_in_one(name):
    p = problems.load(name)
    result, y = traced(p), state_of(p)
    block = parameters(p, result)
    alone, both = jacobian(result.program), jacobian(result.program, with_value=True)
    check(both.program)
    values, _, _ = call(compile_program(both.program), 0.3, y, block)
    np.testing.assert_allclose(values[: p.n], p.fun(0.3, y, *p.params), rtol=1e-12, atol=1e-12)
    jac, _ = interpret.run(alone.program, 0.3, y, block)
    np.testing.assert_allclose(values[p.n :], jac, rtol=1e-13)


def test_the_trap_is_kept():
    graph = Graph()
    y = graph.state((2,), FLOAT)
    trap = graph.elementwise("less", graph.view(y, 0, (), ()), graph.const(0.0))
    program = Program(graph.elementwise("square", y), trap, (2,), FLOAT, 0)
    for derived, states in (
        (jacobian(program).program, ([1.0, 2.0], [-1.0, 2.0])),
        (jvp_program(program), ([1.0, 2.0, 0, 0], [-1.0, 2.0, 0, 0])),
    ):
        kernel = compile_program(derived)
        assert [call(kernel, 0.0, y, np.empty(0))[1] for y in states] == [0, 1]


def test_columns_of_one():
    """SciPy's `vectorized` functions take and give columns."""

    def fun(t, y):
        return np.stack([y[1], -y[0] * y[1]])

    program = trace_function(fun, (), (2, 1), FLOAT, (2, 1), FLOAT).program
    y = np.array([[2.0], [3.0]])
    np.testing.assert_array_equal(exact(program, 0.0, y), [[0.0, 1.0], [-3.0, -2.0]])
    np.testing.assert_array_equal(product(program, 0.0, y, [1.0, 2.0]), [2.0, -7.0])


def test_an_event_has_a_gradient():
    program = trace_function(lambda t, y: y[0] * y[2] - t, (), (3,), FLOAT, (), FLOAT).program
    np.testing.assert_array_equal(exact(program, 0.0, np.array([2.0, 3.0, 5.0])), [[5.0, 0.0, 2.0]])


def test_complex_states_are_moved_along_the_real_axis():
    """y conj(y) is not holomorphic: SciPy's differences see twice the real part."""

    def fun(t, y):
        return y * np.conj(y) + 1j * np.abs(y)

    program = trace_function(fun, (), (2,), COMPLEX, (2,), COMPLEX).program
    y = np.array([3.0 + 4.0j, 1.0 - 1.0j])
    np.testing.assert_allclose(
        exact(program, 0.0, y), np.diag(2 * y.real + 1j * y.real / np.abs(y)), rtol=1e-14
    )


def test_a_deadline_is_kept():
    p = problems.load("hires")
    with pytest.raises(TooLarge, match="too long"):
        jacobian(traced(p).program, deadline=0.0)


# --- random programs ----------------------------------------------------------------------------


# differences see a slope where steps lie closer than they reach
STAIRS = ("floor_divide", "remainder", "fmod", "floor", "ceil", "trunc", "rint")
UNKNOWN = {f"special_{name}" for name, row in SPECIAL.items() if None in row.partials}
SLOPED = tuple(name for name in ELEMENTWISE if name not in STAIRS and name not in UNKNOWN)


def reliable_differences(program, t, y, params):
    """(matrix, where it can be believed): steps of three lengths and both directions agree."""
    h = 1e-4
    base = value(program, t, y, params)
    columns, sure = [], []
    for j in range(y.size):
        at = {k: value(program, t, moved(y, j, k * h), params) for k in (-2, -1, -1e-3, 1e-3, 1, 2)}
        near, tiny = (at[1] - at[-1]) / (2 * h), (at[1e-3] - at[-1e-3]) / (2e-3 * h)
        best = (4 * near - (at[2] - at[-2]) / (2 * h) / 2) / 3
        scale = 1e-3 * (1 + np.abs(best)) + 1e-5 * np.abs(base)
        kinks = np.abs(at[1] - 2 * base + at[-1]) / h
        sure.append(
            (np.abs(near - best) < 1e-2 * scale)
            & (np.abs(tiny - best) < scale)  # steps of floor() look like a slope from afar
            & (kinks < scale)
            & np.isfinite(best)
        )
        columns.append(best)
    return np.array(columns).T, np.array(sure).T


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(case=programs(SLOPED, wild=False), seed=st.integers(0, 99), unrolled=st.booleans())
def test_random_programs(case, seed, unrolled):
    program, t, y, params = case
    assume(program.output.dtype in (FLOAT, COMPLEX) and program.output.size)
    found = jacobian(program)
    check(found.program)
    assume(found.full or found.row.size)
    y = y + np.random.default_rng(seed).uniform(0.01, 0.3, y.shape)  # off kinks and ties
    rows, columns = program.output.size, y.size
    with np.errstate(all="ignore"):
        wanted, sure = reliable_differences(program, t, y, params)
        base = value(program, t, y, params)
    values, asked, flags = call(
        compile_program(found.program, unrolled=unrolled), t, as_doubles(y), params
    )
    assume(not asked and not flags)
    got = scatter(found, values.view(program.output.dtype), rows, columns)
    assert not np.any(wanted[sure & ~pattern(found, rows, columns)])
    error = 1e-4 * (1 + np.abs(wanted)) + 1e-9 * np.abs(base)[:, None]
    assert (np.abs(got - wanted)[sure] < error[sure]).all()
    v = np.random.default_rng(seed).standard_normal(columns)
    with np.errstate(all="ignore"):
        times = product(program, t, y, v, params)
    if np.isfinite(times).all():
        scale = np.abs(got) @ np.abs(v)
        np.testing.assert_array_less(np.abs(times - got @ v), 1e-9 * scale + 1e-12)


# --- what people write --------------------------------------------------------------------------


@pytest.mark.parametrize("fun, n, args", COMPILED, ids=[name_of(c[0]) for c in COMPILED])
def test_idioms(fun, n, args):
    result = trace_function(fun, args, (n,), FLOAT, (n,), FLOAT)
    block = np.empty(result.n_params)
    assert result.check(fun, args, block)
    y = np.random.default_rng(1).uniform(0.2, 0.9, n)
    found = jacobian(result.program)
    check(found.program)
    with np.errstate(all="ignore"):
        wanted, sure = reliable_differences(result.program, 0.37, y, block)
        values, _ = interpret.run(found.program, 0.37, y, block)
    assert sure.mean() > 0.5
    got = scatter(found, values, n, n)
    assert not np.any(wanted[sure & ~pattern(found, n, n)])
    np.testing.assert_allclose(got[sure], wanted[sure], rtol=1e-5, atol=1e-6)
